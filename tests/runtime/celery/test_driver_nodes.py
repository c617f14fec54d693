"""Several nodes, killed, stopped and started again, and brokers that take messages back."""

from __future__ import annotations

import time
from typing import Any

import pytest
from celery import Celery
from simulated import Outcome, explore, run

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS, SQS
from flake8_tasks.runtime.kernel.coroutines import GreenletCoroutine, ThreadCoroutine
from flake8_tasks.runtime.kernel.worker import Node


def declare(app: Celery, seconds: float = 10.0, **options: Any) -> Any:
    @app.task(**options)
    def charge() -> None:
        time.sleep(seconds)

    return charge


def lanes(outcome: Outcome) -> list[tuple[float, str]]:
    return [(event.time, event.lane) for event in outcome.of("start")]


def test_messages_go_to_the_nodes_in_turn(app: Celery) -> None:
    charge = declare(app)
    outcome = run(app, lambda driver: [charge.delay() for _ in range(4)], nodes=[Node("a", 2), Node("b", 2)])

    assert sorted(event.lane for event in outcome.of("start")) == ["a/0", "a/1", "b/0", "b/1"]


def test_a_node_takes_no_more_than_its_prefetch(app: Celery) -> None:
    charge = declare(app)
    nodes = [Node("a", 1, prefetch=2)]
    outcome = run(app, lambda driver: [charge.delay() for _ in range(5)], nodes=nodes)

    assert outcome.times("deliver") == [0.0, 0.0, 0.0, 10.0, 20.0]


def test_what_waits_for_its_time_does_not_count(app: Celery) -> None:
    charge = declare(app)

    def act(driver: Any) -> None:
        for _ in range(3):
            charge.apply_async(countdown=100)
        charge.delay()

    assert run(app, act, nodes=[Node("a", 1, prefetch=1)]).times("start", "charge#4") == [0.0]


def test_another_node_goes_on_with_what_a_killed_one_had(app: Celery) -> None:
    charge = declare(app, acks_late=True)

    def act(driver: Any) -> None:
        charge.delay()
        driver.simulation.sleep(5)
        driver.workers[0].kill()

    assert lanes(run(app, act, nodes=[Node("a", 1), Node("b", 1)])) == [(0.0, "a/0"), (5.0, "b/0")]


def test_a_node_that_was_killed_is_up_again_after_a_while_or_never(app: Celery) -> None:
    charge = declare(app)

    def act(driver: Any) -> None:
        driver.workers[0].kill()
        charge.delay()

    assert run(app, act, nodes=[Node(restarts_after=7)]).times("start") == [7.0]
    assert run(app, act, nodes=[Node(restarts_after=None)]).times("start") == []


def test_a_redis_worker_looks_for_lost_messages_when_it_starts_and_every_hundred_seconds(app: Celery) -> None:
    charge = declare(app, acks_late=True)

    def act(driver: Any) -> None:
        charge.delay()
        driver.simulation.sleep(5)
        driver.workers[0].kill()

    profile = REDIS.with_visibility_timeout(50)

    # It is up again at 10 s and looks then: 50 s are not over; so it is at 110 s.
    assert run(app, act, profile=profile).times("start") == [0.0, 110.0]
    # Another that was there from the beginning looks at 0, 100 … s.
    assert run(app, act, profile=profile, nodes=[Node("a", 1), Node("b", 1)]).times("start") == [0.0, 100.0]


@pytest.mark.parametrize(("profile", "starts"), [(RABBITMQ, 1), (REDIS, 2), (SQS, 4)], ids=["rabbitmq", "redis", "sqs"])
def test_a_task_far_in_the_future_runs_more_than_once_where_messages_become_visible(
    app: Celery, profile: Any, starts: int
) -> None:
    charge = declare(app, seconds=0)
    outcome = run(app, lambda driver: charge.apply_async(countdown=7000), profile=profile)

    assert len(outcome.of("start")) == starts
    assert set(outcome.times("start")) == {7000.0}


def test_a_late_task_longer_than_the_visibility_timeout_runs_twice_at_once(app: Celery) -> None:
    charge = declare(app, seconds=150, acks_late=True)
    outcome = run(app, lambda driver: charge.delay(), profile=REDIS.with_visibility_timeout(60))

    assert lanes(outcome) == [(0.0, "worker/0"), (100.0, "worker/1")]


def test_on_sqs_it_is_never_deleted_as_each_receipt_is_out_of_date(app: Celery) -> None:
    charge = declare(app, seconds=90, acks_late=True)
    outcome = run(app, lambda driver: charge.delay(), profile=SQS.with_visibility_timeout(60), horizon=299)

    assert outcome.times("start") == [0.0, 60.0, 120.0, 180.0, 240.0]
    assert outcome.ended == "horizon"


def test_on_redis_whoever_acknowledges_does_so_for_all_copies(app: Celery) -> None:
    charge = declare(app, seconds=150, acks_late=True)

    def act(driver: Any) -> None:
        charge.delay()
        driver.simulation.sleep(200)
        # The first has acknowledged at 150 s; the second, begun at 100 s, is killed, and does not come again.
        driver.workers[0].kill_child(driver.workers[0].children[0], "signal 9")

    outcome = run(app, act, profile=REDIS.with_visibility_timeout(60))

    assert outcome.times("start") == [0.0, 100.0]
    assert outcome.details("ack")[0] == "too late: the broker has it back"


def test_warm_shutdown_ends_what_runs_and_gives_back_the_rest(app: Celery) -> None:
    charge = declare(app)

    def act(driver: Any) -> None:
        for _ in range(3):
            charge.delay()
        charge.apply_async(countdown=15)
        driver.simulation.sleep(5)
        driver.workers[0].shutdown()
        driver.simulation.sleep(95)
        driver.workers[0].start()

    outcome = run(app, act, nodes=[Node(slots=1)])

    assert outcome.times("end") == [10.0, 110.0, 120.0, 130.0]
    assert outcome.details("redeliver") == ["shutdown"] * 3
    assert [(event.time, event.detail) for event in outcome.of("node-down")] == [(10.0, "after a warm shutdown")]
    assert set(outcome.states.values()) == {"SUCCESS"}


@pytest.mark.parametrize("late", [False, True])
def test_cold_shutdown_kills_what_runs(app: Celery, late: bool) -> None:
    charge = declare(app, acks_late=late)

    def act(driver: Any) -> None:
        charge.delay()
        charge.delay()
        driver.simulation.sleep(5)
        driver.workers[0].shutdown(warm=False)
        driver.simulation.sleep(95)
        driver.workers[0].start()

    outcome = run(app, act, nodes=[Node(slots=1)])

    # The one that ran is lost when it was acknowledged early; the other had only been taken.
    assert len(outcome.of("end")) == (2 if late else 1)
    assert outcome.states["charge#2"] == "SUCCESS"
    if not late and compat.VERSION >= (5, 5):
        assert outcome.states["charge#1"] == "RETRY"


def test_after_a_lost_connection_what_was_prefetched_comes_once(app: Celery) -> None:
    charge = declare(app)

    def act(driver: Any) -> None:
        for _ in range(3):
            charge.delay()
        driver.simulation.sleep(5)
        driver.workers[0].disconnect()

    outcome = run(app, act, nodes=[Node(slots=1)])

    assert outcome.tasks("start") == ["charge#1", "charge#2", "charge#3"]


def test_what_waits_for_its_time_when_the_connection_is_lost(app: Celery) -> None:
    charge = declare(app)

    def act(driver: Any) -> None:
        charge.apply_async(countdown=60)
        driver.simulation.sleep(5)
        driver.workers[0].disconnect()

    # 5.6 forgets to drop it, so that it runs once more when it has come again.
    assert len(run(app, act).of("start")) == (2 if compat.VERSION == (5, 6) else 1)


def everything(app: Celery) -> Any:
    """A program in which much happens."""
    from celery import chord, group

    @app.task(bind=True, max_retries=2, default_retry_delay=3)
    def flaky(self: Any) -> int:
        if self.request.retries < 1:
            raise self.retry()
        return 1

    @app.task(acks_late=True, reject_on_worker_lost=True, soft_time_limit=20, time_limit=30)
    def slow(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    @app.task
    def total(numbers: list[float]) -> float:
        return sum(numbers)

    def act(driver: Any) -> Any:
        chord([slow.s(1), flaky.s(), slow.s(2)], total.s()).delay()
        group(slow.s(25), slow.s(3)).delay()
        slow.apply_async((1,), countdown=5, expires=2)
        result = slow.apply_async((10,), countdown=8)
        driver.simulation.sleep(10)
        result.revoke(terminate=True)

    return act


def test_threads_instead_of_greenlets_give_the_same_trace(app: Celery) -> None:
    act = everything(app)
    options = {"faults": ["child-killed", "node-killed"], "nodes": [Node(slots=2)]}
    greenlets = explore(app, act, simulation={"coroutine": GreenletCoroutine}, **options)
    threads = explore(app, act, simulation={"coroutine": ThreadCoroutine}, **options)

    assert [outcome.fingerprint for outcome in greenlets] == [outcome.fingerprint for outcome in threads]
    assert len(greenlets) > 20


def test_every_run_of_a_schedule_gives_the_same_trace(app: Celery) -> None:
    act = everything(app)
    first, second = (explore(app, act, faults=["child-killed"]) for _ in range(2))

    assert [outcome.fingerprint for outcome in first] == [outcome.fingerprint for outcome in second]
