"""Celery's own consumer, over a simulated worker's timer and pool."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.app.trace import build_tracer
from celery.concurrency.base import BasePool
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer
from kombu.serialization import prepare_accept_content

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.kernel.worker import Worker

if TYPE_CHECKING:
    from flake8_tasks.runtime.celery.driver import CeleryDriver
    from flake8_tasks.runtime.celery.execution import Execution


class NodeConsumer(Consumer):
    """The consumer of one simulated node, for all its runs one after the other; it never connects.

    Arguments:
        app: the user's.
        node: the node's name.
        events: whether it sends task events.
    """

    worker: Worker
    driver: CeleryDriver

    def __init__(self, app: Celery, node: str, events: bool) -> None:
        compat.never_connects(self)
        self.app, self.hostname, self.pid = app, f"celery@{node}", 1
        self.timer, self.pool, self.qos = NodeTimer(self), SlotPool(self), _Prefetch(self)
        self.controller = SimpleNamespace(state=worker_state, semaphore=None, consumer=self)
        self.event_dispatcher = _dispatcher(app, self.hostname) if events else None
        self.task_buckets: dict[str, Any] = defaultdict(_no_bucket)
        self.task_consumer = SimpleNamespace(queues=())
        self.prefetch_multiplier = 1
        self.disable_rate_limits = app.conf.worker_disable_rate_limits
        self.refused = ""
        self.strategies = Strategies(self)
        self.receive = self.create_task_handler()
        #: What Celery's tracer is given in this node's children.
        self.localized = app.tasks, prepare_accept_content(app.conf.accept_content), self.hostname

    def attach(self, driver: CeleryDriver, worker: Worker) -> None:
        """It belongs to this run from now on, as a worker that has just started."""
        self.driver, self.worker = driver, worker
        self.task_consumer.queues = [self.app.amqp.queues[name] for name in worker.node.queues]
        self.pool.attach()
        self.timer.entries.clear()
        self.task_buckets.clear()
        for name, task in self.app.tasks.items():
            if getattr(task, "rate_limit", None):
                self.task_buckets[name] = self.bucket_for_task(task)

    def detach(self) -> None:
        """The run is over."""
        del self.driver, self.worker

    def on_task_request(self, request: Any) -> None:
        """A request may run as soon as a slot is free."""
        self.worker.backlog.append(request)

    def on_unknown_message(self, body: Any, message: Any) -> None:
        self.refused = "not a task's message"
        super().on_unknown_message(body, message)

    def on_unknown_task(self, body: Any, message: Any, exc: Any) -> None:
        self.refused = "unregistered task"
        super().on_unknown_task(body, message, exc)

    def on_invalid_task(self, body: Any, message: Any, exc: Any) -> None:
        self.refused = f"invalid message: {exc}"
        super().on_invalid_task(body, message, exc)

    def on_decode_error(self, message: Any, exc: Any) -> None:
        self.refused = f"refused content of type {message.content_type}"
        super().on_decode_error(message, exc)


class NodeTimer:
    """The timer of a worker's event loop, in virtual time."""

    def __init__(self, consumer: NodeConsumer) -> None:
        self._consumer = consumer
        #: What will be called → with what.
        self.entries: dict[Any, Sequence[Any]] = {}

    @property
    def schedule(self) -> Any:
        """What remote control lists of it: with `entry.args` and `priority` each, as Celery's own timer has them."""
        waiting = [SimpleNamespace(entry=SimpleNamespace(args=args), priority=6) for args in self.entries.values()]
        return SimpleNamespace(queue=waiting)

    def call_after(
        self, seconds: float, function: Callable[..., object], args: Sequence[Any] = (), kwargs: Any = None, **_: Any
    ) -> Any:
        """Call it in so many seconds, unless the worker has been stopped by then."""
        worker = self._consumer.worker

        def call() -> None:
            del self.entries[entry]
            if worker.consumes:
                function(*args, **(kwargs or {}))

        entry = worker.later(seconds, call, "timer")
        self.entries[entry] = args
        return entry

    def call_at(
        self, eta: float, function: Callable[..., object], args: Sequence[Any] = (), kwargs: Any = None, **_: Any
    ) -> Any:
        """Call it at the ETA of the request that it is about: the number given is of the machine's own clock."""
        when: datetime = args[0].eta
        if when.tzinfo is None:
            when = when.replace(tzinfo=args[0].app.timezone)
        clock = self._consumer.worker.simulation.clock
        return self.call_after(when.timestamp() - clock.start - clock.now, function, args, kwargs)

    def cancel(self, entry: Any) -> None:
        """It is not called."""
        if self.entries.pop(entry, None) is not None:
            entry.cancel()

    def clear(self) -> None:
        """Nothing that waits is called."""
        for entry in self.entries:
            entry.cancel()
        self.entries.clear()


class SlotPool(BasePool):
    """A pool whose processes are the slots of a simulated worker."""

    flush = None

    def __init__(self, consumer: NodeConsumer) -> None:
        super().__init__(limit=1, app=consumer.app)
        self._consumer = consumer

    def attach(self) -> None:
        """It belongs to a worker that has just started, whose limits, in seconds, are those of the settings then."""
        self.time_limit, self.soft_time_limit = self.app.conf.task_time_limit, self.app.conf.task_soft_time_limit

    @property
    def num_processes(self) -> int:
        """How many slots there are."""
        return self._consumer.worker.node.slots

    def apply_async(self, target: Any, args: Any = (), kwargs: Any = None, **options: Any) -> Execution:
        """Run a request's tracer in a free slot.

        The limits of the settings are the pool's: before Celery 5.7 a request knows only its task's own.
        """
        options["timeout"] = options.get("timeout") or self.time_limit
        options["soft_timeout"] = options.get("soft_timeout") or self.soft_time_limit
        return self._consumer.driver.execute(self._consumer.worker, target, args, options)

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """Send a signal to a child."""
        self._consumer.driver.send_signal(pid, signal)


class Strategies(dict[str, Any]):
    """Task name → what takes its messages, built with its tracer when the first one comes."""

    def __init__(self, consumer: NodeConsumer) -> None:
        self._consumer = consumer

    def __missing__(self, name: str) -> Any:
        consumer = self._consumer
        app, task = consumer.app, consumer.app.tasks[name]
        strategy = self[name] = task.start_strategy(app, consumer)
        # By default a tracer reads the machine's own clock.
        task.__trace__ = build_tracer(name, task, app.loader, consumer.hostname, app=app, monotonic=time.monotonic)
        return strategy


class _Prefetch:
    """How many messages the worker takes in advance: one more for each that waits for its ETA."""

    def __init__(self, consumer: NodeConsumer) -> None:
        self._consumer = consumer

    def increment_eventually(self, count: int = 1) -> None:
        self._consumer.worker.extra_prefetch += count

    def decrement_eventually(self, count: int = 1) -> None:
        worker = self._consumer.worker
        worker.extra_prefetch = max(0, worker.extra_prefetch - count)


def _dispatcher(app: Celery, hostname: str) -> Any:
    dispatcher = app.events.Dispatcher(app.connection_for_write(), hostname=hostname)
    dispatcher.pid = 1
    return dispatcher


def _no_bucket() -> None:
    return None
