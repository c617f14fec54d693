"""How fast the reference runtime is on one core: messages, runs, explored schedules, and memory over many runs.

    python benchmarks/runtime.py [--runs 10000]

Seconds are processor time. A loop of plain Python is timed too, as a measure of the machine: rates of two machines, or
of two moments on a busy one, are comparable only in its unit.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import celery
from celery import Celery

from flake8_tasks.runtime.celery.driver import CeleryDriver, installed
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.trace import fingerprint

MESSAGES, EXPLORATIONS = 3_000, 60
FAULTS = ("child-killed", "node-killed")

app = Celery("benchmark")


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task(acks_late=True, reject_on_worker_lost=True)
def charge(seconds: float) -> None:
    time.sleep(seconds)


def run(oracle: Oracle, act: Callable[[], Any], faults: tuple[str, ...] = ()) -> str:
    """One run; the fingerprint of its trace."""
    with Simulation(oracle, faults=faults) as simulation, CeleryDriver(simulation, app):
        simulation.spawn(Actor("client", lambda actor: None, lambda actor, fault: None), act)
        simulation.run()
        return fingerprint(simulation.trace)


def rate(count: int, work: Callable[[], Any]) -> int:
    """How often in a second of processor time."""
    began = time.process_time()
    work()
    return round(count / (time.process_time() - began))


def additions() -> None:
    """The measure of the machine."""
    total = 0
    for number in range(1_000_000):
        total += number


def explore() -> int:
    """All schedules of one late task with one fault; how many."""
    return sum(1 for _ in depth_first(lambda oracle: run(oracle, lambda: charge.delay(1), FAULTS), {"fault": 1}, 1000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000, help="of which memory must not grow")
    arguments = parser.parse_args()
    with installed(app):
        schedules = explore()
        found: dict[str, Any] = {
            "celery": celery.__version__,
            "plain additions a second": rate(1_000_000, additions),
            "messages a second": rate(
                MESSAGES, lambda: run(Oracle(), lambda: [add.delay(number, 1) for number in range(MESSAGES)])
            ),
            "explored schedules a second": rate(
                schedules * EXPLORATIONS, lambda: [explore() for _ in range(EXPLORATIONS)]
            ),
        }
        run(Oracle(), lambda: charge.delay(1))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        traces = {run(Oracle(), lambda: charge.delay(1)) for _ in range(arguments.runs)}
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found[f"kilobytes that the process has grown in {arguments.runs} runs"] = after - before
    found["different traces among them"] = len(traces)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
