"""The ledger: in memory and in a file, alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import running

from flake8_tasks.runtime.world.ledger import InFile, InMemory, Ledger

MAKERS: dict[str, Callable[[Path], Ledger]] = {
    "memory": lambda folder: InMemory(),
    "file": lambda folder: InFile(folder / "ledger.jsonl"),
}


@pytest.fixture(params=MAKERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    return MAKERS[request.param](tmp_path)


def test_is_empty_before_the_first_entry(ledger: Ledger) -> None:
    assert ledger.entries() == ()


def test_keeps_what_was_seen_in_order_with_time_and_doer(ledger: Ledger) -> None:
    with running(time=2.5) as runs:
        ledger.add("request", url="https://a.example/", status=200)
        runs.sleep(1)
        runs.actor.task = "charge#2"
        ledger.add("mail", to="zoë@a.test")
    first, second = ledger.entries()
    assert (first.time, first.kind, first.task, first.lane) == (2.5, "request", "charge#1", "worker/0")
    assert (first["url"], first["status"], first["nothing"]) == ("https://a.example/", 200, None)
    assert (second.time, second.task, second["to"]) == (3.5, "charge#2", "zoë@a.test")


def test_gives_the_entries_of_one_kind(ledger: Ledger) -> None:
    for kind in ("mail", "request", "mail"):
        ledger.add(kind)
    assert [entry.kind for entry in ledger.entries("mail")] == ["mail", "mail"]
    assert ledger.entries("charge") == ()


def test_outside_a_run_the_time_is_the_clocks(ledger: Ledger) -> None:
    before = time.time()
    assert before <= ledger.add("mail").time <= time.time()


def test_an_alone_block_may_stand_in_another_and_may_add(ledger: Ledger) -> None:
    with ledger.alone(), ledger.alone():
        ledger.add("charge")
    with ledger.alone():
        assert len(ledger.entries()) == 1


@pytest.mark.parametrize("torn", [1, 7, 30])
def test_what_a_killed_process_has_torn_is_ignored_and_nothing_else(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "ledger.jsonl"
    InFile(path).add("mail", to="a")
    InFile(path).add("mail", to="b")
    whole = path.read_bytes()
    path.write_bytes(whole[:-torn])
    assert [entry["to"] for entry in InFile(path).entries()] == ["a"]
    InFile(path).add("mail", to="c")
    assert [entry["to"] for entry in InFile(path).entries()] == ["a", "c"]


COUNTER = """
import sys
from pathlib import Path
from flake8_tasks.runtime.world.ledger import InFile
ledger = InFile(Path(sys.argv[1]))
for _ in range(100):
    with ledger.alone():
        ledger.add("charge", number=len(ledger.entries()))
"""


def test_several_processes_share_a_file_and_go_alone(tmp_path: Path) -> None:
    """Each looks how many there are and adds that number: had two looked at once, a number would come twice."""
    path = tmp_path / "ledger.jsonl"
    processes = [subprocess.Popen([sys.executable, "-c", COUNTER, str(path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert [entry["number"] for entry in InFile(path).entries()] == list(range(300))


HOLDER = """
import sys, time
from pathlib import Path
from flake8_tasks.runtime.world.ledger import InFile
with InFile(Path(sys.argv[1])).alone():
    print("alone", flush=True)
    time.sleep(60)
"""


def test_a_process_killed_in_its_alone_block_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"alone\n"
        os.kill(process.pid, signal.SIGKILL)
    with InFile(path).alone():
        pass
