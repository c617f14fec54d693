"""Where everything of a drawn run goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flake8_tasks.runtime.kernel.timeline.executions import (
    Ending,
    Execution,
    executions,
    redeliveries,
    waited_for,
)
from flake8_tasks.runtime.kernel.timeline.folding import Row, folded
from flake8_tasks.runtime.kernel.timeline.measure import fitted, text_width
from flake8_tasks.runtime.kernel.timeline.places import Placed, Wanted, arrives, placed_in, wanted_label
from flake8_tasks.runtime.kernel.timeline.words import clean
from flake8_tasks.runtime.proof import Shown

LANE_SIZE = 12.0
BAR_HEIGHT = 22.0
_ROW_HEIGHT = 15.0
_PADDING = 9.0
_LEAST_NAME = 40.0
_MOST_EVENTS = 40
# Events that the picture tells in another way, or that say nothing beside their neighbours.
_UNDRAWN = frozenset({"deliver", "violation"})
_WORLD = ("results", "cache", "database", "outside", "mail")
_TO_BROKER_ALONE = frozenset({"ack", "reject"})


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place; `x` is its left end, `y` its base line."""

    text: str
    x: float
    y: float
    leader: tuple[float, float] | None = None
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """A line across the picture for one actor."""

    name: str
    text: str
    y: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An execution, from `x` to `end`."""

    execution: Execution
    x: float
    end: float
    y: float
    waits: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """An event: where it comes from and where it arrives."""

    row: Row
    x: float
    y: float
    origin: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one place to another: a message that came back, or a wait for something."""

    x: float
    y: float
    end_x: float
    end_y: float
    waiting: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A drawn run without its headline; the origin is the upper left corner."""

    width: float
    height: float
    left: float
    axis: float
    lanes: Sequence[Lane]
    bars: Sequence[Bar]
    marks: Sequence[Mark]
    arrows: Sequence[Arrow]
    labels: Sequence[Label]
    ticks: Sequence[Label]


def layout(shown: Shown, least: float = 0.0) -> Layout:
    """Places for a run.

    Arguments:
        least: the width, in pixels, that the drawing has at least; room that is left over is shared out.
    """
    events = [event for event in shown.events if event.kind not in _UNDRAWN]
    rows = folded(events, enough=_MOST_EVENTS, examples=2)
    if len(rows) > _MOST_EVENTS:
        rows = folded(events, enough=_MOST_EVENTS, examples=1)
    found = executions(rows, events)
    starts = {execution.first: execution for execution in found}
    names = _lanes(rows)
    left = 24 + max([_LEAST_NAME, *(text_width(lane_text(name), LANE_SIZE) for name in names)]) + 16
    wanted = [wanted_label(row, starts.get(index)) for index, row in enumerate(rows)]
    placed = placed_in(rows, wanted, max(0.0, least - left - 24))
    return _Assembly(rows, found, wanted, placed, left).layout(names)


def lane_text(name: str) -> str:
    """What people call a lane: "worker/0" is slot 0 of the worker."""
    where, _, slot = clean(name).partition("/")
    return fitted(f"{where} slot {slot}" if slot else where, 150, LANE_SIZE)


def _lanes(rows: Sequence[Row]) -> list[str]:
    """The lanes that occur, from top to bottom: who sends, the broker, the workers, and what they reach."""
    names = {arrives(row) for row in rows}
    names |= {row.event.lane for row in rows if row.event.kind not in _TO_BROKER_ALONE}

    def order(name: str) -> tuple[int, str, int, str]:
        where, _, slot = name.partition("/")
        place = {"client": 0, "broker": 1}.get(where)
        if place is None:
            place = 4 + _WORLD.index(where) if where in _WORLD else 3
        return place, where, int(slot) if slot.isdecimal() else -1, slot

    return sorted(names, key=order)


@dataclass(frozen=True, slots=True)
class _Assembly:
    """Puts a layout together when it is known what stands where along the lanes."""

    rows: Sequence[Row]
    found: Sequence[Execution]
    wanted: Sequence[Wanted | None]
    placed: Placed
    left: float
    heights: dict[str, float] = field(default_factory=dict)

    def layout(self, names: Sequence[str]) -> Layout:
        bottom = self._place_lanes(names)
        right = self.left + self.placed.right
        never = any(execution.ending is Ending.NEVER for execution in self.found)
        bars = [self._bar(execution, right) for execution in self.found]
        ticks = [Label(tick, self._x(index), bottom + 24) for index, tick in enumerate(self.placed.ticks) if tick]
        return Layout(
            width=right + (40 if never else 24),
            height=bottom + 32,
            left=self.left,
            axis=bottom + 6,
            lanes=[Lane(name, lane_text(name), self.heights[name]) for name in names],
            bars=bars,
            marks=[self._mark(index, row) for index, row in enumerate(self.rows)],
            arrows=[*self._returned(bars), *self._waits(bars)],
            labels=list(self._labels()),
            ticks=ticks,
        )

    def _place_lanes(self, names: Sequence[str]) -> float:
        """Give each lane as much room as its labels need; where the last one ends."""
        deepest: dict[tuple[str, bool], int] = {}
        for want, number in zip(self.wanted, self.placed.rows, strict=True):
            if want:
                key = want.lane, want.above
                deepest[key] = max(deepest.get(key, 0), number + 1)
        y = 0.0
        for name in names:
            y += _PADDING + deepest.get((name, True), 0) * _ROW_HEIGHT + self._half(name)
            self.heights[name] = y
            y += self._half(name) + deepest.get((name, False), 0) * _ROW_HEIGHT + _PADDING
        return y

    def _half(self, lane: str) -> float:
        """Half the height of what stands on a lane's line."""
        if any(execution.lane == lane for execution in self.found):
            return BAR_HEIGHT / 2
        return 10.0 if any(arrives(row) == lane and row.event.kind == "fault" for row in self.rows) else 6.0

    def _x(self, index: int) -> float:
        return self.left + self.placed.xs[index]

    def _bar(self, execution: Execution, right: float) -> Bar:
        end = self._x(execution.last) + (4 if execution.ending is Ending.KILLED else 8)
        if execution.ending is Ending.NEVER:
            end = right + 12
        waits = tuple(
            (self._x(first), end if last == execution.last else self._x(last)) for first, last in execution.waits
        )
        return Bar(execution, self._x(execution.first) - 8, end, self.heights[execution.lane], waits)

    def _mark(self, index: int, row: Row) -> Mark:
        y = self.heights[arrives(row)]
        return Mark(row, self._x(index), y, self.heights.get(row.event.lane, y))

    def _returned(self, bars: Sequence[Bar]) -> Iterator[Arrow]:
        by_first = {bar.execution.first: bar for bar in bars}
        for before, after in redeliveries(self.rows, self.found):
            broken, again = by_first[before.first], by_first[after.first]
            yield Arrow(broken.end, broken.y, again.x, again.y, waiting=False)

    def _waits(self, bars: Sequence[Bar]) -> Iterator[Arrow]:
        by_first = {bar.execution.first: bar for bar in bars}
        for begin, end in (wait for execution in self.found for wait in execution.waits):
            target = waited_for(begin, end, self.rows)
            if target is None:
                continue
            x, y = self._x(begin), self.heights[arrives(self.rows[begin])]
            if bar := by_first.get(target):
                yield Arrow(x, y, bar.x, bar.y, waiting=True)
            else:
                yield Arrow(x, y, self._x(target), self.heights[arrives(self.rows[target])], waiting=True)

    def _labels(self) -> Iterator[Label]:
        for index, (want, number) in enumerate(zip(self.wanted, self.placed.rows, strict=True)):
            if want is None:
                continue
            x, y, half = self._x(index), self.heights[want.lane], self._half(want.lane)
            if want.above:
                line = y - half - 5 - number * _ROW_HEIGHT
                yield Label(want.text, x - (4 if number else 8), line, (y - half, line) if number else None)
            else:
                line = y + half + 11 + number * _ROW_HEIGHT
                leader = (y + 4, line - 4) if number else None
                yield Label(want.text, x + (4 if number else -3), line, leader, want.fault)
