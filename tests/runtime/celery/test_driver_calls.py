"""Messages on their way: calls, arguments, queues, times, priorities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import EncodeError
from simulated import run

from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS, SQS, Profile
from flake8_tasks.runtime.kernel.worker import Node


def test_the_result_of_a_call_comes_back(app: Celery) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    outcome = run(app, lambda driver: (add.delay(1, 2).get(), add.apply_async((3,), {"y": 4}).get()))

    assert outcome.value == (3, 7)
    assert outcome.ended == "quiet"
    assert [(event.lane, event.kind) for event in outcome.events if event.task == "add#1"] == [
        ("worker", "deliver"),
        ("worker/0", "start"),
        ("worker", "ack"),
        ("worker/0", "store"),
        ("worker/0", "end"),
    ]


def test_arguments_make_the_round_trip_through_json(app: Celery) -> None:
    @app.task
    def kinds(value: object) -> list[str]:
        return [type(value).__name__, repr(value)]

    outcome = run(app, lambda driver: [kinds.delay((1, 2)).get(), kinds.delay({1: "a"}).get()])

    assert outcome.value == [["list", "[1, 2]"], ["dict", "{'1': 'a'}"]]


def test_what_json_cannot_say_raises_in_the_caller(app: Celery) -> None:
    @app.task
    def show(value: object) -> None:
        pass

    outcome = run(app, lambda driver: show.delay({1, 2}))

    assert isinstance(outcome.failure, EncodeError)
    assert outcome.of("publish") == []


def test_a_result_that_json_cannot_say_is_a_failure_after_the_effect(app: Celery) -> None:
    effects = []

    @app.task
    def collect() -> set[int]:
        effects.append("done")
        return {1}

    outcome = run(app, lambda driver: collect.delay().get(propagate=False))

    assert outcome.states == {"collect#1": "FAILURE"}
    assert effects == ["done"]


def test_a_wrong_number_of_arguments_raises_in_the_caller(app: Celery) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    assert isinstance(run(app, lambda driver: add.delay(1)).failure, TypeError)


def test_a_route_leads_to_the_queue_and_only_its_workers_take_it(app: Celery) -> None:
    @app.task
    def resize() -> None:
        pass

    app.conf.task_routes = {resize.name: {"queue": "slow"}}
    nodes = [Node("fast", 1, ("celery",)), Node("slow", 1, ("slow",))]

    assert [event.lane for event in run(app, lambda driver: resize.delay(), nodes=nodes).of("start")] == ["slow/0"]
    assert run(app, lambda driver: resize.delay(), nodes=nodes[:1]).of("deliver") == []


def test_queues_of_one_worker_are_served_in_turn(app: Celery) -> None:
    @app.task
    def step() -> None:
        pass

    def act(driver: object) -> None:
        for queue in ("a", "a", "a", "b"):
            step.apply_async(queue=queue)

    outcome = run(app, act, nodes=[Node(slots=1, queues=("a", "b"))])

    assert outcome.tasks("start") == ["step#1", "step#4", "step#2", "step#3"]


def test_a_topic_exchange_leads_to_all_queues_that_match_and_to_none(app: Celery) -> None:
    feeds = Exchange("feeds", type="topic")
    app.conf.task_queues = [Queue("a", feeds, routing_key="feed.#"), Queue("b", feeds, routing_key="feed.news")]

    @app.task
    def read() -> None:
        pass

    def act(driver: object) -> None:
        read.apply_async(exchange=feeds, routing_key="feed.news")
        read.apply_async(exchange=feeds, routing_key="feed.news.today")
        read.apply_async(exchange=feeds, routing_key="other")

    outcome = run(app, act, nodes=[Node(queues=("a", "b"))])

    assert sorted(outcome.tasks("start")) == ["read#1", "read#1", "read#2"]
    assert outcome.details("discard", "read#3") == ["no queue takes routing key other of exchange feeds"]


@pytest.mark.parametrize(
    "when",
    [
        {"countdown": 3600},
        {"eta": datetime(2023, 11, 14, 23, 13, 20, tzinfo=UTC)},
        {"eta": datetime(2023, 11, 15, 1, 13, 20, tzinfo=timezone(timedelta(hours=2)))},
        {"eta": datetime(2023, 11, 14, 23, 13, 20)},
    ],
)
def test_a_task_runs_at_its_time_and_not_before(app: Celery, when: dict[str, object]) -> None:
    app.conf.timezone = "Asia/Tokyo"

    @app.task
    def wake() -> None:
        pass

    assert run(app, lambda driver: wake.apply_async(**when)).times("start") == [3600.0]


def test_an_expired_task_is_revoked_even_when_it_was_prefetched(app: Celery) -> None:
    import time

    @app.task
    def rest(seconds: float) -> None:
        time.sleep(seconds)

    def act(driver: object) -> object:
        rest.delay(50)
        return rest.apply_async((1,), expires=10).get(propagate=False)

    outcome = run(app, act, nodes=[Node(slots=1)])

    assert outcome.states["rest#2"] == "REVOKED"
    assert outcome.times("discard", "rest#2") == [50.0]
    assert run(app, lambda driver: rest.apply_async((1,), expires=10), nodes=[Node(slots=1)]).states == {
        "rest#1": "SUCCESS"
    }


def test_an_ignored_result_is_not_stored(app: Celery) -> None:
    @app.task(ignore_result=True)
    def quiet() -> int:
        return 5

    outcome = run(app, lambda driver: quiet.delay().get())

    assert outcome.value is None
    assert outcome.of("store") == []
    assert outcome.details("end") == ["SUCCESS"]


def test_an_unregistered_task_is_discarded(app: Celery) -> None:
    outcome = run(app, lambda driver: app.send_task("shop.missing"))

    assert outcome.details("discard") == ["unregistered task"]
    assert outcome.of("start") == []


def test_pickled_content_is_dropped_by_a_worker_that_takes_json_only(app: Celery) -> None:
    @app.task
    def show(value: object) -> None:
        pass

    outcome = run(app, lambda driver: show.apply_async(({1},), serializer="pickle"))

    assert "pickle" in outcome.details("discard")[0]
    assert outcome.states == {}


def test_pickled_content_is_read_by_a_worker_that_accepts_it(app: Celery) -> None:
    app.conf.accept_content = ["json", "pickle"]

    @app.task
    def size(value: set[int]) -> int:
        return len(value)

    assert run(app, lambda driver: size.apply_async(({1, 2},), serializer="pickle").get()).value == 2


@pytest.mark.parametrize(
    ("profile", "arguments", "order"),
    [
        (RABBITMQ, {"x-max-priority": 10}, ["step#4", "step#3", "step#1", "step#2"]),
        (RABBITMQ, {}, ["step#1", "step#2", "step#3", "step#4"]),
        (REDIS, {}, ["step#1", "step#2", "step#3", "step#4"]),
        (SQS, {}, ["step#1", "step#2", "step#3", "step#4"]),
    ],
    ids=["rabbitmq", "rabbitmq without x-max-priority", "redis", "sqs"],
)
def test_priorities_are_each_brokers_own(app: Celery, profile: Profile, arguments: object, order: list[str]) -> None:
    app.conf.task_queues = [Queue("celery", queue_arguments=arguments)]

    @app.task
    def step() -> None:
        pass

    def act(driver: object) -> None:
        for priority in (0, 0, 5, 9):
            step.apply_async(priority=priority)

    assert run(app, act, nodes=[Node(slots=1)], profile=profile).tasks("start") == order


def test_on_redis_zero_goes_first_and_priorities_come_in_steps(app: Celery) -> None:
    @app.task
    def step() -> None:
        pass

    def act(driver: object) -> None:
        for priority in (9, 5, 3, 2, 0):
            step.apply_async(priority=priority)

    # 5 counts as 3, and 2 as 0.
    assert run(app, act, nodes=[Node(slots=1)], profile=REDIS).tasks("deliver") == [
        "step#4",
        "step#5",
        "step#2",
        "step#3",
        "step#1",
    ]


def test_what_is_rejected_goes_to_the_dead_letter_queue_that_the_app_declares(app: Celery) -> None:
    from celery.exceptions import Reject

    letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    app.conf.task_queues = [Queue("celery", queue_arguments=letters), Queue("dead")]

    @app.task(acks_late=True)
    def refuse() -> None:
        raise Reject("no", requeue=False)

    outcome = run(app, lambda driver: (refuse.delay(), driver.simulation.sleep(1), driver.size("dead"))[2])

    assert outcome.value == 1
    assert outcome.details("dead-letter") == ["to dead"]


def test_messages_may_be_of_the_first_protocol(app: Celery) -> None:
    @app.task(bind=True)
    def charge(self: Any, order: int) -> int:
        if not self.request.retries:
            raise self.retry(countdown=5)
        return order

    outcome = run(app, lambda driver: charge.delay(7).get(), settings={"task_protocol": 1})

    assert outcome.value == 7
    assert outcome.details("publish") == ["charge#1", "charge#1, retry 1, not before 2023-11-14T22:13:25+00:00"]
    assert outcome.details("start") == ["", "retry 1"]
