"""Celery beat runs for a day."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.simulation import DAY
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness


def _act(stage: Stage) -> None:
    stage.beat(DAY)


def _once_a_day(stage: Stage) -> str | None:
    times = sum(state == "SUCCESS" for state in stage.states.values())
    return None if times == 1 else f"reminded {times} times"


witness = Witness(Scenario(invariant=Invariant("customers are reminded once a day", _once_a_day), act=_act, budget={}))
