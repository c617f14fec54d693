"""Who acts in a run: the client, beat, each child process of a worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from flake8_tasks.runtime.kernel.clock import Timer
from flake8_tasks.runtime.kernel.coroutines import Closed, Coroutine
from flake8_tasks.runtime.kernel.faults import Fault

if TYPE_CHECKING:
    from flake8_tasks.runtime.kernel.simulation import Simulation


@dataclass(slots=True)
class Waiting:
    """Why an actor does not go on.

    Arguments:
        why: for people: "result of total_of#1".
        until: whether it is over; None: only its timer ends it.
        timer: ends it, over or not; None: nothing else does.
        holds_up: whether a pool in which everybody waits like this waits for itself.
        awaited: the message whose execution ends it, "total_of#1"; empty where it is about none.
    """

    why: str
    until: Callable[[], bool] | None = None
    timer: Timer | None = None
    holds_up: bool = False
    awaited: str = ""


@dataclass(eq=False, slots=True)
class Actor:
    """One process as the run sees it.

    Arguments:
        lane: where its events stand: "client", "worker/0".
        ended: called when its function has ended, not when it was killed.
        killed: called when a fault kills it, with the fault.
        faults: what can kill it.
        task: the stable name of what it executes, "charge#1".
        attempt: " retry 2" when it is not the first.
        place: the last line of the program that it reached, "shop/tasks.py:12".
        daemon: whether a run may end while it waits.
        coroutine: what it runs in; None for a worker's parent process, which never waits.
        waiting: why it does not go on.
        interruption: raised where it stands when it goes on.
        steps: lines that it has reached since it last waited.
        local: what it has for itself, kept by those who swap it.
    """

    lane: str
    ended: Callable[[Actor], None]
    killed: Callable[[Actor, Fault], None]
    faults: Sequence[Fault] = ()
    task: str = ""
    attempt: str = ""
    place: str = ""
    daemon: bool = False
    coroutine: Coroutine | None = None
    waiting: Waiting | None = None
    dead: bool = False
    interruption: BaseException | None = None
    steps: int = 0
    local: dict[str, object] = field(default_factory=dict)

    @property
    def who(self) -> str:
        """Names it in labels, the same in every run."""
        return (self.task or self.lane) + self.attempt


class Swapped(Protocol):
    """Something global that each actor has for itself, as processes do."""

    def leave(self, actor: Actor) -> None:
        """Keep what is this actor's."""

    def enter(self, actor: Actor) -> None:
        """Put in place what is this actor's."""


class Acting:
    """Within it somebody acts, and has in place what each actor has for itself."""

    # A class, as this happens eight times for each message.

    __slots__ = ("_actor", "_before", "_simulation")

    def __init__(self, simulation: Simulation, actor: Actor) -> None:
        self._simulation, self._actor = simulation, actor
        self._before: Actor | None = None

    def __enter__(self) -> None:
        simulation, actor = self._simulation, self._actor
        before, simulation.actor = simulation.actor, actor
        self._before = before
        if before is not None:
            for swapped in reversed(simulation.per_actor):
                swapped.leave(before)
        for swapped in simulation.per_actor:
            swapped.enter(actor)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool | None:
        simulation, before = self._simulation, self._before
        for swapped in reversed(simulation.per_actor):
            swapped.leave(self._actor)
        simulation.actor = before
        if before is not None:
            for swapped in simulation.per_actor:
                swapped.enter(before)
        return None


class Abandoned(BaseException):
    """Raised in code of a killed process that Python runs after all, when a run is closed."""


@contextmanager
def quiet_endings() -> Iterator[None]:
    """Nothing is said of generators that a killed process has left open, and that Python closes after all."""

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, Abandoned | Closed):
            before(unraisable)

    before, sys.unraisablehook = sys.unraisablehook, hook
    try:
        yield
    finally:
        sys.unraisablehook = before


class Killed(BaseException):
    """Raised in a parent process that a fault kills; its worker catches it."""
