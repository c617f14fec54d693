"""Two outcomes side by side."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from flake8_tasks.runtime.conformance.compare import Difference, Outcome, comparable, differences, empty_tables


def test_equal_outcomes_have_no_differences() -> None:
    one, other = (Outcome(results={"charge#1": "SUCCESS"}, world={"mail": [{"to": "ann"}]}) for _ in range(2))
    assert differences(one, other) == ()


def test_each_difference_says_what_the_simulation_saw_and_what_was_real() -> None:
    simulated = Outcome(results={"charge#1": "FAILURE WorkerLostError"}, world={"mail": [1]})
    real = Outcome(client="killed", results={"charge#1": "SUCCESS"}, world={"mail": [1], "request": [2]})
    assert differences(simulated, real) == (
        Difference("client", "", "killed"),
        Difference("results charge#1", "FAILURE WorkerLostError", "SUCCESS"),
        Difference("world request", None, [2]),
    )
    assert [str(difference) for difference in differences(simulated, real)] == [
        'client: simulated "", real "killed"',
        'results charge#1: simulated "FAILURE WorkerLostError", real "SUCCESS"',
        "world request: simulated nothing, real [2]",
    ]


def test_a_violation_counts_whatever_its_words() -> None:
    assert differences(Outcome(violation="at 0 s"), Outcome(violation="at 0.1 s")) == ()
    assert differences(Outcome(violation="at 0 s"), Outcome()) == (Difference("violation", "at 0 s", ""),)


def test_times_ids_and_order_are_not_compared() -> None:
    one = {"rows": [{"at": "2023-11-14T22:13:20+00:00"}, {"id": "0b9f0a39-6f3c-4f43-a2b7-3c1f7d0e7a11"}], "mail": []}
    other = {"rows": [{"id": "ffffffff-6f3c-4f43-a2b7-3c1f7d0e7a11"}, {"at": "2026-11-21 05:00:01.25+00:00"}]}
    assert comparable(one) == comparable(other) == {"rows": [{"at": "a time"}, {"id": "an id"}]}


def test_the_number_of_a_lost_job_is_not_compared() -> None:
    """Of a worker that serves many runs it is how many it has done in all."""
    said = "Worker exited prematurely: signal 9 (SIGKILL) Job: {}."
    assert comparable({"rows": [said.format(0)]}) == comparable({"rows": [said.format(12)]})


def test_tables_are_emptied_and_numbers_start_again(tmp_path: Path) -> None:
    file = tmp_path / "database.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table orders (id integer primary key autoincrement)")
        connection.execute("insert into orders default values")
    empty_tables(file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("insert into orders default values")
        assert connection.execute("select id from orders").fetchall() == [(1,)]


def test_a_database_that_is_not_there_stays_away(tmp_path: Path) -> None:
    empty_tables(tmp_path / "database.sqlite3")
    assert list(tmp_path.iterdir()) == []
