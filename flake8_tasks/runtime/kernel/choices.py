"""Where a run could go another way: the one mechanism for faults and for scheduling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FAULT = "fault"
SWITCH = "switch"
ORDER = "order"


@dataclass(frozen=True, slots=True)
class Choice:
    """One point at which a run could have gone another way.

    Arguments:
        kind: `fault` (something breaks), `switch` (someone else goes on first) or `order` (another message is taken).
        label: where it was, the same in every run that comes here: "charge#1 before shop/tasks.py:12".
        options: what could happen; the first is what happens by itself.
        taken: which of them did.
    """

    kind: str
    label: str
    options: tuple[str, ...]
    taken: int

    def __str__(self) -> str:
        return f"{self.options[self.taken]}: {self.label}"


class Oracle:
    """Answers every choice of one run: from a schedule while it lasts, then always the first option.

    Choices of a kind are no longer offered once its budget is used up, so that a schedule stays short.

    Arguments:
        schedule: the option taken at each choice, from the first on.
        budget: how many choices of each kind may go another way than by themselves.
    """

    def __init__(self, schedule: Sequence[int] = (), budget: Mapping[str, int] | None = None) -> None:
        self._given = tuple(schedule)
        self._left = Counter(budget or {})
        self.choices: list[Choice] = []
        self.misfit: ScheduleError | None = None
        """What `choose` has raised first, which the program under test may have hidden."""

    def choose(self, kind: str, label: str, options: Sequence[str]) -> int:
        """Which option happens, by its index.

        Raises:
            ScheduleError: the schedule asks for an option that there is not.
        """
        if len(options) < 2 or not self.offers(kind):
            return 0
        taken = self.next_option(kind, options)
        if not 0 <= taken < len(options):
            misfit = ScheduleError(
                f"choice {len(self.choices)} has {len(options)} options, the schedule asks for number {taken}: {label}"
            )
            self.misfit = self.misfit or misfit
            raise misfit
        self.choices.append(Choice(kind, label, tuple(options), taken))
        if taken:
            self._left[kind] -= 1
        return taken

    def offers(self, kind: str) -> bool:
        """Whether choices of a kind may still go another way."""
        return self._left[kind] > 0

    def next_option(self, kind: str, options: Sequence[str]) -> int:
        """What the next choice takes."""
        at = len(self.choices)
        return self._given[at] if at < len(self._given) else 0

    @property
    def schedule(self) -> tuple[int, ...]:
        """What was taken, without the zeros at the end: what replays this run."""
        taken = [choice.taken for choice in self.choices]
        while taken and not taken[-1]:
            taken.pop()
        return tuple(taken)

    @property
    def unused(self) -> int:
        """How many numbers of the schedule no choice asked for."""
        return max(0, len(self._given) - len(self.choices))


class ScheduleError(ValueError):
    """A schedule does not fit the run that it is to replay."""
