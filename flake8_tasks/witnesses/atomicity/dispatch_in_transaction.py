"""A worker is quicker than the commit, or the commit never comes."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Variant, Witness


def _act(stage: Stage) -> None:
    stage.module("shop.services").place_order("ann@shop.test")


def _confirmed(stage: Stage) -> str | None:
    confirmed = [name for name, state in stage.states.items() if state == "SUCCESS"]
    failed = [name for name, state in stage.states.items() if state == "FAILURE"]
    orders = len(stage.rows("Order"))
    if failed:
        return f"{failed[0]} found no order; {orders} committed, {len(confirmed)} confirmed"
    return None


_INVARIANT = Invariant("no confirmation looks for an order that is not there", _confirmed)

witness = Witness(
    Scenario(invariant=_INVARIANT, act=_act, budget={"switch": 1}, further=[Fault.DUPLICATED, Fault.NODE_KILLED]),
    variants=[
        Variant("the client killed", Scenario(invariant=_INVARIANT, act=_act, faults=[Fault.CLIENT_KILLED])),
    ],
)
