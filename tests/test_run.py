"""Many files in several processes, and what becomes of those that end badly."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flake8_tasks import run
from flake8_tasks.config import Config

TASK = "from celery import shared_task\n\n\n@shared_task(time_limit=30)\ndef work():\n    return print()\n"
CHECK_FILE = run.check_file


def job(root: Path, texts: dict[str, str], **more: Any) -> run.Job:
    paths = []
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        paths.append(str(root / name))
    return run.Job({root: sorted(paths)}, {root: Config(root=str(root))}, **more)


def many(number: int = 60) -> dict[str, str]:
    return {f"tasks{index:02}.py": TASK for index in range(number)}


def failing(check: Callable[[str], None]) -> Callable[..., run.Outcome]:
    """`check_file` with something done before; `fork` hands it to the processes."""

    def check_file(path: str, *rest: Any, **more: Any) -> run.Outcome:
        check(os.path.basename(path))
        return CHECK_FILE(path, *rest, **more)

    return check_file


def failures(outcomes: list[run.Outcome]) -> dict[str, str]:
    return {os.path.basename(each.path): each.failure.message for each in outcomes if each.failure is not None}


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_file_has_its_outcome_in_the_order_of_the_paths(tmp_path: Path, jobs: int) -> None:
    outcomes = run.check_files(job(tmp_path, {**many(), "broken.py": TASK + "x = (\n", "other.py": ""}, jobs=jobs))
    assert [os.path.basename(each.path) for each in outcomes] == ["broken.py", "other.py", *many()]
    assert failures(outcomes) == {"broken.py": "syntax error: '(' was never closed"}


def test_progress_is_told_for_every_file(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    run.check_files(job(tmp_path, {**many(), "other.py": ""}, jobs=2), lambda done, total: told.append((done, total)))
    assert told == [(done, 61) for done in range(1, 62)]


def test_few_files_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = set()
    monkeypatch.setattr(run, "check_file", failing(lambda name: processes.add(os.getpid())))
    run.check_files(job(tmp_path, many(run.PARALLEL_FROM - 1), jobs=2))
    assert processes == {os.getpid()}


def test_files_without_task_code_are_not_parsed(tmp_path: Path) -> None:
    assert failures(run.check_files(job(tmp_path, {"other.py": "x = (\n"}))) == {}


def test_files_that_are_named_are_parsed(tmp_path: Path) -> None:
    named = frozenset([str(tmp_path / "other.py")])
    assert list(failures(run.check_files(job(tmp_path, {"other.py": "x = (\n"}, named=named)))) == ["other.py"]


def test_the_overlay_stands_instead_of_the_file(tmp_path: Path) -> None:
    overlay = {str(tmp_path / "tasks.py"): TASK.encode() + b"x = (\n"}
    assert list(failures(run.check_files(job(tmp_path, {"tasks.py": TASK}, overlay=overlay)))) == ["tasks.py"]


def test_a_file_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    wanted = job(tmp_path, {"tasks.py": TASK, "gone.py": TASK})
    (tmp_path / "gone.py").unlink()
    assert failures(run.check_files(wanted)) == {"gone.py": "cannot be read: No such file or directory"}


def test_a_folder_in_the_place_of_a_file_is_a_failure(tmp_path: Path) -> None:
    wanted = job(tmp_path, {"tasks.py": TASK, "folder.py": TASK})
    (tmp_path / "folder.py").unlink()
    (tmp_path / "folder.py").mkdir()
    assert failures(run.check_files(wanted)) == {"folder.py": "cannot be read: Is a directory"}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError, "nested too deeply to be checked"),
        (MemoryError, "nested too deeply to be checked"),
        (KeyError, "internal error, please report it: KeyError: 'work'"),
    ],
)
def test_an_error_of_ours_is_a_failure_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], message: str
) -> None:
    from flake8_tasks import engine

    check = engine.check

    def checked(source: Any, *rest: Any, **more: Any) -> Any:
        if source.path.endswith("bad.py"):
            raise error("work")
        return check(source, *rest, **more)

    monkeypatch.setattr(engine, "check", checked)
    outcomes = run.check_files(job(tmp_path, {"bad.py": TASK, "tasks.py": TASK}))
    assert failures(outcomes) == {"bad.py": message}
    assert len(outcomes) == 2


def test_a_killed_process_is_a_failure_of_the_file_it_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(name: str) -> None:
        if name in ("tasks07.py", "tasks40.py"):
            os.kill(os.getpid(), 9)

    monkeypatch.setattr(run, "check_file", failing(check))
    outcomes = run.check_files(job(tmp_path, many(), jobs=2))
    assert len(outcomes) == 60
    assert list(failures(outcomes)) == ["tasks07.py", "tasks40.py"]
    assert set(failures(outcomes).values()) == {"the process that checked it was killed (out of memory?)"}


def test_a_machine_that_kills_every_process_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "check_file", failing(lambda name: os.kill(os.getpid(), 9)))
    outcomes = run.check_files(job(tmp_path, many(), jobs=2))
    assert len(failures(outcomes)) == 60


def test_an_interruption_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes when the first files are done and all processes are busy."""
    monkeypatch.setattr(run, "check_file", failing(lambda name: time.sleep(0 if name < "tasks08.py" else 60)))

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run.check_files(job(tmp_path, many(), jobs=2), interrupt)
    assert time.monotonic() - begun < 20
    assert multiprocessing.active_children() == []


def test_spawned_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS and Windows, where `fork` is not safe or not there."""
    wanted = job(tmp_path, {**many(30), "broken.py": TASK + "x = (\n"}, jobs=2)
    forked = run.check_files(wanted)
    monkeypatch.setattr(run, "_context", lambda: multiprocessing.get_context("spawn"))
    assert run.check_files(wanted) == forked
