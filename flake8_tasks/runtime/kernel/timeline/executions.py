"""Which events begin and end the executions of tasks, and what they wait for in between."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from flake8_tasks.runtime.kernel.timeline.folding import Row
from flake8_tasks.runtime.kernel.trace import Event

# What a child ends with when its worker terminates it.
TERMINATED = "SystemExit"
TASK = re.compile(r"[\w.]+#\d+")


class Ending(StrEnum):
    """How an execution ended."""

    WELL = "ended well"
    FAILED = "failed, or is tried again"
    KILLED = "killed"
    NEVER = "never ends"


@dataclass(slots=True)
class Execution:
    """One attempt at a task, in one slot.

    Arguments:
        lane: of the slot.
        task: which.
        number: 1 for the first attempt at this task.
        first: the index of the row with which it starts.
        last: of the row with which it ends; of the last row of all when it never does.
        ending: how.
        waits: between which rows it waits for something.
    """

    lane: str
    task: str
    number: int
    first: int
    last: int
    ending: Ending = Ending.NEVER
    waits: list[tuple[int, int]] = field(default_factory=list)


def executions(rows: Sequence[Row], events: Sequence[Event]) -> list[Execution]:
    """The executions that rows show, by their beginning.

    Arguments:
        events: all that happened; attempts that are not among the rows count as well.
    """
    attempts = _attempts(events)
    done: list[Execution] = []
    running: dict[str, Execution] = {}
    waiting: dict[str, int] = {}

    def close(lane: str, index: int, ending: Ending) -> None:
        if execution := running.pop(lane, None):
            execution.last, execution.ending = index, ending
            if lane in waiting:
                execution.waits.append((waiting.pop(lane), index))

    for index, row in enumerate(rows):
        event = row.event
        match event.kind:
            case "start":
                close(event.lane, index - 1, Ending.KILLED)
                running[event.lane] = Execution(event.lane, event.task, attempts[row.index], index, len(rows) - 1)
                done.append(running[event.lane])
            case "end":
                close(event.lane, index, _ending(event))
            case "killed":
                close(_where(event, running), index, Ending.KILLED)
            case "node-down":
                for lane in [lane for lane in running if node(lane) == node(event.lane)]:
                    close(lane, index, Ending.KILLED)
            case "block" if event.lane in running:
                waiting[event.lane] = index
            case "unblock" if event.lane in waiting:
                running[event.lane].waits.append((waiting.pop(event.lane), index))
    for lane, begin in waiting.items():
        running[lane].waits.append((begin, len(rows) - 1))
    return done


def redeliveries(rows: Sequence[Row], found: Sequence[Execution]) -> Iterator[tuple[Execution, Execution]]:
    """Each broken execution and the one that its message's return led to."""
    for index, row in enumerate(rows):
        if row.event.kind == "redeliver":
            same = [execution for execution in found if execution.task == row.event.task]
            before = [execution for execution in same if execution.first < index]
            after = [execution for execution in same if execution.first > index]
            if before and after:
                yield before[-1], after[0]


def waited_for(begin: int, end: int, rows: Sequence[Row]) -> int | None:
    """The row of what a wait waits for: a task's begin if that is before the wait's end, else its message, if any."""
    found = TASK.search(rows[begin].event.detail)
    if not found:
        return None
    name = found.group()
    starts = (at for at, row in enumerate(rows[:end]) if row.event.kind == "start" and row.event.task == name)
    sends = (
        at for at, row in enumerate(rows) if row.event.kind == "publish" and name in TASK.findall(row.event.detail)
    )
    return next(starts, next(sends, None))


def node(lane: str) -> str:
    """The lane of the worker that a slot belongs to."""
    return lane.partition("/")[0]


def _ending(event: Event) -> Ending:
    if event.detail == TERMINATED:
        return Ending.KILLED
    return Ending.WELL if event.detail.startswith("SUCCESS") else Ending.FAILED


def _attempts(events: Sequence[Event]) -> dict[int, int]:
    """By the index of each start: the how many-th it is of its task."""
    started: Counter[str] = Counter()
    numbers = {}
    for index, event in enumerate(events):
        if event.kind == "start":
            started[event.task] += 1
            numbers[index] = started[event.task]
    return numbers


def _where(event: Event, running: dict[str, Execution]) -> str:
    """The slot in which a process was killed."""
    if event.lane in running:
        return event.lane
    return next((lane for lane, execution in running.items() if execution.task == event.task), "")
