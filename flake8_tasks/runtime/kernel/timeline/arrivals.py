"""How many effects arrive in each second: what a picture of a few events out of hundreds would hide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flake8_tasks.runtime.kernel.trace import Event

_MANY = 30
_REACHED = frozenset({"outside", "mail", "database", "cache"})


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What arrives in one lane.

    Arguments:
        lane: which.
        seconds: by the whole virtual second: how many arrive in it.
        end: the last second of the run.
    """

    lane: str
    seconds: dict[int, int]
    end: int

    @property
    def most(self) -> int:
        return max(self.seconds.values())

    def columns(self, count: int) -> list[int]:
        """The run in at most so many parts of the same length; for each, the most that arrive in one of its seconds."""
        length = max(1, -(-(self.end + 1) // count))
        columns = [0] * -(-(self.end + 1) // length)
        for second, arrivals in self.seconds.items():
            columns[second // length] = max(columns[second // length], arrivals)
        return columns


def arrivals(events: Sequence[Event]) -> Arrivals | None:
    """What arrives in the busiest lane of the world; None where too few do to make a chart."""
    lanes = Counter(event.to for event in events if event.to in _REACHED)
    if not lanes:
        return None
    lane, count = lanes.most_common(1)[0]
    end = int(max(event.time for event in events))
    if count < _MANY or end < 1:
        return None
    return Arrivals(lane, dict(Counter(int(event.time) for event in events if event.to == lane)), end)
