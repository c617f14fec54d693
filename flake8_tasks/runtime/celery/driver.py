"""Sends the tasks of a Celery app through Celery's own strategy, request and tracer, in virtual time."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from celery import Celery, states
from celery.exceptions import TaskRevokedError

from flake8_tasks.runtime.celery import backend, compat, polled, transport
from flake8_tasks.runtime.celery.backend import UNSENT
from flake8_tasks.runtime.celery.broadcast import Broadcast
from flake8_tasks.runtime.celery.consumer import NodeConsumer
from flake8_tasks.runtime.celery.declared import dead_letters_of, priority_of
from flake8_tasks.runtime.celery.execution import Execution, JoinsBlock, NodeMemory
from flake8_tasks.runtime.celery.installation import installation_of, installed
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.broker import Broker, Delivery, Message, Profile, Queueing
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.worker import Node, Worker

__all__ = ["CeleryDriver", "installed"]


class CeleryDriver:
    """Celery's part of one run, as a context manager within `installed`.

    Arguments:
        simulation: the run.
        app: the user's.
        nodes: the workers.
        profile: how the broker behaves; None: as the app's own. A database or a folder always is itself.
        events: whether workers send task events, as `celery worker -E`.
        dead_letters: queue → its dead-letter queue; None: as the app declares its queues.
    """

    def __init__(
        self,
        simulation: Simulation,
        app: Celery,
        nodes: Sequence[Node] = (Node(),),
        *,
        profile: Profile | None = None,
        events: bool = False,
        dead_letters: Mapping[str, str] | None = None,
    ) -> None:
        self.simulation, self.app, self.nodes, self.events = simulation, app, nodes, events
        self.profile, self._dead_letters = profile, dead_letters
        self.results: dict[str, Any] = {}
        self.states: dict[str, str] = {}
        self.sent_events: list[dict[str, Any]] = []
        self.workers: list[Worker] = []
        self.event_exchange: str = app.conf.event_exchange
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._pids = itertools.count(100)
        self._jobs: Counter[str] = Counter()
        self._executions: dict[int, Execution] = {}
        self._installation = installation_of(app)
        self._consumers: dict[str, NodeConsumer] = {}
        self._memory = compat.WorkerState(nodes[0].name if nodes else "")
        self._stack = ExitStack()

    def __enter__(self) -> CeleryDriver:
        with ExitStack() as stack:
            transport.connect(self)
            stack.callback(transport.connect, None)
            backend.connect(self)
            stack.callback(backend.connect, None)
            stack.callback(compat.set_joins_block, False)
            stack.enter_context(compat.clocks(time.monotonic))
            stack.callback(compat.forget_worker_state)
            broadcast = Broadcast(self)
            stack.callback(broadcast.forget)
            stack.callback(compat.broadcasts_through(self.app, broadcast))
            compat.forget_worker_state()
            compat.forget_runs(self.app)
            self.app.clock.value = 0
            self.simulation.per_actor.append(JoinsBlock())
            if len(self.nodes) > 1:
                self.simulation.per_actor.append(NodeMemory(self._memory))
            self.broker = self._broker(stack)
            self._start_nodes(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def name_of(self, task_id: str) -> str:
        """The stable name of a message: "charge#1" is the first that was sent of a task whose name ends in `charge`."""
        return self._names.get(task_id, task_id[:8])

    def consumer(self, worker: Worker) -> NodeConsumer:
        """Celery's part of a worker."""
        return self._consumers[worker.node.name]

    # What Celery sends.

    def put(self, queue: str, raw: dict[str, Any]) -> None:
        """A message is published; everything on the wire is JSON."""
        name, detail = self._published(raw)
        self.simulation.point("publish", name, to="broker")
        wire = json.loads(json.dumps(raw))
        self.simulation.record("publish", detail, to="broker")
        self.broker.publish(Message(name, queue, wire, priority_of(self.app, self.profile, queue, raw)))

    def undeliverable(self, exchange: str, routing_key: str, raw: dict[str, Any]) -> None:
        """A message is published, and no queue is bound to take it."""
        name, detail = self._published(raw)
        self.simulation.point("publish", name, to="broker")
        self.simulation.record("publish", detail, to="broker")
        detail = f"no queue takes routing key {routing_key} of exchange {exchange}"
        self.simulation.record_for("broker", "discard", name, detail)

    def acknowledge(self, tag: int) -> None:
        """A worker acknowledges a delivery."""
        delivery = self.broker.delivery(tag)
        if delivery is None:
            return
        self.simulation.point("ack", delivery.message.name, to="broker")
        in_time = self.broker.acknowledge(tag)
        detail = "" if in_time else "too late: the broker has it back"
        self.simulation.record_for(delivery.consumer, "ack", delivery.message.name, detail, to="broker")

    def reject(self, tag: int, requeue: bool) -> None:
        """A worker gives a delivery back, or up."""
        delivery = self.broker.delivery(tag)
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

    def event(self, routing_key: str, raw: dict[str, Any]) -> None:
        """A worker's or client's event was broadcast."""
        body = self._payload(raw)
        self.sent_events.extend(body if isinstance(body, list) else [body])

    # What the result backend asks.

    def storing(self, task_id: str, state: str) -> None:
        """See `backend.Store`."""
        actor, name = self.simulation.actor, self._called(task_id, UNSENT)
        self.simulation.point("store", state if actor and actor.task == name else f"{state} of {name}", to="results")

    def stored(self, task_id: str, state: str) -> None:
        """See `backend.Store`."""
        name, actor = self.name_of(task_id), self.simulation.actor
        self.states[name] = state
        self.simulation.record_for(actor.lane if actor else "client", "store", name, state, "results")

    def wait_for_result(self, task_id: str, ready: Callable[[], bool], timeout: float | None) -> bool:
        """See `backend.Store`."""
        name = self.name_of(task_id)
        return self.simulation.wait(ready, timeout, f"result of {name}", holds_up=True, awaited=name)

    # What a worker asks.

    def received(self, worker: Worker, delivery: Delivery) -> None:
        """Give a message to Celery's consumer."""
        raw = delivery.message.raw
        properties = {**raw["properties"], "delivery_tag": delivery.tag}
        info = properties.get("delivery_info") or {}
        properties["delivery_info"] = {**info, "redelivered": delivery.message.redelivered}
        # kombu.transport.redis: `Channel._do_restore_message`
        marked = delivery.message.redelivered and self.profile is not None and self.profile.name == "redis"
        headers = {**raw["headers"], "redelivered": True} if marked else raw["headers"]
        channel, consumer = self._installation.channel, self.consumer(worker)
        before = len(worker.backlog)
        consumer.refused = ""
        message = channel.Message({**raw, "headers": headers, "properties": properties}, channel=channel)
        _, message.accept, _ = consumer.localized
        consumer.receive(message)
        if len(worker.backlog) == before and self.broker.delivery(delivery.tag) is None:
            state = self.states.get(delivery.message.name, "")
            why = consumer.refused or ("revoked or expired" if state == states.REVOKED else state)
            self._say(worker, "discard", delivery.message.name, why)

    def begin(self, worker: Worker, job: Any) -> None:
        """Let Celery's request ask the pool for a child."""
        try:
            job.execute_using_pool(self.consumer(worker).pool)
        except TaskRevokedError:
            self._say(worker, "discard", self.name_of(job.id), "revoked or expired")

    def execute(self, worker: Worker, target: Any, args: tuple[Any, ...], options: Mapping[str, Any]) -> Execution:
        """A slot of the worker takes a job."""
        traced = partial(target, _loc=self.consumer(worker).localized)
        execution = Execution(worker, traced, args, options, next(self._pids), self._jobs[worker.node.name])
        self._jobs[worker.node.name] += 1
        self._executions[execution.pid] = execution
        retries = args[2].get("retries") or 0
        tag = options["accept_callback"].__self__.message.delivery_tag
        name = self.name_of(execution.task_id)
        execution.begin(name, f" retry {retries}" if retries else "", tag, time.monotonic())
        return execution

    def finished(self, worker: Worker, actor: Actor) -> None:
        """A child has ended its job."""
        execution = self._execution(actor)
        self.simulation.record_for(actor.lane, "end", actor.task, execution.outcome)
        execution.finished()

    def lost(self, worker: Worker, actor: Actor) -> None:
        """A child was killed."""
        self._execution(actor).lost()

    def stopping(self, worker: Worker, warm: bool) -> None:
        """It ends what it does, or cancels it."""
        if not warm:
            compat.cancel_running(self.consumer(worker))

    def disconnected(self, worker: Worker) -> None:
        """Its connection was lost."""
        compat.lost_connection(self.consumer(worker))

    def went_down(self, worker: Worker) -> None:
        """A node was killed or has stopped: its memory is gone."""
        self._memory.forget(worker.node.name)
        self._jobs[worker.node.name] = 0
        self.consumer(worker).attach(self, worker)

    def came_up(self, worker: Worker) -> None:
        """The others tell it what is revoked."""
        others = [other.node.name for other in self.workers if other is not worker and other.is_up]
        self._memory.learn_revoked(worker.node.name, others)

    def send_signal(self, pid: int, signal: int | None) -> None:
        """Send a signal to a child."""
        if execution := self._executions.get(pid):
            execution.send_signal(signal)

    def _broker(self, stack: ExitStack) -> Queueing:
        if storage := self._installation.storage:
            self.profile = polled.PROFILE
            broker = polled.PolledBroker(self.simulation, storage, self.app)
            stack.callback(broker.close)
            return broker
        self.profile = self.profile or self._installation.profile
        letters = dead_letters_of(self.app) if self._dead_letters is None else self._dead_letters
        return Broker(self.simulation, self.profile, letters)

    def _start_nodes(self, stack: ExitStack) -> None:
        for name in dict.fromkeys(name for node in self.nodes for name in node.queues):
            self.app.amqp.queues[name](self._installation.channel).declare()
        for node in self.nodes:
            consumer = self._consumers[node.name] = self._installation.consumer(node.name, self.events)
            worker = Worker(self.simulation, self.broker, node, self)
            self.workers.append(worker)
            consumer.attach(self, worker)
            stack.callback(consumer.detach)

    def _execution(self, actor: Actor) -> Execution:
        execution = actor.local["execution"]
        assert isinstance(execution, Execution)
        self._executions.pop(execution.pid, None)
        return execution

    def _published(self, raw: dict[str, Any]) -> tuple[str, str]:
        """A message's name, and what else is said of it."""
        task = raw["headers"] if "id" in raw["headers"] else self._payload(raw)  # as `task_protocol = 1` has it
        name = self._called(task["id"], task["task"])
        retries, eta = task.get("retries"), task.get("eta")
        return name, name + (f", retry {retries}" if retries else "") + (f", not before {eta}" if eta else "")

    def _payload(self, raw: dict[str, Any]) -> Any:
        message = self._installation.channel.Message(raw, channel=self._installation.channel)
        message.accept = {message.content_type}
        return message.payload

    def _called(self, task_id: str, task: str) -> str:
        if task_id not in self._names:
            base = task.rpartition(".")[2]
            self._counts[base] += 1
            self._names[task_id] = f"{base}#{self._counts[base]}"
        return self._names[task_id]

    def _say(self, worker: Worker, kind: str, task: str, detail: str) -> None:
        self.simulation.record_for(worker.node.name, kind, task, detail)
