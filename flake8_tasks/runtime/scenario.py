"""How a program is put to the test: who acts, what may break, and what must hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flake8_tasks.runtime.kernel.broker import Profile
from flake8_tasks.runtime.kernel.simulation import DAY
from flake8_tasks.runtime.kernel.worker import Node
from flake8_tasks.runtime.world.http import Server

if TYPE_CHECKING:
    from flake8_tasks.runtime.stage import Stage
    from flake8_tasks.runtime.world.invariants import Invariant


def _nothing(stage: Stage) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """A scenario; the same for the program with the hazard and for the one without.

    Arguments:
        invariant: what must hold at the end of every run.
        act: what the client does; it may be killed, and others may go first. What it returns is `Stage.acted`.
        prepare: what is there before anybody acts.
        faults: the kinds of fault that may happen.
        budget: how many choices of each kind (`fault`, `switch`, `order`) may go another way in one run.
        further: kinds of fault that are tried on the good program afterwards, each alone.
        nodes: the workers.
        broker: how the broker behaves; None: as the program's own. A database or a folder always is itself.
        results: how the result backend behaves: `redis`, `key-value`, `database`, or "" for none.
        settings: of Celery, beyond the program's own, by their new names.
        servers: the servers outside: the beginning of an address → who answers.
        unknown_addresses: to which no mail can be sent.
        statements: whether a process may also be killed before each statement of the program.
        pace: how many times faster time passes on a real worker, for a program that does not look at the clock itself.
        horizon: virtual seconds after which a run is ended.
        limit: how many schedules are run at most.
    """

    invariant: Invariant
    act: Callable[[Stage], object]
    prepare: Callable[[Stage], None] = _nothing
    faults: Sequence[str] = ()
    budget: Mapping[str, int] = field(default_factory=lambda: {"fault": 1})
    further: Sequence[str] = ()
    nodes: Sequence[Node] = (Node(),)
    broker: Profile | None = None
    results: str = "redis"
    settings: Mapping[str, Any] = field(default_factory=dict)
    servers: Mapping[str, Server | Callable[..., Any]] = field(default_factory=dict)
    unknown_addresses: Collection[str] = ()
    statements: bool = True
    pace: float = 1.0
    horizon: float = 30 * DAY
    limit: int = 5_000
