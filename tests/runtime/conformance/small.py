"""A program of one task and what is done with it: small enough to be known by heart."""

from __future__ import annotations

from typing import Any

from flake8_tasks.runtime.scenario import Scenario

FILES = {
    "shop/tasks.py": """\
import os
import time

import requests
from celery import Celery

app = Celery("shop")


@app.task(acks_late=True, reject_on_worker_lost=True)
def charge(order):
    requests.post("https://bank.example/charge", json={"order": order}, timeout=2)
    return order


@app.task
def early(order):
    requests.post("https://bank.example/charge", json={"order": order}, timeout=2)


@app.task(bind=True, default_retry_delay=0.5, max_retries=2)
def again(self, order):
    try:
        requests.post("https://bank.example/charge", json={"order": order}, timeout=2)
    except requests.ConnectionError as error:
        raise self.retry(exc=error)
""",
}


class ChargedOnce:
    """Each order is charged once."""

    words = "each order is charged once"

    def check(self, stage: Any) -> str | None:
        charges = len([entry for entry in stage.ledger.entries("request") if entry["status"] == 200])
        return None if charges == 1 else f"charged {charges} times"


def charge(stage: Any) -> None:
    stage.task("charge").delay(1)


def early(stage: Any) -> None:
    stage.task("early").delay(1)


def again(stage: Any) -> None:
    stage.task("again").delay(1)


FAULTS = ("child-killed", "node-killed", "refused", "answer-lost", "duplicated", "client-killed")
CHARGE = Scenario(invariant=ChargedOnce(), act=charge, faults=FAULTS)
EARLY = Scenario(invariant=ChargedOnce(), act=early, faults=FAULTS)
AGAIN = Scenario(invariant=ChargedOnce(), act=again, faults=FAULTS)
