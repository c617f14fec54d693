"""One program of the real engine: started with a life line, never left behind, its last words kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from flake8_tasks.runtime.conformance import keeper

LAST_LINES = 15


class EngineError(Exception):
    """A part of the real engine does not start, or ends by itself; says which, why and with which last words."""


class Running(ABC):
    """A program that was started: what is known of each, however that was done."""

    name: str
    log: Path

    @property
    @abstractmethod
    def exit_code(self) -> int | None:
        """How it ended: an exit code, 128 and the number of a signal, or None while it runs."""

    @property
    def running(self) -> bool:
        return self.exit_code is None

    def last_lines(self) -> str:
        """The end of what it printed."""
        with suppress(OSError):
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:])
        return ""

    def wait_until(self, ready: Callable[[], bool], seconds: float, pause: float = 0.02) -> None:
        """Wait until it is ready.

        Raises:
            EngineError: it ended, or was not ready within these seconds; with the last lines of its log.
        """
        until = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise self.error(f"{self.name} ended with code {self.exit_code} before it was ready")
            if time.monotonic() > until:
                raise self.error(f"{self.name} was not ready within {seconds:g} s")
            time.sleep(pause)

    def error(self, message: str) -> EngineError:
        """What went wrong, with the last lines of the log."""
        return EngineError(f"{message}\n{said}" if (said := self.last_lines()) else message)


class Process(Running):
    """A running program in a session of its own, ended when this process ends, however it does.

    Arguments:
        name: what it is, for messages: "redis-server".
        command: the program and its arguments.
        folder: where it runs.
        log: the file that its output is appended to.
        environment: its whole environment; this process's own when it is None.
        grace: seconds between SIGTERM and SIGKILL.
        remove: a folder that is deleted when it has ended.

    Raises:
        EngineError: the program cannot be started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        log: Path,
        environment: Mapping[str, str] | None = None,
        grace: float = 5.0,
        remove: Path | None = None,
    ) -> None:
        self.name, self.log, self.grace = name, log, grace
        order = {
            "command": list(command),
            "folder": str(folder),
            "log": str(log),
            "grace": grace,
            "remove": str(remove) if remove else None,
        }
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        try:
            first = self._keeper.stdout.readline()
        except BaseException:
            self.stop()
            raise
        if not first.strip():
            self._keeper.wait()
            reason = self._complaint()
            self.stop()
            raise EngineError(f"{name} cannot be started: {reason}")
        self.pid = int(first)

    @property
    def exit_code(self) -> int | None:
        return self._keeper.poll()

    def kill(self) -> None:
        """SIGKILL to the program and all of its process group, as when a machine goes away."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(self.grace)

    def wait(self, seconds: float) -> bool:
        """Whether it ended within these seconds."""
        try:
            self._keeper.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """SIGTERM, after the grace SIGKILL; nothing of it runs afterwards. Does nothing the second time."""
        process = self._keeper
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            process.wait(self.grace + 5)
        except subprocess.TimeoutExpired:
            with suppress(AttributeError):
                self.kill()
            process.kill()
            process.wait()
        finally:
            if process.stderr is not None:
                process.stderr.close()

    def _complaint(self) -> str:
        assert self._keeper.stderr is not None
        lines = self._keeper.stderr.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self._keeper.returncode}"
