"""Somebody who can write to the broker sends a pickled message: unpickled, it runs what it likes."""

from __future__ import annotations

import pickle

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

TRESPASS = "code of the message runs in the worker"


def trespass() -> list[str]:
    """What the message makes the worker call."""
    if runs := host.current():
        runs.record("intrusion", TRESPASS)
    return ["harmless"]


class _Message:
    def __reduce__(self) -> tuple[object, tuple[()]]:
        return trespass, ()


def _act(stage: Stage) -> None:
    task = stage.task("export")
    body = pickle.dumps(((_Message(),), {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}))
    headers = {"task": task.name, "id": "0" * 8, "lang": "py", "argsrepr": "", "kwargsrepr": "{}", "retries": 0}
    with stage.program.app.producer_or_acquire() as producer:
        producer.publish(
            body,
            routing_key="celery",
            headers=headers,
            correlation_id=headers["id"],
            content_type="application/x-python-serialize",
            content_encoding="binary",
        )


def _nothing_ran(stage: Stage) -> str | None:
    return TRESPASS if any(event.kind == "intrusion" for event in stage.events) else None


witness = Witness(
    Scenario(invariant=Invariant("a message is data: no code in it runs", _nothing_ran), act=_act, budget={})
)
