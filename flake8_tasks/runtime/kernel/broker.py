"""A broker: queues, what is delivered and not yet acknowledged, and when that comes back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from flake8_tasks.runtime.kernel.choices import FAULT, ORDER
from flake8_tasks.runtime.kernel.faults import Fault

WINDOW = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of broker behaves.

    Arguments:
        name: of the broker.
        returns_when_disconnected: whether unacknowledged messages come back as soon as their consumer is gone.
        visibility_timeout: seconds after which an unacknowledged message may be delivered again; None: never.
        scan_interval: seconds between two looks for such messages, 0 for "at once".
        highest_first: whether priority 9 goes before priority 0.
    """

    name: str
    returns_when_disconnected: bool
    visibility_timeout: float | None
    scan_interval: float
    highest_first: bool

    def with_visibility_timeout(self, seconds: float | None) -> Profile:
        """The same with another visibility timeout, in seconds."""
        return self if seconds is None or self.visibility_timeout is None else replace(self, visibility_timeout=seconds)


# https://www.rabbitmq.com/docs/confirms#automatic-requeueing
RABBITMQ = Profile("rabbitmq", True, None, 0, True)
# kombu.transport.redis: `QoS.restore_visible` runs when a worker connects, then at every tenth tick of ten seconds.
REDIS = Profile("redis", False, 3600, 100, False)
# kombu.transport.SQS: `Channel.default_visibility_timeout`
SQS = Profile("sqs", False, 1800, 0, False)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (RABBITMQ, REDIS, SQS)}


@dataclass(slots=True)
class Message:
    """A message in a queue.

    Arguments:
        name: stable in all runs: "charge#1".
        raw: what the driver sent, as it goes over the wire.
        priority: 0 to 9.
        redelivered: whether it was delivered before.
    """

    name: str
    queue: str
    raw: Any
    priority: int = 0
    redelivered: bool = False


@dataclass(slots=True)
class Delivery:
    """A message that a consumer has and has not yet acknowledged."""

    tag: int
    message: Message
    consumer: str
    time: float


class Surroundings(Protocol):
    """What the broker needs of the simulation."""

    def now(self) -> float: ...
    def later(self, seconds: float, action: Callable[[], object], label: str) -> object: ...
    def record_for(self, lane: str, kind: str, task: str = "", detail: str = "", to: str = "") -> None: ...
    def choose(self, kind: str, label: str, options: list[str]) -> int: ...
    def is_on(self, fault: Fault) -> bool: ...


@dataclass
class Broker:
    """Takes messages, hands them out, and gets them back.

    Arguments:
        around: the simulation.
        profile: which kind of broker it is.
        dead_letters: queue → the queue that takes what is rejected there without requeueing.
    """

    around: Surroundings
    profile: Profile = RABBITMQ
    dead_letters: Mapping[str, str] = field(default_factory=dict)
    queues: dict[str, list[Message]] = field(default_factory=dict)
    unacknowledged: dict[int, Delivery] = field(default_factory=dict)
    dropped: list[Message] = field(default_factory=list)
    scans_from: float = 0.0
    _tags: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def publish(self, message: Message) -> None:
        """Take a message; the fault `duplicated` makes two of it."""
        self._queue(message)
        where = f"delivery of {message.name}"
        if self.around.is_on(Fault.DUPLICATED) and self.around.choose(FAULT, where, ["", Fault.DUPLICATED]):
            self._say("fault", message, f"{Fault.DUPLICATED}: {where}")
            self._queue(replace(message))

    def take(self, consumer: str, queues: Iterable[str]) -> Delivery | None:
        """The next message for a consumer, of the first of its queues that has one; None when all are empty."""
        for name in queues:
            if waiting := self.queues.get(name):
                message = waiting.pop(self._which(name, waiting))
                delivery = Delivery(next(self._tags), message, consumer, self.around.now())
                self.unacknowledged[delivery.tag] = delivery
                self._watch(delivery)
                return delivery
        return None

    def acknowledge(self, tag: int) -> bool:
        """Forget a message; False when it is no longer this delivery's to acknowledge."""
        return self.unacknowledged.pop(tag, None) is not None

    def reject(self, tag: int, requeue: bool) -> None:
        """Give a message back to its queue, or to the dead letters, or drop it."""
        delivery = self.unacknowledged.pop(tag, None)
        if delivery is None:
            return
        message = delivery.message
        if requeue:
            self._return(delivery, "rejected")
        elif target := self.dead_letters.get(message.queue):
            self._say("dead-letter", message, f"to {target}")
            self._queue(replace(message, queue=target))
        else:
            self._say("dead-letter", message, "dropped: its queue has no dead-letter exchange")
            self.dropped.append(message)

    def disconnected(self, consumer: str) -> None:
        """A consumer is gone without a word."""
        if self.profile.returns_when_disconnected:
            self.restore(consumer, "connection lost")

    def restore(self, consumer: str, why: str, keep: Collection[str] = ()) -> None:
        """What a consumer has not acknowledged goes back to where it was taken, in its order, but for those kept."""
        mine = [
            tag
            for tag, delivery in self.unacknowledged.items()
            if delivery.consumer == consumer and delivery.message.name not in keep
        ]
        for tag in reversed(mine):
            self._return(self.unacknowledged.pop(tag), why)

    def waiting(self, queues: Iterable[str] | None = None) -> list[Message]:
        """Messages that nobody has."""
        names = self.queues if queues is None else queues
        return [message for name in names for message in self.queues.get(name, ())]

    def purge(self, queue: str) -> int:
        """Drop what waits in a queue; how many there were."""
        return len(self.queues.pop(queue, ()))

    def _which(self, name: str, waiting: list[Message]) -> int:
        best = max if self.profile.highest_first else min
        first = best(message.priority for message in waiting)
        alike = [index for index, message in enumerate(waiting) if message.priority == first][:WINDOW]
        labels = [waiting[index].name for index in alike]
        return alike[self.around.choose(ORDER, f"next of {name}", labels)]

    def _queue(self, message: Message) -> None:
        self.queues.setdefault(message.queue, []).append(message)

    def _return(self, delivery: Delivery, why: str) -> None:
        message = replace(delivery.message, redelivered=True)
        self._say("redeliver", message, why)
        self.queues.setdefault(message.queue, []).insert(0, message)

    def _watch(self, delivery: Delivery) -> None:
        timeout, scan = self.profile.visibility_timeout, self.profile.scan_interval
        if timeout is None:
            return

        def look() -> None:
            if self.unacknowledged.get(delivery.tag) is not delivery:
                return
            due = self._next_scan(delivery.time + timeout)
            if due > self.around.now():
                self.around.later(due - self.around.now(), look, "visibility")
            else:
                del self.unacknowledged[delivery.tag]
                self._return(
                    delivery,
                    f"visibility timeout of {timeout:g} s, looked for every {scan:g} s"
                    if scan
                    else f"visibility timeout of {timeout:g} s",
                )

        self.around.later(self._next_scan(delivery.time + timeout) - self.around.now(), look, "visibility")

    def _next_scan(self, when: float) -> float:
        scan = self.profile.scan_interval
        if not scan:
            return when
        return self.scans_from + max(0, math.ceil((when - self.scans_from) / scan)) * scan

    def _say(self, kind: str, message: Message, detail: str) -> None:
        self.around.record_for("broker", kind, message.name, detail)
