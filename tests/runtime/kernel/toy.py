"""A task queue of plain functions, to test the kernel without any framework."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.broker import RABBITMQ, Broker, Delivery, Message, Profile
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.worker import Node, Worker


@dataclass
class Toy:
    """A driver whose messages are functions; it acknowledges early or late, and requeues what a killed child did.

    Arguments:
        simulation: the run.
        profile: the broker's.
        late: whether messages are acknowledged after their function.
    """

    simulation: Simulation
    profile: Profile = RABBITMQ
    late: bool = False
    done: list[str] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _results: dict[str, object] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.broker = Broker(self.simulation, self.profile)

    def worker(self, node: Node | None = None) -> Worker:
        """One more node."""
        return Worker(self.simulation, self.broker, node or Node(), self)

    def client(self, function: Callable[[], object]) -> Actor:
        """Somebody who acts from outside."""
        return self.simulation.spawn(Actor("client", _nothing, _nothing), function)

    def send(self, function: Callable[[], Any], queue: str = "celery", priority: int = 0) -> str:
        """Send a function; the name of its message."""
        self._counts[function.__name__] += 1
        name = f"{function.__name__}#{self._counts[function.__name__]}"
        self.simulation.point("publish", name, to="broker")
        self.broker.publish(Message(name, queue, function, priority))
        return name

    def result(self, name: str, timeout: float | None = None) -> object:
        """Wait for what a function gives back."""
        self.simulation.wait(lambda: name in self._results, timeout, f"result of {name}", holds_up=True, awaited=name)
        return self._results.get(name)

    def received(self, worker: Worker, delivery: Delivery) -> None:
        worker.backlog.append(delivery)

    def begin(self, worker: Worker, job: Delivery) -> None:
        def run() -> object:
            value = job.message.raw()
            self.simulation.point("finish", job.message.name)
            self._results[job.message.name] = value
            return value

        worker.fork(job.message.name, "", run, job.tag).local["job"] = job
        if not self.late:
            self.broker.acknowledge(job.tag)

    def finished(self, worker: Worker, actor: Actor) -> None:
        assert actor.coroutine is not None
        if actor.coroutine.failure is None:
            self.done.append(actor.task)
        self._settle(actor, requeue=False)

    def lost(self, worker: Worker, actor: Actor) -> None:
        self._settle(actor, requeue=True)

    def stopping(self, worker: Worker, warm: bool) -> None:
        pass

    def disconnected(self, worker: Worker) -> None:
        pass

    def went_down(self, worker: Worker) -> None:
        pass

    def came_up(self, worker: Worker) -> None:
        pass

    def _settle(self, actor: Actor, requeue: bool) -> None:
        job = actor.local["job"]
        assert isinstance(job, Delivery)
        if self.late and requeue:
            self.broker.reject(job.tag, requeue=True)
        elif self.late:
            self.simulation.point("ack", job.message.name, to="broker")
            self.broker.acknowledge(job.tag)


def _nothing(*_: object) -> None:
    pass
