"""Chains, groups, chords and what else is made of signatures, on each kind of result backend."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import ChordError, TimeoutError
from simulated import explore, run

from flake8_tasks.runtime.celery import compat

BACKENDS = ["redis", "key-value", "database"]


class Shop:
    """Tasks to make signatures of."""

    def __init__(self, app: Celery) -> None:
        @app.task
        def add(x: int, y: int) -> int:
            return x + y

        @app.task
        def total(numbers: list[int]) -> int:
            return sum(numbers)

        @app.task
        def fail(*_: object) -> None:
            raise ValueError("broken")

        @app.task(ignore_result=True)
        def ignored(number: int) -> int:
            return number

        @app.task(bind=True)
        def replaced(self: Any, number: int) -> None:
            raise self.replace(add.s(number, 100))

        self.add, self.total, self.fail, self.ignored, self.replaced = add, total, fail, ignored, replaced


@pytest.mark.parametrize("results", BACKENDS)
@pytest.mark.parametrize(
    ("made", "value"),
    [
        (lambda shop: chain(shop.add.s(1, 2), shop.add.s(10), shop.add.s(100)), 113),
        (lambda shop: group(shop.add.s(number, number) for number in range(4)), [0, 2, 4, 6]),
        (lambda shop: chord([shop.add.s(number, number) for number in range(4)], shop.total.s()), 12),
        (lambda shop: chain(shop.add.s(1, 1), group(shop.add.s(1), shop.add.s(2)), shop.total.s()), 7),
        (lambda shop: chord([chain(shop.add.s(1, 1), shop.add.s(1)), shop.add.s(2, 2)], shop.total.s()), 7),
        (lambda shop: shop.add.starmap([(1, 2), (3, 4)]), [3, 7]),
        (lambda shop: shop.total.map([[1, 2], [3]]), [3, 3]),
        (lambda shop: shop.add.chunks([(number, number) for number in range(5)], 2).group(), [[0, 2], [4, 6], [8]]),
        (lambda shop: shop.replaced.s(1), 101),
        (lambda shop: chain(shop.replaced.s(1), shop.add.s(1000)), 1101),
        (lambda shop: chain(shop.ignored.s(1), shop.add.s(1)), 2),
    ],
    ids=["chain", "group", "chord", "chord in chain", "chain in chord", "starmap", "map", "chunks", "replace",
         "replace in chain", "ignored result in chain"],
)  # fmt: skip
def test_signatures_give_what_they_promise(
    app: Celery, made: Callable[[Shop], Any], value: object, results: str
) -> None:
    shop = Shop(app)

    assert run(app, lambda driver: made(shop).delay().get(), results=results).value == value


def test_a_chord_is_joined_by_a_counter_or_by_asking_again_and_again(app: Celery) -> None:
    shop = Shop(app)

    def act(driver: object) -> object:
        return chord([shop.add.s(1, 1), shop.add.s(2, 2)], shop.total.s()).delay().get()

    assert [run(app, act, results=results).now for results in BACKENDS] == [0.0, 0.0, 1.0]
    assert "chord_unlock#1" in run(app, act, results="database").tasks("start")
    assert "chord_unlock#1" not in run(app, act, results="redis").tasks("start")


def test_a_chord_of_ignored_results_works_on_redis_and_hangs_on_a_database(app: Celery) -> None:
    shop = Shop(app)

    def act(driver: object) -> object:
        return chord([shop.ignored.s(1), shop.ignored.s(2)], shop.total.s()).delay().get(timeout=600)

    assert run(app, act, results="redis").value == 3
    assert isinstance(run(app, act, results="database", horizon=1000).failure, TimeoutError)


@pytest.mark.parametrize("results", BACKENDS)
def test_a_failure_in_the_header_of_a_chord_fails_its_body(app: Celery, results: str) -> None:
    shop = Shop(app)

    def act(driver: object) -> object:
        return chord([shop.add.s(1, 1), shop.fail.s()], shop.total.s()).delay().get()

    outcome = run(app, act, results=results)

    assert isinstance(outcome.failure, ChordError)
    assert "total#1" not in outcome.tasks("start")
    assert "add#1" in outcome.tasks("end")


def test_a_result_of_a_task_that_was_never_sent(app: Celery) -> None:
    """The body of a chord whose header has failed, and what would have followed in a chain."""
    shop = Shop(app)

    def act(driver: object) -> None:
        chord([shop.fail.s()], shop.total.s()).delay()
        chain(shop.fail.s(), shop.add.s(1), shop.total.s()).delay()

    outcome = run(app, act)

    assert outcome.tasks("start") == ["fail#1", "fail#2"]
    assert outcome.states == dict.fromkeys(("fail#1", "unsent#1", "fail#2", "unsent#2", "unsent#3"), "FAILURE")


def test_a_group_as_the_body_of_a_chord_fails_with_what_the_header_has_raised(app: Celery) -> None:
    """On Redis. Other bodies fail with a `ChordError`; before 5.6 the tasks of a group have no result at all."""
    shop = Shop(app)

    def act(driver: object) -> object:
        return chord([shop.fail.s(), shop.add.s(1, 1)], group(shop.total.s(), shop.total.s())).delay().get()

    outcome = run(app, act)

    assert isinstance(outcome.failure, ValueError) == (compat.VERSION >= (5, 6))
    assert (outcome.ended == "stuck") == (compat.VERSION < (5, 6))


def test_a_body_that_cannot_be_sent_fails_its_chord_with_the_reason(app: Celery) -> None:
    shop = Shop(app)

    def act(driver: object) -> object:
        return chord([shop.add.s(1, 1)] * 2, shop.add.s()).delay().get()

    failure = run(app, act).failure

    assert isinstance(failure, ChordError)
    assert str(failure).startswith("Callback error: TypeError")


def test_what_a_part_of_a_chord_has_raised_is_told_as_redis_has_kept_it(app: Celery) -> None:
    """JSON has no tuples."""

    @app.task
    def refuse() -> None:
        raise ValueError((1, 2))

    shop = Shop(app)

    def act(driver: object) -> object:
        return chord([refuse.s(), shop.add.s(1, 1)], shop.total.s()).delay().get()

    assert "raised ValueError([1, 2])" in str(run(app, act).failure)


def test_a_chord_with_a_group_in_a_chain_does_not_wait_for_a_result_that_is_ignored(app: Celery) -> None:
    """On Redis: such a header is joined by its results, and a worker takes those that are there."""
    shop = Shop(app)

    @app.task
    def same(values: list[object]) -> list[object]:
        return values

    def act(driver: object) -> object:
        inner = chain(shop.add.chunks([(1, 1), (2, 2)], 1).group())
        return chord([shop.ignored.s(1), inner, shop.add.s(3, 3)], same.s()).delay().get()

    outcome = run(app, act)

    assert (outcome.value, outcome.ended) == ([None, [[2], [4]], 6], "quiet")


@pytest.mark.parametrize(("ordered", "value"), [(True, [1, 0]), (False, [0, 1])])
def test_the_parts_of_a_chord_come_in_their_order_or_as_they_were_done(
    app: Celery, ordered: bool, value: list[int]
) -> None:
    @app.task
    def rest(seconds: int) -> int:
        time.sleep(seconds)
        return seconds

    @app.task
    def same(values: list[int]) -> list[int]:
        return values

    settings = {"result_backend_transport_options": {"result_chord_ordered": ordered}}

    def act(driver: object) -> object:
        return chord([rest.s(1), rest.s(0)], same.s()).delay().get()

    assert run(app, act, settings=settings).value == value


def test_parts_of_a_chord_that_have_no_number_come_by_their_ids(app: Celery) -> None:
    """On Redis. The first protocol does not send the numbers."""

    @app.task(bind=True)
    def part(self: Any) -> str:
        return str(self.request.id)

    @app.task
    def same(values: list[str]) -> list[str]:
        return values

    value = run(app, lambda driver: chord([part.s()] * 5, same.s()).delay().get(), settings={"task_protocol": 1}).value

    assert value == sorted(value)


def test_without_a_result_backend_there_are_no_chords(app: Celery) -> None:
    shop = Shop(app)

    def act(driver: object) -> object:
        return chord([shop.add.s(1, 1)] * 2, shop.total.s()).delay()

    assert isinstance(run(app, act, results="").failure, NotImplementedError)
    assert run(app, lambda driver: chain(shop.add.s(1, 2), shop.add.s(1)).delay(), results="").tasks("end") == [
        "add#1",
        "add#2",
    ]


def test_the_rest_of_a_chain_is_not_run_after_a_failure(app: Celery) -> None:
    shop = Shop(app)
    outcome = run(app, lambda driver: chain(shop.fail.s(), shop.add.s(1)).delay().get())

    assert isinstance(outcome.failure, ValueError)
    assert outcome.tasks("start") == ["fail#1"]


def test_a_link_is_called_with_the_result(app: Celery) -> None:
    shop = Shop(app)
    outcome = run(app, lambda driver: shop.add.apply_async((1, 1), link=shop.add.s(5)))

    assert outcome.states == {"add#1": "SUCCESS", "add#2": "SUCCESS"}


def test_an_errback_with_arguments_is_called_where_the_task_failed(app: Celery) -> None:
    shop, seen = Shop(app), []

    @app.task
    def report(request: Any, error: Exception, traceback: str) -> None:
        seen.append((request.task.rpartition(".")[2], repr(error)))

    outcome = run(app, lambda driver: shop.fail.apply_async(link_error=report.s()))

    assert seen == [("fail", "ValueError('broken')")]
    assert outcome.tasks("start") == ["fail#1"]


def test_an_old_errback_is_sent_as_a_task_with_the_id(app: Celery) -> None:
    shop, seen = Shop(app), []

    @app.task
    def report(task_id: str) -> None:
        seen.append(task_id)

    ids: list[str] = []
    outcome = run(app, lambda driver: ids.append(shop.fail.apply_async(link_error=report.s()).id))

    assert seen == ids
    assert outcome.tasks("start") == ["fail#1", "report#1"]


def test_the_body_of_a_chord_whose_last_part_was_killed_before_it_sent_it(app: Celery) -> None:
    """On Redis. The last part comes again; but since 5.7 the claim of the killed worker outlives its restart."""

    @app.task(acks_late=True)
    def part() -> int:
        return 1

    shop = Shop(app)
    outcomes = explore(app, lambda driver: chord([part.s(), part.s()], shop.total.s()).delay(), faults=["node-killed"])
    killed = next(outcome for outcome in outcomes if outcome.faults == ["node-killed: part#2 before publish total#1"])

    assert killed.tasks("start")[:3] == ["part#1", "part#2", "part#2"]
    assert ("total#1" in killed.states) == (compat.VERSION < (5, 7))


def test_a_part_of_a_chord_that_came_twice_with_different_results(app: Celery) -> None:
    """On Redis. Before 5.7 each different result was counted, so that the body was sent before all parts were there."""

    @app.task(acks_late=True)
    def part() -> float:
        return time.time()

    @app.task
    def later() -> float:
        time.sleep(60)
        return 0

    shop = Shop(app)
    outcomes = explore(
        app, lambda driver: chord([part.s(), later.s()], shop.total.s()).delay(), faults=["node-killed"], horizon=50
    )
    twice = next(outcome for outcome in outcomes if outcome.faults == ["node-killed: worker before ack part#1"])

    assert twice.tasks("end").count("part#1") == 2
    assert ("total#1" in twice.states) == (compat.VERSION < (5, 7))
