"""Finds what goes on for ever: pools that wait for themselves, and messages that come again and no time passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flake8_tasks.runtime.kernel.actors import Actor

if TYPE_CHECKING:
    from flake8_tasks.runtime.kernel.simulation import Simulation
    from flake8_tasks.runtime.kernel.worker import Worker

_MESSAGES = 10
"""So many times `again` deliveries of any messages at one moment are endless too: a task that sends itself."""
QUIET, STUCK, HORIZON, ENDLESS = "quiet", "stuck", "horizon", "endless"
DEADLOCK, STARVATION = "deadlock", "starvation"


class Watch:
    """Sees how a run ends.

    Arguments:
        simulation: the run.
        again: deliveries of one message at one moment after which the run counts as endless.

    Attributes:
        looks: how often nobody could go on before time passed.
    """

    def __init__(self, simulation: Simulation, again: int) -> None:
        self._simulation, self._again = simulation, again
        self.looks = 0
        self._stalls: dict[str, str] = {}
        self._deadlocked = False
        self._delivered: Counter[str] = Counter()
        self._deliveries = 0
        self._delivered_at = -1.0

    def delivered(self, message: str) -> str:
        """A message was delivered; `endless` when it comes again and again and no time passes."""
        simulation, now = self._simulation, self._simulation.clock.now
        if self._delivered_at != now:
            self._delivered.clear()
            self._deliveries, self._delivered_at = 0, now
        self._delivered[message] += 1
        self._deliveries += 1
        if self._delivered[message] > self._again:
            what = f"delivered {self._again} times"
        elif self._deliveries > _MESSAGES * self._again:
            what = f"{_MESSAGES * self._again:,} messages were delivered"
        else:
            return ""
        detail = f"{what}, and no time has passed: this goes on for ever"
        simulation.record_for("broker", ENDLESS, message, detail)
        return ENDLESS

    def look(self) -> None:
        """Nobody can go on before time passes: say which pools wait for themselves."""
        self.looks += 1
        for worker, kind, text in stalled(self._simulation.workers):
            name = worker.node.name
            if self._stalls.get(name) != text:
                self._stalls[name] = text
                self._deadlocked = self._deadlocked or kind == DEADLOCK
                self._simulation.record_for(name, kind, detail=text)

    def at_rest(self) -> str:
        """How a run has ended in which nothing is left to happen: `quiet`, `stuck` or `deadlock`."""
        held = [actor for actor in self._simulation.actors if actor.waiting and not actor.daemon]
        for actor in held:
            if actor.waiting:
                self._simulation.record_for(actor.lane, STUCK, actor.task, f"waits for {actor.waiting.why}")
        return QUIET if not held else DEADLOCK if self._deadlocked else STUCK


def stalled(workers: Sequence[Worker]) -> Iterator[tuple[Worker, str, str]]:
    """The workers none of whose processes can go on, `deadlock` or `starvation`, and who waits for what.

    It is a starvation when some of them will give up by themselves. A deadlock can end from outside: by a time limit.

    Arguments:
        workers: all of them, at a moment when nobody can go on before time passes.
    """
    if not any(worker.is_held_up for worker in workers):
        return
    doomed = {actor for worker in workers for actor in worker.children if actor.waiting and actor.waiting.holds_up}
    while saved := {actor for actor in doomed if _may_go_on(actor, doomed, workers)}:
        doomed -= saved
    for worker in workers:
        children = worker.children
        if worker.is_held_up and doomed.issuperset(children):
            for_ever = all(actor.waiting and actor.waiting.timer is None for actor in children)
            text = "; ".join(f"{actor.task} waits for {actor.waiting.why}" for actor in children if actor.waiting)
            yield worker, DEADLOCK if for_ever else STARVATION, text


def _may_go_on(actor: Actor, doomed: set[Actor], workers: Sequence[Worker]) -> bool:
    assert actor.waiting is not None
    awaited = actor.waiting.awaited
    executing = [child for worker in workers for child in worker.children if child.task == awaited]
    if executing:
        return any(child not in doomed for child in executing)
    return any(_has_room(worker, doomed) for worker in workers if worker.may_run(awaited))


def _has_room(worker: Worker, doomed: set[Actor]) -> bool:
    return not worker.is_up or any(slot is None or slot not in doomed for slot in worker.slots)
