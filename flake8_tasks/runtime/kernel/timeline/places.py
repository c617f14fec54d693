"""Where events stand along the lanes, and in which row each one's label does, so that no label covers another.

Places are found from the last event to the first.  A label begins under its event and runs to the right, so that all
that could be in its way is placed already; it takes the nearest row that is free, and where all are taken the event
moves to the left.  A label in a farther row keeps the nearer ones clear for its leader line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from flake8_tasks.runtime.kernel.timeline.executions import Execution
from flake8_tasks.runtime.kernel.timeline.folding import Row
from flake8_tasks.runtime.kernel.timeline.measure import fitted, text_width
from flake8_tasks.runtime.kernel.timeline.words import clean, label, moment

SIZE = 11.0
_MOST_ROWS = 3
_WIDEST = 260.0
_LEAST_ROOM = 160.0
_WIDEST_FAULT = 360.0
_MOST_STRETCHED = 4.0
_STEP = 30.0
_GAP = 14.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label before it has a place: in which lane, above or below its line, and what it says."""

    lane: str
    above: bool
    text: str
    fault: bool = False

    @property
    def width(self) -> float:
        return text_width(self.text, SIZE, bold=self.fault)


@dataclass(slots=True)
class Placed:
    """All places along the lanes: of events, and for each event's label the number of its row."""

    xs: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    ticks: list[str] = field(default_factory=list)
    right: float = 0.0


def arrives(row: Row) -> str:
    """The lane in which an event is marked."""
    return row.event.to or row.event.lane


def wanted_label(row: Row, starts: Execution | None) -> Wanted | None:
    event = row.event
    more = _more(row)
    fault = event.kind == "fault"
    if starts is not None:
        attempt = f", attempt {starts.number}" if starts.number > 1 else ""
        text, lane = clean(starts.task) + attempt, event.lane
    else:
        text, lane = label(event), arrives(row)
    room = max(_LEAST_ROOM, (_WIDEST_FAULT if fault else _WIDEST) - text_width(more, SIZE, bold=fault))
    text = fitted(text, room, SIZE, bold=fault) + more if text else ""
    return Wanted(lane, starts is not None, text, fault) if text else None


def _more(row: Row) -> str:
    if not row.more:
        return ""
    last = moment(row.last)
    return f" +{row.more:,} more" if last == moment(row.event.time) else f" +{row.more:,} until {last}"


def placed_in(rows: Sequence[Row], wanted: Sequence[Wanted | None], least: float) -> Placed:
    """Places for all events; when they need less than `least`, the steps between them are wider."""
    steps = [_step(before.event.time, row.event.time) for before, row in pairwise(rows)]
    placed = _tried(rows, wanted, steps)
    factor = 1.0
    for _ in range(4 if steps else 0):
        factor = min(_MOST_STRETCHED, factor + max(0.0, least - placed.right) / math.fsum(steps))
        placed = _tried(rows, wanted, [step * factor for step in steps])
    return placed


def _tried(rows: Sequence[Row], wanted: Sequence[Wanted | None], steps: Sequence[float]) -> Placed:
    """Places from the last event to the first, then moved so that the first is at 0."""
    taken: dict[tuple[str, bool], list[float]] = {}
    placed = Placed()
    x, right, tick_before = 0.0, 0.0, math.inf
    for index in range(len(rows) - 1, -1, -1):
        if index < len(steps):
            x -= steps[index]
        time = moment(rows[index].event.time)
        tick = time if index == 0 or moment(rows[index - 1].event.time) != time else ""
        if tick:
            x = tick_before = min(x, tick_before - text_width(tick, SIZE) - _GAP)
            right = max(right, x + text_width(tick, SIZE))
        number = 0
        if want := wanted[index]:
            starts = taken.setdefault((want.lane, want.above), [math.inf] * _MOST_ROWS)
            x = min(x, starts[-1] - want.width - _GAP)
            # The last row is free now, if only up to a rounding error.
            nearer = enumerate(starts[:-1])
            number = next((at for at, start in nearer if x + want.width + _GAP <= start), len(starts) - 1)
            starts[: number + 1] = [x] * (number + 1)
            right = max(right, x + want.width)
            tick_before = x if tick else tick_before
        placed.xs.insert(0, x)
        placed.rows.insert(0, number)
        placed.ticks.insert(0, tick)
    placed.xs = [at - x for at in placed.xs]
    placed.right = right - x
    return placed


def _step(before: float, after: float) -> float:
    return _STEP + (26 * math.log10(1 + 10 * (after - before)) if after > before else 0)
