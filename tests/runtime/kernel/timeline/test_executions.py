from __future__ import annotations

from timeline_runs import charged_twice, locked_up

from flake8_tasks.runtime.kernel.timeline.arrivals import arrivals
from flake8_tasks.runtime.kernel.timeline.executions import Ending, executions, redeliveries, waited_for
from flake8_tasks.runtime.kernel.timeline.folding import Row, folded
from flake8_tasks.runtime.kernel.trace import Event


def rows(*events: Event) -> list[Row]:
    return folded(events)


def test_a_killed_node_ends_what_runs_in_it_and_in_no_other() -> None:
    events = (
        Event(0, "worker/0", "start", "a#1"),
        Event(0, "other/0", "start", "b#1"),
        Event(1, "worker", "node-down"),
        Event(1, "worker/0", "killed", "a#1", "with its node"),
        Event(2, "other/0", "end", "b#1", "SUCCESS"),
    )
    killed, ended = executions(rows(*events), events)
    assert (killed.task, killed.ending, killed.last) == ("a#1", Ending.KILLED, 2)
    assert (ended.task, ended.ending, ended.last) == ("b#1", Ending.WELL, 4)


def test_attempts_are_counted_by_task() -> None:
    found = executions(rows(*charged_twice().events), charged_twice().events)
    assert [(execution.task, execution.number) for execution in found] == [("charge#1", 1), ("charge#1", 2)]
    ((before, after),) = redeliveries(rows(*charged_twice().events), found)
    assert (before, after) == (found[0], found[1])


def test_a_wait_points_to_the_message_that_nobody_takes() -> None:
    shown = rows(*locked_up().events)
    (first, second) = [index for index, row in enumerate(shown) if row.event.kind == "block"]
    target = waited_for(first, len(shown), shown)
    assert target is not None
    assert shown[target].event.detail == "total_of#1"
    found = executions(shown, locked_up().events)
    assert [execution.ending for execution in found] == [Ending.NEVER, Ending.NEVER]
    assert [execution.waits for execution in found] == [[(first, len(shown) - 1)], [(second, len(shown) - 1)]]


def test_a_wait_points_to_the_execution_that_it_waits_for() -> None:
    shown = rows(
        Event(0, "worker/0", "start", "a#1"),
        Event(0, "worker/0", "publish", "a#1", "b#1", to="broker"),
        Event(0, "worker/0", "block", "a#1", "result of b#1"),
        Event(0, "worker/1", "start", "b#1"),
        Event(1, "worker/1", "end", "b#1", "SUCCESS"),
        Event(1, "worker/0", "unblock", "a#1", "result of b#1"),
        Event(1, "worker/0", "end", "a#1", "SUCCESS"),
    )
    assert waited_for(2, 5, shown) == 3
    assert waited_for(2, 3, shown) == 1
    assert executions(shown, [row.event for row in shown])[0].waits == [(2, 5)]


def test_an_execution_that_its_worker_terminates_is_killed() -> None:
    events = (Event(0, "worker/0", "start", "a#1"), Event(1, "worker/0", "end", "a#1", "SystemExit"))
    assert [execution.ending for execution in executions(rows(*events), events)] == [Ending.KILLED]


def test_a_wait_for_nothing_that_is_known_points_nowhere() -> None:
    shown = rows(Event(0, "worker/0", "block", "a#1", "a lock"), Event(0, "worker/0", "block", "a#1", "result of z#9"))
    assert waited_for(0, 1, shown) is None
    assert waited_for(1, 2, shown) is None


def test_arrivals_are_counted_by_the_second() -> None:
    events = [Event(second / 4, "worker/0", "request", "a#1", "POST", to="outside") for second in range(400)]
    found = arrivals(events)
    assert found is not None
    assert (found.lane, found.most, found.end) == ("outside", 4, 99)
    assert found.columns(1000) == [4] * 100
    assert found.columns(50) == [4] * 50
    assert found.columns(30) == [4] * 25


def test_a_few_arrivals_make_no_chart() -> None:
    assert arrivals([Event(5, "worker/0", "request", "a#1", "POST", to="outside")] * 29) is None
    assert arrivals([Event(0, "worker/0", "request", "a#1", "POST", to="outside")] * 99) is None
    assert arrivals([]) is None
