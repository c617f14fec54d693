"""One execution of a task in a child process, with the limits that its parent watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from billiard.einfo import ExceptionInfo
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
    """

    def __init__(
        self, worker: Worker, target: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any], pid: int
    ) -> None:
        self.worker, self.target, self.args, self.options, self.pid = worker, target, args, options, pid
        self.task_id: str = options["correlation_id"]
        self.actor: Actor | None = None
        self._timers: list[Timer] = []

    def begin(self, name: str, attempt: str, monotonic: float) -> None:
        """Start the child; an early acknowledgement happens here, in the parent, once the child has the job."""
        self.actor = self.worker.fork(name, attempt, lambda: self.target(*self.args))
        self.actor.local["execution"] = self
        self.actor.local["joins block"] = True
        self.options["accept_callback"](self.pid, monotonic)
        soft, hard = self.options.get("soft_timeout"), self.options.get("timeout")
        if soft:
            self._timers.append(self.worker.later(soft, lambda: self._soft_limit(soft), "soft limit"))
        if hard:
            self._timers.append(self.worker.later(hard, lambda: self._hard_limit(hard), "hard limit"))

    def terminate(self, signal: int | None = None) -> None:
        """Send SIGTERM to the child."""
        if self.actor is not None and not self.actor.dead:
            self.worker.simulation.interrupt(self.actor, SystemExit("SIGTERM"))

    def finished(self) -> None:
        """The child has ended by itself: tell the request."""
        self.cancel()
        assert self.actor is not None
        assert self.actor.coroutine is not None
        failure = self.actor.coroutine.failure
        if failure is None:
            self.options["callback"](self.actor.coroutine.value)
        elif isinstance(failure, SystemExit):
            self.lost("exitcode 0")
        else:
            self.options["error_callback"](_info(failure))

    def lost(self, why: str) -> None:
        """The child is gone: tell the request."""
        self.cancel()
        self.options["error_callback"](_info(WorkerLostError(f"Worker exited prematurely: {why}.")))

    def cancel(self) -> None:
        """Forget the limits."""
        for timer in self._timers:
            timer.cancel()

    def _soft_limit(self, seconds: float) -> None:
        assert self.actor is not None
        self._record("soft-limit", f"{seconds:g} s")
        self.options["timeout_callback"](True, seconds)
        self.worker.simulation.interrupt(self.actor, SoftTimeLimitExceeded())

    def _hard_limit(self, seconds: float) -> None:
        self._record("hard-limit", f"{seconds:g} s")
        self.options["error_callback"](_info(TimeLimitExceeded(seconds)))
        self.options["timeout_callback"](False, seconds)
        self.options = {**self.options, "callback": _ignore, "error_callback": _ignore}
        self.terminate()
        self._timers.append(self.worker.later(GRACE, self._kill, "SIGKILL"))

    def _kill(self) -> None:
        if self.actor is not None and not self.actor.dead:
            self.worker.kill_child(self.actor, "hard time limit")

    def _record(self, kind: str, detail: str) -> None:
        assert self.actor is not None
        self.worker.simulation.record_for(self.actor.lane, kind, self.actor.task, detail)


class JoinsBlock:
    """Celery's flag that refuses `get` in a task: True in a worker's children, False elsewhere."""

    def enter(self, actor: Actor) -> None:
        """Set this actor's."""
        compat.set_joins_block(bool(actor.local.get("joins block", False)))

    def leave(self, actor: Actor) -> None:
        """Keep this actor's."""
        actor.local["joins block"] = compat.joins_block()


def _info(exception: BaseException) -> Any:
    try:
        raise exception
    except BaseException:
        return ExceptionInfo()


def _ignore(*_: object) -> None:
    pass
