"""A task saves half of a row, asks a server for the rest, and the request fails, or the worker is killed."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Answer, Request
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness


def _profile(request: Request) -> Answer:
    return Answer(json={"name": "Ann"})


def _prepare(stage: Stage) -> None:
    stage.model("User").objects.create(token="t")


def _act(stage: Stage) -> None:
    stage.task("update_data").delay(1)


def _whole_or_untouched(stage: Stage) -> str | None:
    user = stage.rows("User")[0]
    if (user["status"] == "updated") == (user["name"] == "Ann"):
        return None
    return f"status is {user['status']!r}, name is {user['name']!r}"


witness = Witness(
    Scenario(
        invariant=Invariant("a user is updated whole, or not at all", _whole_or_untouched),
        act=_act,
        prepare=_prepare,
        servers={"https://facebook.test/": _profile},
        faults=[Fault.REFUSED, Fault.TIMED_OUT, Fault.ANSWER_LOST, Fault.CHILD_KILLED, Fault.NODE_KILLED],
        further=[Fault.DUPLICATED],
    )
)
