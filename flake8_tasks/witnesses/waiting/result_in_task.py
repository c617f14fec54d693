"""Three tasks wait for tasks of their own in a pool of two: Celery refuses; unrefused, the pool waits for itself."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Variant, Witness

INVOICES = ("invoice#1", "invoice#2", "invoice#3")


def _act(stage: Stage) -> None:
    for order, _ in enumerate(INVOICES, 1):
        stage.task("invoice").delay(order)


def _all_made(stage: Stage) -> str | None:
    missing = [name for name in INVOICES if stage.states.get(name) != "SUCCESS"]
    return f"not made: {', '.join(missing)}" if missing else None


def _no_deadlock(stage: Stage) -> str | None:
    for event in stage.events:
        if event.kind == "deadlock":
            return f"at {event.time:g} s {event.detail}"
    return None


def unchecked(text: str) -> str:
    """The program with Celery's own check switched off."""
    return text.replace(".get()", ".get(disable_sync_subtasks=False)")


witness = Witness(
    Scenario(
        invariant=Invariant("every invoice is made", _all_made),
        act=_act,
        budget={"order": 1},
        further=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
    ),
    variants=[
        Variant(
            "the check switched off",
            Scenario(
                invariant=Invariant("the pool never waits for itself", _no_deadlock), act=_act, budget={"order": 1}
            ),
            unchecked,
        )
    ],
)
