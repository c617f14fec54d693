"""The processes that run a program: real `celery worker`s with prefork children, and clients."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flake8_tasks.runtime.conformance.client import ANSWER, SOCKET
from flake8_tasks.runtime.conformance.forked import Forked, Lines, Nursery
from flake8_tasks.runtime.kernel.worker import Node

INSIDE = "flake8_tasks.runtime.conformance.inside"
FOLDER = "FLAKE8_TASKS_ENGINE"
LANE = "FLAKE8_TASKS_LANE"
ONLY_SIMULATED = "OnlySimulated"


class NotComparable(Exception):
    """A scenario cannot run on a real engine; the message says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds.

    Arguments:
        start: until a worker or a client is ready.
        act: what the client does.
        quiet: until a run has come to rest, from its beginning on.
        answer: of the broker.
        stop: between SIGTERM and SIGKILL.
    """

    start: float = 30.0
    act: float = 20.0
    quiet: float = 30.0
    answer: float = 5.0
    stop: float = 3.0


def environment(folder: Path, program: Mapping[str, str]) -> dict[str, str]:
    """What the engine's processes have in their environment.

    Arguments:
        folder: the engine's.
        program: what `Program.environment` gives.
    """
    paths = [program["PYTHONPATH"], *filter(os.path.isdir, sys.path)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CELERY_", "DJANGO_"))}
    return kept | {
        **program,
        "PYTHONPATH": os.pathsep.join(paths),
        FOLDER: str(folder),
        # Of a killed worker its temporary files remain: they go with the engine's.
        "TMPDIR": str(folder),
        # A worker that may unpickle does not run as root otherwise.
        "C_FORCE_ROOT": "true",
    }


class Worker:
    """A worker that can be started again after it was killed.

    Arguments:
        nursery: where it comes from.
        folder: the engine's: it holds `order.json` and `program/`.
        environment: see the function.
        node: what it is like.
        limits: how long things may take.
    """

    def __init__(
        self, nursery: Nursery, folder: Path, environment: Mapping[str, str], node: Node, limits: Limits
    ) -> None:
        self.nursery, self.folder, self.node, self.limits = nursery, folder, node, limits
        self.environment = {**environment, LANE: node.name}
        self.hostname = f"{node.name}@{folder.name}"
        self.queues: tuple[str, ...] = ()
        self.serializer = "json"
        self.process: Forked | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    def start(self) -> None:
        """Start it and wait until it consumes.

        Raises:
            EngineError: it ended or was not ready in time.
        """
        self.stop()
        ready = self.folder / f"ready.{self.hostname}"
        ready.unlink(missing_ok=True)
        node = self.node
        command = ["celery", "-A", INSIDE, "worker", "-P", "prefork", "-c", str(node.slots)]
        command += ["-n", self.hostname, "-Q", ",".join(node.queues), f"--prefetch-multiplier={node.prefetch}"]
        command += ["-l", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.process = Forked(
            self.nursery,
            "celery worker",
            command,
            folder=self.folder / "program",
            log=self.folder / f"{node.name}.log",
            environment=self.environment,
            grace=self.limits.stop,
        )
        self.process.wait_until(ready.exists, self.limits.start)
        said = json.loads(ready.read_text("utf-8"))
        self.queues, self.serializer = tuple(said["queues"]), said["serializer"]

    def stop(self) -> None:
        """SIGTERM, then SIGKILL to all of it."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def kill(self) -> None:
        """SIGKILL to all of it at once."""
        if self.process is not None:
            self.process.kill()
            self.stop()


class Ordered:
    """What a client does at the moment.

    Arguments:
        connection: to the process that it was forked from, which says first its process id, then how it ended.
        answer: the file that holds what came of it.
        seconds: how long it may take.
    """

    def __init__(self, connection: socket.socket, answer: Path, seconds: float) -> None:
        self._connection, self._answer, self._seconds = connection, answer, seconds
        self._until = time.monotonic() + seconds
        self._lines = Lines(connection)
        self._process = self._lines.number()
        self.ended = self.message = ""
        self.value: object = None

    def over(self, seconds: float = 0.0) -> bool:
        """Whether it is over; waits so many seconds for it. It is killed when it has taken too long.

        Then `value` is what it gave; or `ended` is the type of the exception that it has raised, "killed" if it was
        killed, "stuck" if it took too long; and `message` says more.
        """
        if self._connection.fileno() < 0:
            return True
        if self._lines.more(seconds):
            self._finish(self._lines.number())
            return True
        if time.monotonic() > self._until:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            self._lines.number()
            self.ended, self.message = "stuck", f"not done after {self._seconds:g} s"
            self.close()
            return True
        return False

    def close(self) -> None:
        """Hear no more of it."""
        self._connection.close()

    def _finish(self, code: int) -> None:
        self.close()
        if code < 0:
            self.ended, self.message = "killed", signal.Signals(-code).name
            return
        answer = json.loads(self._answer.read_text("utf-8"))
        self.ended, self.message = answer.get("raised", ""), answer.get("message", "")
        self.value = answer.get("value")


class Client:
    """The process from which clients are forked.

    Arguments:
        nursery: where it comes from.
        folder: the engine's.
        environment: see the function.
        limits: how long things may take.
    """

    def __init__(self, nursery: Nursery, folder: Path, environment: Mapping[str, str], limits: Limits) -> None:
        self.nursery, self.folder, self.limits = nursery, folder, limits
        self.environment = {**environment, LANE: "client"}
        self.process: Forked | None = None

    def start(self) -> None:
        """Start it.

        Raises:
            EngineError: it cannot be started.
        """
        self.process = Forked(
            self.nursery,
            "client",
            ["flake8_tasks.runtime.conformance.client"],
            folder=self.folder / "program",
            log=self.folder / "client.log",
            environment=self.environment,
            grace=0,
        )

    def wait(self) -> None:
        """Wait until it takes orders.

        Raises:
            EngineError: it ended or was not ready in time.
        """
        assert self.process is not None
        self.process.wait_until((self.folder / SOCKET).exists, self.limits.start)

    def begin(self, order: str) -> Ordered:
        """Let a new process do it; go on meanwhile.

        Raises:
            EngineError: the client is no longer there.
        """
        assert self.process is not None
        answer = self.folder / "run" / ANSWER
        answer.unlink(missing_ok=True)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self.limits.answer)
        try:
            connection.connect(str(self.folder / SOCKET))
            connection.sendall(json.dumps({"order": order}).encode() + b"\n")
            return Ordered(connection, answer, self.limits.act)
        except (OSError, ValueError) as error:
            connection.close()
            raise self.process.error(f"the client does not answer: {error}") from error

    def order(self, order: str) -> object:
        """Let a new process do it, and wait for what comes of it.

        Raises:
            EngineError: the client is no longer there, or it could not do it.
        """
        assert self.process is not None
        ordered = self.begin(order)
        while not ordered.over(0.5):
            pass
        if ordered.ended == ONLY_SIMULATED:
            raise NotComparable(ordered.message)
        if ordered.ended:
            raise self.process.error(f"the client could not {order}: {ordered.ended}: {ordered.message}")
        return ordered.value

    def stop(self) -> None:
        """End it, and what it has forked."""
        if self.process is not None:
            self.process.stop()
            self.process = None
