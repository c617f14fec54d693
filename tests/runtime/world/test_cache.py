"""The cache, reached by real Django and redis-py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from recording import plain_django, running
from redis.backoff import NoBackoff
from redis.retry import Retry

from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.world.cache import Cache
from flake8_tasks.runtime.world.cache_backend import CacheBackend
from flake8_tasks.runtime.world.replaced import NotModelled
from flake8_tasks.runtime.world.store import InFile, InMemory, Store

MAKERS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: InMemory(),
    "file": lambda folder: InFile(folder / "cache.json"),
}


@pytest.fixture(params=MAKERS)
def up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cache]:
    with Cache(MAKERS[request.param](tmp_path), redis={"cache.example"}) as opened:
        yield opened


@pytest.fixture
def django() -> Iterator[CacheBackend]:
    with plain_django():
        yield CacheBackend("", {})


@pytest.fixture
def client() -> Iterator[Any]:
    with redis.Redis(host="cache.example") as opened:
        yield opened


def test_django_gets_what_it_set(up: Cache, django: CacheBackend) -> None:
    django.set("order", {"lines": [1, 2]})
    django.set("count", 3)
    assert django.get("order") == {"lines": [1, 2]}
    assert django.get("nothing", "default") == "default"
    assert django.incr("count", 2) == 5
    assert django.get_many(["count", "nothing"]) == {"count": 5}
    assert django.delete("count")
    assert not django.delete("count")
    with pytest.raises(ValueError, match="not found"):
        django.incr("count")
    assert "order" in django
    django.clear()
    assert "order" not in django


def test_django_values_expire_in_the_runs_time(up: Cache, django: CacheBackend) -> None:
    with running() as runs:
        assert django.add("lock", "1", timeout=60)
        assert not django.add("lock", "1", timeout=60)
        django.set("default", "1")
        django.set("kept", "1", timeout=None)
        django.set("at-once", "1", timeout=0)
        assert django.get("at-once") is None
        runs.time = 59.9
        assert not django.add("lock", "1", timeout=60)
        runs.time = 60
        assert django.add("lock", "1", timeout=60)
        assert django.touch("lock", 1000)
        runs.time = 300
        assert (django.get("default"), django.get("lock"), django.get("kept")) == (None, "1", "1")
        assert not django.touch("default")


def test_each_command_is_a_point(up: Cache, django: CacheBackend, client: Any) -> None:
    with running() as runs:
        django.add("lock:report", "1")
        client.set("lock:report", "1", nx=True, ex=30)
        client.delete("lock:report")
    labels = ["add lock:report", "SET lock:report", "DEL lock:report"]
    assert runs.points == [("cache", label, (), "cache") for label in labels]
    assert runs.events == [(0, "cache", label, "cache") for label in labels]


def test_a_command_that_changes_nothing_says_why(up: Cache, django: CacheBackend, client: Any) -> None:
    client.set("count", "x")
    with running() as runs:
        assert django.add("lock", "1")
        assert not django.add("lock", "1")
        assert client.set("count", "1", nx=True) is None
        assert client.set("nothing", "1", xx=True) is None
        with pytest.raises(redis.ResponseError):
            client.incr("count")
    assert [detail for *_, detail, _ in runs.events] == [
        "add lock",
        "add lock: there already",
        "SET count: there already",
        "SET nothing: not there",
        "INCRBY count",
    ]


def test_redis_commands_answer_as_redis_does(up: Cache, client: Any) -> None:
    with running() as runs:
        assert client.set("a", "1") is True
        assert client.get("a") == b"1"
        assert client.set("a", "2", nx=True) is None
        assert client.set("b", "2", xx=True) is None
        assert client.setnx("c", b"\xff") is True
        assert client.setnx("c", "x") is False
        assert client.get("c") == b"\xff"
        assert client.incr("a", 4) == 5
        assert client.decr("n") == -1
        assert client.exists("a", "b", "c") == 2
        assert client.execute_command("SETEX", "d", 30, "x") is True
        assert client.expire("a", 10) is True
        assert client.expire("nothing", 10) is False
        assert (client.ttl("a"), client.ttl("c"), client.ttl("nothing"), client.pttl("d")) == (10, -1, -2, 30_000)
        assert client.set("d", "y", keepttl=True) is True
        assert client.set("e", "x", px=1500) is True
        runs.time = 1.5
        assert (client.get("e"), client.get("d")) == (None, b"y")
        assert client.getdel("d") == b"y"
        assert client.delete("a", "d") == 1
        client.set("word", "x")
        with pytest.raises(redis.ResponseError, match="not an integer"):
            client.incr("word")
        with redis.Redis(host="cache.example", decode_responses=True) as decoding:
            assert decoding.get("word") == "x"
        with pytest.raises(NotModelled, match="the command LPUSH of Redis is not modelled"):
            client.lpush("list", 1)
        with pytest.raises(NotModelled, match="SET with GET"):
            client.set("a", 1, get=True)


def test_a_lock_is_held_until_released_extended_or_expired(up: Cache, client: Any) -> None:
    with running() as runs:
        first, second = client.lock("report", timeout=60), client.lock("report", timeout=60)
        assert first.acquire()
        assert not second.acquire(blocking=False)
        assert not second.acquire(blocking_timeout=2)
        assert runs.time == pytest.approx(2, abs=0.15)
        assert first.owned()
        first.release()
        with second:
            assert second.locked()
            second.extend(60)
            assert client.ttl("report") == 120
            second.reacquire()
            assert client.ttl("report") == 60
            runs.time += 60
            assert first.acquire(blocking=False)
            with pytest.raises(redis.exceptions.LockNotOwnedError):
                second.extend(1)
            second.local.token = None
            first.release()
            second.acquire()


def test_other_hosts_stay_what_they_are(up: Cache) -> None:
    with redis.Redis(port=1, retry=Retry(NoBackoff(), 0)) as elsewhere, pytest.raises(redis.ConnectionError):
        elsewhere.ping()


def _ended(actor: Actor) -> None:
    pass


def _killed(actor: Actor, fault: Fault) -> None:
    pass


@pytest.mark.parametrize(
    ("timeout", "ended", "time", "got"),
    [(None, "stuck", 0, []), (30, "quiet", 30.1, ["second"]), (0.5, "quiet", 0.6, ["second"])],
)
def test_a_lock_left_behind_by_a_killed_worker(timeout: float | None, ended: str, time: float, got: list[str]) -> None:
    """Without an expiry nobody ever gets it again, and the run ends all the same; with one, the next does."""
    got_it = []

    def work(name: str) -> None:
        with redis.Redis(host="cache.example") as client, client.lock("report", timeout=timeout):
            simulation.point("work", name)
            got_it.append(name)

    oracle = Oracle([0, 1], {"fault": 1})
    # The world outlives the run: when the run is closed, the killed worker's `finally:` must not reach outside.
    with Cache(redis={"cache.example"}), Simulation(oracle, faults=[Fault.CHILD_KILLED]) as simulation:
        for number, name in enumerate(("first", "second")):
            actor = Actor(f"worker/{number}", _ended, _killed, (Fault.CHILD_KILLED,), f"{name}#1")
            simulation.spawn(actor, lambda name=name: work(name))
        assert simulation.run() == ended
        assert (got_it, round(simulation.now(), 1)) == (got, time)
        if not got:
            assert simulation.trace[-1].detail == "waits for the lock report"


ADDER = """
import sys
from pathlib import Path
from flake8_tasks.runtime.world.cache import Cache
from flake8_tasks.runtime.world.store import InFile
cache = Cache(InFile(Path(sys.argv[1])))
for _ in range(100):
    with cache.command("INCRBY", "count") as entries:
        entries.add("count", 1)
"""


def test_several_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "cache.json"
    processes = [subprocess.Popen([sys.executable, "-c", ADDER, str(path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with Cache(InFile(path)).command("GET", "count") as entries:
        assert entries.get("count") == b"300"


def test_a_change_that_breaks_off_has_not_happened(tmp_path: Path) -> None:
    store = InFile(tmp_path / "cache.json")
    with store.changing() as values:
        values["a"] = 1
    with pytest.raises(ZeroDivisionError):
        _broken_off(store)
    with store.changing() as values:
        assert values == {"a": 1}


def _broken_off(store: Store) -> None:
    with store.changing() as values:
        values["a"] = 2
        raise ZeroDivisionError


def test_without_a_cache_the_backend_says_so(django: CacheBackend) -> None:
    with pytest.raises(RuntimeError, match="no cache is up"):
        django.get("a")
