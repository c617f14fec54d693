"""One program, once, as tests of Celery tasks commonly run it: a process of its own for `ways_of_testing.py`.

    python benchmarks/in_one_process.py eager|embedded CASE bad|good SECONDS FOLDER

`eager` is `task_always_eager`; `embedded` is the worker of `celery.contrib.testing`, with Celery's in-memory broker and
a pool of threads. Nothing breaks and time passes by itself. The last line of the output says what came of it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from celery import signals
from celery.contrib.testing.worker import start_worker
from celery.worker import state as worker_state
from kombu.transport import memory

from flake8_tasks.runtime.kernel import host as kernel_host
from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.program import Program
from flake8_tasks.runtime.world.cache import Cache
from flake8_tasks.runtime.world.http import Outside
from flake8_tasks.runtime.world.ledger import InMemory
from flake8_tasks.runtime.world.mail import Mail
from flake8_tasks.witnesses import cases

PAUSE, QUIET_LOOKS = 0.05, 5


class NotHere(Exception):
    """A scenario asks for what only a simulation has; the message says what."""


class PlainHost:
    """Nothing breaks, nobody goes first."""

    def __init__(self) -> None:
        self.began = time.time()
        self.events: list[Event] = []

    def point(self, kind: str, label: str, failures: object = (), *, to: str = "") -> str:
        return ""

    def record(self, kind: str, detail: str = "", *, to: str = "") -> None:
        self.events.append(Event(self.now(), "", kind, "", detail, to=to))

    def now(self) -> float:
        return time.time() - self.began

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 3600))


class PlainStage:
    """What a scenario asks, see `flake8_tasks.runtime.stage.Stage`."""

    acted: Any = None

    def __init__(self, program: Program, host: PlainHost) -> None:
        self.program, self._host, self.ledger = program, host, InMemory()
        self.states: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._naming = threading.Lock()
        self.events, self.sleep, self.module = host.events, host.sleep, program.module
        signals.before_task_publish.connect(self._published, weak=False)
        signals.task_prerun.connect(self._begins, weak=False)
        signals.task_postrun.connect(self._ended, weak=False)

    def task(self, name: str) -> Any:
        return next(task for full, task in self.program.tasks.items() if full.rpartition(".")[2] == name)

    def model(self, name: str) -> Any:
        return next(model for model in self.program.models() if model.__name__ == name)

    def rows(self, model: str) -> list[dict[str, Any]]:
        return list(self.model(model).objects.order_by("pk").values())

    def beat(self, seconds: float) -> None:
        raise NotHere(f"it runs beat for {seconds:g} s of virtual time")

    @property
    def simulation(self) -> Any:
        raise NotHere("it asks the simulation itself")

    driver = simulation

    def _name(self, task_id: str, task: str) -> str:
        with self._naming:
            if task_id not in self._names:
                base = task.rpartition(".")[2]
                self._counts[base] += 1
                self._names[task_id] = f"{base}#{self._counts[base]}"
            return self._names[task_id]

    def _published(self, headers: Any, **_: Any) -> None:
        self._name(headers["id"], headers["task"])

    def _begins(self, task_id: str, task: Any, **_: Any) -> None:
        self._name(task_id, task.name)

    def _ended(self, task_id: str, task: Any, state: str | None, **_: Any) -> None:
        self.states[self._name(task_id, task.name)] = state or "FAILURE"


def main() -> None:
    way, slug, which, seconds, where = sys.argv[1:]
    case, folder = next(case for case in cases() if case.slug == slug), Path(where)
    scenario = case.scenario
    logging.disable(logging.CRITICAL)
    program = Program(case.bad if which == "bad" else case.good)
    os.environ.update(program.environment(folder))
    sys.path.insert(0, str(folder))
    program.load(program.write(folder))
    host = PlainHost()
    stage = PlainStage(program, host)
    if program.uses_django:
        from flake8_tasks.runtime.world.database import create_tables

        create_tables()
    stack = ExitStack()
    stack.enter_context(Cache())
    stack.enter_context(Outside(stage.ledger, scenario.servers))
    stack.enter_context(Mail(stage.ledger, unknown=scenario.unknown_addresses))
    settings = {"broker_url": "memory://", "result_backend": "cache+memory://", **scenario.settings}
    program.app.conf.update(settings, task_always_eager=way == "eager")
    scenario.prepare(stage)  # type: ignore[arg-type]
    worker = stack.enter_context(embedded(program.app, scenario.nodes[0])) if way == "embedded" else None
    kernel_host.become_current(host)
    host.began = time.time()
    print(json.dumps(tried(scenario, stage, worker, float(seconds))), flush=True)
    # Nothing is closed: threads of a worker that waits for ever would keep this process.
    os._exit(0)


def embedded(app: Any, node: Any) -> Any:
    """The worker of `celery.contrib.testing`, in threads of this process."""
    return start_worker(
        app,
        perform_ping_check=False,
        loglevel="CRITICAL",
        pool="threads",
        concurrency=node.slots,
        queues=list(node.queues),
    )


def tried(scenario: Any, stage: PlainStage, worker: Any, seconds: float) -> dict[str, object]:
    """What came of it."""
    raised: list[BaseException] = []
    client = threading.Thread(target=acting, args=(scenario, stage, raised), daemon=True)
    client.start()
    looks, needed, until = 0, QUIET_LOOKS if worker else 1, time.monotonic() + seconds
    while looks < needed and time.monotonic() < until:
        client.join(PAUSE)
        busy = client.is_alive() or (worker is not None and is_busy(worker))
        looks = 0 if busy else looks + 1
        if worker is not None and not client.is_alive():
            time.sleep(PAUSE)
    found: dict[str, object] = {"at rest": looks >= needed}
    for error in raised:
        if isinstance(error, NotHere):
            return {"cannot": str(error)}
        found["raised"] = type(error).__name__
    try:
        found["violation"] = scenario.invariant.check(stage) or ""
    except NotHere as error:
        found["cannot"] = str(error)
    return found


def acting(scenario: Any, stage: PlainStage, raised: list[BaseException]) -> None:
    """What the client does, in a thread of its own, as it may take for ever."""
    try:
        stage.acted = scenario.act(stage)
    except BaseException as error:
        raised.append(error)


def is_busy(worker: Any) -> bool:
    """Whether messages wait, are executed, or wait for their time."""
    waiting = sum(
        queue.qsize()
        for name, queue in memory.Channel.queues.items()
        if not name.startswith("celeryev") and "pidbox" not in name
    )
    entries = [each.entry for each in worker.consumer.timer.schedule.queue]
    later = [entry for entry in entries if not entry.canceled and entry.args and hasattr(entry.args[0], "eta")]
    return bool(waiting or worker_state.reserved_requests or worker_state.active_requests or later)


if __name__ == "__main__":
    main()
