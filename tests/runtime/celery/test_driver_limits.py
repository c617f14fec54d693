"""Time limits, rate limits, revoked and terminated tasks."""

from __future__ import annotations

import time
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Celery
from celery.exceptions import TaskRevokedError, TimeLimitExceeded
from simulated import run

from flake8_tasks.runtime.celery.driver import installed
from flake8_tasks.runtime.kernel.worker import Node


def test_a_soft_limit_is_raised_where_the_task_stands(app: Celery) -> None:
    @app.task(soft_time_limit=5)
    def crawl() -> str:
        try:
            time.sleep(60)
        except SoftTimeLimitExceeded:
            return "stopped"
        return "done"

    outcome = run(app, lambda driver: crawl.delay().get())

    assert outcome.value == "stopped"
    assert outcome.times("soft-limit") == [5.0]
    assert outcome.now == 5.0


def test_a_soft_limit_is_raised_once_only(app: Celery) -> None:
    @app.task(soft_time_limit=5)
    def crawl() -> str:
        for _ in range(10):
            try:
                time.sleep(2)
            except Exception:
                continue
        return "done"

    outcome = run(app, lambda driver: crawl.delay().get())

    assert outcome.value == "done"
    assert len(outcome.of("soft-limit")) == 1


def test_the_limits_of_the_settings_are_those_of_tasks_without_any(app: Celery) -> None:
    """Before Celery 5.7 it is the pool that knows them, not the task."""
    app.conf.update(task_soft_time_limit=5, task_time_limit=8)

    @app.task
    def crawl() -> None:
        try:
            time.sleep(60)
        except SoftTimeLimitExceeded:
            time.sleep(60)

    outcome = run(app, lambda driver: crawl.delay().get())

    assert isinstance(outcome.failure, TimeLimitExceeded)
    assert outcome.times("soft-limit") == [5.0]
    assert outcome.times("hard-limit") == [8.0]


def test_a_hard_limit_ends_the_child_with_sigterm(app: Celery) -> None:
    seen = []

    @app.task(time_limit=8)
    def crawl() -> None:
        try:
            time.sleep(60)
        except BaseException as signal:
            seen.append(type(signal))
            raise
        finally:
            seen.append("finally")

    outcome = run(app, lambda driver: crawl.delay().get())

    assert isinstance(outcome.failure, TimeLimitExceeded)
    assert seen == [SystemExit, "finally"]
    assert outcome.times("end") == [8.0]
    assert outcome.states == {"crawl#1": "FAILURE"}


def test_a_child_that_outlives_sigterm_is_killed_a_tenth_of_a_second_later(app: Celery) -> None:
    after = []

    @app.task(time_limit=8)
    def crawl() -> None:
        try:
            time.sleep(60)
        except SystemExit:
            time.sleep(60)
        finally:
            after.append("never")

    outcome = run(app, lambda driver: (crawl.delay().get(propagate=False), driver.simulation.sleep(1), after[:]))

    assert outcome.value[2] == []
    assert [(event.time, event.detail) for event in outcome.of("killed")] == [(8.1, "hard time limit")]


def test_limits_of_the_call_win_over_those_of_the_task(app: Celery) -> None:
    @app.task(time_limit=8)
    def crawl() -> None:
        time.sleep(60)

    assert run(app, lambda driver: crawl.apply_async(time_limit=20)).times("hard-limit") == [20.0]


def test_a_slot_is_free_again_after_a_hard_limit(app: Celery) -> None:
    @app.task(time_limit=8)
    def crawl() -> None:
        time.sleep(60)

    outcome = run(app, lambda driver: [crawl.delay(), crawl.delay()], nodes=[Node(slots=1)])

    assert outcome.times("start") == [0.0, 8.0]


def test_a_rate_limit_spreads_the_starts(app: Celery) -> None:
    @app.task(rate_limit="1/s")
    def send() -> None:
        pass

    outcome = run(app, lambda driver: [send.delay() for _ in range(4)])

    assert outcome.times("start") == [0.0, 1.0, 2.0, 3.0]


def test_a_worker_may_know_no_rate_limits(app: Celery) -> None:
    @app.task(rate_limit="1/s")
    def send() -> None:
        pass

    settings = {"worker_disable_rate_limits": True}
    outcome = run(app, lambda driver: [send.delay() for _ in range(4)], settings=settings)

    assert outcome.times("start") == [0.0] * 4


def test_a_rate_limit_is_each_workers_own(app: Celery) -> None:
    @app.task(rate_limit="1/m")
    def send() -> None:
        pass

    outcome = run(app, lambda driver: [send.delay() for _ in range(4)], nodes=[Node("a"), Node("b")])

    assert outcome.times("start") == [0.0, 0.0, 60.0, 60.0]


def test_a_revoked_task_is_not_run(app: Celery) -> None:
    @app.task
    def send() -> None:
        pass

    def act(driver: Any) -> None:
        result = send.apply_async(countdown=10)
        driver.simulation.sleep(1)
        result.revoke()
        result.get()

    outcome = run(app, act)

    assert isinstance(outcome.failure, TaskRevokedError)
    assert outcome.states == {"send#1": "REVOKED"}
    assert outcome.of("start") == []
    assert outcome.times("discard") == [10.0]


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL"])
def test_a_running_task_is_terminated(app: Celery, signal: str) -> None:
    cleaned = []

    @app.task
    def crawl() -> None:
        try:
            time.sleep(100)
        finally:
            cleaned.append("finally")

    def act(driver: Any) -> list[str]:
        result = crawl.delay()
        driver.simulation.sleep(1)
        result.revoke(terminate=True, signal=signal)
        driver.simulation.sleep(1)
        return cleaned[:]

    outcome = run(app, act)

    assert outcome.states == {"crawl#1": "REVOKED"}
    assert outcome.value == (["finally"] if signal == "SIGTERM" else [])
    assert outcome.ended == "quiet"
    assert outcome.now < 3


def test_a_terminated_late_task_does_not_come_again(app: Celery) -> None:
    @app.task(acks_late=True, reject_on_worker_lost=True)
    def crawl() -> None:
        time.sleep(100)

    def act(driver: Any) -> None:
        result = crawl.delay()
        driver.simulation.sleep(1)
        result.revoke(terminate=True)

    outcome = run(app, act)

    assert outcome.times("start") == [0.0]
    assert outcome.states == {"crawl#1": "REVOKED"}


def test_a_worker_that_was_down_learns_of_a_revoked_task_from_the_others(app: Celery) -> None:
    @app.task
    def send() -> None:
        pass

    def act(driver: Any) -> None:
        result = send.apply_async(countdown=10, queue="b")
        driver.simulation.sleep(1)
        driver.workers[1].kill()
        result.revoke()

    outcome = run(app, act, nodes=[Node("a"), Node("b", queues=("b",))])

    assert outcome.states == {"send#1": "REVOKED"}


def test_a_lone_worker_that_was_killed_has_forgotten_what_is_revoked(app: Celery) -> None:
    @app.task
    def send() -> None:
        pass

    def act(driver: Any) -> None:
        result = send.apply_async(countdown=10)
        driver.simulation.sleep(1)
        result.revoke()
        driver.workers[0].kill()

    assert run(app, act).states == {"send#1": "SUCCESS"}


def test_inspection_asks_the_workers_that_are_up(app: Celery) -> None:
    @app.task
    def crawl() -> None:
        time.sleep(100)

    def act(driver: Any) -> Any:
        crawl.delay()
        driver.simulation.sleep(1)
        driver.workers[1].kill()
        return app.control.inspect().active()

    active = run(app, act, nodes=[Node("a"), Node("b")]).value

    assert list(active) == ["celery@a"]
    assert [task["name"] for task in active["celery@a"]] == [f"{__name__}.crawl"]


def test_inspection_lists_what_waits_for_its_time_and_the_queues(app: Celery) -> None:
    @app.task
    def crawl(site: str) -> None:
        pass

    def act(driver: Any) -> Any:
        late = crawl.apply_async(("a",), countdown=60)
        crawl.apply_async(("b",), countdown=90)
        driver.simulation.sleep(1)
        late.revoke()
        driver.simulation.sleep(70)
        inspect = app.control.inspect()
        return inspect.scheduled(), inspect.active_queues()

    outcome = run(app, act, nodes=[Node(queues=("a", "b"))], settings={"task_default_queue": "a"})
    [scheduled], [queues] = (list(answers.values()) for answers in outcome.value)

    assert [(task["request"]["args"], task["eta"][:19]) for task in scheduled] == [(["b"], "2023-11-14T22:14:50")]
    assert [queue["name"] for queue in queues] == ["a", "b"]


def test_a_rate_limit_that_a_run_sets_is_forgotten_with_it(app: Celery) -> None:
    @app.task(rate_limit="1/s")
    def crawl() -> None:
        pass

    def act(driver: Any) -> None:
        crawl.delay()
        app.control.rate_limit(crawl.name, "1/m")
        for _ in range(2):
            crawl.delay()

    with installed(app):
        first, second = (run(app, act, is_installed=True) for _ in range(2))

    assert first.times("start")[-1] >= 60.0
    assert first.events == second.events
    assert crawl.rate_limit == "1/s"


def test_time_limits_set_from_outside_change_nothing_for_a_worker_that_runs(app: Celery) -> None:
    """It has built what takes a task's messages when it started, with the limits of then."""

    @app.task(soft_time_limit=10)
    def crawl() -> None:
        time.sleep(20)

    def act(driver: Any) -> Any:
        reply = app.control.time_limit(crawl.name, soft=1, hard=2, reply=True)
        crawl.delay()
        return reply

    outcome = run(app, act)

    assert outcome.value == [{"celery@worker": {"ok": "time limits set successfully"}}]
    assert (outcome.times("soft-limit"), outcome.of("hard-limit")) == ([10.0], [])
    assert (crawl.soft_time_limit, crawl.time_limit) == (10, None)


def test_a_shutdown_by_remote_control_is_warm(app: Celery) -> None:
    @app.task
    def crawl() -> None:
        time.sleep(10)

    def act(driver: Any) -> None:
        crawl.delay()
        driver.simulation.sleep(1)
        app.control.shutdown()
        crawl.delay()

    outcome = run(app, act)

    assert (outcome.failure, outcome.states) == (None, {"crawl#1": "SUCCESS"})
    assert [(event.time, event.detail) for event in outcome.of("shutdown")] == [(1.0, "warm")]


def test_remote_control_that_is_not_modelled_says_so(app: Celery) -> None:
    outcome = run(app, lambda driver: app.control.add_consumer("slow"))

    assert repr(outcome.failure) == "NotImplementedError('the remote control command add_consumer is not modelled')"


def test_a_command_that_fails_answers_with_its_error(app: Celery) -> None:
    outcome = run(app, lambda driver: app.control.broadcast("no such command", reply=True))

    assert outcome.value == [{"celery@worker": {"error": "KeyError('no such command')"}}]
