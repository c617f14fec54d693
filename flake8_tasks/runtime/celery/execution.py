"""One execution of a task in a child process, with the limits that its parent watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from signal import SIGKILL, SIGTERM, SIGUSR1
from typing import Any

from billiard.exceptions import Terminated
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.clock import Timer
from flake8_tasks.runtime.kernel.worker import Worker

# billiard.pool: a child that has outlived its hard limit gets SIGTERM, and SIGKILL this many seconds later.
GRACE = 0.1


class Execution:
    """What a pool gives for a job.

    Arguments:
        worker: in whose slot it runs.
        target: Celery's tracer, run in the child.
        args: its arguments.
        options: the callbacks and limits that the request has asked the pool for.
        pid: of the child.
        job: how many the worker has given to its pool before, since it started.
    """

    actor: Actor

    def __init__(
        self,
        worker: Worker,
        target: Callable[..., Any],
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        pid: int,
        job: int,
    ) -> None:
        self.worker, self.target, self.args, self.options, self.pid = worker, target, args, options, pid
        self._job = job
        self.task_id: str = options["correlation_id"]
        self._timers: list[Timer] = []
        self._signal = 0
        self._settled = False
        self._exit: BaseException | None = None

    def begin(self, name: str, attempt: str, tag: int, monotonic: float) -> None:
        """Start the child; an early acknowledgement happens here, in the parent, once the child has the job."""
        actor = self.actor = self.worker.fork(name, attempt, self._run, tag)
        actor.local["execution"] = self
        actor.local["joins block"] = True
        self._call("accept_callback", self.pid, monotonic)
        soft, hard = self.options.get("soft_timeout"), self.options.get("timeout")
        if soft:
            self._timers.append(self.worker.later(soft, lambda: self._soft_limit(soft), "soft limit"))
        if hard:
            self._timers.append(self.worker.later(hard, lambda: self._hard_limit(hard), "hard limit"))

    def send_signal(self, signal: int | None) -> None:
        """Send a signal to the child, SIGTERM by default."""
        if self.actor.dead:
            return
        match signal or SIGTERM:
            case signal if signal == SIGKILL:
                self._signal = SIGKILL
                self.worker.kill_child(self.actor, "signal 9")
            case signal if signal == SIGUSR1:
                self.worker.simulation.interrupt(self.actor, SoftTimeLimitExceeded())
            case signal:
                self._signal = signal
                self.worker.simulation.interrupt(self.actor, SystemExit(-(256 - signal)))

    def terminate(self, signal: int | None = None) -> None:
        """Celery tells that the signal that the child was sent is meant to end it."""
        self._signal = self._signal or signal or SIGTERM

    @property
    def outcome(self) -> str:
        """How the child has ended: a state of Celery's, or the exception that ended the process."""
        assert self.actor.coroutine is not None
        if failure := self.actor.coroutine.failure or self._exit:
            return type(failure).__name__
        return compat.outcome(self.actor.coroutine.value)

    def finished(self) -> None:
        """The child has ended by itself: tell the request."""
        self.cancel()
        assert self.actor.coroutine is not None
        failure = self.actor.coroutine.failure or self._exit
        if failure is None:
            self._settle("callback", self.actor.coroutine.value)
        elif self._signal and isinstance(failure, SystemExit):
            self._settle("error_callback", compat.error_info(Terminated(-self._signal)))
        else:
            # billiard reports the exit, and the request makes a lost worker of it.
            self._settle("error_callback", compat.error_info(failure))

    def lost(self) -> None:
        """The child was killed: tell the request."""
        self.cancel()
        killed = f"Worker exited prematurely: signal 9 (SIGKILL) Job: {self._job}."
        failure = Terminated(-self._signal) if self._signal else WorkerLostError(killed)
        self._settle("error_callback", compat.error_info(failure))

    def cancel(self) -> None:
        """Forget the limits."""
        for timer in self._timers:
            timer.cancel()

    def _run(self) -> Any:
        try:
            return self.target(*self.args)
        except (SystemExit, KeyboardInterrupt) as exit:
            # Of the task's own: a Ctrl-C of whoever watches the run is raised again when it is over.
            self._exit = exit
            return None

    def _settle(self, callback: str, value: Any) -> None:
        if not self._settled:
            self._settled = True
            self._call(callback, value)

    def _call(self, callback: str, *arguments: Any) -> None:
        try:
            self.options[callback](*arguments)
        except Exception as error:
            # billiard: "Pool callback raised exception", and no more comes of it.
            self.worker.simulation.record("raised", f"{type(error).__name__}: {error}")

    def _soft_limit(self, seconds: float) -> None:
        self._record("soft-limit", f"{seconds:g} s")
        self._call("timeout_callback", True, seconds)
        self.worker.simulation.interrupt(self.actor, SoftTimeLimitExceeded())

    def _hard_limit(self, seconds: float) -> None:
        self._record("hard-limit", f"{seconds:g} s")
        self._settle("error_callback", compat.error_info(TimeLimitExceeded(seconds)))
        self._call("timeout_callback", False, seconds)
        self.worker.simulation.interrupt(self.actor, SystemExit(-(256 - SIGTERM)))
        self._timers.append(self.worker.later(GRACE, self._kill, "SIGKILL"))

    def _kill(self) -> None:
        if not self.actor.dead:
            self.worker.kill_child(self.actor, "hard time limit")

    def _record(self, kind: str, detail: str) -> None:
        self.worker.simulation.record_for(self.actor.lane, kind, self.actor.task, detail)


class JoinsBlock:
    """Celery's flag that refuses `get` in a task: True in a worker's children, False elsewhere."""

    def enter(self, actor: Actor) -> None:
        """Set this actor's."""
        compat.set_joins_block(bool(actor.local.get("joins block", False)))

    def leave(self, actor: Actor) -> None:
        """Keep this actor's."""
        actor.local["joins block"] = compat.joins_block()


class NodeMemory:
    """What each node's parent process keeps for itself; nothing to do while there is but one."""

    def __init__(self, state: compat.WorkerState) -> None:
        self._state = state

    def enter(self, actor: Actor) -> None:
        """Put this node's in place."""
        if isinstance(node := actor.local.get("node"), str):
            self._state.enter(node)

    def leave(self, actor: Actor) -> None:
        """It stays until another node's parent acts."""
