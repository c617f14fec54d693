"""Time that passes only when the simulation says so, and what the program sees of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from heapq import heapify, heappop, heappush
from types import ModuleType
from typing import Any

import time_machine

START = 1_700_000_000.0
"""2023-11-14T22:13:20Z: when every run begins, in seconds since the epoch."""
_UPTIME = 1_000_000.0
"""What `time.monotonic()` says at the beginning of a run, in seconds: a machine that has been up for some days."""


class Timer:
    """Something that is to happen at a time; `cancel` it and it does not."""

    __slots__ = ("_clock", "action", "cancelled", "label", "number", "when")

    def __init__(self, clock: Clock, when: float, number: int, action: Callable[[], object], label: str) -> None:
        self._clock: Clock | None = clock
        self.when = when
        self.number = number
        self.action = action
        self.label = label
        self.cancelled = False

    def __lt__(self, other: Timer) -> bool:
        return (self.when, self.number) < (other.when, other.number)

    def __repr__(self) -> str:
        return f"<Timer {self.label or self.number} at {self.when}>"

    def cancel(self) -> None:
        """It will not happen. Nothing changes when it already has, or is cancelled."""
        if self._clock is not None:
            clock, self._clock = self._clock, None
            self.cancelled = True
            clock._one_cancelled()


class Clock:
    """Virtual time, and what is to happen when.

    Arguments:
        start: the beginning of the run, in seconds since the epoch.
    """

    def __init__(self, start: float = START) -> None:
        self.start = start
        self.now = 0.0
        """Seconds since the beginning."""
        self._timers: list[Timer] = []
        self._registered = 0
        self._cancelled = 0
        self._followers: list[Callable[[float], None]] = []

    def at(self, when: float, action: Callable[[], object], *, label: str = "") -> Timer:
        """Register an action; of those for the same time the first registered comes first.

        Arguments:
            when: in seconds since the beginning; what is past happens now.
            action: the caller of `pop` calls it.
            label: what it is for, for people.
        """
        self._registered += 1
        timer = Timer(self, max(when, self.now), self._registered, action, label)
        heappush(self._timers, timer)
        return timer

    def next_time(self) -> float | None:
        """When the next timer is due, in seconds since the beginning; None when there is none."""
        timers = self._timers
        while timers and timers[0].cancelled:
            heappop(timers)
            self._cancelled -= 1
        return timers[0].when if timers else None

    def pop(self) -> Timer:
        """Take out the next timer and move the time to it. The caller calls its action.

        Raises:
            IndexError: there is none.
        """
        if self.next_time() is None:
            raise IndexError("no timer is left")
        timer = heappop(self._timers)
        timer._clock = None
        self.advance_to(timer.when)
        return timer

    def advance_to(self, when: float) -> None:
        """Move the time forwards, in seconds since the beginning; no timer is called. Time never goes back."""
        if when > self.now:
            self.now = when
            for follower in self._followers:
                follower(when)

    def _one_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._timers):
            self._timers = [timer for timer in self._timers if not timer.cancelled]
            heapify(self._timers)
            self._cancelled = 0


_clock: Clock | None = None
_sleep: Callable[[float], None] | None = None

_real_sleep = time.sleep
_real_monotonic = time.monotonic
_real_monotonic_ns = time.monotonic_ns
_real_perf_counter = time.perf_counter
_real_perf_counter_ns = time.perf_counter_ns


# A module that is imported during a run keeps these names for good; outside a run they are the real thing.
def _virtual_sleep(seconds: float, /) -> None:
    if _sleep is None:
        _real_sleep(seconds)
    elif seconds < 0:
        raise ValueError("sleep length must be non-negative")
    else:
        _sleep(float(seconds))


def _virtual_monotonic() -> float:
    return _real_monotonic() if _clock is None else _UPTIME + _clock.now


def _virtual_monotonic_ns() -> int:
    return _real_monotonic_ns() if _clock is None else round((_UPTIME + _clock.now) * 1e9)


def _virtual_perf_counter() -> float:
    return _real_perf_counter() if _clock is None else _UPTIME + _clock.now


def _virtual_perf_counter_ns() -> int:
    return _real_perf_counter_ns() if _clock is None else round((_UPTIME + _clock.now) * 1e9)


_VIRTUAL: dict[Callable[..., Any], Callable[..., Any]] = {
    _real_sleep: _virtual_sleep,
    _real_monotonic: _virtual_monotonic,
    _real_monotonic_ns: _virtual_monotonic_ns,
    _real_perf_counter: _virtual_perf_counter,
    _real_perf_counter_ns: _virtual_perf_counter_ns,
}


@contextmanager
def virtual_time(clock: Clock, sleep: Callable[[float], None], modules: Iterable[ModuleType] = ()) -> Iterator[None]:
    """The program sees the clock's time: datetime, `time.time`, `monotonic`, `perf_counter` and `sleep`.

    The wall clock is replaced for everyone in the process; `monotonic`, `perf_counter` and `sleep` for everyone who
    takes them from the module `time`, and for the names that these modules hold.

    Arguments:
        clock: says what time it is.
        sleep: called instead of `time.sleep`, with seconds.
        modules: the program's, looked through once for each tuple of them: give the same tuple in every run.

    Raises:
        RuntimeError: virtual time runs already.
    """
    global _clock, _sleep
    if _clock is not None:
        raise RuntimeError("virtual time runs already")
    held = _held_names((time, *modules))
    whole = int(clock.start // 1)
    travel = time_machine.travel(whole, tick=False)
    traveller = travel.start()
    # In whole microseconds since the beginning: added floats would drift, and datetime would show 0.299999 for 0.3.
    reached = 0

    def follow(now: float) -> None:
        nonlocal reached
        microseconds = round((clock.start - whole + now) * 1e6)
        traveller.shift(timedelta(microseconds=microseconds - reached))
        reached = microseconds

    try:
        follow(clock.now)
        clock._followers.append(follow)
        _clock, _sleep = clock, sleep
        for names, name, real in held:
            if names.get(name) is real:
                names[name] = _VIRTUAL[real]
        yield
    finally:
        for names, name, real in held:
            if names.get(name) is _VIRTUAL[real]:
                names[name] = real
        _clock = _sleep = None
        if follow in clock._followers:
            clock._followers.remove(follow)
        travel.stop()


@lru_cache(maxsize=16)
def _held_names(modules: tuple[ModuleType, ...]) -> tuple[tuple[dict[str, Any], str, Callable[..., Any]], ...]:
    return tuple(
        (vars(module), name, real)
        for module in modules
        if vars(module) is not globals()
        for name, value in list(vars(module).items())
        for real, virtual in _VIRTUAL.items()
        if value is real or value is virtual
    )
