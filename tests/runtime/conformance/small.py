"""A program of a few tasks and what is done with it: small enough to be known by heart."""

from __future__ import annotations

from functools import cache
from typing import Any

from celery import chord

from flake8_tasks.runtime.conformance.suite import Case
from flake8_tasks.runtime.kernel.choices import FAULT
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant

FILES = {
    "shop/tasks.py": """\
import time

import requests
from celery import Celery

app = Celery("shop")
BANK = "https://bank.example/charge"


@app.task(acks_late=True, reject_on_worker_lost=True)
def charge(order):
    requests.post(BANK, json={"order": order}, timeout=1)
    print("charged", order)


@app.task
def charge_early(order):
    requests.post(BANK, json={"order": order}, timeout=1)
    print("charged", order)


@app.task(bind=True, default_retry_delay=0.2, max_retries=2)
def charge_again(self, order):
    try:
        requests.post(BANK, json={"order": order}, timeout=1)
    except requests.RequestException as error:
        raise self.retry(exc=error)


@app.task
def rest(seconds):
    time.sleep(seconds)


@app.task
def remind(when):
    requests.post(BANK, json={"order": when}, timeout=1)


@app.task
def broken(order):
    raise ValueError(order)


@app.task
def report(request, error, traceback):
    requests.post(BANK, json={"order": repr(error)}, timeout=1)


app.conf.beat_schedule = {
    "often": {"task": "shop.tasks.remind", "schedule": 3600.0, "args": ["hourly"], "options": {"expires": 60}},
    "late": {"task": "shop.tasks.remind", "schedule": 10000.0, "args": ["late"], "options": {"countdown": 1}},
}
""",
}
REQUEST = "request POST https://bank.example/charge"


def _charged_once(stage: Any) -> str | None:
    charges = sum(entry["status"] == 200 for entry in stage.ledger.entries("request"))
    return None if charges == 1 else f"charged {charges} times"


def _scenario(act: Any) -> Scenario:
    return Scenario(Invariant("an order is charged once", _charged_once), act, faults=list(Fault))


def _waits(stage: Any) -> None:
    stage.task("rest").delay(60).get()


CHARGE = _scenario(lambda stage: stage.task("charge").delay(1) and None)
TWO = _scenario(lambda stage: [stage.task("charge").delay(order) for order in (1, 2)] and None)
EARLY = _scenario(lambda stage: stage.task("charge_early").delay(1) and None)
AGAIN = _scenario(lambda stage: stage.task("charge_again").delay(1) and None)
REST = _scenario(lambda stage: stage.task("rest").delay(60) and None)
WAITS = _scenario(_waits)
RAISES = _scenario(lambda stage: stage.task("no such task"))
HOURS = _scenario(lambda stage: stage.beat(12_000))


def _chord_that_fails(stage: Any) -> None:
    task = stage.task
    chord([task("charge").s(1), task("broken").si(2)], task("rest").si(0).on_error(task("report").s())).delay()


CHORD = _scenario(_chord_that_fails)
ONLY_SIMULATED = _scenario(lambda stage: stage.simulation.later(0, lambda: None, "") and None)


def case(scenario: str, fault: Fault | None = None, label: str = "") -> Case:
    """A run of the program in which this happens, and nothing else.

    Arguments:
        scenario: the name of one of this module's.
        fault: what breaks; None: nothing.
        label: where.
    """
    reference = f"{__name__}:{scenario}"
    if fault is None:
        return Case(scenario, FILES, reference)
    return Case(scenario, FILES, reference, _schedules(scenario)[fault, label])


@cache
def _schedules(scenario: str) -> dict[tuple[str, str], tuple[int, ...]]:
    """Fault and label → the first run in which it happens there."""
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    with Stage(FILES, globals()[scenario]) as stage:
        for ran in depth_first(stage.run, {FAULT: 1}, 200):
            for choice in ran.choices:
                if choice.taken:
                    found.setdefault((choice.options[choice.taken], choice.label), ran.schedule)
    return found
