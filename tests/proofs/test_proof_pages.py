"""What a rule's page says of its proofs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flake8_tasks import proofs
from flake8_tasks.proofs.pages import proved

MODULE = "flake8_tasks.rules.atomicity.charge_early"
SHORTEST = {"schedule": [0, 2], "timeline": ["  0 s  client  sends charge#1", "! broken: charged twice"]}


def write(folder: Path, file: str = "charge_early", **changes: Any) -> None:
    proof: dict[str, Any] = {
        "code": "TSK699",
        "name": "charge-early",
        "invariant": "an order is charged once",
        "faults": ["child-killed", "refused"],
        "budget": {"fault": 2, "order": 0},
        "bad": {"explored": 9, "known": 9, "hazards": 4, "violations": {"charged twice": 4}, "shortest": SHORTEST},
        "good": {"explored": 1200, "known": 1200, "hazards": 0, "violations": {}},
        "further": [],
    }
    path = folder / "atomicity" / f"{file}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(proof | changes))


def said(folder: Path) -> str:
    return "\n\n".join(proved(MODULE, folder))


def test_a_rule_without_a_witness_has_none(tmp_path: Path) -> None:
    assert said(tmp_path) == ""


def test_the_invariant_the_counts_the_faults_and_the_shortest_run_are_said(tmp_path: Path) -> None:
    write(tmp_path)
    assert said(tmp_path) == (
        "Both programs below were run as real Celery tasks in [virtual time](../../runtime.md). "
        "What must hold: **an order is charged once**.\n\n"
        "| | hazard in | how it breaks |\n"
        "|---|---|---|\n"
        "| `bad` | 4 of 9 schedules | `charged twice` |\n"
        "| `good` | none of 1,200 schedules | - |\n\n"
        "[Faults](../../runtime.md#faults) that were tried: `child-killed`, `refused`; in one run at most 2 faults.\n\n"
        "The shortest run of `bad` that breaks it:\n\n"
        "```text\n  0 s  client  sends charge#1\n! broken: charged twice\n```\n\n"
        "`flake8-tasks prove TSK699` repeats the proof, `--replay 0,2` this run alone."
    )


def test_a_variant_has_a_heading_and_a_command_of_its_own_behind_the_rule_s_proof(tmp_path: Path) -> None:
    write(tmp_path, "charge_early-with-pickle", name="charge-early, with pickle")
    write(tmp_path)
    page = said(tmp_path)
    first, second = page.split("\n\n### With pickle\n\n")
    assert first.endswith("this run alone.")
    assert second.startswith("The same programs, with pickle. What must hold: **an order is charged once**.\n\n")
    assert "`flake8-tasks prove charge-early-with-pickle` repeats the proof" in second


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"faults": [], "budget": {}}, "No fault is needed, and there is one schedule only."),
        (
            {"faults": [], "budget": {"order": 1}},
            "No fault is needed; in one run at most 1 message taken before its turn.",
        ),
        ({"budget": {"fault": 1, "switch": 2}}, "in one run at most 1 fault and 2 times that others go first."),
        (
            {"bad": {"explored": 1, "known": 8, "hazards": 1, "violations": {"a|b": 1}, "shortest": SHORTEST}},
            "| `bad` | 1 of 1 schedule explored, 8 known | `a\\|b` |",
        ),
        (
            {
                "bad": {
                    "explored": 9,
                    "known": 9,
                    "hazards": 9,
                    "violations": {"a": 1, "b": 5, "c": 1, "d": 1, "e": 1},
                    "shortest": SHORTEST | {"schedule": []},
                }
            },
            "| `bad` | 9 of 9 schedules | `b`<br>`a`<br>`c`<br>2 more |",
        ),
        (
            {
                "further": [
                    {"fault": "duplicated", "explored": 5, "hazards": 2, "violation": "charged twice"},
                    {"fault": "answer-lost", "explored": 1001, "hazards": 0, "violation": ""},
                    {"fault": "node-killed", "explored": 7, "hazards": 0, "violation": ""},
                ]
            },
            "Under further faults even `good` breaks: `duplicated` (in 2 of 5 schedules: `charged twice`). "
            "`good` holds under `answer-lost` (1,001 schedules) and `node-killed` (7 schedules), too.",
        ),
    ],
)
def test_what_is_special_is_said(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write(tmp_path, **changes)
    assert words in said(tmp_path)


def test_the_run_without_anything_special_is_schedule_0(tmp_path: Path) -> None:
    side = {"explored": 1, "known": 1, "hazards": 1, "violations": {"a": 1}, "shortest": SHORTEST | {"schedule": []}}
    write(tmp_path, bad=side)
    assert said(tmp_path).endswith("`--replay 0` this run alone.")


def test_the_kept_proofs_are_shipped_with_the_package() -> None:
    (own, *variants) = proofs.kept("flake8_tasks.rules.waiting.result_in_task")
    assert (own["code"], own["name"], own["holds"]) == ("TSK301", "result-in-task", True)
    assert [variant["name"] for variant in variants] == ["result-in-task, the check switched off"]
