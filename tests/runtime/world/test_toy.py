"""The toy database: what one's own transaction sees, and what others do."""

from __future__ import annotations

import pytest
from recording import running

from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.world.toy import Database, DoesNotExist


def test_a_row_is_there_once_it_is_saved_and_other_fields_stay() -> None:
    database = Database()
    with pytest.raises(DoesNotExist, match="order 1"):
        database.get("order", 1)
    with running() as runs:
        database.save("order", 1, status="new", total=3)
        database.save("order", 1, status="paid")
    assert database.get("order", 1) == {"status": "paid", "total": 3}
    assert database.rows == {"order 1": {"status": "paid", "total": 3}}
    assert runs.points == [("save", "order 1", (), "database")] * 2
    assert runs.events[-1] == (0, "save", "order 1: status='paid'", "database")


def test_a_transaction_is_all_or_nothing() -> None:
    database = Database()
    with running() as runs:
        with database.atomic():
            database.save("order", 1, status="new")
            assert database.get("order", 1) == {"status": "new"}
            assert database.rows == {}
        assert database.rows == {"order 1": {"status": "new"}}
        with pytest.raises(ZeroDivisionError):
            _fails(database)
    assert database.rows == {"order 1": {"status": "new"}}
    assert [kind for _, kind, *_ in runs.events] == ["save", "read", "commit", "save", "rollback"]
    assert [kind for kind, *_ in runs.points] == ["save", "commit", "save"]


def _fails(database: Database) -> None:
    with database.atomic():
        database.save("order", 1, status="lost")
        raise ZeroDivisionError


def test_a_savepoint_takes_back_only_its_own() -> None:
    database = Database()
    called: list[str] = []
    with database.atomic():
        database.save("order", 1, status="new")
        with pytest.raises(ZeroDivisionError):
            _fails(database)
        with database.atomic():
            database.save("order", 2, status="inner")
            database.on_commit(lambda: called.append("inner"))
        database.on_commit(lambda: called.append("outer"))
        assert (database.rows, called) == ({}, [])
    assert database.rows == {"order 1": {"status": "new"}, "order 2": {"status": "inner"}}
    assert called == ["inner", "outer"]
    database.on_commit(lambda: called.append("at once"))
    assert called[-1] == "at once"


def _ended(actor: Actor) -> None:
    pass


def _killed(actor: Actor, fault: Fault) -> None:
    pass


def test_each_actor_has_its_own_transactions_and_a_killed_one_leaves_nothing() -> None:
    """Through every crash point and order: the reader sees both rows or none, and a killed writer's are not there."""

    def run(oracle: Oracle) -> tuple[tuple[str, ...], tuple[str, ...]]:
        database, seen = Database(), []

        def write() -> None:
            with database.atomic():
                database.save("order", 1, status="new")
                database.save("line", 1, order=1)

        def read() -> None:
            with database.atomic():
                simulation.point("look", "rows")
                seen.extend(database.rows)

        with Simulation(oracle, faults=[Fault.CHILD_KILLED]) as simulation:
            simulation.per_actor.append(database)
            for lane, function, faults in (("worker/0", write, (Fault.CHILD_KILLED,)), ("worker/1", read, ())):
                simulation.spawn(Actor(lane, _ended, _killed, faults, f"{function.__name__}#1"), function)
            simulation.run()
        return tuple(seen), tuple(database.rows)

    outcomes = {ran.outcome for ran in depth_first(run, {"fault": 1, "switch": 2}, 1000)}
    both = ("order 1", "line 1")
    assert outcomes == {((), ()), ((), both), (both, both)}
