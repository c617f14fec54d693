"""A worker is killed while it holds a lock: who ever gets it again?"""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

HOUR = 3_600.0

BAD = """\
import requests
from celery import Celery
from django.core.cache import cache

app = Celery("shop")
app.conf.task_time_limit = 300


@app.task
def import_prices():
    if not cache.add("importing-prices", 1, timeout=None):
        return
    try:
        requests.get("https://prices.example/all", timeout=10)
    finally:
        cache.delete("importing-prices")
"""


def _act(stage: Stage) -> None:
    for _ in range(3):
        stage.task("import_prices").delay()
        stage.sleep(HOUR)


def _goes_on(stage: Stage) -> str | None:
    imports = [request.time for request in stage.ledger.entries("request")]
    if any(time >= HOUR for time in imports):
        return None
    return "after the first hour nothing was imported"


witness = Witness(
    Scenario(
        invariant=Invariant("one killed import costs one hour's prices, not all that follow", _goes_on),
        act=_act,
        faults=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
        further=[Fault.REFUSED],
    ),
    code="TSK610",
    bad=BAD,
    good=BAD.replace("timeout=None", "timeout=600"),
)
