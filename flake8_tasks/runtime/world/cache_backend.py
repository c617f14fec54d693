"""How Django reaches the cache of the world: `BACKEND` in `CACHES` names the class of this module."""

from __future__ import annotations

import pickle
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from flake8_tasks.runtime.world.cache import current


class CacheBackend(BaseCache):
    """Does what Django's own Redis backend does."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: str, value: object, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        with current().command("add", key) as entries:
            added = entries.get(name) is None
            if added:
                self._set(entries, name, value, timeout)
            else:
                entries.why_not = ": there already"
            return added

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        name = self.make_and_validate_key(key, version=version)
        with current().command("get", key) as entries:
            value = entries.get(name)
            return default if value is None else _loaded(value)

    def set(self, key: str, value: object, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        name = self.make_and_validate_key(key, version=version)
        with current().command("set", key) as entries:
            self._set(entries, name, value, timeout)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        with current().command("touch", key) as entries:
            seconds = self._seconds(timeout)
            return entries.delete(name) if seconds is not None and seconds <= 0 else entries.keep(name, seconds)

    def delete(self, key: str, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        with current().command("delete", key) as entries:
            return entries.delete(name)

    def has_key(self, key: str, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        with current().command("get", key) as entries:
            return entries.get(name) is not None

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        name = self.make_and_validate_key(key, version=version)
        with current().command("incr", key) as entries:
            if entries.get(name) is None:
                raise ValueError(f"Key '{name}' not found")
            return entries.add(name, delta)

    def clear(self) -> None:
        with current().command("clear", "") as entries:
            entries.values.clear()

    def _set(self, entries: Any, name: str, value: object, timeout: Any) -> None:
        seconds = self._seconds(timeout)
        if seconds is not None and seconds <= 0:
            entries.delete(name)
        else:
            entries.set(name, _dumped(value), seconds)

    def _seconds(self, timeout: Any) -> float | None:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else float(seconds)


def _dumped(value: object) -> bytes:
    # Whole numbers stay readable, so that they can be counted up.
    return str(value).encode() if type(value) is int else pickle.dumps(value)


def _loaded(value: bytes) -> Any:
    try:
        return int(value)
    except ValueError:
        return pickle.loads(value)
