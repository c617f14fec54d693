"""A worker's child is killed in the midst of a task: is its message still there?"""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Variant, Witness

BAD = """\
import requests
from celery import Celery

app = Celery("shop")
app.conf.task_time_limit = 300


@app.task(acks_late=True)
def publish(page):
    requests.put(f"https://site.example/pages/{page}", timeout=10)
"""


def _act(stage: Stage) -> None:
    stage.task("publish").delay(7)


def _published(stage: Stage) -> str | None:
    return None if stage.ledger.entries("request") else "the page was never published"


def acknowledged_early(text: str) -> str:
    """The program as Celery has it by default: acknowledged before the task runs."""
    return text.replace("@app.task(acks_late=True)", "@app.task")


_SCENARIO = Scenario(
    invariant=Invariant("a page is published, whatever becomes of one worker process", _published),
    act=_act,
    faults=[Fault.CHILD_KILLED],
    further=[Fault.NODE_KILLED],
)

witness = Witness(
    _SCENARIO,
    variants=[Variant("acknowledged early", _SCENARIO, acknowledged_early)],
    code="TSK505",
    bad=BAD,
    good=BAD.replace("acks_late=True", "acks_late=True, reject_on_worker_lost=True"),
)
