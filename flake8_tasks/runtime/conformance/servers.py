"""Private message brokers for one run: started on free loopback ports in a temporary folder, gone afterwards."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flake8_tasks.runtime.conformance.process import EngineError, Process

LOOPBACK = "127.0.0.1"
TRIES = 3

# Debian's script in /usr/sbin changes the user and ignores most of the environment.
_RABBITMQ_SCRIPTS = (
    "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server",
    "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
)
_INSTALL = {
    "redis": "redis-server is not installed: `apt-get install redis-server` or `brew install redis`",
    "rabbitmq": "rabbitmq-server is not installed: `apt-get install rabbitmq-server` or `brew install rabbitmq`",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A broker that runs.

    Arguments:
        name: "redis" or "rabbitmq".
        url: where it is, without a database number: "redis://127.0.0.1:40123".
        port: the port that it listens on.
        process: its process.
    """

    name: str
    url: str
    port: int
    process: Process


def missing() -> dict[str, str]:
    """The brokers that cannot be started here, each with what to install."""
    found = {"redis": shutil.which("redis-server"), "rabbitmq": _rabbitmq_script() and shutil.which("epmd")}
    return {name: how for name, how in _INSTALL.items() if not found[name]}


def server(name: str, seconds: float = 60.0) -> AbstractContextManager[Server]:
    """The broker of this name, "redis" or "rabbitmq"."""
    return {"redis": redis_server, "rabbitmq": rabbitmq_server}[name](seconds=seconds)


@contextmanager
def redis_server(*, port: int | None = None, seconds: float = 10.0) -> Iterator[Server]:
    """A Redis that keeps nothing on disk.

    Arguments:
        port: where it listens; a free one when it is None.
        seconds: how long it may take to be ready.

    Raises:
        EngineError: it is not installed, the port is in use, or it was not ready in time.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise EngineError(_INSTALL["redis"])

    def start(folder: Path, port: int) -> Process:
        settings = {"bind": LOOPBACK, "port": str(port), "dir": str(folder), "save": "", "appendonly": "no"}
        command = [program, "-", *(part for key, value in settings.items() for part in (f"--{key}", value))]
        return Process("redis-server", command, folder=folder, log=folder / "log", grace=2, remove=folder)

    with _running("redis", start, port, seconds, lambda port: _answers(port, b"PING\r\n", b"+PONG")) as process_port:
        process, port = process_port
        yield Server("redis", f"redis://{LOOPBACK}:{port}", port, process)


@contextmanager
def rabbitmq_server(*, port: int | None = None, seconds: float = 60.0) -> Iterator[Server]:
    """A RabbitMQ node with a name, a cookie and an epmd of its own.

    Arguments:
        port: where it listens; a free one when it is None.
        seconds: how long it may take to be ready.

    Raises:
        EngineError: it is not installed, the port is in use, or it was not ready in time.
    """
    script, epmd = _rabbitmq_script(), shutil.which("epmd")
    if script is None or epmd is None:
        raise EngineError(_INSTALL["rabbitmq"])
    with ExitStack() as stack:

        def start(folder: Path, port: int) -> Process:
            names, distribution = free_port(), free_port()
            # Started here and not by RabbitMQ, which would leave it behind.
            directory = Process(
                "epmd",
                [epmd, "-port", str(names), "-address", LOOPBACK],
                folder=folder,
                log=folder / "epmd.log",
                grace=0.5,
            )
            stack.callback(directory.stop)
            directory.wait_until(lambda: _listens(names), 10)
            (folder / "rabbitmq.conf").write_text("loopback_users.guest = true\nheartbeat = 0\n", "utf-8")
            for empty in ("enabled_plugins", "rabbitmq-env.conf"):
                (folder / empty).write_text("[].\n" if empty == "enabled_plugins" else "", "utf-8")
            return Process(
                "rabbitmq-server",
                [script],
                folder=folder,
                log=folder / "log",
                environment=_rabbitmq_environment(folder, port, names, distribution),
                # Nothing of it is kept: its own way to stop takes seconds.
                grace=0,
                remove=folder,
            )

        running = _running("rabbitmq", start, port, seconds, lambda port: _answers(port, b"AMQP\0\0\x09\x01", b"\x01"))
        process, port = stack.enter_context(running)
        yield Server("rabbitmq", f"amqp://guest:guest@{LOOPBACK}:{port}", port, process)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


@contextmanager
def _running(
    name: str,
    start: Callable[[Path, int], Process],
    port: int | None,
    seconds: float,
    ready: Callable[[int], bool],
) -> Iterator[tuple[Process, int]]:
    """Start it; another port is tried when someone else took the free one meanwhile."""
    if port is not None and _listens(port):
        raise EngineError(f"{name} cannot be started: port {port} of {LOOPBACK} is in use")
    for attempt in range(TRIES):
        at = free_port() if port is None else port
        folder = Path(tempfile.mkdtemp(prefix=f"flake8-tasks-{name}-"))
        process: Process | None = None
        try:
            process = start(folder, at)
            try:
                process.wait_until(lambda at=at: ready(at), seconds)  # type: ignore[misc]
            except EngineError as error:
                if port is None and attempt + 1 < TRIES and _port_was_taken(str(error)):
                    continue
                raise
            yield process, at
            return
        finally:
            if process is not None:
                process.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _port_was_taken(said: str) -> bool:
    return any(words in said for words in ("Address already in use", "eaddrinuse"))


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((LOOPBACK, port)) == 0


def _answers(port: int, question: bytes, answer: bytes) -> bool:
    """Whether a server that speaks this protocol listens."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as client:
            client.sendall(question)
            return client.recv(len(answer)) == answer
    except OSError:
        return False


def _rabbitmq_script() -> str | None:
    found = [path for pattern in _RABBITMQ_SCRIPTS for path in sorted(glob.glob(pattern))]
    return found[-1] if found else shutil.which("rabbitmq-server")


def _rabbitmq_environment(folder: Path, port: int, names: int, distribution: int) -> dict[str, str]:
    """Everything of its own: it shares nothing with a RabbitMQ of this machine, and needs no rights."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))}
    return kept | {
        "HOME": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_NODENAME": f"flake8-tasks-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": LOOPBACK,
    }
