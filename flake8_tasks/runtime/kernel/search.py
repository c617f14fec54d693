"""Goes through the schedules of a program: all within a budget, some at random, one again, or the shortest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from random import Random
from typing import Generic, TypeVar

from flake8_tasks.runtime.kernel.choices import Choice, Oracle, ScheduleError
from flake8_tasks.runtime.kernel.guards import Uncontrolled
from flake8_tasks.runtime.kernel.timeline.words import counted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ran(Generic[T]):
    """One run.

    Arguments:
        choices: all points at which it could have gone another way.
        schedule: what was taken, without the zeros at the end: replays it.
        outcome: what the run gave back.
    """

    choices: tuple[Choice, ...]
    schedule: tuple[int, ...]
    outcome: T

    @property
    def deviations(self) -> tuple[Choice, ...]:
        """The choices that did not go as by themselves."""
        return tuple(choice for choice in self.choices if choice.taken)


@dataclass(frozen=True, slots=True)
class _Branch:
    """A run that is still to be made: as another run up to a choice, and there another way."""

    choices: tuple[Choice, ...] = ()
    at: int = -1
    option: int = 0

    def schedule(self) -> tuple[int, ...]:
        if self.at < 0:
            return ()
        return (*(choice.taken for choice in self.choices[: self.at]), self.option)


class Exploration(Generic[T]):
    """Iterate it: every schedule within the budget once, depth first, what goes another way earlier comes first.

    Attributes:
        explored: how many runs were made.
    """

    def __init__(self, run: Callable[[Oracle], T], budget: Mapping[str, int], limit: int) -> None:
        self._run = run
        self._budget = budget
        self._limit = limit
        self._waiting = [_Branch()]
        self.explored = 0

    @property
    def known(self) -> int:
        """How many runs were made or are known to be possible: "explored n of (at least) this many"."""
        return self.explored + len(self._waiting)

    @property
    def complete(self) -> bool:
        """No run within the budget is left."""
        return not self._waiting

    def __iter__(self) -> Iterator[Ran[T]]:
        return self

    def __next__(self) -> Ran[T]:
        if not self._waiting or self.explored >= self._limit:
            raise StopIteration
        branch = self._waiting.pop()
        ran = _follow(self._run, branch, self._budget)
        self.explored += 1
        self._waiting.extend(reversed(list(_branches(ran.choices, branch.at + 1))))
        return ran


def depth_first(run: Callable[[Oracle], T], budget: Mapping[str, int], limit: int) -> Exploration[T]:
    """Make every run that the budget allows.

    Arguments:
        run: the program; it must come to the same choices again after the same answers.
        budget: how many choices of each kind may go another way than by themselves.
        limit: how many runs at most.

    Raises:
        Uncontrolled: on iteration; the program came to other choices after the same answers.
    """
    return Exploration(run, budget, limit)


def at_random(run: Callable[[Oracle], T], budget: Mapping[str, int], runs: int, seed: int) -> Iterator[Ran[T]]:
    """Make some runs, first the one in which nothing goes another way; the same ones for the same seed.

    How many choices go another way, and which, is drawn evenly over the length of the longest run so far, so that late
    faults are as likely as early ones.
    """
    random = Random(seed)
    lengths: dict[str, int] = {}
    for number in range(runs):
        oracle = _RandomOracle(random, budget, lengths if number else {})
        outcome = run(oracle)
        for kind, length in oracle.seen.items():
            lengths[kind] = max(length, lengths.get(kind, 0))
        yield Ran(tuple(oracle.choices), oracle.schedule, outcome)


def replay(run: Callable[[Oracle], T], schedule: Sequence[int], budget: Mapping[str, int]) -> Ran[T]:
    """Make one run again.

    Raises:
        ScheduleError: the schedule has an option that a choice does not have, or numbers are left over.
    """
    oracle = Oracle(schedule, budget)
    outcome = run(oracle)
    if oracle.misfit is not None:
        raise oracle.misfit
    if oracle.unused:
        choices, numbers = counted(len(oracle.choices), "choice"), counted(len(schedule), "number")
        raise ScheduleError(f"the run has {choices}, the schedule has {numbers}")
    return Ran(tuple(oracle.choices), oracle.schedule, outcome)


def shrink(
    run: Callable[[Oracle], T],
    ran: Ran[T],
    budget: Mapping[str, int],
    is_hazard: Callable[[T], bool],
    limit: int = 2000,
) -> Ran[T]:
    """The shortest schedule that shows the hazard: fewest choices that go another way, then those that come earliest.

    Arguments:
        ran: a run that shows it.
        is_hazard: whether an outcome shows it.
        limit: how many runs at most; after that, choices of `ran` are put back one by one.

    Raises:
        ValueError: `ran` does not show the hazard.
    """
    if not is_hazard(ran.outcome):
        raise ValueError("the run to shrink does not show the hazard")
    runs = 0
    level = [_Branch()]
    for _ in range(len(ran.deviations)):
        deeper: list[_Branch] = []
        for branch in level:
            if runs >= limit:
                return _put_back(run, ran, budget, is_hazard)
            runs += 1
            shorter = _follow(run, branch, budget)
            if is_hazard(shorter.outcome):
                return shorter
            deeper.extend(_branches(shorter.choices, branch.at + 1))
        level = deeper
    for branch in level:
        if runs >= limit or branch.schedule() == ran.schedule:
            break
        runs += 1
        earlier = _follow(run, branch, budget)
        if is_hazard(earlier.outcome):
            return earlier
    return ran


def _put_back(
    run: Callable[[Oracle], T], ran: Ran[T], budget: Mapping[str, int], is_hazard: Callable[[T], bool]
) -> Ran[T]:
    at = len(ran.schedule)
    while at:
        at -= 1
        if at >= len(ran.schedule) or not ran.schedule[at]:
            continue
        # What follows may not fit any more once this choice goes as by itself.
        for rest in (ran.schedule[at + 1 :], ()):
            try:
                shorter = replay(run, _without_zeros((*ran.schedule[:at], 0, *rest)), budget)
            except ScheduleError:
                continue
            if is_hazard(shorter.outcome) and len(shorter.deviations) < len(ran.deviations):
                ran = shorter
                break
    return ran


def _without_zeros(schedule: tuple[int, ...]) -> tuple[int, ...]:
    while schedule and not schedule[-1]:
        schedule = schedule[:-1]
    return schedule


def _branches(choices: tuple[Choice, ...], start: int) -> Iterator[_Branch]:
    for at in range(start, len(choices)):
        for option in range(1, len(choices[at].options)):
            yield _Branch(choices, at, option)


def _follow(run: Callable[[Oracle], T], branch: _Branch, budget: Mapping[str, int]) -> Ran[T]:
    oracle = Oracle(branch.schedule(), budget)
    try:
        outcome = run(oracle)
    except ScheduleError:
        if oracle.misfit is None:
            raise
    _check_repeated(branch, oracle.choices)
    if oracle.misfit is not None:
        raise Uncontrolled(f"the program does not repeat itself: {oracle.misfit}") from oracle.misfit
    return Ran(tuple(oracle.choices), oracle.schedule, outcome)


def _check_repeated(branch: _Branch, choices: list[Choice]) -> None:
    expected = branch.choices[: branch.at + 1]
    for number, (before, now) in enumerate(zip_longest(expected, choices[: len(expected)])):
        if now is None or (before.kind, before.label, before.options) != (now.kind, now.label, now.options):
            raise Uncontrolled(
                f"the program does not repeat itself: choice {number} was {_described(before)}, "
                f"and after the same answers {_described(now)}"
            )


def _described(choice: Choice | None) -> str:
    return "none" if choice is None else f"`{choice.label}` ({', '.join(choice.options)})"


class _RandomOracle(Oracle):
    """Draws which choices go another way before the run, by their number within their kind."""

    def __init__(self, random: Random, budget: Mapping[str, int], lengths: Mapping[str, int]) -> None:
        super().__init__((), budget)
        self._random = random
        self.seen: dict[str, int] = {}
        places = [(kind, number) for kind in sorted(lengths) for number in range(lengths[kind])]
        random.shuffle(places)
        left = dict(budget)
        wanted = random.randint(1, max(1, sum(left.values())))
        self._drawn: set[tuple[str, int]] = set()
        for kind, number in places:
            if len(self._drawn) < wanted and left.get(kind, 0) > 0:
                left[kind] -= 1
                self._drawn.add((kind, number))

    def next_option(self, kind: str, options: Sequence[str]) -> int:
        number = self.seen.get(kind, 0)
        self.seen[kind] = number + 1
        return self._random.randrange(1, len(options)) if (kind, number) in self._drawn else 0
