"""Kombu's own database and folder transports as brokers: real channels over a temporary SQLite file or folder.

Workers ask them again and again, as nothing tells them that there is a message.
"""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Connection

from flake8_tasks.runtime.celery import compat_channels as compat
from flake8_tasks.runtime.kernel.broker import Delivery, Message
from flake8_tasks.runtime.kernel.profiles import Profile
from flake8_tasks.runtime.kernel.simulation import Simulation

DATABASE = ("sqla", "sqlalchemy")
FOLDER = ("filesystem",)
PROFILE = Profile("polled", False, None, 0, False)


def is_polled(url: str) -> bool:
    """Whether a broker URL names one of these transports."""
    return url.partition("://")[0].partition("+")[0].lower() in (*DATABASE, *FOLDER)


class Storage:
    """Where the messages really are, for many runs one after the other.

    Arguments:
        url: the program's own.
        options: the program's `broker_transport_options`.
        folder: an empty one, for as long as this is used.
    """

    def __init__(self, url: str, options: dict[str, Any], folder: Path) -> None:
        if url.startswith(FOLDER):
            (folder / "control").mkdir()
            inside = {"data_folder_in": str(folder), "data_folder_out": str(folder), "store_processed": False}
            url, options = "filesystem://", {**options, **inside, "control_folder": str(folder / "control")}
        else:
            url = f"sqla+sqlite:///{folder / 'broker.sqlite3'}"
            # The others are for the program's own kind of database.
            options = {name: options[name] for name in ("queue_tablename", "message_tablename") if name in options}
        self._folder = folder
        self.statements: list[float] = []
        """When a database was sent a statement, in virtual seconds."""
        self.now: Callable[[], float] = float
        self.connection = Connection(url, transport_options=options)
        self.polling_interval = float(self.connection.transport.polling_interval)
        self.channel = self.open()
        self.is_database = compat.listen_to_statements(self.channel, self._count)

    def open(self) -> Any:
        """A new channel, as each worker has one."""
        with warnings.catch_warnings():
            # SQLAlchemy tells kombu what it will no longer be allowed to do.
            warnings.simplefilter("ignore")
            channel = self.connection.channel()
            compat.make_tables(channel)
        return channel

    def clear(self) -> None:
        """Forget all messages and all counts."""
        compat.forget_messages(self.channel)
        for file in self._folder.glob("*.msg"):
            file.unlink()
        self.statements.clear()

    def close(self) -> None:
        """Give up the connection."""
        compat.close_storage(self.channel)
        self.connection.close()

    def _count(self, *_: object) -> None:
        self.statements.append(self.now())


class PolledBroker:
    """Hands out what kombu's channels give.

    Arguments:
        around: the simulation.
        storage: where the messages are.
        app: the user's, whose queues they are.
    """

    def __init__(self, around: Simulation, storage: Storage, app: Celery) -> None:
        storage.clear()
        self.around, self.storage, self._app = around, storage, app
        self.polling_interval = storage.polling_interval
        self.polls: list[float] = []
        storage.now = around.now
        self.unacknowledged: dict[int, Delivery] = {}
        self._known: dict[str, Message] = {}
        self._waiting: dict[str, list[Message]] = {}
        self._channels: dict[str, Any] = {}
        self._keys: dict[int, str] = {}
        self._turns: Counter[str] = Counter()
        self._windows: Counter[str] = Counter()
        self._tags = itertools.count(1)

    @property
    def statements(self) -> list[float]:
        """When workers and clients have sent the database a statement, or looked into the folder; virtual seconds."""
        return self.storage.statements if self.storage.is_database else self.polls

    def publish(self, message: Message) -> None:
        """Insert it."""
        self._known[message.raw["properties"]["delivery_tag"]] = message
        self._waiting.setdefault(message.queue, []).append(message)
        compat.put(self.storage.channel, message.queue, message.raw)

    def take(self, consumer: str, queues: Sequence[str]) -> Delivery | None:
        """Ask for a message in each queue until there is one; it is committed as taken."""
        turn = self._turns[consumer]
        for offset in range(len(queues)):
            name = queues[(turn + offset) % len(queues)]
            self.polls.append(self.around.now())
            taken = self._channels[consumer].basic_get(name)
            if taken is not None:
                self._turns[consumer] = turn + offset + 1
                return self._delivered(consumer, name, taken.delivery_tag)
        return None

    def delivery(self, tag: int) -> Delivery | None:
        """What a consumer has under this tag."""
        return self.unacknowledged.get(tag)

    def acknowledge(self, tag: int) -> bool:
        """The channel forgets it."""
        if delivery := self._let_go(tag):
            self._channels[delivery.consumer].basic_ack(self._keys[tag])
        return delivery is not None

    def reject(self, tag: int, requeue: bool) -> None:
        """The channel inserts it again, or forgets it."""
        delivery = self._let_go(tag)
        if delivery is None:
            return
        if requeue:
            self._return(delivery, tag, "rejected")
        else:
            self._channels[delivery.consumer].basic_reject(self._keys[tag], requeue=False)
            self.around.record_for("broker", "dead-letter", delivery.message.name, "dropped: there are no dead letters")

    def connected(self, consumer: str) -> None:
        """A worker opens a channel of its own."""
        if consumer not in self._channels:
            self._channels[consumer] = channel = self.storage.open()
            for queue in self._app.amqp.queues.values():
                queue(channel).declare()
            compat.end_transaction(channel)

    def disconnected(self, consumer: str) -> None:
        """A worker is gone without a word: what it had taken nobody gives back."""
        channel = self._channels.pop(consumer, None)
        if channel is not None:
            compat.abandon(channel)
        for tag in [tag for tag, delivery in self.unacknowledged.items() if delivery.consumer == consumer]:
            if delivery := self._let_go(tag):
                gone = "taken by a worker that is gone, and committed: nobody delivers it again"
                self.around.record_for("broker", "discard", delivery.message.name, gone)

    def restore(self, consumer: str, why: str, keep: Collection[int] = ()) -> None:
        """A worker that stops gives back what it has not acknowledged, but for those kept."""
        mine = [tag for tag, it in self.unacknowledged.items() if it.consumer == consumer and tag not in keep]
        for tag in mine:
            if (delivery := self._let_go(tag)) and consumer in self._channels:
                self._return(delivery, tag, why)

    def held(self, consumer: str) -> int:
        """How many messages a consumer has neither acknowledged nor given back."""
        return self._windows[consumer]

    def holder(self, message: str) -> str:
        """The consumer that has a message of this name; empty when none has."""
        return next((it.consumer for it in self.unacknowledged.values() if it.message.name == message), "")

    def queues_of(self, message: str) -> list[str]:
        """The queues in which a message of this name waits."""
        return [name for name, waiting in self._waiting.items() if any(it.name == message for it in waiting)]

    def has(self, queues: Iterable[str]) -> bool:
        """Whether a message waits in one of these queues."""
        return any(self._waiting.get(name) for name in queues)

    def waiting(self, queues: Iterable[str] | None = None) -> list[Message]:
        """Messages that nobody has."""
        names = self._waiting if queues is None else queues
        return [message for name in names for message in self._waiting.get(name, ())]

    def purge(self, queue: str) -> int:
        """Delete what waits in a queue; how many there were."""
        self._waiting.pop(queue, None)
        return int(self.storage.channel.queue_purge(queue))

    def close(self) -> None:
        """The run is over: nothing is given back any more."""
        for channel in self._channels.values():
            compat.abandon(channel)
        self._channels.clear()

    def _delivered(self, consumer: str, queue: str, key: str) -> Delivery:
        message = self._known[key]
        waiting = self._waiting[queue]
        waiting.remove(next(it for it in waiting if it.name == message.name and it.raw is message.raw))
        delivery = Delivery(next(self._tags), message, consumer, self.around.now())
        self.unacknowledged[delivery.tag] = delivery
        self._keys[delivery.tag] = key
        self._windows[consumer] += 1
        return delivery

    def _return(self, delivery: Delivery, tag: int, why: str) -> None:
        key = self._keys[tag]
        message = self._known[key] = replace(delivery.message, redelivered=True)
        self.around.record_for("broker", "redeliver", message.name, why)
        self._waiting.setdefault(message.queue, []).append(message)
        self._channels[delivery.consumer].basic_reject(key, requeue=True)

    def _let_go(self, tag: int) -> Delivery | None:
        delivery = self.unacknowledged.pop(tag, None)
        if delivery is not None:
            self._windows[delivery.consumer] -= 1
        return delivery
