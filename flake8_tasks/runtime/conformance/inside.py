"""What a real worker and a real client import to run a program: its app, set from outside, with a host in the process.

`celery -A flake8_tasks.runtime.conformance.inside worker` finds `app` here.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.worker import state as worker_state
from celery.worker.control import inspect_command
from kombu.serialization import prepare_accept_content

from flake8_tasks.runtime.conformance.beat import run_beat
from flake8_tasks.runtime.conformance.host import CLIENT, RealHost
from flake8_tasks.runtime.conformance.pace import quicken
from flake8_tasks.runtime.conformance.points import (
    children_wait_for_acknowledgements,
    delivers_twice,
    names_messages,
    points_at_acknowledgements,
    points_at_results,
    points_at_statements,
)
from flake8_tasks.runtime.conformance.reference import scenario_of
from flake8_tasks.runtime.kernel import host as kernel_host
from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.program import Program
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.world import store
from flake8_tasks.runtime.world.cache import Cache
from flake8_tasks.runtime.world.http import Outside
from flake8_tasks.runtime.world.ledger import InFile
from flake8_tasks.runtime.world.mail import Mail

FOLDER = "FLAKE8_TASKS_ENGINE"
LANE = "FLAKE8_TASKS_LANE"
LOAD = "flake8_tasks_load"
ACTED = "acted.json"


class Resident(Program):
    """A program in a process that runs nothing else."""

    def load(self, folder: Path) -> None:
        """Import its modules from the folder that it was written to."""
        self._root = folder
        if self.uses_django:
            import django

            django.setup()
        for name in self.names:
            if name.rpartition(".")[2] not in ("__main__", "manage"):
                self._modules[name] = importlib.import_module(name)


class OnlySimulated(Exception):
    """A scenario asks for something that no real process can give; the message says what."""


class RealStage:
    """What a scenario asks, of a real process: see `flake8_tasks.runtime.stage.Stage`."""

    def __init__(self, program: Resident, ledger: InFile, host: RealHost) -> None:
        self.program, self.ledger, self._host = program, ledger, host

    def module(self, name: str) -> Any:
        """See `Stage.module`."""
        return self.program.module(name)

    def task(self, name: str) -> Any:
        """See `Stage.task`."""
        return next(task for full, task in self.program.tasks.items() if full.rpartition(".")[2] == name)

    def model(self, name: str) -> Any:
        """See `Stage.model`."""
        return next(model for model in self.program.models() if model.__name__ == name)

    def rows(self, model: str) -> list[dict[str, Any]]:
        """See `Stage.rows`."""
        return list(self.model(model).objects.order_by("pk").values())

    def beat(self, seconds: float) -> None:
        """See `Stage.beat`."""
        run_beat(self.program.app, self._host.plan.folder / "schedule", seconds)

    def sleep(self, seconds: float) -> None:
        """See `Stage.sleep`."""
        self._host.sleep(seconds)

    @property
    def simulation(self) -> Any:
        """Raises OnlySimulated: there is none."""
        raise OnlySimulated("it asks the simulation itself")

    driver = simulation

    @property
    def events(self) -> list[Event]:
        """See `Stage.events`: what the program and the world have recorded, and the faults."""
        return self._host.plan.events

    @property
    def acted(self) -> Any:
        """See `Stage.acted`: as JSON holds it."""
        file = self._host.plan.folder / ACTED
        return json.loads(file.read_text("utf-8")) if file.exists() else None

    @property
    def states(self) -> dict[str, str]:
        """See `Stage.states`."""
        return {name: result.partition(" ")[0] for name, result in self.results.items()}

    @property
    def results(self) -> dict[str, str]:
        """Message → the state of its result, with the type of the exception where it failed; of results stored."""
        found = {}
        backend = self.program.app.backend
        # A program may refuse to read what its own workers have stored.
        backend.accept = prepare_accept_content(["json", "pickle", "yaml", "msgpack"])
        for task_id, name in self._host.plan.messages.items():
            meta = backend.get_task_meta(task_id, cache=False)
            state, value = meta["status"], meta["result"]
            if state != "PENDING":
                found[name] = f"{state} {type(value).__name__}" if isinstance(value, BaseException) else state
        return found

    def forget_results(self) -> None:
        """A scenario may give its messages ids of its own, the same in every run."""
        stored = self.results
        for task_id, name in self._host.plan.messages.items():
            if name in stored:
                self.program.app.backend.forget(task_id)

    @property
    def final(self) -> dict[str, object]:
        """The state of the world, by its name."""
        final: dict[str, object] = {model.__name__: self.rows(model.__name__) for model in self.program.models()}
        for kind in sorted({entry.kind for entry in self.ledger.entries()}):
            final[kind] = [dict(entry.detail) for entry in self.ledger.entries(kind)]
        return final


@inspect_command(name=LOAD)  # type: ignore[untyped-decorator]
def load(state: Any) -> dict[str, int]:
    """How much a worker has to do: what it executes or is about to, and what waits for its time."""
    entries = [each.entry for each in state.consumer.timer.schedule.queue]
    waiting = [entry for entry in entries if not entry.canceled and entry.args and hasattr(entry.args[0], "eta")]
    return {"now": len(worker_state.reserved_requests), "later": len(waiting)}


def _looks_for_lost_children() -> None:
    """A worker misses the end of a child now and then, and looks for such every five seconds: no need to wait."""
    from celery.concurrency.asynpool import AsynPool

    AsynPool.timers = property(lambda pool: {pool.maintain_pool: 0.05})


def _says_ready(app: Celery, folder: Path) -> None:
    def ready(sender: Any, **_: Any) -> None:
        file = folder / f"ready.{sender.hostname}"
        temporary = file.with_suffix(".part")
        temporary.write_text(
            json.dumps({"queues": list(app.amqp.queues.consume_from), "serializer": app.conf.task_serializer}), "utf-8"
        )
        temporary.replace(file)

    signals.worker_ready.connect(ready, weak=False)


def _begin() -> tuple[RealStage, Scenario, RealHost]:
    folder = Path(os.environ[FOLDER])
    order = json.loads((folder / "order.json").read_text("utf-8"))
    program = Resident(order["files"])
    program.load(folder / "program")
    scenario = scenario_of(order["scenario"])
    app = program.app
    app.conf.update({**scenario.settings, **order["settings"]})
    host = RealHost(folder / "run", os.environ[LANE], lambda: _request(app), scenario.pace)
    ledger = InFile(folder / "ledger")
    kernel_host.become_current(host)
    Cache(store.InFile(folder / "cache")).__enter__()
    Outside(ledger, scenario.servers).__enter__()
    Mail(ledger, unknown=scenario.unknown_addresses).__enter__()
    names_messages(host)
    delivers_twice(app, host)
    quicken(app, scenario.pace)
    if scenario.statements:
        points_at_statements(program, host)
    if os.environ[LANE] != CLIENT:
        points_at_acknowledgements(host)
        children_wait_for_acknowledgements(host)
        points_at_results(app, host)
        _looks_for_lost_children()
        _says_ready(app, folder)
    return RealStage(program, ledger, host), scenario, host


def _request(app: Celery) -> Any:
    task = app.current_worker_task
    return None if task is None else task.request


stage, scenario, host = _begin()
app = stage.program.app
