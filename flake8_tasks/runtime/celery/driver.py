"""Sends the tasks of a Celery app through Celery's own strategy, request and tracer, in virtual time."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from celery import Celery, states
from celery.exceptions import TaskRevokedError
from celery.worker import control
from kombu.serialization import prepare_accept_content

from flake8_tasks.runtime.celery import backend, compat, transport
from flake8_tasks.runtime.celery.consumer import NodeConsumer
from flake8_tasks.runtime.celery.execution import Execution, JoinsBlock
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.broker import RABBITMQ, Broker, Delivery, Message, Profile
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.worker import Node, Worker


@contextmanager
def installed(app: Celery, *, results: str = "redis", settings: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Rewire an app to the simulation, for as many runs as are made meanwhile.

    Arguments:
        app: the user's.
        results: the profile of its result backend: `redis`, `key-value`, `database`, or "" for none.
        settings: further ones, by their new names.

    Raises:
        UnsupportedCelery: this version has not been tried.
    """
    compat.require_supported()
    url = f"{backend.__name__}:{backend.PROFILES[results]}" if results else "disabled://"
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with compat.rewired(app, broker_url=f"{transport.NAME}://", result_backend=url, settings=dict(settings or {})):
            yield
    finally:
        logging.disable(before)


class CeleryDriver:
    """Celery's part of one run, as a context manager within `installed`.

    Arguments:
        simulation: the run.
        app: the user's.
        nodes: the workers.
        profile: how the broker behaves.
        events: whether workers send task events, as `celery worker -E`.
        dead_letters: queue → its dead-letter queue.
    """

    def __init__(
        self,
        simulation: Simulation,
        app: Celery,
        nodes: Sequence[Node] = (Node(),),
        *,
        profile: Profile = RABBITMQ,
        events: bool = False,
        dead_letters: Mapping[str, str] | None = None,
    ) -> None:
        self.simulation, self.app = simulation, app
        self.broker = Broker(simulation, profile, dead_letters or {})
        self.results: dict[str, Any] = {}
        self.states: dict[str, str] = {}
        self.sent_events: list[dict[str, Any]] = []
        self._events = events
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._pids = itertools.count(100)
        self._executions: dict[int, Execution] = {}
        self._stack = ExitStack()
        self._nodes = nodes
        self.workers: list[Worker] = []
        self._consumers: dict[str, NodeConsumer] = {}

    def __enter__(self) -> CeleryDriver:
        transport.connect(self)
        self._stack.callback(transport.connect, None)
        backend.connect(self)
        self._stack.callback(backend.connect, None)
        self._stack.callback(compat.set_joins_block, False)
        self._stack.callback(compat.set_limits_clock, compat.set_limits_clock(time.monotonic))
        self._stack.callback(compat.forget_worker_state)
        self._stack.callback(self.app.control.__dict__.pop, "broadcast", None)
        self.app.control.broadcast = self._broadcast
        compat.forget_worker_state()
        compat.forget_tracers(self.app)
        self.app.backend._cache.clear()
        self.simulation.per_actor.append(JoinsBlock())
        self.workers = [Worker(self.simulation, self.broker, node, self) for node in self._nodes]
        self._channel = self._stack.enter_context(self.app.connection_for_read()).channel()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def name_of(self, task_id: str) -> str:
        """The stable name of a message: "charge#1" is the first that was sent of a task whose name ends in `charge`."""
        return self._names.get(task_id, task_id[:8])

    # What Celery sends.

    def put(self, queue: str, raw: dict[str, Any]) -> None:
        """A message is published; everything on the wire is JSON."""
        headers, properties = raw["headers"], raw["properties"]
        name = self._named(headers)
        self.simulation.point("publish", name, to="broker")
        wire = json.loads(json.dumps(raw))
        self.simulation.record("publish", _published(name, headers), to="broker")
        self.broker.publish(Message(name, queue, wire, properties.get("priority") or 0))

    def acknowledge(self, tag: int) -> None:
        """A worker acknowledges a delivery."""
        delivery = self.broker.unacknowledged.get(tag)
        if delivery is None:
            return
        self.simulation.point("ack", delivery.message.name, to="broker")
        self.broker.acknowledge(tag)
        self.simulation.record_for(delivery.consumer, "ack", delivery.message.name, to="broker")

    def reject(self, tag: int, requeue: bool) -> None:
        """A worker gives a delivery back, or up."""
        delivery = self.broker.unacknowledged.get(tag)
        if delivery is None:
            return
        self.simulation.point("reject", delivery.message.name, to="broker")
        detail = "to be delivered again" if requeue else "for good"
        self.simulation.record_for(delivery.consumer, "reject", delivery.message.name, detail, to="broker")
        self.broker.reject(tag, requeue)

    def size(self, queue: str) -> int:
        """How many messages wait."""
        return len(self.broker.waiting([queue]))

    def purge(self, queue: str) -> int:
        """Drop them; how many there were."""
        return self.broker.purge(queue)

    def event(self, exchange: str, raw: dict[str, Any]) -> None:
        """A worker's or client's event was broadcast."""
        self.sent_events.append(raw)

    # What the result backend asks.

    def storing(self, task_id: str, state: str) -> None:
        """See `backend.Store`."""
        self.simulation.point("store", state, to="results")

    def stored(self, task_id: str, state: str) -> None:
        """See `backend.Store`."""
        self.states[self.name_of(task_id)] = state
        actor = self.simulation.actor
        lane = actor.lane if actor else "client"
        self.simulation.record_for(lane, "store", self.name_of(task_id), state, "results")

    def wait_for_result(self, task_id: str, ready: Callable[[], bool], timeout: float | None) -> bool:
        """See `backend.Store`."""
        return self.simulation.wait(ready, timeout, f"result of {self.name_of(task_id)}", holds_up=True)

    # What a worker asks.

    def received(self, worker: Worker, delivery: Delivery) -> None:
        """Give a message to Celery's consumer."""
        raw = {**delivery.message.raw, "properties": {**delivery.message.raw["properties"]}}
        info = raw["properties"].get("delivery_info") or {}
        raw["properties"]["delivery_info"] = {**info, "redelivered": delivery.message.redelivered}
        raw["properties"]["delivery_tag"] = delivery.tag
        message = self._channel.Message(raw, channel=self._channel)
        message.accept = prepare_accept_content(self.app.conf.accept_content)
        consumer = self._consumer(worker)
        before = len(worker.backlog)
        consumer.receive(message)
        consumer.perform_pending_operations()
        if delivery.tag not in self.broker.unacknowledged and len(worker.backlog) == before:
            self._say_discarded(worker, delivery)

    def begin(self, worker: Worker, job: Any) -> None:
        """Let Celery's request ask the pool for a child."""
        try:
            job.execute_using_pool(self._consumer(worker).pool)
        except TaskRevokedError:
            self.simulation.record_for(worker.node.name, "discard", self.name_of(job.id), "revoked or expired")

    def execute(self, worker: Worker, target: Any, args: tuple[Any, ...], options: Mapping[str, Any]) -> Execution:
        """A slot of the worker takes a job."""
        execution = Execution(worker, target, args, options, next(self._pids))
        self._executions[execution.pid] = execution
        retries = args[2].get("retries") or 0
        execution.begin(self.name_of(execution.task_id), f" retry {retries}" if retries else "", time.monotonic())
        return execution

    def finished(self, worker: Worker, actor: Actor) -> None:
        """A child has ended its job."""
        execution = self._execution(actor)
        coroutine = actor.coroutine
        if coroutine is not None and coroutine.failure is not None:
            outcome = type(coroutine.failure).__name__
        else:
            outcome = self.states.get(actor.task, "")
        self.simulation.record_for(actor.lane, "end", actor.task, outcome)
        execution.finished()

    def lost(self, worker: Worker, actor: Actor) -> None:
        """A child was killed."""
        self._execution(actor).lost("signal 9 (SIGKILL)")

    def went_down(self, worker: Worker) -> None:
        """A node was killed."""
        self._consumers.pop(worker.node.name, None)
        compat.forget_worker_state()

    def terminate(self, pid: int) -> None:
        """Send SIGTERM to a child."""
        self._executions[pid].terminate()

    def dispatcher(self, hostname: str) -> Any:
        """What sends a worker's events; None when it sends none."""
        if not self._events:
            return None
        return self._stack.enter_context(self.app.events.Dispatcher(self.app.connection_for_write(), hostname=hostname))

    def _consumer(self, worker: Worker) -> NodeConsumer:
        consumer = self._consumers.get(worker.node.name)
        if consumer is None:
            consumer = self._consumers[worker.node.name] = NodeConsumer(self, worker)
        return consumer

    def _execution(self, actor: Actor) -> Execution:
        execution = actor.local["execution"]
        assert isinstance(execution, Execution)
        self._executions.pop(execution.pid, None)
        return execution

    def _named(self, headers: Mapping[str, Any]) -> str:
        task_id = headers["id"]
        if task_id not in self._names:
            base = headers["task"].rpartition(".")[2]
            self._counts[base] += 1
            self._names[task_id] = f"{base}#{self._counts[base]}"
        return self._names[task_id]

    def _say_discarded(self, worker: Worker, delivery: Delivery) -> None:
        state = self.states.get(delivery.message.name, "refused")
        if state in {states.REVOKED, states.FAILURE, "refused"}:
            self.simulation.record_for(worker.node.name, "discard", delivery.message.name, state)

    def _broadcast(self, command: str, arguments: Mapping[str, Any] | None = None, **options: Any) -> list[Any]:
        given = {**(arguments or {}), **options.get("kwargs", {})}
        about = given.get("task_id") or []
        names = ", ".join(map(self.name_of, [about] if isinstance(about, str) else about))
        self.simulation.record("control", f"{command} {names}".rstrip(), to="broker")
        handler = control.Panel.data[command]
        replies = []
        for worker in self.workers:
            if worker.is_up:
                with worker.as_parent():
                    consumer = self._consumer(worker)
                    reply = handler(_ControlState(self.app, consumer), **given)
                    replies.append({consumer.hostname: reply})
        return replies if options.get("reply") else []


class _ControlState:
    """What Celery's remote-control commands are given."""

    def __init__(self, app: Celery, consumer: NodeConsumer) -> None:
        self.app, self.consumer, self.hostname = app, consumer, consumer.hostname


def _published(name: str, headers: Mapping[str, Any]) -> str:
    parts = [name]
    if headers.get("retries"):
        parts.append(f"retry {headers['retries']}")
    if headers.get("eta"):
        parts.append(f"not before {headers['eta']}")
    return ", ".join(parts)
