"""Processes forked from one that has the libraries imported: a worker starts in a moment."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from flake8_tasks.runtime.conformance.process import Process, Running
from flake8_tasks.runtime.folders import temporary_folder


class Nursery:
    """A process that has the libraries imported, from which others are forked, as a context manager.

    Arguments:
        seconds: how long it may take to be ready.
    """

    def __init__(self, *, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = self.folder = stack.enter_context(temporary_folder())
            self._socket = folder / "socket"
            command = [sys.executable, "-m", "flake8_tasks.runtime.conformance.nursery", str(self._socket)]
            self._process = Process(
                "nursery",
                command,
                folder=folder,
                log=folder / "log",
                environment={**os.environ, "PYTHONPATH": os.pathsep.join(filter(os.path.isdir, sys.path))},
                grace=0,
                remove=folder,
            )
            stack.callback(self._process.stop)
            self._process.wait_until(self._socket.exists, self._seconds)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def connect(self) -> socket.socket:
        """A connection for one order.

        Raises:
            EngineError: the nursery is gone.
        """
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self._socket))
        except OSError as error:
            connection.close()
            raise self._process.error(f"the nursery does not answer: {error}") from error
        return connection


class Forked(Running):
    """`python -m` in a process forked from a nursery; see `Process`.

    Arguments:
        nursery: where it comes from.
        name: what it is, for messages.
        command: the module and its arguments.
        folder: where it runs.
        log: the file that its output is appended to.
        environment: its whole environment.
        grace: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        nursery: Nursery,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
        grace: float = 5.0,
    ) -> None:
        self.name, self.log, self.grace = name, log, grace
        self._exit_code: int | None = None
        order = {"command": list(command), "folder": str(folder), "log": str(log), "environment": dict(environment)}
        self._connection = nursery.connect()
        try:
            self._connection.sendall(json.dumps(order).encode() + b"\n")
            self._lines = Lines(self._connection)
            self.pid = self._lines.number()
        except BaseException:
            self._connection.close()
            raise

    @property
    def exit_code(self) -> int | None:
        if self._exit_code is None:
            self.wait(0)
        return self._exit_code

    def wait(self, seconds: float) -> bool:
        """Whether it ended within these seconds."""
        if self._exit_code is None and self._lines.more(seconds):
            try:
                code = self._lines.number()
            except (OSError, ValueError):
                code = -signal.SIGKILL
            self._exit_code = code if code >= 0 else 128 - code
        return self._exit_code is not None

    def kill(self) -> None:
        """SIGKILL to it and all of its process group, as when a machine goes away."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(self.grace + 5)

    def stop(self) -> None:
        """SIGTERM, after the grace SIGKILL; nothing of it runs afterwards. Does nothing the second time."""
        if self._connection.fileno() < 0:
            return
        if self.running:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGTERM)
            if not self.wait(self.grace):
                self.kill()
        self._connection.close()


class Lines:
    """Numbers that a process says, a line each.

    Arguments:
        connection: to the process.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def more(self, seconds: float) -> bool:
        """Whether something comes within these seconds."""
        return bool(select.select([self._connection], [], [], seconds)[0])

    def number(self) -> int:
        """The next one; no byte more is read, so that `more` sees what comes after it.

        Raises:
            ValueError: the process is gone.
        """
        line = b""
        while not line.endswith(b"\n"):
            if not (byte := self._connection.recv(1)):
                raise ValueError("the process is gone")
            line += byte
        return int(line)
