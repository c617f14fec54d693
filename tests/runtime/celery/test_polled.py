"""Kombu's own database and folder transports: real channels, asked in virtual time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Reject
from simulated import Outcome, explore, run

from flake8_tasks.runtime.celery.driver import installed
from flake8_tasks.runtime.celery.installation import installation_of
from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS, SQS
from flake8_tasks.runtime.kernel.worker import Node

DATABASE = "sqla+postgresql://shop@localhost/shop"
URLS = pytest.mark.parametrize("url", [DATABASE, "sqlalchemy+mysql://localhost/shop", "filesystem://"])


def settled(outcome: Outcome) -> bool:
    """Whether the one message was acknowledged."""
    return bool(outcome.of("ack"))


@URLS
def test_a_message_makes_its_way_through_the_real_transport(app: Celery, url: str) -> None:
    app.conf.broker_url = url

    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    outcome = run(app, lambda driver: [add.delay(number, 1).get() for number in range(3)])

    assert outcome.value == [1, 2, 3]
    # The worker has just looked when the first is sent, and so with the others.
    assert outcome.times("start") == [1.0, 2.0, 3.0]
    assert outcome.ended == "quiet"


@URLS
@pytest.mark.parametrize("late", [False, True])
def test_a_killed_worker_loses_what_it_had_taken_and_not_acknowledged(app: Celery, url: str, late: bool) -> None:
    app.conf.broker_url = url

    @app.task(acks_late=late)
    def charge() -> None:
        pass

    outcomes = explore(app, lambda driver: charge.delay(), faults=["node-killed"])
    lost = [outcome for outcome in outcomes if not settled(outcome)]

    assert {"".join(outcome.faults) for outcome in lost} >= {"node-killed: worker before ack charge#1"}
    assert all("node-killed" in "".join(outcome.faults) for outcome in lost)
    assert all(outcome.details("discard")[0].startswith("taken by a worker that is gone") for outcome in lost)


def test_on_rabbitmq_it_is_delivered_again(app: Celery) -> None:
    app.conf.broker_url = "amqp://shop@localhost/shop"

    @app.task
    def charge() -> None:
        pass

    assert all(settled(outcome) for outcome in explore(app, lambda driver: charge.delay(), faults=["node-killed"]))


@URLS
def test_a_worker_that_stops_warm_gives_back_what_it_has_not_begun(app: Celery, url: str) -> None:
    app.conf.broker_url = url

    @app.task
    def charge(number: int) -> None:
        time.sleep(5)

    def act(driver: Any) -> None:
        for number in range(3):
            charge.delay(number)
        driver.simulation.sleep(1)
        driver.workers[0].shutdown()
        driver.simulation.sleep(20)
        driver.workers[0].start()

    outcome = run(app, act, nodes=[Node(slots=1)])

    assert outcome.details("redeliver") == ["shutdown", "shutdown"]
    assert len(outcome.of("ack")) == 3
    assert len(outcome.of("start")) == 3


def test_a_rejected_message_is_inserted_again(app: Celery) -> None:
    app.conf.broker_url = DATABASE

    @app.task(bind=True, acks_late=True)
    def again(self: Any) -> str:
        if not seen:
            seen.append(1)
            raise Reject("later", requeue=True)
        return "done"

    seen: list[int] = []
    assert run(app, lambda driver: again.delay().get()).value == "done"


def test_idle_workers_ask_the_database_three_things_each_second(app: Celery) -> None:
    app.conf.broker_url = DATABASE

    def act(driver: Any) -> int:
        driver.simulation.sleep(10)
        return sum(when > 0 for when in driver.broker.statements)

    outcome = run(app, act, nodes=[Node(f"worker {number}") for number in range(5)])

    # Which queue, begin, the next message: of each of five workers in each of ten seconds.
    assert outcome.value == 3 * 5 * 10


def test_the_interval_is_that_of_the_transport_options(app: Celery) -> None:
    app.conf.broker_url = "filesystem://"
    app.conf.broker_transport_options = {"polling_interval": 0.1}

    def act(driver: Any) -> int:
        driver.simulation.sleep(2)
        return len(driver.broker.polls)

    assert run(app, act).value in (20, 21)


@pytest.mark.parametrize(
    ("url", "profile"),
    [(None, RABBITMQ), ("amqp://", RABBITMQ), ("redis://localhost:6379/0", REDIS), ("sqs://", SQS),
     (["rediss://one", "rediss://two"], REDIS), ("redis://one;redis://two", REDIS)],
)  # fmt: skip
def test_the_broker_is_that_of_the_apps_own_settings(app: Celery, url: object, profile: object) -> None:
    app.conf.broker_url = url

    assert run(app, lambda driver: driver.profile).value == profile


def test_the_visibility_timeout_is_that_of_the_apps_own_settings(app: Celery) -> None:
    app.conf.update(broker_url="redis://", broker_transport_options={"visibility_timeout": 60})

    assert run(app, lambda driver: driver.profile.visibility_timeout).value == 60


def test_the_database_is_gone_afterwards(app: Celery) -> None:
    app.conf.broker_url = DATABASE
    with installed(app):
        run(app, lambda driver: None, is_installed=True)
        storage = installation_of(app).storage
        assert storage is not None
        file = Path(storage.connection.hostname.removeprefix("sqlite:///"))
        assert file.exists()

    assert not file.parent.exists()
    assert app.conf.broker_url == DATABASE
