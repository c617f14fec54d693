"""Waiting for results: in clients, in tasks, and for ever."""

from __future__ import annotations

import time
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import TimeoutError
from celery.result import AsyncResult, allow_join_result
from simulated import run

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.kernel.broker import REDIS
from flake8_tasks.runtime.kernel.worker import Node


def declare(app: Celery, timeout: float | None = None, **options: Any) -> Any:
    """A task that waits for another."""

    @app.task
    def total(number: int) -> int:
        time.sleep(1)
        return number

    @app.task(**options)
    def invoice(number: int, queue: str = "celery") -> int:
        result = total.apply_async((number,), queue=queue)
        value: int = result.get(disable_sync_subtasks=False, timeout=timeout)
        return value

    return invoice


def test_waiting_in_a_task_is_refused_by_celery(app: Celery) -> None:
    @app.task
    def total() -> int:
        return 1

    @app.task
    def invoice() -> Any:
        return total.delay().get()

    outcome = run(app, lambda driver: invoice.delay().get())

    assert isinstance(outcome.failure, RuntimeError)
    assert "Never call result.get() within a task" in str(outcome.failure)


def test_a_client_may_wait_while_a_task_may_not(app: Celery) -> None:
    @app.task
    def total() -> int:
        time.sleep(1)
        return 1

    assert run(app, lambda driver: [total.delay().get(), total.delay().get()]).value == [1, 1]


def test_allowed_to_wait_it_waits_when_a_slot_is_left(app: Celery) -> None:
    invoice = declare(app)
    outcome = run(app, lambda driver: invoice.delay(3).get())

    assert outcome.value == 3
    assert outcome.ended == "quiet"
    assert outcome.of("deadlock") == []


def test_all_slots_waiting_for_what_none_can_run_is_a_deadlock(app: Celery) -> None:
    invoice = declare(app)
    outcome = run(app, lambda driver: [invoice.delay(1), invoice.delay(2)])

    assert outcome.ended == "deadlock"
    assert outcome.details("deadlock") == [
        "invoice#1 waits for result of total#1; invoice#2 waits for result of total#2"
    ]
    assert outcome.times("deadlock") == [0.0]


def test_on_redis_too_where_messages_come_again(app: Celery) -> None:
    invoice = declare(app)
    outcome = run(app, lambda driver: [invoice.delay(1), invoice.delay(2)], profile=REDIS)

    assert outcome.ended == "deadlock"
    assert len(outcome.of("deadlock")) == 1


def test_waiting_with_a_timeout_is_a_starvation(app: Celery) -> None:
    invoice = declare(app, timeout=30)
    outcome = run(app, lambda driver: [invoice.delay(1), invoice.delay(2)])

    assert len(outcome.of("starvation")) == 1
    assert outcome.of("deadlock") == []
    assert outcome.states["invoice#1"] == "FAILURE"
    assert outcome.times("start", "total#1") == [30.0]
    assert outcome.ended == "quiet"


def test_it_is_no_deadlock_when_another_worker_does_what_is_waited_for(app: Celery) -> None:
    invoice = declare(app)
    nodes = [Node("a", 1, ("celery",)), Node("b", 1, ("totals",))]
    outcome = run(app, lambda driver: invoice.delay(1, "totals").get(), nodes=nodes)

    assert outcome.value == 1
    assert outcome.of("deadlock") == []


def test_it_is_no_deadlock_when_that_worker_is_down_for_a_while(app: Celery) -> None:
    invoice = declare(app)
    nodes = [Node("a", 1, ("celery",)), Node("b", 1, ("totals",))]

    def act(driver: Any) -> Any:
        driver.workers[1].kill()
        return invoice.delay(1, "totals").get()

    outcome = run(app, act, nodes=nodes)

    assert outcome.value == 1
    assert outcome.of("deadlock") == []


def test_two_workers_that_wait_for_each_other_are_in_a_deadlock(app: Celery) -> None:
    invoice = declare(app)
    nodes = [Node("a", 1, ("celery",)), Node("b", 1, ("totals",))]

    def act(driver: Any) -> None:
        invoice.apply_async((1, "totals"), queue="celery")
        invoice.apply_async((1, "celery"), queue="totals")

    outcome = run(app, act, nodes=nodes)

    assert outcome.ended == "deadlock"
    assert [event.lane for event in outcome.of("deadlock")] == ["a", "b"]


def test_a_client_that_waits_for_nothing_is_stuck(app: Celery) -> None:
    outcome = run(app, lambda driver: AsyncResult("unknown", app=app).get())

    assert outcome.ended == "stuck"
    assert outcome.details("stuck") == ["waits for result of unknown"]


def test_a_client_gives_up_after_its_timeout(app: Celery) -> None:
    outcome = run(app, lambda driver: AsyncResult("unknown", app=app).get(timeout=5))

    assert isinstance(outcome.failure, TimeoutError)
    assert outcome.now == 5.0


def test_the_flag_that_refuses_waiting_is_each_processs_own(app: Celery) -> None:
    @app.task
    def total() -> int:
        time.sleep(1)
        return 1

    @app.task
    def allowed() -> Any:
        with allow_join_result():
            return total.delay().get()

    @app.task
    def refused() -> Any:
        time.sleep(0.5)
        return total.delay().get()

    outcome = run(app, lambda driver: [allowed.delay(), refused.delay()], nodes=[Node(slots=3)])

    assert outcome.states["allowed#1"] == "SUCCESS"
    assert outcome.states["refused#1"] == "FAILURE"


@pytest.mark.parametrize("results", ["redis", "key-value", "database"])
def test_states_and_errors_are_kept(app: Celery, results: str) -> None:
    @app.task(track_started=True)
    def fail() -> None:
        time.sleep(1)
        raise KeyError("gone")

    def act(driver: Any) -> Any:
        result = fail.delay()
        seen = [result.state]
        driver.simulation.sleep(0.5)
        seen.append(result.state)
        error = result.get(propagate=False)
        return seen, result.state, error

    seen, state, error = run(app, act, results=results).value

    assert seen == ["PENDING", "STARTED"]
    assert state == "FAILURE"
    assert isinstance(error, KeyError)


def test_a_busy_wait_is_seen_and_ended_by_the_horizon(app: Celery) -> None:
    @app.task
    def invoice() -> None:
        while not AsyncResult("unknown", app=app).ready():
            time.sleep(60)

    outcome = run(app, lambda driver: invoice.delay(), horizon=3600)

    assert outcome.ended == "horizon"
    assert outcome.details("horizon") == ["not at rest after 3600 s"]


@pytest.mark.parametrize("results", ["redis", "key-value", "database"])
def test_what_is_stored_after_a_success_is_dropped(app: Celery, results: str) -> None:
    """Until Celery 5.6 not in a database."""

    @app.task
    def charge() -> int:
        return 1

    def act(driver: Any) -> object:
        done = charge.delay()
        done.get()
        app.backend.store_result(done.id, ValueError("later"), "FAILURE")
        return app.backend.get_task_meta(done.id, cache=False)["status"]

    replaced = results == "database" and compat.VERSION < (5, 7)
    assert run(app, act, results=results).value == ("FAILURE" if replaced else "SUCCESS")
