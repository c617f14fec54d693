"""The real engine when something goes wrong that no plan has foreseen: a clear message, nothing left, no hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import small
from brokers import needs
from unmeasured import unmeasured

from flake8_tasks.runtime.conformance import servers
from flake8_tasks.runtime.conformance.engine import Engine
from flake8_tasks.runtime.conformance.forked import Forked, Nursery
from flake8_tasks.runtime.conformance.process import EngineError
from flake8_tasks.runtime.conformance.servers import Server, free_port, redis_server
from flake8_tasks.runtime.conformance.worker import Limits

pytestmark = pytest.mark.xdist_group("engine")
SHORT = Limits(act=1, quiet=1.5, stop=1)


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def soon(happens: Callable[[], bool], seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while not (happened := happens()) and time.monotonic() < until:
        time.sleep(0.02)
    return happened


@pytest.fixture
def temporary() -> Iterator[Path]:
    """For temporary files; its name is short, since sockets stand in it."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder)


def engine(nursery: Nursery, broker: str, scenario: str = "CHARGE", limits: Limits | None = None) -> Engine:
    return Engine(small.FILES, f"small:{scenario}", broker, nursery=nursery, limits=limits)


def test_a_run_that_does_not_come_to_rest_is_ended_and_the_next_one_starts_anew(
    nursery: Nursery, redis: Server
) -> None:
    with engine(nursery, f"{redis.url}/2", "REST", SHORT) as runs:
        assert [runs.run().ended for _ in range(2)] == ["busy", "busy"]


def test_a_client_that_waits_for_ever_is_stuck(nursery: Nursery, redis: Server) -> None:
    with engine(nursery, f"{redis.url}/2", "WAITS", SHORT) as runs:
        outcome = runs.run()
    assert (outcome.client, outcome.ended) == ("stuck", "busy")


def test_an_exception_of_the_client_is_part_of_the_outcome(nursery: Nursery, redis: Server) -> None:
    with engine(nursery, f"{redis.url}/2", "RAISES") as runs:
        assert runs.run().client == "StopIteration"


def test_nothing_is_left_of_an_engine(nursery: Nursery, redis: Server) -> None:
    with engine(nursery, f"{redis.url}/2") as runs:
        processes = [each.process.pid for each in (*runs.workers, runs.client) if each.process]
        assert all(map(lives, processes))
        assert len(processes) == 2
    assert soon(lambda: not any(map(lives, processes)))
    assert not runs.folder.exists()


def test_a_worker_that_ends_by_itself_is_told(nursery: Nursery, redis: Server) -> None:
    with engine(nursery, f"{redis.url}/2") as runs:
        [worker] = runs.workers
        assert worker.process is not None
        os.killpg(worker.process.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match=r"worker worker ended by itself, with code 137\n(.|\n)*ready"):
            runs.run()


def test_a_program_that_cannot_be_imported_is_told_with_its_last_words(nursery: Nursery, redis: Server) -> None:
    files = {"shop/tasks.py": "from shop import nothing\n"}
    with (
        pytest.raises(
            EngineError, match=r"celery worker ended with code 2 before it was ready\n(.|\n)*name 'nothing' from 'shop'"
        ),
        Engine(files, "small:CHARGE", f"{redis.url}/2", nursery=nursery),
    ):
        pass


def test_a_broker_that_is_down_is_told(nursery: Nursery) -> None:
    broker = f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(EngineError, match=f"the broker at {broker} does not answer"), engine(nursery, broker):
        pass


def test_a_broker_that_dies_during_a_run_is_told_and_everything_cleaned_up(nursery: Nursery) -> None:
    needs("redis")
    with redis_server() as server, engine(nursery, f"{server.url}/0") as runs:
        processes = [each.process.pid for each in (*runs.workers, runs.client) if each.process]
        runs.run()
        server.process.kill()
        began = time.monotonic()
        with pytest.raises(EngineError, match="does not answer"):
            runs.run()
        assert time.monotonic() - began < 10
    assert soon(lambda: not any(map(lives, processes)))
    assert not runs.folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_outlives_a_run_that_is_ended_from_outside(
    redis: Server, number: signal.Signals, temporary: Path
) -> None:
    program = (
        "import time, small\n"
        "from flake8_tasks.runtime.conformance.engine import Engine\n"
        f"with Engine(small.FILES, 'small:CHARGE', '{redis.url}/3') as runs:\n"
        "    print(runs.workers[0].process.pid, runs.client.process.pid, runs.folder, flush=True)\n"
        "    for _ in range(600):\n"
        "        time.sleep(0.1)  # a signal that comes just before a sleep does not end it\n"
    )
    paths = [str(Path(servers.__file__).parents[3]), str(Path(small.__file__).parent)]
    run = subprocess.Popen(
        [sys.executable, "-c", program],
        env=unmeasured(os.environ) | {"PYTHONPATH": os.pathsep.join(paths), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with run:
        assert run.stdout is not None
        worker, client, folder = run.stdout.readline().split()
        run.send_signal(number)
        run.wait(15)
    assert soon(lambda: not lives(int(worker)))
    assert soon(lambda: not lives(int(client)))
    assert soon(lambda: not Path(folder).exists())
    assert soon(lambda: not list(temporary.iterdir()))


def test_what_is_forked_has_its_own_environment_folder_and_log(nursery: Nursery, tmp_path: Path) -> None:
    says = "import os, sys\nprint(os.environ['WHO'], os.getcwd(), sys.argv[1:])\nsys.exit(3)"
    (tmp_path / "says.py").write_text(says)
    environment = {"WHO": "me", "PYTHONPATH": str(tmp_path)}
    log = tmp_path / "log"
    process = Forked(nursery, "says", ["says", "a"], folder=tmp_path, log=log, environment=environment)
    try:
        assert process.wait(5)
    finally:
        process.stop()
    assert (process.exit_code, log.read_text()) == (3, f"me {tmp_path} ['a']\n")
