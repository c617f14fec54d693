"""asyncio in a run: each process has its own event loop, and what a loop waits for passes in virtual time."""

from __future__ import annotations

import math
import selectors
from asyncio import events, tasks
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from flake8_tasks.runtime.kernel.actors import Actor

_LEAST = 1e-6
"""Seconds that a loop waits at least: less could be lost in the sum."""


class RunningLoop:
    """Which event loop runs, and which of its tasks, for each actor."""

    def enter(self, actor: Actor) -> None:
        """Let this actor's run."""
        loop, task = cast("tuple[Any, Any]", actor.local.get("loop", (None, None)))
        events._set_running_loop(loop)
        if task is not None:
            tasks._enter_task(loop, task)

    def leave(self, actor: Actor) -> None:
        """Keep this actor's."""
        loop, task = events._get_running_loop(), None
        if loop is not None and (task := tasks.current_task(loop)) is not None:
            tasks._leave_task(loop, task)  # since Python 3.14 it is the thread's, not its loop's
        actor.local["loop"] = loop, task
        events._set_running_loop(None)


@contextmanager
def virtual_loops(runs_here: Callable[[], bool], sleep: Callable[[float], None]) -> Iterator[None]:
    """Event loops sleep by the clock of the run: there is no thread, process or connection that could wake them.

    Arguments:
        runs_here: whether who calls it is part of the run.
        sleep: as `time.sleep`.
    """
    selector: Any = selectors.DefaultSelector
    real = selector.select

    def select(self: Any, timeout: float | None = None) -> Any:
        if not runs_here():
            return real(self, timeout)
        if (ready := real(self, 0)) or (timeout is not None and timeout <= 0):
            return ready
        sleep(math.inf if timeout is None else max(timeout, _LEAST))
        return real(self, 0)

    selector.select = select
    try:
        yield
    finally:
        selector.select = real
