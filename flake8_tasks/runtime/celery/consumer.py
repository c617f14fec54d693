"""Celery's own consumer, over a simulated worker's timer and pool."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from celery.concurrency.base import BasePool
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer

from flake8_tasks.runtime.kernel.worker import Worker

if TYPE_CHECKING:
    from flake8_tasks.runtime.celery.driver import CeleryDriver
    from flake8_tasks.runtime.celery.execution import Execution


class NodeTimer:
    """The timer of a worker's event loop, in virtual time."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def call_after(
        self, seconds: float, function: Callable[..., object], args: Sequence[Any] = (), kwargs: Any = None, **_: Any
    ) -> Any:
        """Call it in so many seconds."""
        return self._worker.later(seconds, lambda: function(*args, **(kwargs or {})), "timer")

    def call_at(
        self, eta: float, function: Callable[..., object], args: Sequence[Any] = (), kwargs: Any = None, **_: Any
    ) -> Any:
        """Call it at the ETA of the request that it is about: the number given is of the machine's own clock."""
        when: datetime = args[0].eta
        if when.tzinfo is None:
            when = when.replace(tzinfo=args[0].app.timezone)
        clock = self._worker.simulation.clock
        return self.call_after(when.timestamp() - clock.start - clock.now, function, args, kwargs)


class SlotPool(BasePool):
    """A pool whose processes are the slots of a simulated worker."""

    def __init__(self, driver: CeleryDriver, worker: Worker) -> None:
        super().__init__(limit=worker.node.slots, app=driver.app)
        self._driver, self._worker = driver, worker

    @property
    def num_processes(self) -> int:
        """How many slots there are."""
        return self._worker.node.slots

    def apply_async(self, target: Any, args: Any = (), kwargs: Any = None, **options: Any) -> Execution:
        """Run a request's tracer in a free slot."""
        return self._driver.execute(self._worker, target, args, options)

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """Send a signal to a child."""
        self._driver.terminate(pid)


class Strategies(dict[str, Any]):
    """Task name → what takes its messages, built when the first one comes."""

    def __init__(self, tasks: Mapping[str, Any], consumer: NodeConsumer) -> None:
        self._tasks, self._consumer = tasks, consumer

    def __missing__(self, name: str) -> Any:
        task = self._tasks[name]
        strategy = self[name] = task.start_strategy(self._consumer.app, self._consumer)
        return strategy


class NodeConsumer(Consumer):
    """The consumer of one simulated worker; it never connects."""

    def __init__(self, driver: CeleryDriver, worker: Worker) -> None:
        self.app, self.hostname = driver.app, f"celery@{worker.node.name}"
        self.pid = 1
        self.timer, self.pool = NodeTimer(worker), SlotPool(driver, worker)
        self.controller = SimpleNamespace(state=worker_state)
        self.connection_errors = self.channel_errors = ()
        self.event_dispatcher = driver.dispatcher(self.hostname)
        self.disable_rate_limits = False
        self.task_buckets: dict[str, Any] = defaultdict(lambda: None)
        for name, task in driver.app.tasks.items():
            if getattr(task, "rate_limit", None):
                self.task_buckets[name] = self.bucket_for_task(task)
        self.hub = None
        self.on_task_request: Callable[[Any], None] = worker.backlog.append
        self.on_task_message: set[Any] = set()
        self.restart_count = 0
        self.prefetch_multiplier = worker.node.prefetch
        self._maximum_prefetch_restored = True
        self._limit_order = 0
        self._does_info = False
        self._pending_operations: deque[Any] = deque()
        self.qos = _Prefetch(worker)
        self.strategies = Strategies(driver.app.tasks, self)
        self.receive = self.create_task_handler()


class _Prefetch:
    """How many messages the worker takes in advance: one more for each that waits for its ETA."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def increment_eventually(self, count: int = 1) -> None:
        self._worker.extra_prefetch += count

    def decrement_eventually(self, count: int = 1) -> None:
        self._worker.extra_prefetch -= count
