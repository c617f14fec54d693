from __future__ import annotations

import json
import re
from typing import Any

import pytest

from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.proof import Line, Proof, Shown


def document() -> dict[str, Any]:
    """As the command prints it."""
    run = {
        "schedule": [0, 1],
        "faults": ["refused: update_data#1 before request GET https://facebook.test/me"],
        "violation": "status is updated, name is not",
        "events": [
            [0, "client", "publish", "update_data#1", "", "", "broker"],
            [0.1, "client", "violation", "", "", "", ""],
        ],
        "final": {"rows": {"User 1": {"status": "updated"}}},
    }
    return {
        "code": "TSK601",
        "name": "save-before-request",
        "holds": True,
        "invariant": "a row is updated whole or not at all",
        "faults": ["refused"],
        "budget": {"fault": 1},
        "bad": {
            "explored": 12,
            "known": 12,
            "hazards": 6,
            "violations": {"status is updated, name is not": 6},
            "shortest": run,
            "lines": {"people/tasks.py:9": {"explored": 2, "hazards": 1}},
        },
        "good": {
            "explored": 12,
            "known": 12,
            "hazards": 0,
            "violations": {},
            "shortest": None,
            "lines": {},
            "shown": {**run, "violation": ""},
        },
        "further": [{"fault": "node-killed", "explored": 9, "hazards": 2, "violation": "a mail is sent twice"}],
        "trace": "0123456789abcdef",
        "seconds": 0.31,
    }


def test_a_proof_is_read_and_written_as_it_was() -> None:
    assert Proof.from_json(document()).to_json() == document()
    assert json.loads(json.dumps(Proof.from_json(document()).to_json())) == document()


def test_what_is_read() -> None:
    proof = Proof.from_json(document())
    assert proof.bad.lines == {"people/tasks.py:9": Line(2, 1)}
    assert proof.bad.shown is None
    assert proof.bad.drawn == proof.bad.shortest
    assert proof.good.drawn is not None
    assert proof.good.drawn.events[0] == Event(0, "client", "publish", "update_data#1", "", "", "broker")


def test_a_run_alone_can_be_read() -> None:
    run = document()["bad"]["shortest"]
    assert Shown.from_json(run).to_json() == run


def at(path: str, value: object) -> dict[str, Any]:
    """The document with another value at a path, or without the key when it is `...`."""
    changed = document()
    *parts, last = path.split(".")
    inside: Any = changed
    for part in parts:
        inside = inside[int(part) if isinstance(inside, list) else part]
    if value is ...:
        del inside[last]
    else:
        inside[int(last) if isinstance(inside, list) else last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("code", ..., "code is missing"),
        ("code", 601, "code is not a string"),
        ("holds", 1, "holds is not true or false"),
        ("faults", "refused", "faults is not a list"),
        ("faults.0", None, "faults[0] is not a string"),
        ("budget.fault", -1, "budget.fault is not a whole number from 0 on"),
        ("budget", [], "budget is not an object"),
        ("bad", None, "bad is not an object"),
        ("bad.explored", True, "bad.explored is not a whole number from 0 on"),
        ("bad.shortest", ..., "bad.shortest is missing"),
        ("bad.shortest.schedule.1", 0.5, "bad.shortest.schedule[1] is not a whole number from 0 on"),
        ("bad.shortest.events.0", [0, "client"], "bad.shortest.events[0] is not a list of 7"),
        ("bad.shortest.events.0.0", "0", "bad.shortest.events[0][0] is not a number from 0 on"),
        ("bad.shortest.events.0.0", float("nan"), "bad.shortest.events[0][0] is not a number from 0 on"),
        ("bad.shortest.events.0.1", None, "bad.shortest.events[0][1] is not a string"),
        ("bad.shortest.final", [], "bad.shortest.final is not an object"),
        ("bad.lines.people/tasks", {}, "bad.lines.people/tasks.explored is missing"),
        ("good.shown.violation", None, "good.shown.violation is not a string"),
        ("good.show", {}, "good.show is no part of a proof"),
        ("further.0.hazards", ..., "further[0].hazards is missing"),
        ("seconds", float("inf"), "seconds is not a number from 0 on"),
        ("version", 1, "version is no part of a proof"),
    ],
)
def test_a_malformed_proof_names_the_key(path: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^proof: {re.escape(message)}$"):
        Proof.from_json(at(path, value))


def test_a_document_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"^proof: the document is not an object$"):
        Proof.from_json([])
