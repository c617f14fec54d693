"""One run of a program: actors in virtual time, one at a time, and everything that happens to them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Self

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.kernel.actors import Abandoned, Acting, Actor, Killed, Swapped, Waiting, quiet_endings
from flake8_tasks.runtime.kernel.choices import FAULT, SWITCH, Oracle
from flake8_tasks.runtime.kernel.clock import Clock, Timer, virtual_time
from flake8_tasks.runtime.kernel.coroutines import DEFAULT, CoroutineKind
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.guards import Runaway, Uncontrolled, Watchdog, guarded, interruptible
from flake8_tasks.runtime.kernel.loops import RunningLoop, virtual_loops
from flake8_tasks.runtime.kernel.randomness import same_numbers
from flake8_tasks.runtime.kernel.stalls import DEADLOCK, ENDLESS, HORIZON, QUIET, STUCK, Watch
from flake8_tasks.runtime.kernel.trace import Event

if TYPE_CHECKING:
    from flake8_tasks.runtime.kernel.worker import Worker

__all__ = ["DAY", "DEADLOCK", "ENDLESS", "HORIZON", "QUIET", "STUCK", "Simulation"]

DAY = 86_400.0
KILLS = (Fault.CHILD_KILLED, Fault.NODE_KILLED, Fault.CLIENT_KILLED)


class Simulation:
    """A run, as a context manager; only one at a time.

    Arguments:
        oracle: answers every choice.
        faults: the kinds of fault that may happen.
        horizon: virtual seconds after which a run that has not come to rest is ended.
        moments: at which something may happen, after which a run that has not come to rest is ended.
        endless: statements without waiting after which a process counts as in an endless loop.
        again: deliveries of one message at one moment after which a run counts as endless.
        modules: the program's modules, whose `from time import sleep` is virtual too.
        seed: of `random` and `uuid4` in the run.
        coroutine: what actors run in, `GreenletCoroutine` or `ThreadCoroutine`.
        patience: real seconds that a step of the program may take.
        name_of_file: makes the path in a place, "shop/tasks.py", from the path of a file of the program.

    Raises:
        Uncontrolled: when it runs; the program starts threads or processes, or opens connections.
        Runaway: when it runs; a step took longer than `patience`.
    """

    def __init__(
        self,
        oracle: Oracle,
        *,
        faults: Collection[str] = (),
        horizon: float = 30 * DAY,
        moments: int = 20_000,
        endless: int = 100_000,
        again: int = 1_000,
        modules: Sequence[ModuleType] = (),
        seed: int = 0,
        coroutine: CoroutineKind = DEFAULT,
        patience: float = 10.0,
        name_of_file: Callable[[str], str] = str,
    ) -> None:
        self.oracle = oracle
        self.faults = frozenset(Fault(name) for name in faults)
        self.horizon, self.moments, self.endless, self.seed = horizon, moments, endless, seed
        self.modules, self.coroutine = modules, coroutine
        self.clock = Clock()
        self.trace: list[Event] = []
        self.actor: Actor | None = None
        self.actors: list[Actor] = []
        self.per_actor: list[Swapped] = [RunningLoop()]
        self.workers: list[Worker] = []
        self.ended = ""
        self._ready: deque[Actor] = deque()
        self._delayed: deque[Actor] = deque()
        self._graveyard: list[Actor] = []
        self._watch = Watch(self, again)
        self._watchdog = Watchdog(self._running, name_of_file, patience)
        self._name_of_file = name_of_file
        self._closed = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(interruptible())
            stack.callback(host.become_current, host.current())
            host.become_current(self)
            stack.enter_context(same_numbers(self.seed, self.modules))
            stack.enter_context(virtual_time(self.clock, self.sleep, self.modules))
            stack.enter_context(virtual_loops(self.coroutine.running, self.sleep))
            stack.enter_context(guarded(self._running, self._name_of_file))
            stack.enter_context(self._watchdog)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        left = [*self._graveyard, *self.actors]
        for actor in left:
            actor.dead = True
        try:
            with quiet_endings():
                for actor in left:
                    if actor.coroutine is not None:
                        actor.coroutine.close()
        finally:
            for things in (self._graveyard, self.actors, self._ready, self._delayed, self.workers, self.per_actor):
                things.clear()
            self._stack.close()

    # What the world asks.

    def now(self) -> float:
        """Virtual seconds since the run began."""
        return self.clock.now

    def point(self, kind: str, label: str, failures: Sequence[str] = (), *, to: str = "") -> str:
        """See `Host.point`."""
        actor = self.actor
        if self._closed or (actor is not None and actor.dead):
            raise Abandoned
        if actor is None:
            return ""
        if self.faults:
            options = [fault for fault in (*actor.faults, *failures) if fault in self.faults]
            if options and (fault := self._fault(f"{actor.who} before {kind} {label}", options)):
                if fault not in KILLS:
                    return fault
                self._kill(actor, fault)
        if (
            actor.coroutine is not None
            and self.oracle.offers(SWITCH)
            and self._others()
            and self.oracle.choose(SWITCH, f"{actor.who} before {kind} {label}", ["", "others go first"])
        ):
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
            self.record("endless", f"{self.endless} statements without waiting for anything: it runs for ever")
            self._block(actor, Waiting("nothing: it runs for ever"))
        if self.faults:
            options = [fault for fault in actor.faults if fault in self.faults]
            if options and (fault := self._fault(f"{actor.who} before line {place}", options)):
                self._kill(actor, fault)

    def record(self, kind: str, detail: str = "", *, to: str = "") -> None:
        """Something happened, done by whoever runs now."""
        actor = self.actor
        if actor is None:
            self.record_for("client", kind, detail=detail, to=to)
        elif not self._closed:
            self.trace.append(Event(round(self.clock.now, 6), actor.lane, kind, actor.task, detail, actor.place, to))

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for whoever runs now."""
        if self._closed:
            raise Abandoned
        if (actor := self.actor) is not None:
            self._block(actor, Waiting("its sleep to end", timer=self._alarm(actor, seconds)))

    def wait(
        self,
        until: Callable[[], bool],
        timeout: float | None = None,
        why: str = "",
        *,
        holds_up: bool = False,
        awaited: str = "",
    ) -> bool:
        """Wait for something that others do; whether it came.

        Arguments:
            until: whether it is there.
            timeout: virtual seconds after which the waiting is given up; None: never.
            why: what is waited for, for people.
            holds_up: see `Waiting`.
            awaited: see `Waiting`.
        """
        if self._closed:
            raise Abandoned
        actor = self.actor
        if actor is None or until():
            return until()
        timer = None if timeout is None else self._alarm(actor, timeout)
        self.record("block", why)
        self._block(actor, Waiting(why, until, timer, holds_up, awaited))
        came = until()
        self.record("unblock", why if came else f"gave up waiting for {why}")
        return came

    # What brokers and workers ask.

    def later(self, seconds: float, action: Callable[[], object], label: str) -> Timer:
        """Do something in so many virtual seconds."""
        return self.clock.at(self.clock.now + max(0.0, seconds), action, label=label)

    def record_for(self, lane: str, kind: str, task: str = "", detail: str = "", to: str = "") -> None:
        """Something happened, done by whoever has this lane."""
        if not self._closed:
            self.trace.append(Event(round(self.clock.now, 6), lane, kind, task, detail, "", to))

    def choose(self, kind: str, label: str, options: list[str]) -> int:
        """Ask the oracle."""
        return self.oracle.choose(kind, label, options)

    def is_on(self, fault: Fault) -> bool:
        """Whether this fault may happen in this run."""
        return fault in self.faults

    def delivered(self, message: str) -> None:
        """A message was delivered; the run is ended when it is again and again and no time passes."""
        self.ended = self.ended or self._watch.delivered(message)

    def spawn(self, actor: Actor, function: Callable[[], object]) -> Actor:
        """A new process, ready to run its function."""
        actor.coroutine = self.coroutine(function)
        self.actors.append(actor)
        self._ready.append(actor)
        return actor

    def interrupt(self, actor: Actor, exception: BaseException) -> None:
        """Raise an exception where an actor stands, as a signal does."""
        actor.interruption = exception
        if actor in self._delayed:
            self._delayed.remove(actor)
            self._ready.append(actor)
        self._wake(actor)

    def bury(self, actor: Actor) -> None:
        """A process is dead: nothing of it runs any more, not even what stands in its `finally:`."""
        actor.dead = True
        self._forget(actor)
        self._graveyard.append(actor)

    # The run.

    def run(self) -> str:
        """Run until nothing is left to do; how it ended: `quiet`, `deadlock`, `stuck`, `endless` or `horizon`."""
        while not self.ended:
            self.step()
        return self.ended

    def step(self) -> None:
        """Whatever comes next."""
        self._watchdog.step()
        while self._workers_did():
            if self.ended:
                return
            self._watchdog.step()
        if not self._ready:
            for actor in self.actors:
                if actor.waiting and actor.waiting.until and actor.waiting.until():
                    self._wake(actor)
        if not self._ready and self._delayed:
            self._ready.append(self._delayed.popleft())
        if self._ready:
            self._resume(self._ready[0])
        else:
            self._let_time_pass()

    def advance(self, seconds: float) -> None:
        """Run for so many virtual seconds and no longer."""
        over = False

        def finish() -> None:
            nonlocal over
            over = True

        self.later(seconds, finish, "advance")
        while not over and not self.ended:
            self.step()

    def acting(self, actor: Actor) -> Acting:
        """What is done now is done by this actor."""
        return Acting(self, actor)

    def _running(self) -> str:
        actor = self.actor
        return "" if actor is None or actor.coroutine is None or self._closed else actor.task or actor.lane

    def _workers_did(self) -> bool:
        """Each has taken a message, one in turn, as brokers do; or, when none is left, begun what it has slots for."""
        return bool(sum([worker.take() for worker in self.workers]) or sum([worker.begin() for worker in self.workers]))

    def _let_time_pass(self) -> None:
        self._watch.look()
        when = self.clock.next_time()
        poll = min((worker.next_poll for worker in self.workers if worker.must_poll(when is None)), default=None)
        if poll is not None and (when is None or poll < when):
            self.clock.advance_to(poll)
        elif when is None:
            self.ended = self._watch.at_rest()
        elif when > self.horizon or self._watch.looks > self.moments:
            after = f"{self.horizon:g} s" if when > self.horizon else f"{self.moments} moments"
            self.record_for("client", HORIZON, detail=f"not at rest after {after}")
            self.ended = HORIZON
        else:
            self.clock.pop().action()

    def _resume(self, actor: Actor) -> None:
        exception, actor.interruption = actor.interruption, None
        assert actor.coroutine is not None
        with self.acting(actor):
            request = actor.coroutine.resume(exception)
        if isinstance(failure := actor.coroutine.failure, (Uncontrolled, Runaway)):
            raise failure
        if actor.coroutine.finished:
            actor.dead = True
            self._forget(actor)
            actor.ended(actor)
        elif isinstance(request, Fault):
            self.bury(actor)
            actor.killed(actor, request)

    def _forget(self, actor: Actor) -> None:
        for line in (self.actors, self._ready, self._delayed):
            if actor in line:
                line.remove(actor)
        if actor.waiting and actor.waiting.timer:
            actor.waiting.timer.cancel()
        actor.waiting = None

    def _fault(self, where: str, options: Sequence[str]) -> Fault | None:
        taken = self.oracle.choose(FAULT, where, ["", *options])
        if not taken:
            return None
        fault = Fault(options[taken - 1])
        self.record("fault", f"{fault}: {where}")
        return fault

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

    def _alarm(self, actor: Actor, seconds: float) -> Timer | None:
        return None if seconds == math.inf else self.later(seconds, lambda: self._wake(actor), "sleep")

    def _wake(self, actor: Actor) -> None:
        if actor.waiting is not None:
            if actor.waiting.timer:
                actor.waiting.timer.cancel()
            actor.waiting = None
            self._ready.append(actor)
