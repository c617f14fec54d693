"""A server takes requests and never answers: two of them, and a pool of two has nobody left."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Answer, Server
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

SILENT, HEALTHY = "https://silent.example/rates", "https://healthy.example/rates"


def _act(stage: Stage) -> None:
    for url in (SILENT, SILENT, HEALTHY):
        stage.task("fetch_rates").delay(url)


def _others_are_served(stage: Stage) -> str | None:
    if any(request["url"] == HEALTHY for request in stage.ledger.entries("request")):
        return None
    return "healthy.example was never asked"


witness = Witness(
    Scenario(
        invariant=Invariant("a server that never answers costs other servers' rates nothing", _others_are_served),
        act=_act,
        servers={SILENT: Server(lambda request: Answer.never()), HEALTHY: Server()},
        budget={"order": 1},
        pace=30,
        further=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
    )
)
