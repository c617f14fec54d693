"""A hundred times the same becomes a few times the same and "97 more like it"."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flake8_tasks.runtime.kernel.trace import Event

ENOUGH = 48
_NUMBER = re.compile(r"\d+(\.\d+)?")
_ALWAYS = frozenset(
    {"fault", "violation", "deadlock", "starvation", "stuck", "endless", "horizon", "node-down", "node-up"}
)
_ENDS = frozenset({"end", "killed"})
_BARS = _ENDS | {"start"}


@dataclass(frozen=True, slots=True)
class Row:
    """An event that is shown.

    Arguments:
        event: itself.
        index: its number in the run.
        more: how many like it are not shown.
        last: virtual seconds of the last of them; its own time where there is none.
    """

    event: Event
    index: int
    more: int
    last: float


def folded(events: Sequence[Event], *, enough: int = ENOUGH, examples: int = 3) -> list[Row]:
    """All events when there are no more than `enough`; else a few `examples` of each, and how many there were.

    What is left out is left out by whole executions of a task, so that each one that is seen has its begin and its end;
    an execution in which something breaks, or in which anything happens for the first time, is always seen.
    """
    if len(events) <= enough:
        return [Row(event, index, 0, event.time) for index, event in enumerate(events)]
    signs = [_sign(event) for event in events]
    kept = _within_units(events, signs, _kept(events, signs, examples), examples)
    at: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for index in kept:
        at[signs[index]].append(index)
    more: Counter[int] = Counter()
    last: dict[int, float] = {}
    for index in sorted(set(range(len(events))) - set(kept)):
        nearest = _nearest(events, at[signs[index]], events[index].time)
        more[nearest] += 1
        last[nearest] = events[index].time
    return [Row(events[index], index, more[index], max(events[index].time, last.get(index, 0.0))) for index in kept]


def _sign(event: Event) -> tuple[str, ...]:
    """The same for events that are alike to a reader."""
    lane, name = event.lane.partition("/")[0], event.task.partition("#")[0]
    return lane, event.kind, name, _NUMBER.sub("0", event.detail), event.to


def _units(events: Sequence[Event]) -> list[tuple[str, int]]:
    """To which execution of which task each event belongs; an event about no task stands for itself."""
    finished: Counter[str] = Counter()
    units = []
    for index, event in enumerate(events):
        units.append((event.task, finished[event.task]) if event.task else ("", index))
        if event.kind in _ENDS:
            finished[event.task] += 1
    return units


def _kept(events: Sequence[Event], signs: Sequence[tuple[str, ...]], examples: int) -> list[int]:
    """The indexes of the events in the executions that are shown."""
    members: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for index, unit in enumerate(_units(events)):
        members[unit].append(index)
    broken = {event.task for event in events if event.kind == "fault" and event.task}
    seen: Counter[tuple[str, ...]] = Counter()
    kept: list[int] = []
    for (task, _), indexes in members.items():
        shows = {signs[index] for index in indexes}
        important = task in broken or any(events[index].kind in _ALWAYS for index in indexes)
        if important or any(seen[sign] < examples for sign in shows):
            seen.update(shows)
            kept += indexes
    return sorted(kept)


def _within_units(
    events: Sequence[Event], signs: Sequence[tuple[str, ...]], kept: Iterable[int], examples: int
) -> list[int]:
    """Without what one execution does over and over; begins and ends stay."""
    units = _units(events)
    seen: Counter[tuple[object, ...]] = Counter()
    shown = []
    for index in kept:
        seen[units[index], signs[index]] += 1
        if events[index].kind in _BARS | _ALWAYS or seen[units[index], signs[index]] <= examples:
            shown.append(index)
    return shown


def _nearest(events: Sequence[Event], indexes: Sequence[int], time: float) -> int:
    """Which of these events is nearest in time; the last of those at the same time."""
    right = bisect_right(indexes, time, key=lambda index: events[index].time)
    around = indexes[max(0, right - 1) : right + 1]
    return min(around, key=lambda index: abs(events[index].time - time))
