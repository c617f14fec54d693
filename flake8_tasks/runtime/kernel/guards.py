"""Keeps a simulated task from what the simulation cannot see: threads, processes, connections, steps without an end."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from os.path import isabs
from types import FrameType, TracebackType
from typing import Any, Self

from flake8_tasks.runtime.kernel.coroutines import CoroutineThread, ThreadCoroutine


class Uncontrolled(BaseException):
    """The program does what the simulation does not control, so nothing it shows can be repeated.

    Not an `Exception`: code under test that catches everything must not hide it.
    """


class Runaway(BaseException):
    """A step of the program took more real time than it may."""


_THREAD, _PROCESS, _CONNECTION, _LOOKUP = "starts a thread", "starts a process", "opens a connection", "looks up a host"
_END, _SIGNAL = "ends its process", "sends a signal"
_FORBIDDEN: Mapping[str, str] = {
    "_thread.start_new_thread": _THREAD,
    "_thread.start_joinable_thread": _THREAD,
    "os._exit": _END,
    "os.abort": _END,
    "os.exec": _PROCESS,
    "os.fork": _PROCESS,
    "os.forkpty": _PROCESS,
    "os.kill": _SIGNAL,
    "os.killpg": _SIGNAL,
    "os.posix_spawn": _PROCESS,
    "os.spawn": _PROCESS,
    "os.startfile": _PROCESS,
    "os.system": _PROCESS,
    "subprocess.Popen": _PROCESS,
    "socket.bind": _CONNECTION,
    "socket.connect": _CONNECTION,
    "socket.sendto": _CONNECTION,
    "socket.getaddrinfo": _LOOKUP,
    "socket.gethostbyaddr": _LOOKUP,
    "socket.gethostbyname": _LOOKUP,
}
"""What Python tells of before it happens, by the names of its audit events; of threads it does so from 3.12 on.

Of `_ENDS` it does not tell.
"""
_ENDS = ("_exit", "abort")


class _Guard:
    def __init__(self, running: Callable[[], str], name_of_file: Callable[[str], str]) -> None:
        self._running = running
        self._name_of_file = name_of_file
        self._thread = threading.get_ident()
        self.broken: Uncontrolled | None = None

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() != self._thread and not ThreadCoroutine.running():
            return
        doing = _FORBIDDEN[event]
        if doing is _THREAD and isinstance(getattr(arguments[0], "__self__", None), CoroutineThread):
            return
        if doing is _LOOKUP and _is_own_name(arguments[0]):
            return
        if task := self._running():
            uncontrolled = Uncontrolled(
                f"`{task}` {doing}{_detail(event, arguments)}{_at(self._name_of_file)}: "
                "the simulation does not control it, so the run could not be repeated"
            )
            self.broken = self.broken or uncontrolled
            raise uncontrolled


def _is_own_name(host: object) -> bool:
    # Mail libraries ask what this machine is called in full, for the name of a message.
    return host in ("", "localhost", socket.gethostname())


@contextmanager
def interruptible() -> Iterator[None]:
    """While it lasts, a Ctrl-C that code under test swallows is not lost: it ends what runs here once that is over.

    So does another signal whose handler raises a `KeyboardInterrupt`.

    Raises:
        KeyboardInterrupt: at once where the signal comes, as always; and at the end when that has been hidden.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    own = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    heard: list[KeyboardInterrupt] = []

    def hear(number: int, frame: FrameType | None) -> None:
        try:
            own[number](number, frame)
        except KeyboardInterrupt as interrupt:
            heard.append(interrupt)
            raise

    for number in own:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in own.items():
            signal.signal(number, handler)
        if heard:
            raise type(heard[0])(*heard[0].args)


_guard: _Guard | None = None
_listening = False


@contextmanager
def guarded(running: Callable[[], str], name_of_file: Callable[[str], str]) -> Iterator[None]:
    """While a simulated task runs, it can start no thread and no process, and open no connection.

    Other threads of this process are let alone, and so is everything while no task runs.

    Arguments:
        running: the name of the task that runs now; "" while none does.
        name_of_file: makes the path in a place from the path of a source file; what is not the program's
            has no relative name: "", "<string>" or an absolute path.

    Raises:
        Uncontrolled: in the task, naming what it does where; once more at the end when the task has hidden it.
    """
    global _guard, _listening
    if not _listening:
        # Python cannot forget it again; without a guard it does nothing.
        sys.addaudithook(_heard)
        _listening = True
    before, start = _guard, threading.Thread.start
    ends = {name: getattr(os, name) for name in _ENDS}
    guard = _guard = _Guard(running, name_of_file)

    def checked_start(thread: threading.Thread) -> None:
        # Once Python tells of it, the thread is in a list from which only an `Exception` would take it.
        guard.check("_thread.start_new_thread", (thread.run,))
        start(thread)

    def checked_end(name: str, *arguments: Any) -> None:
        guard.check(f"os.{name}", arguments)
        ends[name](*arguments)

    threading.Thread.start = checked_start  # type: ignore[method-assign, assignment]
    for name in _ENDS:
        setattr(os, name, partial(checked_end, name))
    try:
        yield
    except (KeyboardInterrupt, SystemExit, Uncontrolled):
        raise
    except BaseException as consequence:
        if guard.broken is not None:
            raise guard.broken from consequence
        raise
    else:
        if guard.broken is not None:
            raise guard.broken
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
        vars(os).update(ends)
        _guard = before


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if _guard is not None and event in _FORBIDDEN:
        _guard.check(event, arguments)


def _detail(event: str, arguments: tuple[Any, ...]) -> str:
    match event, arguments:
        case "subprocess.Popen", (_, [program, *_], *_):
            return f" ({program})"
        case "subprocess.Popen", (program, *_):
            return f" ({program})"
        case "socket.connect" | "socket.bind" | "socket.sendto", (_, (host, port, *_), *_):
            return f" to {host}:{port}"
        case "socket.getaddrinfo" | "socket.gethostbyaddr" | "socket.gethostbyname", (host, *_):
            return f" ({host})"
        case _:
            return ""


def _at(name_of_file: Callable[[str], str], frame: FrameType | None = None) -> str:
    """Where the program stands: the innermost line that is its own."""
    here: FrameType | None = frame or sys._getframe(1)
    while here is not None:
        name = name_of_file(here.f_code.co_filename)
        if name and not name.startswith("<") and not isabs(name):
            return f" at {name}:{here.f_lineno}"
        here = here.f_back
    return ""


class Watchdog:
    """A context manager that raises `Runaway` in the code of a step that takes too long in real time.

    In the main thread of a POSIX system it uses the timer of `SIGALRM` and interrupts whatever a signal interrupts.
    Elsewhere (Windows, another thread) a thread watches, and interrupts Python code but no system call that blocks.
    Code in a `ThreadCoroutine` is given up: `Runaway` is raised in the `resume` that waits for it.

    Arguments:
        running, name_of_file: as for `guarded`, for the message.
        seconds: of real time that a step may take, give or take a quarter.
    """

    def __init__(self, running: Callable[[], str], name_of_file: Callable[[str], str], seconds: float = 10.0) -> None:
        self._running = running
        self._name_of_file = name_of_file
        self._seconds = seconds
        self._steps = 0
        self._seen = -1
        self._quarters = 0
        self._over = threading.Event()
        self._watcher: threading.Thread | None = None
        self._watched = 0
        self._handler: Any = None
        self._timer = (0.0, 0.0)
        self._begun = 0.0

    def step(self) -> None:
        """A new step begins."""
        self._steps += 1

    def __enter__(self) -> Self:
        quarter = self._seconds / 4
        if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGALRM, self._ring)
            self._begun = _monotonic()
            self._timer = signal.setitimer(signal.ITIMER_REAL, quarter, quarter)
        else:
            self._watched = threading.get_ident()
            self._watcher = threading.Thread(target=self._watch, args=(quarter,), name="watchdog", daemon=True)
            self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._over.set()
            self._watcher.join()
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)
        delay, interval = self._timer
        if delay:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, delay - (_monotonic() - self._begun)), interval)

    def _too_long(self) -> bool:
        """Called every quarter of the time that a step may take; again true at each call after it is."""
        self._quarters = self._quarters + 1 if self._seen == self._steps else 0
        self._seen = self._steps
        return self._quarters >= 4

    def _message(self, frame: FrameType | None) -> str:
        return (
            f"`{self._running() or 'the program'}` has run for {self._seconds:g} seconds of real time"
            f"{_at(self._name_of_file, frame)} without waiting for anything: a loop without an end?"
        )

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._too_long():
            raise Runaway(self._message(frame))

    def _watch(self, quarter: float) -> None:
        while not self._over.wait(quarter):
            if self._too_long():
                message = self._message(sys._current_frames().get(self._watched))
                # Only a class can be raised in another thread.
                late = type("Runaway", (Runaway,), {"__str__": lambda self, message=message: message})
                thread = ctypes.c_ulong(self._watched)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(late))


_monotonic = time.monotonic
"""The real one: the watchdog may be left in virtual time."""
