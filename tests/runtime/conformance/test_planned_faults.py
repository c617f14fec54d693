"""What is to break, and how processes agree on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flake8_tasks.runtime.conformance.plan import Plan, PlannedFault, planned
from flake8_tasks.runtime.kernel.choices import Choice
from flake8_tasks.runtime.kernel.faults import Fault

KILL = PlannedFault("charge#1 before store SUCCESS", Fault.CHILD_KILLED)


def choice(label: str, taken: int, kind: str = "fault") -> Choice:
    return Choice(kind, label, ("", "child-killed", "refused"), taken)


def test_the_faults_of_a_simulated_run_are_planned_with_their_occurrence_and_where_others_go_first() -> None:
    choices = [choice("a", 0), choice("b", 1), choice("a", 2), choice("a", 0), choice("a", 1, "switch")]
    assert planned([*choices, choice("c", 1, "order")]) == (
        PlannedFault("b", Fault.CHILD_KILLED, 0),
        PlannedFault("a", Fault.REFUSED, 1),
        PlannedFault("a", None, 0),
    )


def test_a_fault_happens_once_and_is_remembered(tmp_path: Path) -> None:
    plan = Plan.written(tmp_path / "run", [KILL], began=0)
    assert plan.at("charge#1 before store FAILURE", [Fault.CHILD_KILLED]) is None
    assert plan.happened == ()
    assert plan.at(KILL.label, [Fault.CHILD_KILLED]) is Fault.CHILD_KILLED
    assert plan.at(KILL.label, [Fault.CHILD_KILLED]) is None
    assert Plan(plan.folder).happened == (KILL,)


def test_a_fault_waits_for_its_occurrence(tmp_path: Path) -> None:
    second = PlannedFault("client before publish charge#1", Fault.CLIENT_KILLED, 1)
    plan = Plan.written(tmp_path / "run", [second], began=0)
    assert plan.at(second.label, [Fault.CLIENT_KILLED]) is None
    assert plan.at(second.label, [Fault.CLIENT_KILLED]) is Fault.CLIENT_KILLED
    assert str(second) == "client-killed: client before publish charge#1 (time 2)"


def test_a_fault_that_cannot_happen_there_does_not(tmp_path: Path) -> None:
    plan = Plan.written(tmp_path / "run", [KILL], began=0)
    assert plan.at(KILL.label, [Fault.NODE_KILLED]) is None


def test_messages_are_named_in_the_order_of_publishing_by_the_end_of_their_task_name(tmp_path: Path) -> None:
    plan = Plan.written(tmp_path / "run", [], began=0)
    names = [plan.name(*sent) for sent in (("x", "shop.charge"), ("y", "shop.ship"), ("z", "bank.charge"))]
    assert names == ["charge#1", "ship#1", "charge#2"]
    assert plan.name("x", "shop.charge") == "charge#1"
    assert Plan(plan.folder).messages == {"x": "charge#1", "y": "ship#1", "z": "charge#2"}


@pytest.mark.parametrize("times", [20])
def test_many_at_once_give_a_message_one_name_and_a_fault_one_victim(tmp_path: Path, times: int) -> None:
    plan = Plan.written(tmp_path / "run", [KILL], began=0)
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda number: plan.name(str(number % 5), "charge"), range(times)))
        victims = list(pool.map(lambda _: plan.at(KILL.label, [Fault.CHILD_KILLED]), range(times)))
    assert len(set(names)) == 5
    assert [victim for victim in victims if victim] == [Fault.CHILD_KILLED]


def test_a_message_that_was_given_back_is_on_its_way_until_a_worker_has_it(tmp_path: Path) -> None:
    plan = Plan.written(tmp_path, [], began=0.0)
    seen = [plan.on_its_way]
    for happens in (plan.requeued, plan.received, plan.requeued, plan.acknowledged):
        happens("an id")
        seen.append(plan.on_its_way)
    assert seen == [False, True, False, True, False]


def test_where_others_go_first_a_client_waits_until_it_may_go_on(tmp_path: Path) -> None:
    [pause] = planned([choice("client before commit", 1, "switch")])
    plan = Plan.written(tmp_path, [pause], began=0.0)
    with ThreadPoolExecutor() as pool:
        plan.let_others_go_first("client before another")
        waiting = pool.submit(Plan(tmp_path).let_others_go_first, "client before commit")
        while not plan.waits:
            assert not waiting.done()
        assert plan.happened == (pause,)
        plan.go_on()
        waiting.result(timeout=5)
        plan.let_others_go_first("client before commit")
    assert (plan.waits, str(pause)) == (False, "others go first: client before commit")
