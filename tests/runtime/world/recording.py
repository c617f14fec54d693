"""A host that runs nothing and decides as it is told: what tests of the world put in place of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from flake8_tasks.runtime.kernel import host


class Forever(BaseException):
    """Whoever runs has gone to sleep for ever."""


@dataclass
class Who:
    lane: str = "worker/0"
    task: str = "charge#1"


@dataclass
class RecordingHost:
    """Time passes only by sleeping; each point takes the next of the failures that it was given."""

    failures: list[str] = field(default_factory=list)
    time: float = 0.0
    points: list[tuple[str, str, tuple[str, ...], str]] = field(default_factory=list)
    events: list[tuple[float, str, str, str]] = field(default_factory=list)
    actor: Who = field(default_factory=Who)

    def point(self, kind: str, label: str, failures: Sequence[str] = (), *, to: str = "") -> str:
        self.points.append((kind, label, tuple(failures), to))
        failure = self.failures.pop(0) if self.failures else ""
        assert failure in ("", *failures)
        return failure

    def record(self, kind: str, detail: str = "", *, to: str = "") -> None:
        self.events.append((round(self.time, 3), kind, detail, to))

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        if seconds == math.inf:
            raise Forever
        self.time += seconds


@contextmanager
def running(*failures: str, time: float = 0.0) -> Iterator[RecordingHost]:
    """A run in which the first effects fail like this."""
    before = host.current()
    runs = RecordingHost(list(failures), time)
    host.become_current(runs)
    try:
        yield runs
    finally:
        host.become_current(before)


@contextmanager
def plain_django() -> Iterator[None]:
    """Django with its default settings, and as if nobody had set it up afterwards."""
    from django.conf import settings
    from django.utils.functional import empty

    settings.configure()
    try:
        yield
    finally:
        settings._wrapped = empty
