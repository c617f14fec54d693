"""A service is away for 35 seconds: four retries ten seconds apart reach it, three do not."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Server
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

AWAY = 35.0


def _act(stage: Stage) -> None:
    stage.task("like_page").delay(7)


def _liked(stage: Stage) -> str | None:
    attempts = stage.ledger.entries("request")
    if any(attempt["status"] == 200 for attempt in attempts):
        return None
    if not attempts:
        return "never tried"
    return f"given up after {len(attempts)} attempts, the last at {attempts[-1].time:g} s"


witness = Witness(
    Scenario(
        invariant=Invariant("four retries, ten seconds apart, outlast 35 seconds without the service", _liked),
        act=_act,
        servers={"https://social.example/": Server(down=(0, AWAY), refuses=True)},
        budget={},
        pace=5,
        further=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
    )
)
