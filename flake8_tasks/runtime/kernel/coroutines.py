"""Code that stops in the middle and goes on later, or never: what a worker's child process is in a simulation."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

# Without C extensions ThreadCoroutine does it all.
_greenlet: Any = import_module("greenlet") if find_spec("greenlet") else None
_getcurrent: Any = getattr(_greenlet, "getcurrent", None)

_STUBBORN: list[object] = []
"""Coroutines that would not end when they were closed: held, as a greenlet nobody holds would be ended once more."""
_PATIENCE = 10


class Coroutine(Protocol):
    """One function that runs in turns.

    It has its own context variables, a copy of those at its creation. Left alone after a `suspend`, it stays where it
    is: no `finally:` and no `except:` of its runs until `close`, as in a process that was killed.
    """

    @property
    def finished(self) -> bool:
        """The function has returned or raised."""

    @property
    def value(self) -> object:
        """What the function returned; None until then."""

    @property
    def failure(self) -> BaseException | None:
        """What the function raised; None when it did not."""

    def resume(self, exception: BaseException | None = None) -> object:
        """Let the function run until it suspends or ends.

        Arguments:
            exception: raised in the function where it stands, instead of going on.

        Returns:
            What `suspend` was given, or what the function returned.

        Raises:
            KeyboardInterrupt, SystemExit: the function raised it, and nobody had given it to `resume`.
            RuntimeError: the function has ended, or runs right now.
        """

    def close(self) -> None:
        """Forget the function: what still stands in its `finally:` blocks runs now, and cannot suspend any more."""

    @staticmethod
    def suspend(value: object = None) -> None:
        """Stop here until the next `resume`, which also may raise here."""

    @staticmethod
    def running() -> bool:
        """Whether the caller is in a coroutine of this kind."""


class Closed(BaseException):
    """The simulation is over; raised in code that was left standing."""


@dataclass(slots=True)
class _Outcome:
    """What became of a function; apart from its coroutine, so that no cycle of references keeps it alive."""

    function: Callable[[], object] | None
    finished: bool = False
    value: object = None
    failure: BaseException | None = None
    given: BaseException | None = None
    closing: bool = False

    def run(self) -> None:
        function, self.function = self.function, None
        assert function is not None
        try:
            self.value = function()
        except BaseException as failure:
            self.failure = failure
        self.finished = True

    def result(self) -> object:
        if isinstance(self.failure, (KeyboardInterrupt, SystemExit)) and self.failure is not self.given:
            raise self.failure
        return self.value

    def fail_before_the_start(self, exception: BaseException) -> object:
        self.function, self.finished, self.failure, self.given = None, True, exception, exception
        return None


class GreenletCoroutine:
    """The usual kind: cheap, in the same thread as everything else."""

    # The greenlet's parent is always who resumed it last; its attribute `outcome` says that it is one of these.

    __slots__ = ("_outcome", "_strand")

    def __init__(self, function: Callable[[], object]) -> None:
        if _greenlet is None:
            raise ImportError("greenlet is not installed: use ThreadCoroutine")
        self._outcome = _Outcome(function)
        self._strand: Any = _greenlet.greenlet(self._outcome.run)
        self._strand.outcome = self._outcome
        self._strand.gr_context = copy_context()

    @property
    def finished(self) -> bool:
        return self._outcome.finished

    @property
    def value(self) -> object:
        return self._outcome.value

    @property
    def failure(self) -> BaseException | None:
        return self._outcome.failure

    def resume(self, exception: BaseException | None = None) -> object:
        outcome, strand = self._outcome, self._strand
        current = _getcurrent()
        _check_resumable(outcome, strand is current)
        strand.parent = current
        if exception is None:
            value = strand.switch()
        elif outcome.function is not None:
            return outcome.fail_before_the_start(exception)
        else:
            outcome.given = exception
            value = strand.throw(exception)
        return outcome.result() if outcome.finished else value

    def close(self) -> None:
        outcome, strand = self._outcome, self._strand
        outcome.closing = True
        if outcome.function is not None or outcome.finished:
            outcome.function = None
            return
        strand.parent = _getcurrent()
        for _ in range(_PATIENCE):
            strand.throw(Closed())
            if self.finished:
                return
        _STUBBORN.append(strand)

    @staticmethod
    def suspend(value: object = None) -> None:
        current = _getcurrent()
        if not hasattr(current, "outcome"):
            raise RuntimeError("suspend outside a coroutine")
        current.parent.switch(value)

    @staticmethod
    def running() -> bool:
        return _greenlet is not None and hasattr(_getcurrent(), "outcome")


class _Baton:
    """Who may run: the thread that resumes or the thread of the coroutine."""

    __slots__ = ("exception", "here", "lost", "outcome", "suspended", "there")

    def __init__(self, outcome: _Outcome) -> None:
        self.outcome = outcome
        self.here = threading.Semaphore(0)
        self.there = threading.Semaphore(0)
        self.suspended: object = None
        self.exception: BaseException | None = None
        self.lost = False

    def run(self) -> None:
        _here.baton = self
        self.there.acquire()
        self.outcome.run()
        self.here.release()


class _Here(threading.local):
    baton: _Baton | None = None


_here = _Here()


class CoroutineThread(threading.Thread):
    """A thread that is a coroutine."""


class ThreadCoroutine:
    """The same without C extensions: each coroutine is a thread, and only one of all threads runs at a time."""

    __slots__ = ("_baton", "_outcome", "_thread")

    def __init__(self, function: Callable[[], object]) -> None:
        self._outcome = _Outcome(function)
        self._baton = _Baton(self._outcome)
        context = copy_context()
        self._thread = CoroutineThread(target=context.run, args=(self._baton.run,), name="coroutine", daemon=True)

    @property
    def finished(self) -> bool:
        return self._outcome.finished

    @property
    def value(self) -> object:
        return self._outcome.value

    @property
    def failure(self) -> BaseException | None:
        return self._outcome.failure

    def resume(self, exception: BaseException | None = None) -> object:
        outcome, baton = self._outcome, self._baton
        _check_resumable(outcome, _here.baton is baton)
        if outcome.function is not None:
            if exception is not None:
                return outcome.fail_before_the_start(exception)
            self._thread.start()
        outcome.given = exception if exception is not None else outcome.given
        self._hand_over(exception)
        return outcome.result() if outcome.finished else baton.suspended

    def _hand_over(self, exception: BaseException | None) -> None:
        baton = self._baton
        baton.exception = exception
        baton.there.release()
        try:
            baton.here.acquire()
        except BaseException:
            # It did not stop in time, and nobody waits for it any more.
            self._give_up()
            raise
        if self._outcome.finished:
            self._thread.join()

    def _give_up(self) -> None:
        self._outcome.closing = self._baton.lost = True
        thread = ctypes.c_ulong(self._thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Closed))

    def close(self) -> None:
        outcome = self._outcome
        outcome.closing = True
        if self._baton.lost:
            return
        if outcome.function is not None or outcome.finished:
            outcome.function = None
            return
        for _ in range(_PATIENCE):
            self._hand_over(Closed())
            if self.finished:
                return
        _STUBBORN.append(self._baton)

    @staticmethod
    def suspend(value: object = None) -> None:
        baton = _here.baton
        if baton is None:
            raise RuntimeError("suspend outside a coroutine")
        if baton.lost:
            raise Closed
        baton.suspended = value
        baton.here.release()
        baton.there.acquire()
        exception, baton.exception = baton.exception, None
        if exception is not None:
            raise exception

    @staticmethod
    def running() -> bool:
        return _here.baton is not None


def _check_resumable(outcome: _Outcome, is_current: bool) -> None:
    if outcome.closing or outcome.finished:
        raise RuntimeError("the coroutine has ended")
    if is_current:
        raise RuntimeError("the coroutine is running")


CoroutineKind = type[GreenletCoroutine] | type[ThreadCoroutine]
DEFAULT: CoroutineKind = ThreadCoroutine if _greenlet is None else GreenletCoroutine
"""Greenlets where they are installed."""
