"""Result backends in memory, each as one family of real backends behaves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from celery import states
from celery.backends.base import BaseBackend, KeyValueStoreBackend
from celery.canvas import maybe_signature
from celery.exceptions import ChordError, TimeoutError
from celery.result import GroupResult, allow_join_result, result_from_tuple

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.kernel.actors import Abandoned
from flake8_tasks.runtime.kernel.coroutines import GreenletCoroutine, ThreadCoroutine

#: What a task is called that has a result and was never sent: a chord's body, and the rest of a chain, after a failure.
UNSENT = "unsent"
PROFILES = {"redis": "Redis", "key-value": "KeyValue", "database": "Database"}


class Store(Protocol):
    """Where results are, and who waits for them."""

    results: dict[str, Any]

    def storing(self, task_id: str, state: str) -> None:
        """A result is about to be stored: the process may be killed here."""

    def stored(self, task_id: str, state: str) -> None:
        """It has been stored."""

    def wait_for_result(self, task_id: str, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Let virtual time pass until the result is there; whether it is."""


store: Store | None = None


def connect(to: Store | None) -> None:
    """From now on all backends keep their results there."""
    global store
    store = to


def _store() -> Store:
    if store is None:
        if GreenletCoroutine.running() or ThreadCoroutine.running():
            # A process that was killed in a run that is over.
            raise Abandoned
        raise ConnectionRefusedError("no simulation is running: its result backend is down")
    return store


class _Waits:
    """Waiting, in virtual time, without polling."""

    def wait_for(self: Any, task_id: str, timeout: float | None = None, *_: Any, **__: Any) -> dict[str, Any]:
        self._ensure_not_eager()

        def ready() -> bool:
            if not _store().results:
                return False
            return self._get_task_meta_for(task_id)["status"] in states.READY_STATES

        if not _store().wait_for_result(task_id, ready, timeout):
            raise TimeoutError("The operation timed out.")
        meta: dict[str, Any] = self.get_task_meta(task_id)
        return meta


class KeyValue(_Waits, KeyValueStoreBackend):
    """A key-value store that can count: Memcached, Consul. A chord is joined by a counter, from the results kept."""

    implements_incr = True
    persistent = True
    supports_autoexpire = True

    def __init__(self, *arguments: Any, url: str | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)

    @property
    def client(self) -> KeyValue:
        """Celery 5.3 and older asks its client for `delete`."""
        return self

    def get(self, key: Any) -> Any:
        return _store().results.get(_text(key))

    def mget(self, keys: Any) -> list[Any]:
        return [self.get(key) for key in keys]

    def set(self, key: Any, value: Any) -> None:
        _store().results[_text(key)] = value

    def delete(self, key: Any) -> None:
        _store().results.pop(_text(key), None)

    def incr(self, key: Any) -> int:
        count: int = _store().results.get(_text(key), 0) + 1
        _store().results[_text(key)] = count
        return count

    def expire(self, key: Any, value: Any) -> None:
        pass

    def _set_with_state(self, key: Any, value: Any, state: str) -> None:
        prefix = _text(self.task_keyprefix)
        if not _text(key).startswith(prefix):
            self.set(key, value)
            return
        task_id = _text(key).removeprefix(prefix)
        _store().storing(task_id, state)
        self.set(key, value)
        _store().stored(task_id, state)

    def apply_chord(self, header_result_args: Any, body: Any, **options: Any) -> None:
        self._apply_chord_incr(header_result_args, body, **options)


class Redis(KeyValue):
    """Redis: a chord's header task carries its result to the counter, so that it need not be kept.

    `celery.backends.redis.RedisBackend.on_chord_part_return` does the same with a sorted set and, since 5.7, scripts.
    """

    # It would make Celery's own counting win over what stands here.
    implements_incr = False

    def add_to_chord(self, group_id: str, result: Any) -> None:
        self.incr(f"{group_id}.t")

    def set_chord_size(self, group_id: str, chord_size: int) -> None:
        _store().results[f"{group_id}.s"] = chord_size
        _store().results.pop(f"{group_id}.done", None)

    def apply_chord(self, header_result_args: Any, body: Any, **options: Any) -> None:
        group = self.app.GroupResult(*header_result_args)
        if any(isinstance(result, GroupResult) for result in group.results):
            group.save(backend=self)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **_: Any) -> None:
        group_id, results = request.group, _store().results
        if not group_id or not request.id or results.get(f"{group_id}.done"):
            return
        parts = results.setdefault(f"{group_id}.j", {})
        encoded = self.encode([1, request.id, state, self.encode_result(result, state)])
        parts.setdefault(compat.counted_once(request, encoded), (request.group_index, encoded))
        if len(parts) != results.get(f"{group_id}.s", 0) + results.get(f"{group_id}.t", 0):
            return
        if results.get(f"{group_id}.c", 0.0) > time.time():
            return
        results[f"{group_id}.c"] = time.time() + compat.CHORD_CLAIM
        callback, failed = maybe_signature(request.chord, app=self.app), "Join"
        try:
            joined = self._joined(group_id, list(parts.values()))
            failed = "Callback"
            callback.delay(joined)
        except Exception as error:
            known = isinstance(error, ChordError) and failed == "Join"
            self.chord_error_from_stack(callback, error if known else ChordError(f"{failed} error: {error!r}"))
        results[f"{group_id}.done"] = True

    def iter_native(self, result: GroupResult, **_: Any) -> Iterator[tuple[str, Any]]:
        """The results of a header that are there, groups first: as it is marked as ready, nobody waits for others."""
        for part in result.results:
            if isinstance(part, GroupResult):
                yield part.id, part.results
        for part in result.results:
            if not isinstance(part, GroupResult) and part.ready():
                yield part.id, self.get_task_meta(part.id)

    def _joined(self, group_id: str, parts: list[tuple[int | None, str]]) -> list[Any]:
        group = self.app.GroupResult.restore(group_id, backend=self)
        if group is not None:
            group.on_ready()
            with allow_join_result():
                joined: list[Any] = group.join_native(propagate=True)
            return joined
        if self.app.conf.result_backend_transport_options.get("result_chord_ordered", True):
            parts = sorted(parts, key=lambda part: (math.inf if part[0] is None else part[0], part[1]))
        return [compat.part_of_chord(self, encoded) for _, encoded in parts]


class Database(_Waits, BaseBackend):
    """A database or RPC: it cannot count, so that a chord is joined by a task that asks again and again."""

    persistent = True

    def __init__(self, *arguments: Any, url: str | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)

    def _store_result(
        self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **_: Any
    ) -> Any:
        if compat.KEEPS_SUCCESS and self._get_task_meta_for(task_id)["status"] == states.SUCCESS:
            return result
        _store().storing(task_id, state)
        meta = self._get_result_meta(result=result, state=state, traceback=traceback, request=request)
        meta["task_id"] = task_id
        _store().results[task_id] = self.encode(meta)
        _store().stored(task_id, state)
        return result

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        kept = _store().results.get(task_id)
        if kept is None:
            return {"status": states.PENDING, "result": None}
        meta: dict[str, Any] = self.decode_result(kept)
        return meta

    def _save_group(self, group_id: str, result: Any) -> Any:
        _store().results[f"{group_id}.group"] = self.encode({"result": result.as_tuple()})
        return result

    def _restore_group(self, group_id: str) -> dict[str, Any] | None:
        kept = _store().results.get(f"{group_id}.group")
        if kept is None:
            return None
        return {"result": result_from_tuple(self.decode(kept)["result"], self.app)}

    def _delete_group(self, group_id: str) -> None:
        _store().results.pop(f"{group_id}.group", None)

    def _forget(self, task_id: str) -> None:
        _store().results.pop(task_id, None)


def _text(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)
