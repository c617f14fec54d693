"""What is kept of a proof."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.trace import Event, fingerprint
from flake8_tasks.runtime.proof import Further, Line, Proof, Shown, Side
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.keeping import forget_others, keep, kept
from flake8_tasks.witnesses.witness import Case

EVENTS = (
    Event(0, "client", "publish", "", "charge#1", to="broker"),
    Event(0.5, "worker/0", "fault", "charge#1", "child-killed: charge#1 before line shop/tasks.py:3"),
)
BROKEN = Shown((0, 1), ("child-killed: charge#1 before line shop/tasks.py:3",), "never charged", EVENTS, {"rows": [1]})
PROOF = Proof(
    "TSK999",
    "charge-early",
    True,
    "an order is charged",
    (Fault.CHILD_KILLED,),
    {"fault": 1},
    Side(2, 2, 1, {"never charged": 1}, BROKEN, {"shop/tasks.py:3": Line(1, 1)}),
    Side(2, 2, 0, {}, None, {}, replace(BROKEN, violation="", schedule=())),
    (Further(Fault.DUPLICATED, 3, 1, "charged twice"),),
    fingerprint(EVENTS),
    0.25,
)
NOTHING = Scenario(Invariant("an order is charged", lambda stage: None), lambda stage: None)
CASE = Case("TSK999", "charge-early", "atomicity/charge_early.json", {}, {}, NOTHING, "")


def test_runs_are_kept_as_people_read_them_with_the_fingerprint_of_all_that_happened() -> None:
    shortest = kept(PROOF)["bad"]["shortest"]
    assert shortest["schedule"] == [0, 1]
    assert shortest["timeline"][-1] == "! broken: never charged"
    assert "sends charge#1" in shortest["timeline"][0]
    assert shortest["trace"] == fingerprint(EVENTS)
    assert set(shortest) == {"schedule", "faults", "violation", "timeline", "trace"}


def test_seconds_are_not_kept() -> None:
    assert kept(PROOF) == kept(replace(PROOF, seconds=2.0))


def test_a_kept_proof_is_a_file_that_shows_well_in_a_review(tmp_path: Path) -> None:
    text = keep(CASE, PROOF, tmp_path).read_text("utf-8")
    assert text.endswith("}\n")
    assert json.loads(text) == json.loads(json.dumps(kept(PROOF)))
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert '    "! broken: never charged"\n' in text


def test_what_can_no_longer_be_proved_is_forgotten(tmp_path: Path) -> None:
    kept_path = keep(CASE, PROOF, tmp_path)
    gone = keep(replace(CASE, path="atomicity/gone.json"), PROOF, tmp_path)
    forget_others((CASE,), tmp_path)
    assert kept_path.exists()
    assert not gone.exists()
