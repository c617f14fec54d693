"""Actors in virtual time: who goes first, who waits for what, and how a run ends."""

from __future__ import annotations

import math
import random
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from toy import Toy

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import FAULT, Oracle
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.worker import Node


def test_time_passes_when_everybody_sleeps() -> None:
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation)
        seen: list[tuple[str, float]] = []

        def sleeper(name: str, seconds: float) -> None:
            time.sleep(seconds)
            seen.append((name, time.time() - simulation.clock.start))

        toy.client(lambda: sleeper("late", 7200))
        toy.client(lambda: sleeper("early", 3600))

        assert simulation.run() == "quiet"
        assert seen == [("early", 3600.0), ("late", 7200.0)]


def test_nothing_is_said_of_a_generator_whose_process_is_killed_while_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)

    def numbers() -> Iterator[int]:
        try:
            yield 1
        finally:
            simulation.point("save", "row")

    def act() -> None:
        for _ in numbers():
            break

    with Simulation(Oracle([1], {FAULT: 1}), faults=[Fault.CLIENT_KILLED]) as simulation:
        client = simulation.spawn(Actor("client", lambda *_: None, lambda *_: None, [Fault.CLIENT_KILLED]), act)
        assert (simulation.run(), client.dead) == ("quiet", True)
    assert said == []
    assert sys.unraisablehook == said.append


def test_an_interrupt_that_the_program_swallows_ends_the_run() -> None:
    ended = []

    def act() -> None:
        with suppress(BaseException):
            signal.raise_signal(signal.SIGINT)

    def run() -> None:
        with Simulation(Oracle()) as simulation:
            Toy(simulation).client(act)
            ended.append(simulation.run())

    with pytest.raises(KeyboardInterrupt):
        run()
    assert ended == ["quiet"]


def test_a_run_that_comes_to_rest_in_a_month_at_the_earliest_is_ended_after_so_many_moments() -> None:
    def for_ever() -> None:
        while True:
            time.sleep(1)

    with Simulation(Oracle(), moments=100) as simulation:
        Toy(simulation).client(for_ever)

        assert (simulation.run(), simulation.now()) == ("horizon", 100.0)
        assert simulation.trace[-1].detail == "not at rest after 100 moments"


def test_advance_stops_in_between() -> None:
    with Simulation(Oracle()) as simulation:
        done: list[int] = []
        Toy(simulation).client(lambda: (simulation.sleep(100), done.append(1)))
        simulation.advance(60)
        assert (simulation.now(), done) == (60.0, [])
        simulation.advance(60)
        assert (simulation.now(), done) == (120.0, [1])


def test_waiting_ends_when_it_is_there_or_when_it_is_given_up() -> None:
    with Simulation(Oracle()) as simulation:
        toy, lights, came = Toy(simulation), [], []
        toy.client(lambda: came.append(simulation.wait(lambda: bool(lights), None, "a light")))
        toy.client(lambda: came.append(simulation.wait(lambda: False, 5, "nothing")))
        toy.client(lambda: (simulation.sleep(3), lights.append(1)))
        simulation.run()

        assert came == [True, False]
        assert [(event.time, event.detail) for event in simulation.trace if event.kind == "unblock"] == [
            (3.0, "a light"),
            (5.0, "gave up waiting for nothing"),
        ]


def test_a_client_that_waits_for_ever_is_stuck_and_one_that_sleeps_for_ever_too() -> None:
    for wait in (lambda: simulation.wait(lambda: False, None, "a light"), lambda: simulation.sleep(math.inf)):
        with Simulation(Oracle()) as simulation:
            Toy(simulation).client(wait)
            assert simulation.run() == "stuck"


def test_a_daemon_does_not_keep_a_run_from_its_end() -> None:
    with Simulation(Oracle()) as simulation:
        daemon = Actor("beat", lambda actor: None, lambda actor, fault: None, daemon=True)
        simulation.spawn(daemon, lambda: simulation.sleep(math.inf))
        assert simulation.run() == "quiet"


def test_a_run_ends_at_its_horizon() -> None:
    def tick() -> None:
        while True:
            simulation.sleep(60)

    with Simulation(Oracle(), horizon=3600) as simulation:
        Toy(simulation).client(tick)
        assert simulation.run() == "horizon"
        assert simulation.now() == 3600


def test_others_go_first_where_the_oracle_says_so() -> None:
    def one(oracle: Oracle) -> str:
        with Simulation(oracle) as simulation:
            toy, order = Toy(simulation), []
            toy.worker(Node(slots=2))

            def first() -> None:
                simulation.point("write", "first")
                order.append("first")

            def second() -> None:
                order.append("second")

            toy.client(lambda: [toy.send(first), toy.send(second)])
            simulation.run()
            return ", ".join(order)

    assert {ran.outcome for ran in depth_first(one, {"switch": 1}, 100)} == {"first, second", "second, first"}


def test_a_task_that_sends_itself_without_end_ends_the_run() -> None:
    with Simulation(Oracle(), again=10) as simulation:
        toy = Toy(simulation)
        toy.worker()

        def again() -> None:
            toy.send(again)

        toy.client(again)
        assert simulation.run() == "endless"
        (event,) = [event for event in simulation.trace if event.kind == "endless"]
        assert event.detail == "100 messages were delivered, and no time has passed: this goes on for ever"


def test_a_message_that_comes_again_without_end_ends_the_run() -> None:
    with Simulation(Oracle(), again=10) as simulation:
        toy = Toy(simulation)
        toy.worker()

        def again() -> None:
            toy._counts.clear()
            toy.send(again)

        toy.client(lambda: toy.send(again))

        assert simulation.run() == "endless"
        assert [event.task for event in simulation.trace if event.kind == "endless"] == ["again#1"]


def test_numbers_and_ids_are_the_same_in_every_run_and_as_before_afterwards() -> None:
    def one() -> tuple[float, str]:
        with Simulation(Oracle()):
            return random.random(), str(uuid.uuid4())

    random.seed(5)
    expected = random.random()
    random.seed(5)

    assert one() == one()
    assert random.random() == expected
    assert uuid.uuid4() != uuid.uuid4()


def test_nothing_is_left_behind_after_an_exception() -> None:
    before = time.time, time.sleep, time.monotonic, uuid.uuid4, host.current()

    with pytest.raises(KeyError), Simulation(Oracle()):
        raise KeyError

    assert (time.time, time.sleep, time.monotonic, uuid.uuid4, host.current()) == before


def test_what_a_killed_process_does_at_the_end_has_no_effect() -> None:
    effects: list[str] = []
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation)
        worker = toy.worker(Node(slots=1))

        def work() -> None:
            try:
                simulation.sleep(10)
            finally:
                simulation.point("request", "POST /undo")
                effects.append("undone")

        toy.client(lambda: (toy.send(work), simulation.sleep(5), worker.kill()))
        simulation.run()

    assert effects == []
