"""The real engine: a program on real workers and a real broker, run after run."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flake8_tasks.runtime.conformance.compare import Outcome, comparable, empty_tables
from flake8_tasks.runtime.conformance.forked import Nursery
from flake8_tasks.runtime.conformance.plan import Plan, PlannedFault
from flake8_tasks.runtime.conformance.process import EngineError
from flake8_tasks.runtime.conformance.queues import Queues
from flake8_tasks.runtime.conformance.reference import scenario_of
from flake8_tasks.runtime.conformance.worker import (
    ONLY_SIMULATED,
    Client,
    Limits,
    NotComparable,
    Ordered,
    Worker,
    environment,
)
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.program import Program

PAUSE = 0.03
QUIET_LOOKS = 3
BUSY, QUIET = "busy", "quiet"


class Engine:
    """Workers and a client for one program and its scenario, as a context manager; they serve many runs.

    Arguments:
        files: the program's, path → text.
        scenario: where the scenario stands, see `reference`: other processes need it too.
        broker: its address, `redis://…` or `amqp://…`.
        results: the address of the result backend; None: the broker if that is Redis, else a folder of files.
        settings: of Celery, beyond the program's and the scenario's own.
        nursery: from which its processes are forked; one of its own when it is None.
        limits: how long things may take.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        scenario: str,
        broker: str,
        *,
        results: str | None = None,
        settings: Mapping[str, Any] | None = None,
        nursery: Nursery | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.program, self.limits = Program(files), limits or Limits()
        self._reference = scenario
        self.scenario = scenario_of(scenario)
        self._broker, self._results = broker, results
        self._settings = dict(settings or {})
        self._nursery = nursery
        self._runs = 0
        self._dirty = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            nursery = self._nursery or stack.enter_context(Nursery(seconds=self.limits.start))
            # In the nursery's, which is removed even when this process is killed.
            self.folder = Path(tempfile.mkdtemp(prefix="engine-", dir=nursery.folder))
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self._write()
            self.queues = stack.enter_context(Queues(self._broker, self.limits.answer))
            # Workers begin with what they find, at once.
            self.queues.forget([name for node in self.scenario.nodes for name in node.queues])
            variables = environment(self.folder, self.program.environment(self.folder / "program"))
            self.client = Client(nursery, self.folder, variables, self.limits)
            stack.callback(self.client.stop)
            self.workers = [Worker(nursery, self.folder, variables, node, self.limits) for node in self.scenario.nodes]
            self.client.start()
            for worker in self.workers:
                stack.callback(worker.stop)
                worker.start()
            self.client.wait()
            self._new_run(())
            self.client.order("create tables")
            self.queues.of([name for worker in self.workers for name in worker.queues])
            self.queues.speak(self.workers[0].serializer)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, faults: Sequence[PlannedFault] = (), *, quiet: float | None = None) -> Outcome:
        """One run in a new world.

        Arguments:
            faults: what is to break.
            quiet: seconds within which it must have come to rest, instead of those of the limits.

        Raises:
            EngineError: the broker does not answer, or a worker ends by itself.
            NotComparable: the scenario asks for what only a simulation has.
        """
        self._clear()
        plan = self._new_run(faults)
        self.client.order("prepare")
        ordered = self.client.begin("act")
        try:
            at_rest = self._wait(plan, ordered, self.limits.quiet if quiet is None else quiet)
            if ordered.ended == ONLY_SIMULATED:
                raise NotComparable(ordered.message)
            seen: Any = self.client.order("look")
        finally:
            ordered.close()
        self._dirty = not at_rest
        return Outcome(
            ended=QUIET if at_rest else BUSY,
            client=ordered.ended,
            violation=seen["violation"],
            results=seen["results"],
            world=comparable(seen["final"]),
            faults=tuple(str(fault) for fault in plan.happened),
        )

    def _write(self) -> None:
        self.program.write(self.folder / "program")
        results = self._results
        if results is None and self._broker.startswith("redis"):
            results = self._broker
        if results is None:
            (self.folder / "results").mkdir()
            results = f"file://{self.folder / 'results'}"
        settings: dict[str, Any] = {
            "broker_url": self._broker,
            "result_backend": results,
            "broker_connection_retry_on_startup": False,
            "broker_connection_max_retries": 3,
            "worker_proc_alive_timeout": self.limits.start,
        }
        if self.scenario.results != "database":
            # Beat need not clean it up: in production what stands in its place forgets by itself.
            settings["result_expires"] = None
        order = {
            "files": self.program.files,
            "scenario": self._reference,
            "settings": settings | self._settings,
        }
        (self.folder / "order.json").write_text(json.dumps(order), "utf-8")
        self._new_run(())

    def _new_run(self, faults: Sequence[PlannedFault]) -> Plan:
        """A folder for it, with a link `run` to it that takes the place of the one before at once."""
        self._runs += 1
        name = f"run-{self._runs}"
        plan = Plan.written(self.folder / name, faults, time.time())
        link = self.folder / "run.part"
        link.symlink_to(name)
        link.replace(self.folder / "run")
        return plan

    def _clear(self) -> None:
        if self._dirty:
            for worker in self.workers:
                worker.kill()
        self.queues.clear()
        if self._dirty:
            for worker in self.workers:
                worker.start()
        self._dirty = True
        for name in ("ledger", "cache"):
            (self.folder / name).unlink(missing_ok=True)
        empty_tables(self.folder / "program" / "database.sqlite3")

    def _wait(self, plan: Plan, ordered: Ordered, seconds: float) -> bool:
        """Whether the run comes to rest; killed nodes are started again meanwhile."""
        until = time.monotonic() + seconds
        looks = 0
        while time.monotonic() < until:
            self._restart(plan)
            held = plan.waits
            looks = looks + 1 if (ordered.over(PAUSE) or held) and self._at_rest(plan) else 0
            if looks >= QUIET_LOOKS:
                if not held:
                    return True
                plan.go_on()
                looks = 0
        return False

    def _at_rest(self, plan: Plan) -> bool:
        running = [worker.hostname for worker in self.workers if worker.running]
        if len(running) < len(self.workers) or self.queues.waiting():
            return False
        loads = self.queues.loads(running)
        return len(loads) == len(running) and not any(loads.values()) and not plan.on_its_way

    def _restart(self, plan: Plan) -> None:
        for worker in self.workers:
            if worker.running:
                continue
            if not any(fault.fault is Fault.NODE_KILLED for fault in plan.happened):
                assert worker.process is not None
                code = worker.process.exit_code
                raise worker.process.error(f"worker {worker.node.name} ended by itself, with code {code}")
            self.queues.let_visibility_timeout_pass()
            worker.start()


__all__ = ["Engine", "EngineError", "Limits", "NotComparable"]
