"""Retries, with what Celery makes of their limits and delays."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.exceptions import MaxRetriesExceededError
from simulated import Outcome, run

from flake8_tasks.runtime.celery.driver import installed


def attempts(outcome: Outcome, task: str = "charge#1") -> list[float]:
    """When it was started."""
    return outcome.times("start", task)


def test_a_task_that_retries_runs_again_after_its_delay(app: Celery) -> None:
    @app.task(bind=True, default_retry_delay=7)
    def charge(self: Any) -> str:
        if self.request.retries < 2:
            raise self.retry(exc=ValueError("down"))
        return f"after {self.request.retries}"

    outcome = run(app, lambda driver: charge.delay().get())

    assert outcome.value == "after 2"
    assert attempts(outcome) == [0.0, 7.0, 14.0]
    assert outcome.details("end") == ["RETRY", "RETRY", "SUCCESS"]
    assert outcome.details("start") == ["", "retry 1", "retry 2"]


def test_by_default_it_is_given_up_after_four_attempts_three_minutes_apart(app: Celery) -> None:
    @app.task(bind=True)
    def charge(self: Any) -> None:
        raise self.retry()

    outcome = run(app, lambda driver: charge.delay().get())

    assert attempts(outcome) == [0.0, 180.0, 360.0, 540.0]
    assert isinstance(outcome.failure, MaxRetriesExceededError)


def test_the_cause_given_to_retry_is_what_is_raised_in_the_end(app: Celery) -> None:
    @app.task(bind=True, max_retries=1)
    def charge(self: Any) -> None:
        raise self.retry(exc=ValueError("card refused"))

    outcome = run(app, lambda driver: charge.delay().get())

    assert isinstance(outcome.failure, ValueError)
    assert len(attempts(outcome)) == 2


def test_without_raise_retry_ends_the_task_all_the_same(app: Celery) -> None:
    after = []

    @app.task(bind=True, max_retries=1, default_retry_delay=1)
    def charge(self: Any) -> None:
        self.retry()
        after.append("never")

    run(app, lambda driver: charge.delay())

    assert after == []


def test_with_throw_false_the_task_goes_on_and_runs_again(app: Celery) -> None:
    @app.task(bind=True, max_retries=2, default_retry_delay=1)
    def charge(self: Any) -> str:
        if self.request.retries < 2:
            self.retry(throw=False)
        return f"done {self.request.retries}"

    outcome = run(app, lambda driver: charge.delay().get())

    assert outcome.value == "done 0"
    assert len(attempts(outcome)) == 3


def test_a_swallowed_retry_is_a_success_that_runs_again(app: Celery) -> None:
    @app.task(bind=True, max_retries=2, default_retry_delay=1)
    def charge(self: Any) -> str:
        try:
            raise self.retry()
        except Exception:
            return "swallowed"

    outcome = run(app, lambda driver: charge.delay().get())

    assert outcome.value == "swallowed"
    assert outcome.details("end") == ["SUCCESS", "SUCCESS", "SUCCESS"]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_retry_at_all_when_none_is_allowed(app: Celery, limit: int) -> None:
    @app.task(bind=True, max_retries=limit)
    def charge(self: Any) -> None:
        raise self.retry()

    assert attempts(run(app, lambda driver: charge.delay())) == [0.0]


def test_without_a_limit_it_goes_on_until_the_run_is_ended(app: Celery) -> None:
    @app.task(bind=True, max_retries=None, default_retry_delay=3600)
    def charge(self: Any) -> None:
        raise self.retry()

    outcome = run(app, lambda driver: charge.delay(), horizon=86_400)

    assert outcome.ended == "horizon"
    assert len(attempts(outcome)) == 25


def test_retries_without_a_delay_and_without_a_limit_are_told_and_ended(app: Celery) -> None:
    @app.task(bind=True, max_retries=None)
    def charge(self: Any) -> None:
        raise self.retry(countdown=0)

    outcome = run(app, lambda driver: charge.delay(), simulation={"again": 50})

    assert outcome.ended == "endless"
    assert outcome.details("endless") == ["delivered 50 times, and no time has passed: this goes on for ever"]


def test_autoretry_waits_three_minutes_by_default(app: Celery) -> None:
    @app.task(autoretry_for=(ConnectionError,))
    def charge() -> None:
        raise ConnectionError("down")

    outcome = run(app, lambda driver: charge.delay().get())

    assert attempts(outcome) == [0.0, 180.0, 360.0, 540.0]
    assert isinstance(outcome.failure, ConnectionError)


def test_autoretry_leaves_other_exceptions_alone(app: Celery) -> None:
    @app.task(autoretry_for=(ConnectionError,))
    def charge() -> None:
        raise ValueError

    assert attempts(run(app, lambda driver: charge.delay())) == [0.0]


def test_backoff_doubles_up_to_its_maximum(app: Celery) -> None:
    @app.task(
        autoretry_for=(ConnectionError,), retry_backoff=2, retry_backoff_max=10, retry_jitter=False, max_retries=5
    )
    def charge() -> None:
        raise ConnectionError("down")

    assert attempts(run(app, lambda driver: charge.delay())) == [0.0, 2.0, 6.0, 14.0, 24.0, 34.0]


def test_jitter_spreads_and_is_the_same_in_every_run(app: Celery) -> None:
    @app.task(autoretry_for=(ConnectionError,), retry_backoff=100, retry_backoff_max=100, max_retries=1)
    def charge() -> None:
        raise ConnectionError("down")

    def second_attempts() -> list[float]:
        outcome = run(app, lambda driver: [charge.delay() for _ in range(20)])
        return [attempts(outcome, f"charge#{number}")[1] for number in range(1, 21)]

    times = second_attempts()

    assert len(set(times)) > 10
    assert all(0 <= when <= 100 for when in times)
    assert times == second_attempts()


def test_retry_kwargs_win_over_the_tasks_own_limit(app: Celery) -> None:
    @app.task(autoretry_for=(ConnectionError,), retry_kwargs={"max_retries": 1, "countdown": 5}, max_retries=9)
    def charge() -> None:
        raise ConnectionError("down")

    assert attempts(run(app, lambda driver: charge.delay())) == [0.0, 5.0]


def test_backoff_without_autoretry_does_nothing(app: Celery) -> None:
    @app.task(retry_backoff=True)
    def charge() -> None:
        raise ConnectionError("down")

    assert attempts(run(app, lambda driver: charge.delay())) == [0.0]


def test_autoretry_takes_a_soft_time_limit_for_an_error(app: Celery) -> None:
    import time

    @app.task(autoretry_for=(Exception,), soft_time_limit=5, max_retries=1, default_retry_delay=10)
    def charge() -> None:
        time.sleep(60)

    assert attempts(run(app, lambda driver: charge.delay())) == [0.0, 15.0]


def test_a_limit_given_to_retry_is_forgotten_with_its_run(app: Celery) -> None:
    """Celery keeps it at the task, for the next automatic retry of the same process."""

    @app.task(bind=True, autoretry_for=(OSError,), default_retry_delay=1)
    def charge(self: Any, gives_up: bool) -> None:
        if gives_up:
            self.retry(max_retries=0, exc=ValueError())
        raise OSError

    with installed(app):
        first, *_, last = (run(app, lambda driver, no=no: charge.delay(no), is_installed=True) for no in (0, 1, 0))

    assert len(attempts(first)) == len(attempts(last)) == 4
