"""The host of a real process: effects happen, time passes by itself, and one planned fault is acted out."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flake8_tasks.runtime.conformance.plan import Plan
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.trace import Event

CLIENT = "client"
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Executing:
    """Who does something, as an actor of the simulation says it.

    Arguments:
        lane: "client", or the name of the worker.
        task: the name of the message that is executed, "charge#1"; empty in a client and in a worker's parent process.
        attempt: " retry 2" when it is not the first.
    """

    lane: str
    task: str = ""
    attempt: str = ""

    @property
    def who(self) -> str:
        return (self.task or self.lane) + self.attempt


class RealHost:
    """See `flake8_tasks.runtime.kernel.host.Host`; there is one in each process.

    Arguments:
        current: the link to the folder of the run that is under way.
        lane: "client", or the name of the worker.
        request: the Celery request that is executed in this process now; None where there is none.
        pace: how many times faster time passes.
    """

    def __init__(self, current: Path, lane: str, request: Callable[[], Any], pace: float = 1.0) -> None:
        self._current, self._lane, self._request, self._pace = current, lane, request, pace
        self._plan: Plan | None = None
        self.armed = True

    @property
    def plan(self) -> Plan:
        """Of the run that is under way."""
        folder = self._current.parent / os.readlink(self._current)
        if self._plan is None or self._plan.folder != folder:
            self._plan = Plan(folder)
        return self._plan

    @property
    def actor(self) -> Executing:
        """Who runs in this process now."""
        request = self._request()
        if request is None:
            return Executing(self._lane)
        attempt = f" retry {request.retries}" if request.retries else ""
        return Executing(self._lane, self.plan.name(request.id, request.task), attempt)

    def point(self, kind: str, label: str, failures: Sequence[str] = (), *, to: str = "") -> str:
        """See `Host.point`; others can go first where a client stands."""
        failure = self._at(f"{kind} {label}", failures)
        if not failure and self._lane == CLIENT and self.armed:
            self.plan.let_others_go_first(f"{CLIENT} before {kind} {label}")
        return failure

    def statement(self, place: str) -> None:
        """The program has come to one of its lines."""
        self._at(f"line {place}")

    def record(self, kind: str, detail: str = "", *, to: str = "") -> None:
        """See `Host.record`; those of all processes are in one file."""
        actor = self.actor
        self.plan.record(Event(self.now(), actor.lane, kind, actor.task, detail, to=to))

    def now(self) -> float:
        """See `Host.now`."""
        return (time.time() - self.plan.began) * self._pace

    def sleep(self, seconds: float) -> None:
        """See `Host.sleep`."""
        seconds /= self._pace
        while seconds > DAY:
            time.sleep(DAY)
        time.sleep(seconds)

    def _at(self, what: str, failures: Sequence[str] = ()) -> str:
        if not self.armed:
            return ""
        actor = self.actor
        fault = self.plan.at(f"{actor.who} before {what}", (*self._deaths(actor), *failures))
        match fault:
            case None:
                return ""
            case Fault.CHILD_KILLED | Fault.CLIENT_KILLED:
                os.kill(os.getpid(), signal.SIGKILL)
            case Fault.NODE_KILLED:
                # The worker leads a process group of its own: its parent process, this one and all others.
                os.killpg(os.getpgrp(), signal.SIGKILL)
        return str(fault)

    def _deaths(self, actor: Executing) -> tuple[Fault, ...]:
        if self._lane == CLIENT:
            return (Fault.CLIENT_KILLED,)
        return (Fault.CHILD_KILLED, Fault.NODE_KILLED) if actor.task else (Fault.NODE_KILLED,)
