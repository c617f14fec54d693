"""What a real broker holds, asked from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.pidbox import Mailbox

from flake8_tasks.runtime.conformance.process import EngineError

LOAD = "flake8_tasks_load"
HOUR = 3600.0
# A worker that was killed at this moment does not answer: it is asked again.
REPLY = 0.5


class Queues:
    """The queues of a broker, as a context manager.

    Arguments:
        url: where the broker is.
        seconds: how long an answer may take.

    Raises:
        EngineError: from all methods: the broker does not answer.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self._url, self._seconds = url, seconds
        self._names: tuple[str, ...] = ()
        self._serializer = "json"
        self._is_redis = url.startswith(("redis", "unix", "sentinel"))

    def __enter__(self) -> Self:
        try:
            with self._explained():
                self._connection = self._to_connect()
                # Not the same: with Redis, a channel that waits for replies may be in the midst of a command.
                self._asking = self._to_connect()
                self._connection.ensure_connection(max_retries=1, timeout=self._seconds)
        except (ValueError, TypeError) as error:
            raise EngineError(f"{self._where} is no address of a broker: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for close in (self._connection.release, self._asking.release):
            with suppress(Exception):  # A broker that is gone needs no farewell.
                close()

    def of(self, names: Sequence[str]) -> None:
        """These queues are meant, when they exist."""
        self._names = tuple(dict.fromkeys(names))

    def speak(self, serializer: str) -> None:
        """Workers that accept nothing else are asked like this."""
        self._serializer = serializer

    def waiting(self) -> int:
        """How many messages are in the queues; of Redis, also how many are not acknowledged."""
        with self._explained():
            channel = self._connection.default_channel
            if self._is_redis:
                with channel.conn_or_acquire() as client:
                    kept: int = client.hlen(channel.unacked_key)
                return kept + sum(int(channel._size(name)) for name in self._names)
            return sum(int(channel.queue_declare(name, passive=True).message_count) for name in self._names)

    def loads(self, hostnames: Sequence[str]) -> dict[str, int]:
        """Worker → how many tasks it executes or keeps; without those that do not answer at once."""
        with self._explained():
            # Of its own, and not a Celery app's: that one keeps connections in pools of the whole process.
            mailbox = Mailbox("celery", type="fanout", accept=["json", self._serializer], serializer=self._serializer)
            answers = mailbox(self._asking).call(list(hostnames), LOAD, {}, timeout=REPLY)
        return {name: load["now"] + load["later"] for answer in answers or () for name, load in answer.items()}

    def clear(self) -> None:
        """Drop all messages."""
        with self._explained():
            channel = self._connection.default_channel
            for name in self._names:
                channel.queue_purge(name)
            if self._is_redis:
                with channel.conn_or_acquire() as client:
                    client.delete(channel.unacked_key, channel.unacked_index_key, channel.unacked_mutex_key)

    def forget(self, names: Sequence[str]) -> None:
        """Drop what was left in these queues by those who had them before, where there are any."""
        with self._explained():
            for name in names:
                with suppress(*self._connection.channel_errors), self._connection.channel() as channel:
                    channel.queue_purge(name)

    def let_visibility_timeout_pass(self) -> None:
        """Make it as if what is not acknowledged had been delivered a day ago: nobody waits an hour for Redis."""
        if self._is_redis:
            with self._explained():
                channel = self._connection.default_channel
                with channel.conn_or_acquire() as client:
                    for tag in client.zrange(channel.unacked_index_key, 0, -1):
                        client.zincrby(channel.unacked_index_key, -24 * HOUR, tag)

    def _to_connect(self) -> Connection:
        # With Redis, the time to connect covers neither TLS nor the first answer.
        options = {"socket_timeout": self._seconds} if self._is_redis else None
        return Connection(self._url, connect_timeout=self._seconds, transport_options=options)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        broker = Connection(self._url)
        errors: tuple[Any, ...] = (OSError, OperationalError, *broker.connection_errors, *broker.channel_errors)
        try:
            yield
        except errors as error:
            raise EngineError(f"the broker at {self._where} does not answer: {error}") from error

    @property
    def _where(self) -> str:
        return re.sub(r"(?<=:)[^:@/]+(?=@)", "**", self._url)
