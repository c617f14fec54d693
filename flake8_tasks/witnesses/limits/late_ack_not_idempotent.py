"""A worker is killed after it has charged a card and before it has acknowledged the message."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Answer, Request
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

BAD = """\
import requests
from celery import Celery

app = Celery("shop")
app.conf.task_time_limit = 300


@app.task(acks_late=True, reject_on_worker_lost=True)
def charge(order):
    requests.post("https://payments.example/charges", json={"order": order}, timeout=10)
"""

GOOD = """\
import requests
from celery import Celery

app = Celery("shop")
app.conf.task_time_limit = 300


@app.task(acks_late=True, reject_on_worker_lost=True)
def charge(order):
    key = {"Idempotency-Key": f"charge-{order}"}
    requests.post("https://payments.example/charges", json={"order": order}, headers=key, timeout=10)
"""


def _act(stage: Stage) -> None:
    stage.task("charge").delay(7)


def _charge(request: Request) -> Answer:
    return Answer(json={})


def _charged_once(stage: Stage) -> str | None:
    keys = [request["key"] for request in stage.ledger.entries("request")]
    charges = keys.count(None) + len({key for key in keys if key})
    return f"charged {charges} times" if charges > 1 else None


witness = Witness(
    Scenario(
        invariant=Invariant("an order is charged at most once", _charged_once),
        act=_act,
        servers={"https://payments.example/": _charge},
        faults=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
        further=[Fault.DUPLICATED, Fault.ANSWER_LOST],
    ),
    code="TSK506",
    bad=BAD,
    good=GOOD,
)
