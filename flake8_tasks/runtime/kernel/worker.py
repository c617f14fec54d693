"""A worker: a node with a parent process, which talks to the broker, and child processes, which are its slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flake8_tasks.runtime.kernel.actors import Acting, Actor, Killed
from flake8_tasks.runtime.kernel.broker import Delivery, Queueing
from flake8_tasks.runtime.kernel.clock import Timer
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Node:
    """What a worker is like.

    Arguments:
        name: its lane in the trace.
        slots: how many child processes it has.
        queues: what it consumes.
        prefetch: messages per slot that it takes in advance; 0: all there are.
        restarts_after: seconds until a killed one is up again; None: it stays down.
    """

    name: str = "worker"
    slots: int = 2
    queues: tuple[str, ...] = ("celery",)
    prefetch: int = 4
    restarts_after: float | None = 5.0


class Driver(Protocol):
    """The framework whose tasks the worker runs."""

    def received(self, worker: Worker, delivery: Delivery) -> None:
        """A message has come: put a job into `worker.backlog`, now or later."""

    def begin(self, worker: Worker, job: Any) -> None:
        """A slot is free for a job: call `worker.fork`, or do nothing when the job is not to run."""

    def finished(self, worker: Worker, actor: Actor) -> None:
        """A child has ended its job."""

    def lost(self, worker: Worker, actor: Actor) -> None:
        """A child was killed."""

    def stopping(self, worker: Worker, warm: bool) -> None:
        """The worker was asked to stop; cold: its children are about to be killed."""

    def disconnected(self, worker: Worker) -> None:
        """The connection to the broker was lost: what waits here for its turn comes again."""

    def went_down(self, worker: Worker) -> None:
        """The whole node is gone, and what its memory held."""

    def came_up(self, worker: Worker) -> None:
        """It is there again, as new."""


class Worker:
    """A node of the simulation.

    Arguments:
        simulation: the run.
        broker: where messages come from.
        node: what it is like.
        driver: the framework's part.
    """

    def __init__(self, simulation: Simulation, broker: Queueing, node: Node, driver: Driver) -> None:
        self.simulation, self.broker, self.node, self.driver = simulation, broker, node, driver
        self.slots: list[Actor | None] = [None] * node.slots
        self.backlog: deque[Any] = deque()
        self.extra_prefetch = 0
        self.is_up = self.consumes = True
        self.next_poll = 0.0
        self._life = 0
        self._free = node.slots
        self._started: dict[Actor, int] = {}
        self.parent = Actor(node.name, _nothing, _nothing, (Fault.NODE_KILLED,))
        self.parent.local["node"] = node.name
        simulation.workers.append(self)
        broker.connected(node.name)

    @property
    def children(self) -> list[Actor]:
        """The processes that execute something."""
        return [actor for actor in self.slots if actor is not None]

    @property
    def is_held_up(self) -> bool:
        """Whether every slot waits in a way that keeps it from all other work."""
        if self._free or not self.is_up:
            return False
        return all(actor.waiting is not None and actor.waiting.holds_up for actor in self.slots if actor is not None)

    def may_run(self, message: str) -> bool:
        """Whether it has the message, or could be given it; also when nobody knows where the message is."""
        holder = self.broker.holder(message)
        if holder:
            return holder == self.node.name
        queues = self.broker.queues_of(message)
        return not queues or any(queue in self.node.queues for queue in queues)

    def has_work(self) -> bool:
        """Whether `take` or `begin` would do something."""
        return self._can_take() or self._can_begin()

    def take(self) -> bool:
        """Take the next message, if there is one and it may; whether it did."""
        if not self._can_take():
            return False
        with self.as_parent():
            delivery = self.broker.take(self.node.name, self.node.queues)
            if delivery is None:
                self.next_poll = self.simulation.now() + self.broker.polling_interval
                return False
            message = delivery.message
            self.simulation.record_for(self.node.name, "deliver", message.name, "again" if message.redelivered else "")
            self.simulation.delivered(message.name)
            self.driver.received(self, delivery)
        return True

    def must_poll(self, nothing_else_happens: bool) -> bool:
        """Whether it asks the broker again and again, and somebody could see that it does."""
        if not (self.is_up and self.consumes and self.broker.polling_interval):
            return False
        return not nothing_else_happens or (self._has_room() and self.broker.has(self.node.queues))

    def begin(self) -> bool:
        """Start the jobs that there are free slots for; whether there were any."""
        did = False
        while self._can_begin():
            did = True
            with self.as_parent():
                self.driver.begin(self, self.backlog.popleft())
        return did

    def fork(self, task: str, attempt: str, function: Callable[[], object], tag: int = 0) -> Actor:
        """Run a job in a free slot.

        Arguments:
            task: the stable name of its message.
            attempt: " retry 2" when it is not the first.
            function: what the child does.
            tag: of the delivery that it is about.
        """
        slot = self.slots.index(None)
        faults = (Fault.CHILD_KILLED, Fault.NODE_KILLED)
        actor = Actor(f"{self.node.name}/{slot}", self._ended, self._killed, faults, task, attempt)
        self.slots[slot] = actor
        self._free -= 1
        self._started[actor] = tag
        self.simulation.record_for(actor.lane, "start", task, attempt.strip())
        return self.simulation.spawn(actor, function)

    def later(self, seconds: float, action: Callable[[], object], label: str) -> Timer:
        """Do something in the parent in so many seconds, unless the node went down in the meantime."""
        life = self._life

        def act() -> None:
            if life == self._life:
                with self.as_parent():
                    action()

        return self.simulation.later(seconds, act, label)

    def kill_child(self, actor: Actor, why: str) -> None:
        """A child process is gone, in the midst of what it did."""
        self._leave(actor)
        self.simulation.bury(actor)
        self.simulation.record_for(actor.lane, "killed", actor.task, why)
        with self.as_parent():
            self.driver.lost(self, actor)
        self._rest_if_stopped()

    def kill(self) -> None:
        """The whole node is gone; it is up again after `restarts_after` seconds."""
        self._go_down("")
        self.broker.disconnected(self.node.name)
        if self.node.restarts_after is not None:
            self.simulation.later(self.node.restarts_after, self.start, "restart")

    def disconnect(self) -> None:
        """Lose the connection to the broker and connect again; children go on with what they do."""
        self.simulation.record_for(self.node.name, "disconnected")
        self.backlog.clear()
        self.extra_prefetch = 0
        with self.as_parent():
            self.driver.disconnected(self)
        self.broker.disconnected(self.node.name)
        self.broker.connected(self.node.name)

    def shutdown(self, *, warm: bool = True) -> None:
        """Stop it: warm, children end what they do and the rest goes back to the queue; cold, all goes back at once."""
        self.simulation.record_for(self.node.name, "shutdown", detail="warm" if warm else "cold")
        self.consumes = False
        self.backlog.clear()
        with self.as_parent():
            self.driver.stopping(self, warm)
        if not warm and self.is_up:
            self._go_down("after a cold shutdown")
        self.broker.restore(self.node.name, "shutdown", keep=set(self._started.values()))
        self._rest_if_stopped()

    def start(self) -> None:
        """It is up again, after it was killed or stopped."""
        if self.is_up and self.consumes:
            return
        self.is_up = self.consumes = True
        self.next_poll = self.simulation.now()
        self.broker.connected(self.node.name)
        self.simulation.record_for(self.node.name, "node-up")
        self.driver.came_up(self)

    def as_parent(self) -> AsParent:
        """What is done now is done by the parent process, which may be killed at it."""
        return AsParent(self)

    def _has_room(self) -> bool:
        node = self.node
        return not node.prefetch or self.broker.held(node.name) < node.prefetch * node.slots + self.extra_prefetch

    def _can_take(self) -> bool:
        if not (self.is_up and self.consumes):
            return False
        if self.broker.polling_interval:
            return self.next_poll <= self.simulation.now() and self._polls()
        return self.broker.has(self.node.queues) and self._has_room()

    def _polls(self) -> bool:
        if self._has_room():
            return True
        self.next_poll = self.simulation.now() + self.broker.polling_interval
        return False

    def _can_begin(self) -> bool:
        return self._free > 0 and bool(self.backlog) and self.is_up

    def _leave(self, actor: Actor) -> None:
        self.slots[self.slots.index(actor)] = None
        self._free += 1
        self._started.pop(actor, None)

    def _ended(self, actor: Actor) -> None:
        self._leave(actor)
        with self.as_parent():
            self.driver.finished(self, actor)
        self._rest_if_stopped()

    def _killed(self, actor: Actor, fault: Fault) -> None:
        if fault is Fault.NODE_KILLED:
            self.kill()
        else:
            self.kill_child(actor, "signal 9")

    def _go_down(self, why: str) -> None:
        self.simulation.record_for(self.node.name, "node-down", detail=why)
        for actor in self.children:
            if not actor.dead:
                self.simulation.bury(actor)
            self.simulation.record_for(actor.lane, "killed", actor.task, "with its node")
        self.slots = [None] * self.node.slots
        self._free = self.node.slots
        self._started.clear()
        self.backlog.clear()
        self.extra_prefetch = 0
        self.is_up = False
        self._life += 1
        self.driver.went_down(self)

    def _rest_if_stopped(self) -> None:
        if self.is_up and not self.consumes and self._free == self.node.slots:
            self._go_down("after a warm shutdown")
            self.broker.restore(self.node.name, "shutdown")


class AsParent(Acting):
    """Within it a worker's parent process acts; when a fault kills it there, the worker is gone afterwards."""

    __slots__ = ("_worker",)

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.simulation, worker.parent)
        self._worker = worker

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        super().__exit__(kind)
        if kind is None or not issubclass(kind, Killed):
            return False
        self._worker.kill()
        return True


def _nothing(*_: object) -> None:
    pass
