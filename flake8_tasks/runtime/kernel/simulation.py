"""One run of a program: actors in virtual time, one at a time, and everything that happens to them."""

from __future__ import annotations

import math
import random
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Self

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.kernel.actors import Abandoned, Actor, Killed, Swapped, Waiting
from flake8_tasks.runtime.kernel.choices import FAULT, SWITCH, Oracle
from flake8_tasks.runtime.kernel.clock import Clock, Timer, virtual_time
from flake8_tasks.runtime.kernel.coroutines import GreenletCoroutine
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.trace import Event

if TYPE_CHECKING:
    from flake8_tasks.runtime.kernel.worker import Worker

DAY = 86_400.0
KILLS = (Fault.CHILD_KILLED, Fault.NODE_KILLED, Fault.CLIENT_KILLED)
QUIET, DEADLOCK, STUCK, HORIZON = "quiet", "deadlock", "stuck", "horizon"


class Simulation:
    """A run, as a context manager; only one at a time.

    Arguments:
        oracle: answers every choice.
        faults: the kinds of fault that may happen.
        horizon: virtual seconds after which a run that has not come to rest is ended.
        endless: statements at one moment of virtual time after which a process counts as in an endless loop.
        modules: the program's modules, whose `from time import sleep` is virtual too.
        seed: of `random` and `uuid4` in the run.
        coroutine: what actors run in, `GreenletCoroutine` or `ThreadCoroutine`.
    """

    def __init__(
        self,
        oracle: Oracle,
        *,
        faults: Collection[str] = (),
        horizon: float = 30 * DAY,
        endless: int = 100_000,
        modules: Sequence[ModuleType] = (),
        seed: int = 0,
        coroutine: type[GreenletCoroutine] = GreenletCoroutine,
    ) -> None:
        self.oracle = oracle
        self.faults = frozenset(Fault(name) for name in faults)
        self.horizon, self.endless, self.seed = horizon, endless, seed
        self.modules, self.coroutine = modules, coroutine
        self.clock = Clock()
        self.trace: list[Event] = []
        self.actor: Actor | None = None
        self.actors: list[Actor] = []
        self.per_actor: list[Swapped] = []
        self.workers: list[Worker] = []
        self.ended = ""
        self._ready: deque[Actor] = deque()
        self._delayed: deque[Actor] = deque()
        self._graveyard: list[Actor] = []
        self._closed = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(host.become_current, host.current())
        host.become_current(self)
        self._stack.callback(random.setstate, random.getstate())
        random.seed(self.seed)
        self._stack.callback(setattr, uuid, "uuid4", uuid.uuid4)
        numbers = random.Random(self.seed)
        uuid.uuid4 = lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)
        self._stack.enter_context(virtual_time(self.clock, self.sleep, self.modules))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        for actor in [*self._graveyard, *self.actors]:
            actor.dead = True
        for actor in [*self._graveyard, *self.actors]:
            if actor.coroutine is not None:
                actor.coroutine.close()
        self.actors.clear()
        self._graveyard.clear()
        self._ready.clear()
        self._stack.close()

    # What the world asks.

    def now(self) -> float:
        """Virtual seconds since the run began."""
        return self.clock.now

    def point(self, kind: str, label: str, failures: Sequence[str] = (), *, to: str = "") -> str:
        """See `Host.point`."""
        if self._closed or (self.actor is not None and self.actor.dead):
            raise Abandoned
        actor = self.actor
        if actor is None:
            return ""
        options = [fault for fault in (*actor.faults, *failures) if fault in self.faults]
        if options:
            where = f"{actor.who} before {kind} {label}"
            taken = self.oracle.choose(FAULT, where, ["", *options])
            if taken:
                fault = Fault(options[taken - 1])
                self.record("fault", f"{fault}: {where}")
                if fault not in KILLS:
                    return fault
                self._kill(actor, fault)
        if actor.coroutine is None or not self._others():
            return ""
        if self.oracle.choose(SWITCH, f"{actor.who} before {kind} {label}", ["", "others go first"]):
            self._ready.remove(actor)
            self._delayed.append(actor)
            self.coroutine.suspend()
        return ""

    def statement(self, place: str) -> None:
        """An actor has come to a line of the program."""
        actor = self.actor
        if actor is None or actor.dead:
            if self._closed or actor is not None:
                raise Abandoned
            return
        actor.place = place
        actor.steps += 1
        if actor.steps > self.endless:
            self.record("endless", f"{self.endless} statements without an end: it runs for ever")
            self.sleep(math.inf)
        options = [fault for fault in actor.faults if fault in self.faults]
        if options:
            where = f"{actor.who} before line {place}"
            if taken := self.oracle.choose(FAULT, where, ["", *options]):
                fault = Fault(options[taken - 1])
                self.record("fault", f"{fault}: {where}")
                self._kill(actor, fault)

    def record(self, kind: str, detail: str = "", *, to: str = "") -> None:
        """Something happened, done by whoever runs now."""
        actor = self.actor
        if actor is None:
            self.record_for("client", kind, detail=detail, to=to)
        else:
            self.trace.append(Event(round(self.clock.now, 6), actor.lane, kind, actor.task, detail, actor.place, to))

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for whoever runs now; for ever when `seconds` is infinite."""
        if self._closed:
            raise Abandoned
        actor = self.actor
        if actor is None:
            return
        timer = None if seconds == math.inf else self._alarm(actor, seconds)
        self._block(actor, Waiting("sleep" if timer else "nothing that will ever come", timer=timer))

    def wait(
        self, until: Callable[[], bool], timeout: float | None = None, why: str = "", *, holds_up: bool = False
    ) -> bool:
        """Wait for something that others do; whether it came.

        Arguments:
            until: whether it is there.
            timeout: virtual seconds after which the waiting is given up; None: never.
            why: what is waited for, for people.
            holds_up: see `Waiting`.
        """
        if self._closed:
            raise Abandoned
        actor = self.actor
        if actor is None or until():
            return until()
        timer = None if timeout is None else self._alarm(actor, timeout)
        self.record("block", why)
        self._block(actor, Waiting(why, until, timer, holds_up))
        came = until()
        self.record("unblock", why if came else f"gave up waiting for {why}")
        return came

    # What brokers and workers ask.

    def later(self, seconds: float, action: Callable[[], object], label: str) -> Timer:
        """Do something in so many virtual seconds."""
        return self.clock.at(self.clock.now + max(0.0, seconds), action, label=label)

    def record_for(self, lane: str, kind: str, task: str = "", detail: str = "", to: str = "") -> None:
        """Something happened, done by whoever has this lane."""
        self.trace.append(Event(round(self.clock.now, 6), lane, kind, task, detail, "", to))

    def choose(self, kind: str, label: str, options: list[str]) -> int:
        """Ask the oracle."""
        return self.oracle.choose(kind, label, options)

    def is_on(self, fault: Fault) -> bool:
        """Whether this fault may happen in this run."""
        return fault in self.faults

    def spawn(self, actor: Actor, function: Callable[[], object]) -> Actor:
        """A new process, ready to run its function."""
        actor.coroutine = self.coroutine(function)
        self.actors.append(actor)
        self._ready.append(actor)
        return actor

    def interrupt(self, actor: Actor, exception: BaseException) -> None:
        """Raise an exception where an actor stands, as a signal does."""
        actor.interruption = exception
        self._wake(actor)

    def bury(self, actor: Actor) -> None:
        """A process is dead: nothing of it runs any more, not even what stands in its `finally:`."""
        actor.dead = True
        if actor in self.actors:
            self.actors.remove(actor)
        for line in (self._ready, self._delayed):
            if actor in line:
                line.remove(actor)
        if actor.waiting and actor.waiting.timer:
            actor.waiting.timer.cancel()
        actor.waiting = None
        self._graveyard.append(actor)

    # The run.

    def run(self) -> str:
        """Run until nothing is left to do; how it ended: `quiet`, `deadlock`, `stuck` or `horizon`."""
        while not self.ended:
            self.step()
        return self.ended

    def step(self) -> None:
        """Whatever comes next."""
        if sum(worker.step() for worker in self.workers):
            return
        if not self._ready:
            for actor in self.actors:
                if actor.waiting and actor.waiting.until and actor.waiting.until():
                    self._wake(actor)
        if not self._ready and self._delayed:
            self._ready.append(self._delayed.popleft())
        if self._ready:
            self._resume(self._ready[0])
            return
        for worker in self.workers:
            worker.stall()
        if (when := self.clock.next_time()) is None:
            self._rest()
        elif when > self.horizon:
            self.record_for("client", "horizon", detail=f"not at rest after {self.horizon:g} s")
            self.ended = HORIZON
        else:
            self.clock.pop().action()

    def advance(self, seconds: float) -> None:
        """Run for so many virtual seconds and no longer."""
        end = self.clock.now + seconds
        over = False

        def finish() -> None:
            nonlocal over
            over = True

        self.clock.at(end, finish, label="advance")
        while not over and not self.ended:
            self.step()

    def _rest(self) -> None:
        held = [actor for actor in self.actors if actor.waiting and not actor.daemon]
        kind = STUCK if held else QUIET
        if any(actor.task and actor.waiting and actor.waiting.holds_up for actor in held):
            kind = DEADLOCK
        for actor in held:
            if actor.waiting:
                self.record_for(actor.lane, STUCK, actor.task, f"waits for {actor.waiting.why}")
        self.ended = kind

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[None]:
        """What is done now is done by this actor."""
        before, self.actor = self.actor, actor
        if before is not None:
            for swapped in reversed(self.per_actor):
                swapped.leave(before)
        for swapped in self.per_actor:
            swapped.enter(actor)
        try:
            yield
        finally:
            for swapped in reversed(self.per_actor):
                swapped.leave(actor)
            self.actor = before
            if before is not None:
                for swapped in self.per_actor:
                    swapped.enter(before)

    def _resume(self, actor: Actor) -> None:
        exception, actor.interruption = actor.interruption, None
        assert actor.coroutine is not None
        with self.acting(actor):
            request = actor.coroutine.resume(exception)
        if actor.coroutine is not None and actor.coroutine.finished:
            self.actors.remove(actor)
            self._ready.remove(actor)
            actor.dead = True
            actor.ended(actor)
        elif isinstance(request, Fault):
            self.bury(actor)
            actor.killed(actor, request)

    def _others(self) -> bool:
        return len(self._ready) > 1 or any(worker.has_work() for worker in self.workers)

    def _kill(self, actor: Actor, fault: Fault) -> None:
        if actor.coroutine is None:
            raise Killed
        self.coroutine.suspend(fault)
        raise Abandoned

    def _block(self, actor: Actor, waiting: Waiting) -> None:
        if actor.coroutine is None:
            return
        actor.waiting, actor.steps = waiting, 0
        self._ready.remove(actor)
        self.coroutine.suspend()

    def _alarm(self, actor: Actor, seconds: float) -> Timer:
        return self.later(seconds, lambda: self._wake(actor), "sleep")

    def _wake(self, actor: Actor) -> None:
        if actor.waiting is not None:
            if actor.waiting.timer:
                actor.waiting.timer.cancel()
            actor.waiting = None
            self._ready.append(actor)
