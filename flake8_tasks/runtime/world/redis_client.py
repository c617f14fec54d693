"""How redis-py reaches the cache of the world: the commands of caches, counters and locks."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.world.ledger import now
from flake8_tasks.runtime.world.replaced import Function, NotModelled, Replacement

if TYPE_CHECKING:
    from flake8_tasks.runtime.world.cache import Cache, Entries


def replacing(cache: Cache, hosts: Collection[str]) -> Replacement:
    """Clients and locks of these hosts reach the cache."""

    def methods(redis: Any) -> Iterator[tuple[Any, str, Function]]:
        execute, acquire, lock_class = redis.Redis.execute_command, redis.lock.Lock.acquire, redis.lock.Lock

        def is_cache(client: Any) -> bool:
            return client.connection_pool.connection_kwargs.get("host", "localhost") in hosts

        def execute_command(client: Any, *command: Any, **options: Any) -> Any:
            if not is_cache(client):
                return execute(client, *command, **options)
            name, *arguments = [_text(argument) for argument in command]
            if name == "EVALSHA":
                scripts = {getattr(lock_class, script).sha: script for script in _SCRIPTS}
                name = scripts.get(arguments[0], "EVALSHA")
                arguments = arguments[2:]
            if name not in _COMMANDS:
                raise NotModelled(f"the command {name} of Redis is not modelled")
            with cache.command(_SCRIPTS.get(name, name), arguments[0] if arguments else "") as entries:
                try:
                    answer = _COMMANDS[name](entries, *arguments)
                except ValueError as error:
                    raise redis.ResponseError("value is not an integer or out of range") from error
            decodes = client.connection_pool.connection_kwargs.get("decode_responses")
            return answer.decode() if decodes and isinstance(answer, bytes) else answer

        def acquire_lock(
            lock: Any,
            sleep: float | None = None,
            blocking: bool | None = None,
            blocking_timeout: float | None = None,
            token: Any = None,
        ) -> Any:
            if not is_cache(lock.redis):
                return acquire(lock, sleep, blocking, blocking_timeout, token)
            interval = lock.sleep if sleep is None else sleep
            patience = lock.blocking_timeout if blocking_timeout is None else blocking_timeout
            end = math.inf if patience is None else now() + patience
            while not acquire(lock, blocking=False, token=token):
                if not (lock.blocking if blocking is None else blocking) or now() + interval > end:
                    return False
                _wait(cache, _text(lock.name), interval, end)
            return True

        yield redis.Redis, "execute_command", execute_command
        yield redis.lock.Lock, "acquire", acquire_lock

    return Replacement("redis", methods)


def _wait(cache: Cache, name: str, interval: float, end: float) -> None:
    """Until the next look at a lock that could find it free: redis-py looks all the time, and finds the same."""
    runs = host.current()
    if runs is None:
        raise RuntimeError(f"the lock {name} is taken: outside a run nobody gives it back")
    wait: Callable[..., object] | None = getattr(runs, "wait", None)
    if wait is None:
        runs.sleep(interval)
        return
    free_in = cache.look(name)
    until = min(end, math.inf if free_in is None else now() + free_in)
    wait(lambda: cache.look(name) == 0, None if until == math.inf else until - now(), f"the lock {name}")
    runs.sleep(interval if now() + interval <= end else 0.0)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _set(entries: Entries, key: str, value: str, *options: str) -> object:
    seconds, words = None, [option.upper() for option in options]
    for word, unit in {"EX": 1, "PX": 1000}.items():
        if word in words:
            seconds = float(words[words.index(word) + 1]) / unit
    if further := set(words) - {"EX", "PX", "NX", "XX", "KEEPTTL"} - {word for word in words if word.isdigit()}:
        raise NotModelled(f"SET with {' '.join(sorted(further))} is not modelled")
    there = entries.get(key) is not None
    if ("NX" in words and there) or ("XX" in words and not there):
        entries.why_not = ": there already" if there else ": not there"
        return None
    entries.set(key, value.encode("latin-1"), entries.left(key) if "KEEPTTL" in words else seconds)
    return True


def _seconds_left(entries: Entries, key: str, unit: int = 1) -> int:
    if entries.get(key) is None:
        return -2
    left = entries.left(key)
    return -1 if left is None else round(left * unit)


def _if_owned(action: Callable[..., object]) -> Callable[..., object]:
    """A script of redis-py's lock: it acts only while the lock holds this token."""

    def script(entries: Entries, key: str, token: str, *arguments: str) -> int:
        if entries.get(key) != token.encode("latin-1"):
            return 0
        action(entries, key, *arguments)
        return 1

    return script


def _extend(entries: Entries, key: str, milliseconds: str, replace: str) -> None:
    entries.keep(key, float(milliseconds) / 1000 + (0 if replace == "1" else entries.left(key) or 0))


def _get_and_delete(entries: Entries, key: str) -> bytes | None:
    value = entries.get(key)
    entries.delete(key)
    return value


_SCRIPTS = {"lua_release": "release", "lua_extend": "extend", "lua_reacquire": "reacquire"}
_COMMANDS: dict[str, Callable[..., object]] = {
    "PING": lambda entries: True,
    "GET": lambda entries, key: entries.get(key),
    "GETDEL": _get_and_delete,
    "SET": _set,
    "SETNX": lambda entries, key, value: bool(_set(entries, key, value, "NX")),
    "SETEX": lambda entries, key, seconds, value: _set(entries, key, value, "EX", seconds),
    "DEL": lambda entries, *keys: sum(entries.delete(key) for key in keys),
    "EXISTS": lambda entries, *keys: sum(entries.get(key) is not None for key in keys),
    "INCRBY": lambda entries, key, amount: entries.add(key, int(amount)),
    "DECRBY": lambda entries, key, amount: entries.add(key, -int(amount)),
    "EXPIRE": lambda entries, key, seconds: entries.keep(key, float(seconds)),
    "PEXPIRE": lambda entries, key, milliseconds: entries.keep(key, float(milliseconds) / 1000),
    "PERSIST": lambda entries, key: entries.left(key) is not None and entries.keep(key, None),
    "TTL": _seconds_left,
    "PTTL": lambda entries, key: _seconds_left(entries, key, 1000),
    "lua_release": _if_owned(lambda entries, key: entries.delete(key)),
    "lua_extend": _if_owned(_extend),
    "lua_reacquire": _if_owned(lambda entries, key, milliseconds: entries.keep(key, float(milliseconds) / 1000)),
}
