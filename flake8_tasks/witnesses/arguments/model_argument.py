"""A model instance is sent to a task: with JSON it never leaves, with pickle the task saves a stale copy."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Variant, Witness

OLD, NEW = "PyCon", "PyCon 2026"


def _prepare(stage: Stage) -> None:
    stage.model("Event").objects.create(name=OLD)


def _count(stage: Stage) -> None:
    stage.module("events.views").count(OLD)


def _count_and_rename(stage: Stage) -> None:
    _count(stage)
    stage.model("Event").objects.filter(name=OLD).update(name=NEW)


def _counted(stage: Stage) -> str | None:
    number = stage.rows("Event")[0]["attendees_number"]
    return None if number == 9001 else f"attendees_number is {number}"


def _renamed(stage: Stage) -> str | None:
    name = stage.rows("Event")[0]["name"]
    return None if name == NEW else f"the event is called {name} again"


def with_pickle(text: str) -> str:
    """The program with pickle let in, which carries what JSON cannot."""
    options = 'task_time_limit=300, task_serializer="pickle", accept_content=["pickle"]'
    return text.replace("app.conf.task_time_limit = 300", f"app.conf.update({options})")


witness = Witness(
    Scenario(
        invariant=Invariant("the event's number of attendees is updated", _counted),
        act=_count,
        prepare=_prepare,
        budget={"switch": 1},
        further=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
    ),
    variants=[
        Variant(
            "with pickle",
            Scenario(
                invariant=Invariant("a name given to the event meanwhile is not lost", _renamed),
                act=_count_and_rename,
                prepare=_prepare,
                budget={"switch": 1},
            ),
            with_pickle,
        )
    ],
)
