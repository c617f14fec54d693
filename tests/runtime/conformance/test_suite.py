"""The same runs in the simulation and for real, on both brokers: nothing but the truth is expected, that they agree."""

from __future__ import annotations

import pytest
from small import FILES, REQUEST, case

from flake8_tasks.runtime.conformance.forked import Nursery
from flake8_tasks.runtime.conformance.servers import Server
from flake8_tasks.runtime.conformance.suite import Case, conformance
from flake8_tasks.runtime.kernel.faults import Fault

# One Redis, one RabbitMQ and one nursery for all, where tests run in several processes.
pytestmark = pytest.mark.xdist_group("engine")
BROKERS = ("redis", "rabbitmq")


def url(server: Server) -> str:
    return f"{server.url}/0" if server.name == "redis" else f"{server.url}//"


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> str:
    return url(request.getfixturevalue(request.param))


def test_an_acknowledgement_after_the_work_survives_kills_and_repeats_the_work(
    broker: str, redis: Server, nursery: Nursery
) -> None:
    cases = [
        case("CHARGE"),
        case("CHARGE", Fault.CHILD_KILLED, f"charge#1 before {REQUEST}"),
        case("CHARGE", Fault.CHILD_KILLED, "charge#1 before line shop/tasks.py:13"),
        case("CHARGE", Fault.CHILD_KILLED, "charge#1 before store SUCCESS"),
        case("CHARGE", Fault.NODE_KILLED, "charge#1 before line shop/tasks.py:13"),
        case("CHARGE", Fault.NODE_KILLED, "worker before ack charge#1"),
        case("CHARGE", Fault.CLIENT_KILLED, "client before publish charge#1"),
        case("CHARGE", Fault.DUPLICATED, "delivery of charge#1"),
        case("CHARGE", Fault.REFUSED, f"charge#1 before {REQUEST}"),
        case("CHARGE", Fault.ANSWER_LOST, f"charge#1 before {REQUEST}"),
        case("CHARGE"),
    ]
    compared = list(conformance(cases, broker, results=f"{redis.url}/1", nursery=nursery))
    assert [str(each) for each in compared if each.verdict != "equal"] == []
    assert len(compared) == len(cases)


def test_an_acknowledgement_before_the_work_loses_it_with_its_child(redis: Server, nursery: Nursery) -> None:
    cases = [
        case("EARLY", Fault.CHILD_KILLED, f"charge_early#1 before {REQUEST}"),
        case("EARLY", Fault.NODE_KILLED, "charge_early#1 before line shop/tasks.py:19"),
    ]
    compared = list(conformance(cases, url(redis), results=f"{redis.url}/1", nursery=nursery))
    assert [str(each) for each in compared if each.verdict != "equal"] == []


def test_a_retry_is_made_for_real(redis: Server, nursery: Nursery) -> None:
    cases = [
        case("AGAIN", Fault.REFUSED, f"charge_again#1 before {REQUEST}"),
        case("AGAIN", Fault.TIMED_OUT, f"charge_again#1 before {REQUEST}"),
    ]
    compared = list(conformance(cases, url(redis), nursery=nursery))
    assert [str(each) for each in compared if each.verdict != "equal"] == []


def test_beat_passes_over_hours_in_a_moment(broker: str, redis: Server, nursery: Nursery) -> None:
    """What it sends neither has expired, nor waits for hours."""
    [compared] = conformance([case("HOURS")], broker, results=f"{redis.url}/1", nursery=nursery)
    assert compared.verdict == "equal", str(compared)
    assert compared.violation == "charged 4 times"
    assert compared.seconds < 10


def test_the_result_of_a_task_that_was_never_sent_is_compared_and_may_be_lost(
    broker: str, redis: Server, nursery: Nursery
) -> None:
    """The body of a chord whose header has failed."""
    storing = "charge#1 before store FAILURE of unsent#1"
    cases = [case("CHORD"), case("CHORD", Fault.CHILD_KILLED, storing)]
    if broker.startswith("amqp"):  # On Redis the killed worker's claim to the chord is over when its part comes again.
        cases.append(case("CHORD", Fault.NODE_KILLED, storing))
    compared = list(conformance(cases, broker, results=f"{redis.url}/1", nursery=nursery))
    assert [str(each) for each in compared if each.verdict != "equal"] == []
    assert all(storing in each.faults[0] for each in compared[1:])


def test_a_difference_is_told_with_its_case_and_its_fault(redis: Server, nursery: Nursery) -> None:
    """The real engine runs another program than the simulation: it looks at a file that is not there for the other."""
    text = FILES["shop/tasks.py"].replace(
        '    print("charged", order)\n',
        '    import sys\n    if "celery" in sys.argv[0]:\n        requests.post(BANK, timeout=1)\n',
    )
    [compared] = conformance([Case("two-faced", {"shop/tasks.py": text}, "small:CHARGE")], url(redis), nursery=nursery)
    assert compared.verdict == "different"
    assert [difference.what for difference in compared.differences] == ["violation", "world request"]
    assert str(compared).startswith("different  two-faced, ")
    assert 'violation: simulated "", real "charged 2 times"' in str(compared)


def test_the_order_of_messages_is_not_compared(redis: Server, nursery: Nursery) -> None:
    second_first = Case("TWO", FILES, "small:TWO", (1,), (), {"order": 1})
    [compared] = conformance([second_first], url(redis), nursery=nursery)
    assert str(compared) == (
        "not compared  TWO: its schedule needs others to go first, which nobody can order on a real engine "
        "(charge#2: next of celery)"
    )


def test_what_takes_too_long_or_is_only_simulated_is_not_compared(redis: Server, nursery: Nursery) -> None:
    compared = list(conformance([case("REST"), case("ONLY_SIMULATED")], url(redis), nursery=nursery))
    assert [str(each) for each in compared] == [
        "not compared  REST: it takes 60 s of time, the limit is 15 s",
        "not compared  ONLY_SIMULATED: it asks the simulation itself",
    ]
