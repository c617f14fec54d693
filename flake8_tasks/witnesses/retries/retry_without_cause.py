"""A service stays away until the retries are used up: what does the result say went wrong?"""

from __future__ import annotations

import math

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Server
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness


def _act(stage: Stage) -> object:
    return stage.task("book_courier").delay(7).id


def _cause_is_known(stage: Stage) -> str | None:
    result = stage.task("book_courier").AsyncResult(stage.acted)
    kind = type(result.result).__name__
    return None if kind == "ConnectionError" else f"the result says {kind}"


witness = Witness(
    Scenario(
        invariant=Invariant("the result of a task that failed names the cause: ConnectionError", _cause_is_known),
        act=_act,
        servers={"https://courier.example/": Server(down=(0, math.inf), refuses=True)},
        budget={},
        pace=200,
        further=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
    )
)
