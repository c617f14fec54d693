"""Queues, deliveries and how they come back, by the clock of a simulation that nothing else happens in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS, SQS, Broker, Message, Profile
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.simulation import Simulation


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    with Simulation(Oracle()) as running:
        yield running


def broker_of(simulation: Simulation, profile: Profile = RABBITMQ, *names: str) -> Broker:
    """With these messages in its queue and a consumer."""
    broker = Broker(simulation, profile)
    broker.connected("a")
    for name in names:
        broker.publish(Message(name, "celery", None))
    return broker


def taken(broker: Broker, consumer: str = "a") -> int:
    """The tag of the next message."""
    delivery = broker.take(consumer, ["celery"])
    assert delivery is not None
    return delivery.tag


def test_messages_come_in_their_order_and_are_held_until_they_are_acknowledged(simulation: Simulation) -> None:
    broker = broker_of(simulation, RABBITMQ, "x#1", "x#2")
    first, second = taken(broker), taken(broker)

    assert broker.take("a", ["celery"]) is None
    assert broker.held("a") == 2
    assert broker.acknowledge(first)
    assert not broker.acknowledge(first)
    assert (broker.held("a"), broker.holder("x#2"), list(broker.unacknowledged)) == (1, "a", [second])


def test_a_lost_connection_gives_messages_back_in_their_order(simulation: Simulation) -> None:
    broker = broker_of(simulation, RABBITMQ, "x#1", "x#2", "x#3")
    taken(broker)
    taken(broker)
    broker.disconnected("a")

    assert [(message.name, message.redelivered) for message in broker.waiting()] == [
        ("x#1", True),
        ("x#2", True),
        ("x#3", False),
    ]
    assert broker.held("a") == 0


def test_what_is_kept_is_not_given_back(simulation: Simulation) -> None:
    broker = broker_of(simulation, RABBITMQ, "x#1", "x#2")
    first = taken(broker)
    taken(broker)
    broker.restore("a", "shutdown", keep={first})

    assert [message.name for message in broker.waiting()] == ["x#2"]
    assert list(broker.unacknowledged) == [first]


@pytest.mark.parametrize(
    ("profile", "back"),
    [(RABBITMQ, None), (REDIS, 3600.0), (REDIS.with_visibility_timeout(30), 100.0), (SQS, 1800.0)],
    ids=["rabbitmq", "redis", "redis with 30 s", "sqs"],
)
def test_when_an_unacknowledged_message_becomes_visible(
    simulation: Simulation, profile: Profile, back: float | None
) -> None:
    broker = broker_of(simulation, profile, "x#1")
    taken(broker)
    simulation.run()

    assert [event.time for event in simulation.trace if event.kind == "redeliver"] == ([] if back is None else [back])


def test_an_acknowledged_one_does_not(simulation: Simulation) -> None:
    broker = broker_of(simulation, REDIS, "x#1")
    broker.acknowledge(taken(broker))
    simulation.run()

    assert (broker.waiting(), simulation.now()) == ([], 0.0)


def test_nobody_looks_for_lost_messages_while_no_redis_worker_is_there(simulation: Simulation) -> None:
    broker = broker_of(simulation, REDIS.with_visibility_timeout(30), "x#1")
    taken(broker)
    broker.disconnected("a")
    simulation.advance(1000)
    assert broker.waiting() == []

    broker.connected("b")
    simulation.advance(1)
    assert [message.name for message in broker.waiting()] == ["x#1"]


def test_on_redis_an_acknowledgement_is_for_all_copies_and_on_sqs_for_its_own(simulation: Simulation) -> None:
    for profile, left in ((REDIS, 0), (SQS, 1)):
        broker = broker_of(simulation, profile.with_visibility_timeout(30), "x#1")
        first = taken(broker)
        simulation.advance(150)
        taken(broker, "a")

        assert not broker.acknowledge(first)
        assert len(broker.unacknowledged) == left


def test_what_is_rejected_goes_back_or_to_the_dead_letters_or_away(simulation: Simulation) -> None:
    broker = broker_of(simulation, RABBITMQ, "x#1")
    broker.reject(taken(broker), requeue=True)
    assert [message.redelivered for message in broker.waiting(["celery"])] == [True]

    broker.dead_letters = {"celery": "dead"}
    broker.reject(taken(broker), requeue=False)
    assert [message.queue for message in broker.waiting()] == ["dead"]

    broker.dead_letters = {}
    broker.publish(Message("x#2", "celery", None))
    broker.reject(taken(broker), requeue=False)
    assert [message.name for message in broker.dropped] == ["x#2"]


@pytest.mark.parametrize(("profile", "order"), [(RABBITMQ, ["x#1", "x#2"]), (REDIS, ["x#2", "x#1"])])
def test_what_is_rejected_and_requeued_goes_to_where_it_was_or_behind_all_others(
    simulation: Simulation, profile: Profile, order: list[str]
) -> None:
    broker = broker_of(simulation, profile, "x#1", "x#2")
    broker.reject(taken(broker), requeue=True)

    assert [message.name for message in broker.waiting()] == order


@pytest.mark.parametrize(("profile", "order"), [(RABBITMQ, ["9", "5", "0"]), (REDIS, ["0", "5", "9"])])
def test_priorities(simulation: Simulation, profile: Profile, order: list[str]) -> None:
    broker = Broker(simulation, profile)
    for priority in (5, 9, 0):
        broker.publish(Message(str(priority), "celery", None, priority))

    deliveries = [broker.take("a", ["celery"]) for _ in range(3)]
    assert [delivery.message.name for delivery in deliveries if delivery] == order


def test_queues_are_served_in_turn(simulation: Simulation) -> None:
    broker = Broker(simulation)
    for name in ("a#1", "a#2", "b#1"):
        broker.publish(Message(name, name[0], None))

    deliveries = [broker.take("worker", ["a", "b"]) for _ in range(3)]
    assert [delivery.message.name for delivery in deliveries if delivery] == ["a#1", "b#1", "a#2"]


def test_one_message_becomes_two_and_another_goes_first_when_the_oracle_says_so() -> None:
    oracle = Oracle([1, 0, 2], {"fault": 1, "order": 1})
    with Simulation(oracle, faults=["duplicated"]) as simulation:
        broker = broker_of(simulation, RABBITMQ, "x#1", "x#2")

        # The fault is used up at the first; the third choice is whose turn it is.
        assert [message.name for message in broker.waiting()] == ["x#1", "x#1", "x#2"]


def test_a_purged_queue_is_empty(simulation: Simulation) -> None:
    broker = broker_of(simulation, RABBITMQ, "x#1", "x#2")

    assert broker.purge("celery") == 2
    assert not broker.has(["celery"])
