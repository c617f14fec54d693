"""Nodes and their slots, with plain functions for tasks."""

from __future__ import annotations

from typing import Any

import pytest
from toy import Toy

from flake8_tasks.runtime.kernel.broker import REDIS
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.worker import Node


def kinds(simulation: Simulation, *wanted: str) -> list[tuple[float, str, str]]:
    return [(event.time, event.kind, event.task) for event in simulation.trace if event.kind in wanted]


def test_as_many_run_at_once_as_there_are_slots() -> None:
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation)
        toy.worker(Node(slots=2))

        def rest() -> None:
            simulation.sleep(10)

        toy.client(lambda: [toy.send(rest) for _ in range(3)])

        assert simulation.run() == "quiet"
        assert [time for time, _, _ in kinds(simulation, "start")] == [0.0, 0.0, 10.0]


def test_a_killed_child_frees_its_slot_and_runs_nothing_more() -> None:
    after: list[str] = []
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation)
        worker = toy.worker(Node(slots=1))

        def rest() -> None:
            try:
                simulation.sleep(10)
            finally:
                after.append("finally")

        def act() -> None:
            toy.send(rest)
            simulation.sleep(5)
            worker.kill_child(worker.children[0], "signal 9")

        toy.client(act)
        simulation.run()

        assert after == []
        assert worker.children == []
        assert kinds(simulation, "killed") == [(5.0, "killed", "rest#1")]


@pytest.mark.parametrize("late", [False, True])
def test_what_a_killed_node_had_begun_comes_again_when_it_was_not_acknowledged(late: bool) -> None:
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation, late=late)
        worker = toy.worker(Node(slots=1, restarts_after=3))

        def rest() -> None:
            simulation.sleep(10)

        def act() -> None:
            toy.send(rest)
            toy.send(rest)
            simulation.sleep(5)
            worker.kill()

        toy.client(act)
        simulation.run()

        assert toy.done == (["rest#1", "rest#2"] if late else ["rest#2"])
        assert kinds(simulation, "node-down", "node-up") == [(5.0, "node-down", ""), (8.0, "node-up", "")]


def test_every_place_where_a_child_or_a_node_can_be_killed_is_found() -> None:
    def one(oracle: Oracle) -> int:
        with Simulation(oracle, faults=["child-killed", "node-killed"]) as simulation:
            toy = Toy(simulation, late=True)
            toy.worker(Node(slots=1))

            def work() -> None:
                effects.append(1)

            effects: list[int] = []
            toy.client(lambda: toy.send(work))
            simulation.run()
            return len(effects)

    runs = {
        str(ran.deviations[0]) if ran.deviations else "": ran.outcome for ran in depth_first(one, {"fault": 1}, 100)
    }

    assert runs == {
        "": 1,
        "child-killed: work#1 before finish work#1": 2,
        "node-killed: work#1 before finish work#1": 2,
        "node-killed: worker before ack work#1": 2,
    }


def test_a_pool_that_waits_for_itself_is_a_deadlock() -> None:
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation)
        toy.worker(Node(slots=1))

        def inner() -> int:
            return 1

        def outer() -> object:
            return toy.result(toy.send(inner))

        toy.client(lambda: toy.send(outer))

        assert simulation.run() == "deadlock"
        assert [event.detail for event in simulation.trace if event.kind == "deadlock"] == [
            "outer#1 waits for result of inner#1"
        ]


def test_one_slot_more_and_it_is_none() -> None:
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation)
        toy.worker(Node(slots=2))

        def inner() -> int:
            simulation.sleep(1)
            return 1

        def outer() -> object:
            return toy.result(toy.send(inner))

        toy.client(lambda: toy.send(outer))

        assert simulation.run() == "quiet"
        assert kinds(simulation, "deadlock", "starvation") == []


def test_a_killed_node_is_no_deadlock_for_those_who_wait_for_what_it_will_do() -> None:
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation, REDIS)
        toy.worker(Node("a", 1))
        other = toy.worker(Node("b", 1, ("other",)))

        def inner() -> int:
            return 1

        def outer() -> object:
            return toy.result(toy.send(inner, "other"))

        def act() -> None:
            other.kill()
            toy.send(outer)

        toy.client(act)

        assert simulation.run() == "quiet"
        assert kinds(simulation, "deadlock") == []


def test_a_warm_shutdown_waits_for_what_runs() -> None:
    with Simulation(Oracle()) as simulation:
        toy = Toy(simulation, late=True)
        worker = toy.worker(Node(slots=1))

        def rest() -> None:
            simulation.sleep(10)

        def act() -> None:
            toy.send(rest)
            toy.send(rest)
            simulation.sleep(5)
            worker.shutdown()
            simulation.sleep(45)
            worker.start()

        toy.client(act)
        simulation.run()

        assert kinds(simulation, "start", "node-down", "node-up") == [
            (0.0, "start", "rest#1"),
            (10.0, "node-down", ""),
            (50.0, "node-up", ""),
            (50.0, "start", "rest#2"),
        ]


def test_the_parent_of_each_node_has_what_is_its_own() -> None:
    class Place:
        def __init__(self) -> None:
            self.here: list[str] = []

        def enter(self, actor: Any) -> None:
            self.here.append(actor.lane)

        def leave(self, actor: Any) -> None:
            assert self.here.pop() == actor.lane

    with Simulation(Oracle()) as simulation:
        toy, place = Toy(simulation), Place()
        simulation.per_actor.append(place)
        toy.worker(Node("a", 1))

        def work() -> list[str]:
            return place.here[:]

        toy.client(lambda: toy.send(work))
        simulation.run()

        assert toy.result("work#1") == ["a/0"]
        assert place.here == []
