"""Two reports of ten minutes are asked for, and then a password: what does its mail wait for?"""

from __future__ import annotations

from flake8_tasks.runtime.kernel.worker import Node
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Server
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

TEN_MINUTES = 600.0
PATIENCE = 60.0

BAD = """\
import requests
from celery import Celery

app = Celery("shop")
app.conf.task_time_limit = 1800


@app.task
def make_report(number):
    requests.post("https://reports.example/make", json={"report": number}, timeout=900)


@app.task
def mail_password(address):
    requests.post("https://mail.example/send", json={"to": address}, timeout=10)
"""

ROUTES = 'app.conf.task_routes = {"shop.tasks.make_report": {"queue": "slow"}}\n'


def _act(stage: Stage) -> None:
    for number in (1, 2):
        stage.task("make_report").delay(number)
    stage.task("mail_password").delay("ann@shop.test")


def _mailed_soon(stage: Stage) -> str | None:
    mails = [entry.time for entry in stage.ledger.entries("request") if "mail.example" in str(entry["url"])]
    if not mails:
        return "the mail never went out"
    return None if mails[0] <= PATIENCE else f"the mail went out after {mails[0]:g} s"


witness = Witness(
    Scenario(
        invariant=Invariant(f"a password goes out within {PATIENCE:g} s, whatever reports are made", _mailed_soon),
        act=_act,
        nodes=[Node("first worker", 1, ("celery",)), Node("second worker", 1, ("celery", "slow"))],
        servers={"https://reports.example/": Server(latency=TEN_MINUTES)},
        budget={"order": 1},
    ),
    code="TSK807",
    bad=BAD,
    good=BAD.replace("app.conf.task_time_limit = 1800\n", "app.conf.task_time_limit = 1800\n" + ROUTES),
)
