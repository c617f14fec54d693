"""A service that will never answer again: a message without a bound comes back for ever."""

from __future__ import annotations

import math

from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Server
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

HOUR = 3_600.0


def _act(stage: Stage) -> None:
    stage.task("charge").delay(7)


def _settled(stage: Stage) -> str | None:
    attempts = len(stage.ledger.entries("request"))
    return f"still in the queue after {attempts} attempts" if stage.simulation.ended == "horizon" else None


witness = Witness(
    Scenario(
        invariant=Invariant("a message that cannot succeed is settled within six hours", _settled),
        act=_act,
        servers={"https://payments.example/": Server(down=(0, math.inf), refuses=True)},
        budget={},
        horizon=6 * HOUR,
    )
)
