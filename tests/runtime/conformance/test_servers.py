"""Private brokers: started, answering, gone afterwards, whatever happens to whoever started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from brokers import needs
from unmeasured import unmeasured

from flake8_tasks.runtime.conformance import servers
from flake8_tasks.runtime.conformance.process import EngineError, Process
from flake8_tasks.runtime.conformance.servers import Server, redis_server

pytestmark = pytest.mark.xdist_group("engine")
PACKAGE = Path(servers.__file__).parents[3]


def soon(happens: Callable[[], bool], seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while not (happened := happens()) and time.monotonic() < until:
        time.sleep(0.02)
    return happened


def lives(process: int) -> bool:
    """Not ended, and not ended without being reaped either."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def ask(port: int, question: bytes) -> bytes:
    with socket.create_connection((servers.LOOPBACK, port), timeout=2) as client:
        client.sendall(question)
        return client.recv(100)


def test_a_redis_answers_and_leaves_nothing_behind() -> None:
    needs("redis")
    with redis_server() as server:
        assert ask(server.port, b"PING\r\n") == b"+PONG\r\n"
        assert server.url == f"redis://127.0.0.1:{server.port}"
        folder = server.process.log.parent
        assert folder.is_dir()
    assert not lives(server.process.pid)
    assert not folder.exists()


def test_a_rabbitmq_speaks_amqp(rabbitmq: Server) -> None:
    assert ask(rabbitmq.port, b"AMQP\0\0\x09\x01")[:1] == b"\x01"


def test_two_at_once_do_no_harm_to_each_other() -> None:
    needs("redis")
    with redis_server() as one, redis_server() as other:
        assert one.port != other.port
    assert not lives(one.process.pid)
    assert not lives(other.process.pid)


def test_a_port_in_use_is_said() -> None:
    needs("redis")
    with socket.socket() as taken:
        taken.bind((servers.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"port {port} of 127.0.0.1 is in use"), redis_server(port=port):
            pass


def test_no_time_to_start_is_said_and_cleaned_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("redis")
    monkeypatch.setattr(servers.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EngineError, match="redis-server was not ready within 0 s"), redis_server(seconds=0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    process = Process("broker", ["sh", "-c", "echo no such file; exit 3"], folder=tmp_path, log=tmp_path / "log")
    try:
        with pytest.raises(EngineError, match=r"broker ended with code 3 before it was ready\nno such file"):
            process.wait_until(lambda: False, 5)
    finally:
        process.stop()


def test_a_program_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="broker cannot be started: FileNotFoundError"):
        Process("broker", ["no-such-program"], folder=tmp_path, log=tmp_path / "log")


def test_a_program_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    process = Process("stubborn", ["sh", "-c", stubborn], folder=tmp_path, log=tmp_path / "log", grace=0.2)
    process.wait_until(lambda: "ready" in process.last_lines(), 5)
    process.stop()
    assert not lives(process.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a process the orphans of its children")
def test_a_process_that_left_the_group_is_ended_too(tmp_path: Path) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n os.setsid()\n print(os.getpid(), flush=True)\n time.sleep(60)"
    process = Process("parent", [sys.executable, "-c", daemon], folder=tmp_path, log=tmp_path / "log")
    assert process.wait(5)
    process.stop()
    assert not lives(int((tmp_path / "log").read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_outlives_a_run_that_is_ended_from_outside(number: signal.Signals) -> None:
    needs("redis")
    program = (
        "import time\n"
        "from flake8_tasks.runtime.conformance.servers import redis_server\n"
        "with redis_server() as server:\n"
        "    print(server.process.pid, server.process.log.parent, flush=True)\n"
        "    for _ in range(600):\n"
        "        time.sleep(0.1)  # a signal that comes just before a sleep does not end it\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program],
        env=unmeasured(os.environ) | {"PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with run:
        assert run.stdout is not None
        process, folder = run.stdout.readline().split()
        run.send_signal(number)
        run.wait(10)
    assert soon(lambda: not lives(int(process)))
    assert soon(lambda: not Path(folder).exists())


def test_what_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(servers, "_RABBITMQ_SCRIPTS", ())
    assert servers.missing() == {
        "redis": "redis-server is not installed: `apt-get install redis-server` or `brew install redis`",
        "rabbitmq": "rabbitmq-server is not installed: `apt-get install rabbitmq-server` or `brew install rabbitmq`",
    }
    with pytest.raises(EngineError, match="redis-server is not installed"), redis_server():
        pass
