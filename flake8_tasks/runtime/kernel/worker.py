"""A worker: a node with a parent process, which talks to the broker, and child processes, which are its slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from flake8_tasks.runtime.kernel.actors import Actor, Killed
from flake8_tasks.runtime.kernel.broker import Broker, Delivery
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
        restarts_after: seconds until a killed one is up again.
    """

    name: str = "worker"
    slots: int = 2
    queues: tuple[str, ...] = ("celery",)
    prefetch: int = 4
    restarts_after: float = 5.0


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

    def went_down(self, worker: Worker) -> None:
        """The whole node was killed: what its memory held is gone."""


class Worker:
    """A node of the simulation.

    Arguments:
        simulation: the run.
        broker: where messages come from.
        node: what it is like.
        driver: the framework's part.
    """

    def __init__(self, simulation: Simulation, broker: Broker, node: Node, driver: Driver) -> None:
        self.simulation, self.broker, self.node, self.driver = simulation, broker, node, driver
        self.slots: list[Actor | None] = [None] * node.slots
        self.backlog: list[Any] = []
        self.extra_prefetch = 0
        self.is_up = self.consumes = True
        self._life = 0
        self._stalled: set[str] = set()
        self.parent = Actor(node.name, _nothing, _nothing, (Fault.NODE_KILLED,))
        simulation.workers.append(self)

    def has_work(self) -> bool:
        """Whether `step` would do something."""
        return self._can_take() or self._can_begin()

    def step(self) -> bool:
        """Take messages and start jobs; whether there was anything to do."""
        did = False
        with self.as_parent():
            while self._can_take():
                delivery = self.broker.take(self.node.name, self.node.queues)
                if delivery is None:
                    break
                did = True
                again = "again" if delivery.message.redelivered else ""
                self.simulation.record_for(self.node.name, "deliver", delivery.message.name, again)
                self.driver.received(self, delivery)
            while self._can_begin():
                did = True
                self.driver.begin(self, self.backlog.pop(0))
        return did

    def fork(self, task: str, attempt: str, function: Callable[[], object]) -> Actor:
        """Run a job in a free slot."""
        slot = self.slots.index(None)
        faults = (Fault.CHILD_KILLED, Fault.NODE_KILLED)
        actor = Actor(f"{self.node.name}/{slot}", self._ended, self._killed, faults, task, attempt)
        self.slots[slot] = actor
        self.simulation.record_for(actor.lane, "start", task, attempt.strip())
        return self.simulation.spawn(actor, function)

    def later(self, seconds: float, action: Callable[[], object], label: str) -> Timer:
        """Do something in the parent in so many seconds, unless the node was killed by then."""
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

    def kill(self) -> None:
        """The whole node is gone; it is up again after `restarts_after` seconds."""
        self.simulation.record_for(self.node.name, "node-down")
        self._stop()
        self.broker.disconnected(self.node.name)
        self.simulation.later(self.node.restarts_after, self._restart, "restart")

    def shutdown(self, *, warm: bool = True) -> None:
        """Stop it: warm, children end what they do and the rest goes back to the queue; cold, all goes back at once."""
        self.simulation.record_for(self.node.name, "shutdown", detail="warm" if warm else "cold")
        self.consumes = False
        self.backlog.clear()
        if not warm:
            self._stop()
        self._restore_unstarted()

    def stall(self) -> None:
        """Nobody can go on before time passes: say so when the pool waits for itself."""
        actors = [actor for actor in self.slots if actor is not None]
        waits = [actor.waiting for actor in actors if actor.waiting is not None and actor.waiting.holds_up]
        if not self.is_up or len(waits) < len(self.slots):
            return
        kind = "deadlock" if all(waiting.timer is None for waiting in waits) else "starvation"
        text = "; ".join(f"{actor.task} waits for {actor.waiting.why}" for actor in actors if actor.waiting)
        if text not in self._stalled:
            self._stalled.add(text)
            self.simulation.record_for(self.node.name, kind, detail=text)

    @contextmanager
    def as_parent(self) -> Iterator[None]:
        """What is done now is done by the parent process, which may be killed at it."""
        try:
            with self.simulation.acting(self.parent):
                yield
        except Killed:
            self.kill()

    def _can_take(self) -> bool:
        if not (self.is_up and self.consumes and self.broker.waiting(self.node.queues)):
            return False
        if not self.node.prefetch:
            return True
        held = sum(delivery.consumer == self.node.name for delivery in self.broker.unacknowledged.values())
        return held < self.node.prefetch * self.node.slots + self.extra_prefetch

    def _can_begin(self) -> bool:
        return self.is_up and bool(self.backlog) and None in self.slots

    def _leave(self, actor: Actor) -> None:
        self.slots[self.slots.index(actor)] = None

    def _ended(self, actor: Actor) -> None:
        self._leave(actor)
        with self.as_parent():
            self.driver.finished(self, actor)

    def _killed(self, actor: Actor, fault: Fault) -> None:
        if fault is Fault.NODE_KILLED:
            self.kill()
        else:
            self.kill_child(actor, "signal 9")

    def _stop(self) -> None:
        for actor in self.slots:
            if actor is not None:
                if not actor.dead:
                    self.simulation.bury(actor)
                self.simulation.record_for(actor.lane, "killed", actor.task, "with its node")
        self.slots = [None] * self.node.slots
        self.backlog.clear()
        self.extra_prefetch = 0
        self.is_up = False
        self._life += 1
        self.driver.went_down(self)

    def _restart(self) -> None:
        self.is_up = True
        self.broker.scans_from = self.simulation.now()
        self.simulation.record_for(self.node.name, "node-up")

    def _restore_unstarted(self) -> None:
        running = {actor.task for actor in self.slots if actor is not None}
        self.broker.restore(self.node.name, "shutdown", keep=running)


def _nothing(*_: object) -> None:
    pass
