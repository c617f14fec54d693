"""Who acknowledges when, and what comes again after a child or a node was killed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore, Reject
from simulated import Outcome, explore, run

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS, SQS, Profile
from flake8_tasks.runtime.kernel.worker import Node


def order(outcome: Outcome) -> list[str]:
    """What happened to the messages."""
    kinds = {"start", "ack", "reject", "redeliver", "end", "killed"}
    return [event.kind for event in outcome.events if event.kind in kinds]


@pytest.mark.parametrize(("late", "expected"), [(False, ["start", "ack", "end"]), (True, ["start", "end", "ack"])])
def test_a_message_is_acknowledged_before_or_after_its_task(app: Celery, late: bool, expected: list[str]) -> None:
    @app.task(acks_late=late)
    def charge() -> None:
        pass

    assert order(run(app, lambda driver: charge.delay())) == expected


def killed_in_the_task(app: Celery, **options: Any) -> Outcome:
    @app.task(**options)
    def charge() -> None:
        time.sleep(10)

    def act(driver: Any) -> None:
        charge.delay()
        driver.simulation.sleep(5)
        if not killed:
            killed.append(True)
            driver.workers[0].kill_child(driver.workers[0].children[0], "signal 9")

    killed: list[bool] = []
    return run(app, act)


def test_a_killed_task_is_lost_and_its_result_says_so(app: Celery) -> None:
    outcome = killed_in_the_task(app)

    assert outcome.times("start") == [0.0]
    assert outcome.states == {"charge#1": "FAILURE"}


def test_acknowledged_late_it_is_lost_all_the_same(app: Celery) -> None:
    outcome = killed_in_the_task(app, acks_late=True)

    assert outcome.times("start") == [0.0]
    assert outcome.states == {"charge#1": "FAILURE"}
    assert order(outcome) == ["start", "killed", "ack"]


def test_with_reject_on_worker_lost_it_comes_again(app: Celery) -> None:
    outcome = killed_in_the_task(app, acks_late=True, reject_on_worker_lost=True)

    assert outcome.times("start") == [0.0, 5.0]
    assert order(outcome) == ["start", "killed", "reject", "redeliver", "start", "end", "ack"]
    assert outcome.states == {"charge#1": "SUCCESS"}


def test_with_retry_on_worker_lost_it_is_retried_also_when_acknowledged_early(app: Celery) -> None:
    outcome = killed_in_the_task(app, retry_on_worker_lost=True, default_retry_delay=20)

    if compat.VERSION >= (5, 7):
        assert outcome.times("start") == [0.0, 25.0]
        assert outcome.states == {"charge#1": "SUCCESS"}
    else:
        assert outcome.times("start") == [0.0]


def test_a_lost_task_fails_with_the_words_of_the_pool(app: Celery) -> None:
    @app.task
    def charge(order: int) -> None:
        pass

    def act(driver: object) -> object:
        charge.delay(1).get()
        return charge.delay(2).get()

    outcomes = explore(app, act, faults=["child-killed"])
    killed = next(each for each in outcomes if each.faults == ["child-killed: charge#2 before store SUCCESS"])

    assert repr(killed.failure) == "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 1.')"


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_a_task_that_ends_its_process_is_lost(app: Celery, end: type[BaseException]) -> None:
    @app.task
    def leave() -> None:
        raise end(3)

    outcome = run(app, lambda driver: leave.delay())

    assert outcome.details("end") == [end.__name__]
    # Before 5.7 the request tries to store the exit itself, which JSON cannot say.
    assert outcome.states == ({"leave#1": "FAILURE"} if compat.VERSION >= (5, 7) else {})


def test_a_failed_task_is_acknowledged_by_default(app: Celery) -> None:
    @app.task(acks_late=True)
    def charge() -> None:
        raise ValueError

    assert order(run(app, lambda driver: charge.delay())) == ["start", "end", "ack"]


@pytest.mark.filterwarnings("ignore::celery.exceptions.CDeprecationWarning")
def test_a_failed_task_is_rejected_for_good_when_it_is_not_to_be_acknowledged(app: Celery) -> None:
    @app.task(acks_late=True, acks_on_failure_or_timeout=False)
    def charge() -> None:
        raise ValueError

    outcome = run(app, lambda driver: charge.delay())

    assert order(outcome) == ["start", "end", "reject"]
    assert outcome.details("dead-letter") == ["dropped: its queue has no dead-letter exchange"]


def test_ignored_and_rejected_tasks(app: Celery) -> None:
    @app.task
    def ignored() -> None:
        raise Ignore

    @app.task(bind=True, acks_late=True)
    def again(self: Any) -> str:
        if not self.request.delivery_info["redelivered"]:
            raise Reject("later", requeue=True)
        return "done"

    outcome = run(app, lambda driver: (ignored.delay(), again.delay().get())[1])

    assert outcome.value == "done"
    assert outcome.states == {"again#1": "SUCCESS"}
    assert outcome.details("end") == ["IGNORED", "REJECTED", "SUCCESS"]


def test_what_comes_again_says_so_on_redis_among_its_headers_too(app: Celery) -> None:
    @app.task(bind=True, acks_late=True)
    def again(self: Any) -> bool:
        if not self.request.delivery_info["redelivered"]:
            raise Reject("later", requeue=True)
        return "redelivered" in (self.request.headers or {})

    assert [run(app, lambda driver: again.delay().get(), profile=kind).value for kind in (RABBITMQ, REDIS)] == [0, 1]


def test_a_message_that_is_rejected_for_ever_ends_the_run(app: Celery) -> None:
    @app.task(acks_late=True)
    def again() -> None:
        raise Reject("later", requeue=True)

    assert run(app, lambda driver: again.delay(), simulation={"again": 20}).ended == "endless"


def starts_after_a_node_was_killed(app: Celery, late: bool, profile: Profile) -> list[float]:
    @app.task(acks_late=late)
    def charge() -> None:
        time.sleep(10)

    def act(driver: Any) -> None:
        charge.delay()
        driver.simulation.sleep(5)
        driver.workers[0].kill()

    return run(app, act, profile=profile).times("start")


@pytest.mark.parametrize(
    ("profile", "again"),
    # RabbitMQ: when the node is up again. Redis looks after that at 10, 110 … 3610 s. SQS has no such interval.
    [(RABBITMQ, 10.0), (REDIS, 3610.0), (SQS, 1800.0)],
    ids=["rabbitmq", "redis", "sqs"],
)
def test_a_late_task_comes_again_after_its_node_was_killed(app: Celery, profile: Profile, again: float) -> None:
    assert starts_after_a_node_was_killed(app, True, profile) == [0.0, again]


@pytest.mark.parametrize("profile", [RABBITMQ, REDIS, SQS], ids=["rabbitmq", "redis", "sqs"])
def test_an_early_task_is_lost_with_its_node(app: Celery, profile: Profile) -> None:
    assert starts_after_a_node_was_killed(app, False, profile) == [0.0]


def test_every_point_at_which_a_late_task_can_be_lost_or_run_twice(app: Celery) -> None:
    effects: list[str] = []

    @app.task(acks_late=True, reject_on_worker_lost=True)
    def charge() -> None:
        effects.append("charged")

    def act(driver: Any) -> Any:
        effects.clear()
        charge.delay()
        driver.simulation.sleep(60)
        return len(effects)

    outcomes = explore(app, act, faults=["child-killed", "node-killed", "duplicated"], nodes=[Node(slots=1)])

    assert {(outcome.value, "".join(outcome.faults)) for outcome in outcomes} == {
        (1, ""),
        (2, "duplicated: delivery of charge#1"),
        (2, "child-killed: charge#1 before store SUCCESS"),
        (2, "node-killed: charge#1 before store SUCCESS"),
        (2, "node-killed: worker before ack charge#1"),
    }


def test_an_acknowledgement_after_the_connection_was_lost_comes_too_late(app: Celery) -> None:
    @app.task(acks_late=True)
    def charge() -> None:
        time.sleep(10)

    def act(driver: Any) -> None:
        charge.delay()
        driver.simulation.sleep(5)
        driver.workers[0].disconnect()

    outcome = run(app, act)

    assert outcome.times("start") == [0.0, 5.0]
    assert outcome.times("ack") == [15.0]
    assert outcome.details("redeliver") == ["connection lost"]
