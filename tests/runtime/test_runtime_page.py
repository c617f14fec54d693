"""docs/runtime.md says what the runtime has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flake8_tasks.runtime.kernel.choices import FAULT, ORDER, SWITCH
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.profiles import PROFILES

RUNTIME = Path(__file__).parents[2] / "flake8_tasks" / "runtime"
PAGE = (Path(__file__).parents[2] / "docs" / "runtime.md").read_text("utf-8")


def rows(head: str) -> dict[str, str]:
    """The first two cells of a table, by its head."""
    table = PAGE.partition(head)[2].lstrip("\n").partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    return {first: second for first, second, *_ in cells}


def test_faults_are_described_as_they_are() -> None:
    assert rows("| fault | what happens |") == {f"`{fault}`": fault.description for fault in Fault}


def test_every_broker_is_there() -> None:
    assert list(
        rows("| broker | unacknowledged messages of a killed worker | what is rejected and requeued | priorities |")
    ) == [f"`{name}`" for name in PROFILES]


def test_every_kind_of_choice_is_there() -> None:
    assert all(f"`{kind}`" in PAGE or kind == FAULT for kind in (FAULT, SWITCH, ORDER))


# Recorded by the name of a constant, or of a parameter.
BY_NAME = {"commit", "deadlock", "hard-limit", "horizon", "soft-limit", "starvation", "store", "stuck"}


def test_every_kind_of_event_that_is_recorded_is_there_and_no_other() -> None:
    recorded = set(BY_NAME)
    for path in RUNTIME.rglob("*.py"):
        text = path.read_text("utf-8")
        recorded |= set(re.findall(r'\brecord\(\s*"([a-z-]+)"', text))
        recorded |= set(re.findall(r'\brecord_for\(\s*[\w.]+(?:\([^)]*\))?(?:"[^"]*")?,\s*"([a-z-]+)"', text))
        recorded |= set(re.findall(r'\brecord_for\(\s*"\w+",\s*"([a-z-]+)"', text))
    documented = set(re.findall(r"`([a-z-]+)`", " ".join(rows("| kind | what happened |"))))
    assert recorded == documented


@pytest.mark.parametrize("kind", ["deadlock", "starvation", "stuck", "horizon", "endless", "violation", "fault"])
def test_what_ends_a_run_is_there(kind: str) -> None:
    assert any(f"`{kind}`" in name for name in rows("| kind | what happened |"))
