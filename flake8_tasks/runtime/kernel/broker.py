"""A broker: queues, what is delivered and not yet acknowledged, and when that comes back."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from flake8_tasks.runtime.kernel.choices import FAULT, ORDER
from flake8_tasks.runtime.kernel.clock import Timer
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.profiles import PROFILES, RABBITMQ, REDIS, SQS, Profile

__all__ = ["PROFILES", "RABBITMQ", "REDIS", "SQS", "Broker", "Delivery", "Message", "Profile", "Queueing"]

WINDOW = 3
"""How many messages at the head of a queue may change places."""


@dataclass(slots=True)
class Message:
    """A message in a queue.

    Arguments:
        name: stable in all runs: "charge#1".
        raw: what the driver sent, as it goes over the wire.
        priority: 0 to 9.
        redelivered: whether it was delivered before.
        key: the same for all copies that the broker makes of it when it is delivered again.
    """

    name: str
    queue: str
    raw: Any
    priority: int = 0
    redelivered: bool = False
    key: int = 0


@dataclass(eq=False, slots=True)
class Delivery:
    """A message that a consumer has and has not yet acknowledged."""

    tag: int
    message: Message
    consumer: str
    time: float
    timer: Timer | None = None

    def settled(self) -> None:
        """It will not come back by itself."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Queueing(Protocol):
    """What workers need of a broker."""

    polling_interval: float
    """Seconds between two questions whether there is a message; 0: the broker tells."""

    def publish(self, message: Message) -> None: ...
    def take(self, consumer: str, queues: Sequence[str]) -> Delivery | None: ...
    def delivery(self, tag: int) -> Delivery | None: ...
    def acknowledge(self, tag: int) -> bool: ...
    def reject(self, tag: int, requeue: bool) -> None: ...
    def connected(self, consumer: str) -> None: ...
    def disconnected(self, consumer: str) -> None: ...
    def restore(self, consumer: str, why: str, keep: Collection[int] = ()) -> None: ...
    def held(self, consumer: str) -> int: ...
    def holder(self, message: str) -> str: ...
    def queues_of(self, message: str) -> list[str]: ...
    def has(self, queues: Iterable[str]) -> bool: ...
    def waiting(self, queues: Iterable[str] | None = None) -> list[Message]: ...
    def purge(self, queue: str) -> int: ...


class Surroundings(Protocol):
    """What the broker needs of the simulation."""

    def now(self) -> float: ...
    def later(self, seconds: float, action: Callable[[], object], label: str) -> Timer: ...
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
    polling_interval: float = 0.0
    _held: dict[int, Delivery] = field(default_factory=dict)
    _windows: Counter[str] = field(default_factory=Counter)
    _turns: Counter[str] = field(default_factory=Counter)
    _scans: dict[str, float] = field(default_factory=dict)
    _returned: set[int] = field(default_factory=set)
    _with_priorities: set[str] = field(default_factory=set)
    _tags: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def publish(self, message: Message) -> None:
        """Take a message; the fault `duplicated` makes two of it."""
        self._queue(replace(message, key=next(self._tags)))
        where = f"delivery of {message.name}"
        if self.around.is_on(Fault.DUPLICATED) and self.around.choose(FAULT, where, ["", Fault.DUPLICATED]):
            self._say("fault", message, f"{Fault.DUPLICATED}: {where}")
            self._queue(replace(message, key=next(self._tags)))

    def take(self, consumer: str, queues: Sequence[str]) -> Delivery | None:
        """The next message for a consumer, of its queues in turn; None when all are empty."""
        turn = self._turns[consumer]
        for offset in range(len(queues)):
            name = queues[(turn + offset) % len(queues)]
            if waiting := self.queues.get(name):
                self._turns[consumer] = turn + offset + 1
                message = waiting.pop(self._which(name, waiting))
                delivery = Delivery(next(self._tags), message, consumer, self.around.now())
                self.unacknowledged[delivery.tag] = self._held[delivery.tag] = delivery
                self._windows[consumer] += 1
                self._watch(delivery)
                return delivery
        return None

    def delivery(self, tag: int) -> Delivery | None:
        """What a consumer has under this tag; also when the broker has it back since."""
        return self._held.get(tag)

    def acknowledge(self, tag: int) -> bool:
        """Forget a message; False when it is no longer this delivery's to acknowledge."""
        delivery = self._let_go(tag)
        if delivery is None:
            return False
        was_its_own = self._taken_back(tag) is not None
        if self.profile.tags_stay and (key := delivery.message.key) in self._returned:
            for other in [other for other, it in self.unacknowledged.items() if it.message.key == key]:
                self._taken_back(other)
        return was_its_own

    def reject(self, tag: int, requeue: bool) -> None:
        """Give a message back to its queue, or to the dead letters, or drop it."""
        self._let_go(tag)
        delivery = self._taken_back(tag)
        if delivery is None:
            return
        message = delivery.message
        if requeue:
            self._return(delivery, "rejected", last=self.profile.rejected_last)
        elif target := self.dead_letters.get(message.queue):
            self._say("dead-letter", message, f"to {target}")
            self._queue(replace(message, queue=target))
        else:
            self._say("dead-letter", message, "dropped: its queue has no dead-letter exchange")
            self.dropped.append(message)

    def connected(self, consumer: str) -> None:
        """A consumer is there; on Redis it looks for messages whose visibility timeout is over."""
        self._scans[consumer] = self.around.now()
        for delivery in list(self.unacknowledged.values()):
            self._watch(delivery)

    def disconnected(self, consumer: str) -> None:
        """A consumer is gone without a word."""
        self._scans.pop(consumer, None)
        for tag in [tag for tag, delivery in self._held.items() if delivery.consumer == consumer]:
            self._let_go(tag)
        if self.profile.returns_when_disconnected:
            self.restore(consumer, "connection lost")

    def restore(self, consumer: str, why: str, keep: Collection[int] = ()) -> None:
        """What a consumer has not acknowledged goes back to where it was taken, in its order.

        Arguments:
            consumer: whose it is.
            why: for the trace.
            keep: the tags of what it keeps.
        """
        mine = [
            tag for tag, delivery in self.unacknowledged.items() if delivery.consumer == consumer and tag not in keep
        ]
        for tag in reversed(mine):
            self._let_go(tag)
            if delivery := self._taken_back(tag):
                self._return(delivery, why)

    def held(self, consumer: str) -> int:
        """How many messages a consumer has neither acknowledged nor given back."""
        return self._windows[consumer]

    def holder(self, message: str) -> str:
        """The consumer that has a message of this name; empty when none has."""
        return next((it.consumer for it in self.unacknowledged.values() if it.message.name == message), "")

    def queues_of(self, message: str) -> list[str]:
        """The queues in which a message of this name waits."""
        return [name for name, waiting in self.queues.items() if any(it.name == message for it in waiting)]

    def has(self, queues: Iterable[str]) -> bool:
        """Whether a message waits in one of these queues."""
        return any(map(self.queues.get, queues))

    def waiting(self, queues: Iterable[str] | None = None) -> list[Message]:
        """Messages that nobody has."""
        names = self.queues if queues is None else queues
        return [message for name in names for message in self.queues.get(name, ())]

    def purge(self, queue: str) -> int:
        """Drop what waits in a queue; how many there were."""
        return len(self.queues.pop(queue, ()))

    def _which(self, name: str, waiting: list[Message]) -> int:
        if name in self._with_priorities:
            best = max if self.profile.highest_first else min
            first = best(message.priority for message in waiting)
            alike = [index for index, message in enumerate(waiting) if message.priority == first][:WINDOW]
        else:
            alike = list(range(min(WINDOW, len(waiting))))
        if len(alike) == 1:
            return alike[0]
        return alike[self.around.choose(ORDER, f"next of {name}", [waiting[index].name for index in alike])]

    def _queue(self, message: Message) -> None:
        if message.priority:
            self._with_priorities.add(message.queue)
        self.queues.setdefault(message.queue, []).append(message)

    def _let_go(self, tag: int) -> Delivery | None:
        delivery = self._held.pop(tag, None)
        if delivery is not None:
            self._windows[delivery.consumer] -= 1
        return delivery

    def _taken_back(self, tag: int) -> Delivery | None:
        delivery = self.unacknowledged.pop(tag, None)
        if delivery is not None:
            delivery.settled()
        return delivery

    def _return(self, delivery: Delivery, why: str, *, last: bool = False) -> None:
        message = replace(delivery.message, redelivered=True)
        self._returned.add(message.key)
        self._say("redeliver", message, why)
        waiting = self.queues.setdefault(message.queue, [])
        waiting.insert(len(waiting) if last else 0, message)

    def _watch(self, delivery: Delivery) -> None:
        timeout = self.profile.visibility_timeout
        if timeout is None or (due := self._next_scan(delivery.time + timeout)) is None:
            return

        def look() -> None:
            if self.unacknowledged.get(delivery.tag) is not delivery:
                return
            due = self._next_scan(delivery.time + timeout)
            if due is None:
                return
            if due > self.around.now():
                delivery.timer = self.around.later(due - self.around.now(), look, "visibility")
                return
            every = f", looked for every {scan:g} s" if (scan := self.profile.scan_interval) else ""
            before = max(delivery.time, self.around.now() - timeout)
            for lost in reversed([it for it in self.unacknowledged.values() if it.time <= before]):
                self._taken_back(lost.tag)
                self._return(lost, f"visibility timeout of {timeout:g} s{every}")

        delivery.settled()
        delivery.timer = self.around.later(due - self.around.now(), look, "visibility")

    def _next_scan(self, when: float) -> float | None:
        """When the next look after that time is, None while nobody is there to look."""
        when, scan = max(when, self.around.now()), self.profile.scan_interval
        if not scan:
            return when
        return min((start + math.ceil((when - start) / scan) * scan for start in self._scans.values()), default=None)

    def _say(self, kind: str, message: Message, detail: str) -> None:
        self.around.record_for("broker", kind, message.name, detail)
