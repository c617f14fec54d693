"""The database of a program, as its processes see it: transactions, locks in virtual time, deaths, empty tables."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.coroutines import GreenletCoroutine, ThreadCoroutine
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.program import Program
from flake8_tasks.runtime.world.database import Database, current
from flake8_tasks.runtime.world.sqlite.statement import statement

FILES = {
    "shop/models.py": """\
from django.db import models


class Order(models.Model):
    address = models.TextField()
    paid = models.BooleanField(default=False)
    total = models.IntegerField(default=0)


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
""",
}


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with Program(FILES) as program:
        yield program


@pytest.fixture
def orders(program: Program) -> Any:
    return program.module("shop.models").Order


@pytest.fixture(scope="module")
def database(program: Program) -> Iterator[Database]:
    with Database() as database:
        yield database
    assert current() is None


@contextmanager
def run(
    database: Database,
    *functions: Callable[[], object],
    oracle: Oracle | None = None,
    coroutine: Any = GreenletCoroutine,
) -> Iterator[Simulation]:
    """A run in which each function is a process: "client", then "worker/0", "worker/1" …; inside, it is over."""
    faults = (Fault.CHILD_KILLED,)
    with (
        Simulation(oracle or Oracle(), faults=faults, coroutine=coroutine) as simulation,
        database.run(simulation.per_actor),
    ):
        play(simulation, *functions)
        yield simulation


def play(simulation: Simulation, *functions: Callable[[], object]) -> None:
    failures = []

    def ended(actor: Actor) -> None:
        if actor.coroutine and actor.coroutine.failure:
            failures.append(actor.coroutine.failure)

    for index, function in enumerate(functions):
        lane = f"worker/{index - 1}" if index else "client"
        simulation.spawn(Actor(lane, ended, lambda *_: None, (Fault.CHILD_KILLED,)), function)
    simulation.run()
    for failure in failures:
        raise failure


def told(simulation: Simulation) -> list[str]:
    return [f"{event.time:g} {event.lane} {event.kind} {event.detail}" for event in simulation.trace]


def test_a_save_outside_a_transaction_is_there_for_everybody(database: Database, orders: Any) -> None:
    seen = []

    def client() -> None:
        orders.objects.create(address="a")
        orders.objects.filter(address="a").update(paid=True, total=7)

    with run(database, client, lambda: seen.extend(orders.objects.values_list("total", flat=True))) as simulation:
        assert seen == [7]
        assert told(simulation) == [
            "0 client save shop_order INSERT address, paid, total",
            "0 client save shop_order UPDATE paid, total",
            "0 worker/0 read shop_order",
        ]
        assert {event.to for event in simulation.trace} == {"database"}


def test_what_is_not_committed_is_seen_by_nobody_else(database: Database, orders: Any) -> None:
    from django.db import transaction

    seen = []

    def client() -> None:
        with transaction.atomic():
            order = orders.objects.create(address="a")
            transaction.on_commit(lambda: seen.append("committed"))
            simulation.sleep(10)
            seen.append(orders.objects.filter(pk=order.pk).count())

    def worker() -> None:
        simulation.sleep(5)
        assert not transaction.get_connection().in_atomic_block
        seen.append(orders.objects.count())
        simulation.sleep(10)
        seen.append(orders.objects.count())

    with Simulation(Oracle()) as simulation, database.run(simulation.per_actor):
        play(simulation, client, worker)
        assert seen == [0, 1, "committed", 1]
        assert [line for line in told(simulation) if "commit" in line] == ["10 client commit shop_order"]


def test_a_transaction_that_fails_is_rolled_back_and_said_to_be(database: Database, orders: Any) -> None:
    from django.db import transaction

    def client() -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            orders.objects.create(address="a")
            with suppress(KeyError), transaction.atomic():
                orders.objects.create(address="b")
                raise KeyError
            raise ZeroDivisionError
        with transaction.atomic():
            orders.objects.count()

    with run(database, client) as simulation:
        assert orders.objects.count() == 0
        kinds = [(event.kind, event.detail) for event in simulation.trace]
        assert kinds == [
            ("save", "shop_order INSERT address, paid, total"),
            ("save", "shop_order INSERT address, paid, total"),
            ("rollback", "to a savepoint"),
            ("rollback", "shop_order"),
            ("read", "shop_order"),
        ]


def test_a_writer_waits_for_another_in_virtual_time(database: Database, orders: Any) -> None:
    from django.db import transaction

    def client() -> None:
        with transaction.atomic():
            orders.objects.create(address="client")
            simulation.sleep(3)

    def worker() -> None:
        simulation.sleep(1)
        orders.objects.create(address="worker")

    with Simulation(Oracle()) as simulation, database.run(simulation.per_actor):
        play(simulation, client, worker)
        assert [line for line in told(simulation) if "block" in line or "worker/0 save" in line] == [
            "1 worker/0 block the database, to which another transaction writes",
            "3 worker/0 unblock the database, to which another transaction writes",
            "3 worker/0 save shop_order INSERT address, paid, total",
        ]
        assert list(orders.objects.values_list("address", flat=True)) == ["client", "worker"]


def test_after_five_seconds_the_database_is_locked_as_django_says(database: Database, orders: Any) -> None:
    from django.db import OperationalError, transaction

    raised = []

    def client() -> None:
        with transaction.atomic():
            orders.objects.create(address="client")
            simulation.sleep(60)

    def worker() -> None:
        simulation.sleep(1)
        try:
            orders.objects.create(address="worker")
        except OperationalError as error:
            raised.append((simulation.now(), str(error)))

    with Simulation(Oracle()) as simulation, database.run(simulation.per_actor):
        play(simulation, client, worker)
        assert raised == [(6, "database is locked")]


def test_a_transaction_whose_view_is_old_cannot_write(database: Database, orders: Any) -> None:
    """As in SQLite, and at once: waiting could not help."""
    from django.db import OperationalError, transaction

    raised = []

    def client() -> None:
        try:
            with transaction.atomic():
                orders.objects.count()
                simulation.sleep(2)
                orders.objects.create(address="client")
        except OperationalError as error:
            raised.append((simulation.now(), str(error)))

    def worker() -> None:
        simulation.sleep(1)
        orders.objects.create(address="worker")

    with Simulation(Oracle()) as simulation, database.run(simulation.per_actor):
        play(simulation, client, worker)
        assert raised == [(2, "database is locked")]


@pytest.mark.parametrize("coroutine", [GreenletCoroutine, ThreadCoroutine])
def test_every_death_leaves_what_was_committed_and_no_lock(database: Database, orders: Any, coroutine: Any) -> None:
    """Killed before each save and before the commit; the other writes afterwards without waiting."""
    from django.db import transaction

    after: list[str] = []

    def client() -> None:
        orders.objects.create(address="first")
        try:
            with transaction.atomic():
                orders.objects.create(address="second")
                orders.objects.filter(address="first").update(paid=True)
                transaction.on_commit(lambda: after.append("on_commit"))
        finally:
            after.append("finally")

    def worker() -> None:
        orders.objects.create(address="worker")

    def once(oracle: Oracle) -> tuple[object, ...]:
        after.clear()
        with run(database, client, worker, oracle=oracle, coroutine=coroutine) as simulation:
            rows = list(orders.objects.order_by("address").values_list("address", "paid"))
            waits = any(event.kind == "block" for event in simulation.trace)
            return rows, list(after), waits

    outcomes = [ran.outcome for ran in depth_first(once, {"fault": 1}, 100)]
    whole = [("first", True), ("second", False), ("worker", False)]
    half = [("first", False), ("worker", False)]
    assert sorted(map(repr, outcomes)) == sorted(
        map(
            repr,
            [
                (whole, ["on_commit", "finally"], False),
                ([("worker", False)], [], False),
                (half, [], False),
                (half, [], False),
                (half, [], False),
                (whole[:2], ["on_commit", "finally"], False),
            ],
        )
    )


def test_each_run_finds_the_database_empty_and_numbers_from_one(
    database: Database, orders: Any, program: Program
) -> None:
    def client() -> None:
        order = orders.objects.create(address="a")
        order.line_set.create()
        assert order.pk == 1

    traces = set()
    for _ in range(5):
        with run(database, client) as simulation:
            assert orders.objects.count() == 1
            assert program.module("shop.models").Line.objects.count() == 1
            traces.add(tuple(simulation.trace))
    assert len(traces) == 1
    with run(database):
        assert orders.objects.count() == 0


def test_what_is_prepared_and_looked_at_is_not_told(database: Database, orders: Any) -> None:
    with Simulation(Oracle()) as simulation, database.run(simulation.per_actor):
        orders.objects.create(address="a")
        assert orders.objects.get().address == "a"
        assert simulation.trace == []


def test_raw_statements_empty_their_tables_too(database: Database, orders: Any) -> None:
    from django.db import connection

    def client() -> None:
        with connection.cursor() as cursor:
            cursor.execute("insert into shop_order (address, paid, total) values ('raw', 1, 2)")
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.executemany("UPDATE shop_order SET total = %s WHERE id = %s", [(3, 1), (4, 1)])

    for _ in range(2):
        with run(database, client) as simulation:
            assert list(orders.objects.values_list("pk", "address", "total")) == [(1, "raw", 4)]
            assert told(simulation)[0] == "0 client save shop_order INSERT address, paid, total"
    with run(database), connection.cursor() as cursor:
        assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_an_iterator_left_half_read_does_not_hold_an_old_view(database: Database, orders: Any) -> None:
    held = []

    def client() -> None:
        for number in range(300):
            orders.objects.create(address=str(number))
        rows = orders.objects.iterator(chunk_size=10)
        held.append((rows, next(rows)))

    with run(database, client):
        pass
    seen = []
    with run(database, lambda: seen.append(orders.objects.count()), lambda: seen.append(orders.objects.count())):
        assert seen == [0, 0]


def test_connections_closed_by_the_program_are_opened_again(database: Database, orders: Any) -> None:
    from django.db import ProgrammingError, connection, transaction

    def client() -> None:
        orders.objects.create(address="a")
        connection.close()
        orders.objects.create(address="b")
        try:
            with transaction.atomic():
                orders.objects.create(address="c")
                connection.close()
                orders.objects.create(address="d")
        except ProgrammingError:
            orders.objects.create(address="e")

    with run(database, client):
        assert list(orders.objects.values_list("address", flat=True)) == ["a", "b", "e"]


def test_many_runs_leave_no_connections_open(database: Database, orders: Any) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("no way to count open files here")
    counts = []
    for _ in range(40):
        with run(database, lambda: orders.objects.create(address="a"), lambda: orders.objects.count()):
            counts.append(len(os.listdir("/proc/self/fd")))
    assert len(set(counts[5:])) == 1


def test_many_runs_leave_nothing_in_memory(database: Database, orders: Any) -> None:
    """Each run with a death in the middle of a transaction."""
    from django.db import transaction

    def client() -> None:
        with transaction.atomic():
            orders.objects.create(address="a")

    counts: list[Counter[str]] = []
    for _ in range(4):
        for _ in range(50):
            with run(database, client, orders.objects.count, oracle=Oracle((0, 1), {"fault": 1})) as simulation:
                assert any(event.kind == "fault" for event in simulation.trace)
        gc.collect()
        counts.append(Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects()))
    # Other tests' threads and caches grow meanwhile, by less than one object of a kind for each of the hundred runs.
    assert {kind: many for kind, many in (counts[-1] - counts[1]).items() if many >= 100} == {}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT "shop_order"."id" FROM "shop_order" WHERE "x" = %s', ("read", "shop_order", "")),
        ("SELECT 1", ("read", "", "")),
        (
            'INSERT INTO "shop_order" ("a", "b") VALUES (%s, %s) RETURNING "shop_order"."id"',
            ("write", "shop_order", "a, b"),
        ),
        ('INSERT OR IGNORE INTO "t" ("a") SELECT 1', ("write", "t", "a")),
        ('UPDATE "t" SET "a" = ("t"."a" + %s), "b" = %s WHERE "t"."id" = %s', ("write", "t", "a, b")),
        ('UPDATE "t" SET "a" = NULL', ("write", "t", "a")),
        ('DELETE FROM "t" WHERE "t"."id" IN (%s)', ("write", "t", "")),
        ("BEGIN", ("", "", "")),
        ("BEGIN IMMEDIATE", ("begin", "", "")),
        ('SAVEPOINT "s1"', ("", "", "")),
        ('ROLLBACK TO SAVEPOINT "s1"', ("rollback", "", "")),
        ("PRAGMA foreign_keys = ON", ("other", "", "")),
    ],
)
def test_statements_are_read_as_django_writes_them(sql: str, expected: tuple[str, str, str]) -> None:
    read = statement(sql)
    assert (read.kind, read.table, ", ".join(read.columns)) == expected


def test_a_real_process_asks_its_host_and_dies_of_it(tmp_path: Path) -> None:
    """Killed by a real SIGKILL before the commit: nothing of the transaction is in the file."""
    program = Program(FILES)
    folder = program.write(tmp_path / "program")
    script = """
import os, signal, sys
import django
django.setup()
from django.db import transaction
from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.world.database import create_tables
from shop.models import Order


class Killer:
    def point(self, kind, label, failures=(), *, to=""):
        print(kind, label, to, flush=True)
        if kind == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return ""

    def record(self, kind, detail="", *, to=""):
        print("-", kind, detail, flush=True)


create_tables()
host.become_current(Killer())
with transaction.atomic():
    Order.objects.create(address="a")
host.become_current(None)
print(Order.objects.count())
"""
    environment = {**os.environ, **program.environment(folder)}

    def started(kind: str) -> subprocess.CompletedProcess[str]:
        (folder / "database.sqlite3").unlink(missing_ok=True)
        command = [sys.executable, "-c", script, kind]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    inserted = ["save shop_order INSERT database", "- save shop_order INSERT address, paid, total"]
    killed = started("commit")
    assert (killed.returncode, killed.stdout.splitlines()) == (
        -signal.SIGKILL,
        [*inserted, "commit shop_order database"],
    )
    whole = started("nothing")
    assert whole.stdout.splitlines() == [*inserted, "commit shop_order database", "- commit shop_order", "1"]
