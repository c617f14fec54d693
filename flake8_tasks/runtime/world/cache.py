"""A cache: values with an expiry in virtual time, which Django and redis-py reach without a server."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.world import redis_client
from flake8_tasks.runtime.world.ledger import now
from flake8_tasks.runtime.world.replaced import Replaced
from flake8_tasks.runtime.world.store import InMemory, Store


@dataclass
class Entries:
    """What the cache holds while a command is carried out; values whose time is over are not there.

    Arguments:
        values: key → value and when it expires.
        why_not: why the command changes nothing, for people: ": there already".
    """

    values: dict[str, Any]
    why_not: str = ""

    def get(self, key: str) -> bytes | None:
        value, expires = self.values.get(key, ("", 0))
        return None if expires is not None and expires <= now() else value.encode("latin-1")

    def set(self, key: str, value: bytes, seconds: float | None) -> None:
        """Keep it for so many seconds; None: for ever."""
        self.values[key] = [value.decode("latin-1"), None if seconds is None else now() + seconds]

    def delete(self, key: str) -> bool:
        """Whether it was there."""
        there = self.get(key) is not None
        self.values.pop(key, None)
        return there

    def left(self, key: str) -> float | None:
        """Seconds until it expires; None: it does not, or is not there."""
        expires = self.values.get(key, ("", None))[1]
        return None if expires is None or self.get(key) is None else float(expires) - now()

    def keep(self, key: str, seconds: float | None) -> bool:
        """Let it expire at another time; whether it was there."""
        value = self.get(key)
        if value is not None:
            self.set(key, value, seconds)
        return value is not None

    def add(self, key: str, amount: int) -> int:
        """Add to a number; its expiry stays.

        Raises:
            ValueError: the value is no number.
        """
        total = int(self.get(key) or b"0") + amount
        self.set(key, str(total).encode(), self.left(key))
        return total


class Cache:
    """The cache, as a context manager: inside it, `cache_backend.CacheBackend` and redis-py reach this one.

    Arguments:
        store: where it keeps its values.
        redis: hosts that are this cache for redis-py: "cache.example" of `redis.Redis(host="cache.example")`; other
            hosts stay what they are, since a real worker may have its broker there.
    """

    def __init__(self, store: Store | None = None, *, redis: Collection[str] = ()) -> None:
        self.store = InMemory() if store is None else store
        self._before: Cache | None = None
        self._replaced = Replaced([redis_client.replacing(self, redis)] if redis else [])

    def __enter__(self) -> Self:
        global _current
        self._replaced.__enter__()
        self._before, _current = _current, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _current
        _current = self._before
        self._replaced.__exit__(kind, value, traceback)

    @contextmanager
    def command(self, name: str, key: str) -> Iterator[Entries]:
        """Carry out one command; nobody else does at the same time.

        Arguments:
            name: as people call it, "SET".
            key: whose value it is about.
        """
        label = f"{name} {key}".rstrip()
        if runs := host.current():
            runs.point("cache", label, to="cache")
        entries = Entries({})
        try:
            with self.store.changing() as entries.values:
                yield entries
        finally:
            if runs:
                runs.record("cache", label + entries.why_not, to="cache")

    def look(self, key: str) -> float | None:
        """Seconds until a key expires: 0 when it is not there, None when it never does.

        It is no command: nobody notices.
        """
        with self.store.changing() as values:
            entries = Entries(values)
            return 0.0 if entries.get(key) is None else entries.left(key)


_current: Cache | None = None


def current() -> Cache:
    """The cache that is up.

    Raises:
        RuntimeError: there is none.
    """
    if _current is None:
        raise RuntimeError("no cache is up: use it within `with Cache(store):`")
    return _current
