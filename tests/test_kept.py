"""What is kept between runs never changes what is found: a run with it equals a run without, after any change."""

from __future__ import annotations

import ast
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from unmeasured import unmeasured
from warm import PROJECT, Checked, lines

from flake8_tasks.frontends.flake8 import Plugin

PACKAGE = Path(__file__).parents[1]
SHOP = PACKAGE / "examples" / "shop"

Edit = Callable[[Checked], object]


def change(name: str, old: str, new: str) -> Edit:
    return lambda project: project.replace(name, old, new)


def add(name: str, text: str) -> Edit:
    return lambda project: project.write(name, text)


def delete(name: str) -> Edit:
    return lambda project: (project.root / name).unlink()


# What changes, and the code of a rule whose findings change with it.
EDITS: dict[str, tuple[Edit, str]] = {
    "a limit in the settings": (
        change("config/limits.py", "CELERY_TASK_TIME_LIMIT", "CELERY_TASK_SOFT_LIMIT"),
        "TSK501",
    ),
    "an option in a wrapper": (change("shop/wrapper.py", "priority=3", "max_retries=3"), "TSK406"),
    "a task's signature": (change("shop/tasks.py", "def refresh(order):", "def refresh(order=None):"), "TSK201"),
    "a task's name": (change("shop/tasks.py", "def count(", "def total("), "TSK202"),
    "an option of a base class": (change("shop/base.py", "max_retries = None", "max_retries = 3"), "TSK406"),
    "a base class": (change("shop/base.py", "class Base(Patient)", "class Base(Task)"), "TSK406"),
    "a re-export": (change("shop/things.py", "from shop.wrapper", "from shop.other"), "TSK101"),
    "a model's base": (change("shop/plain.py", "Named(models.Model)", "Named"), "TSK201"),
    "atomic in a caller": (change("shop/views.py", "with transaction.atomic():", "if request:"), "TSK602"),
    "a file is gone": (delete("shop/wrapper.py"), "TSK101"),
    "a file comes before another": (add("shop/things/__init__.py", ""), ""),
    "a missing module is there": (add("shop/missing.py", "from shop.wrapper import task as late\n"), "TSK301"),
    "an option of ours": (change("pyproject.toml", "select", "ignore = ['TSK101']\nselect"), "TSK101"),
    "a decorator of ours": (
        change("pyproject.toml", "select", "task-decorators = ['shop.odd.later']\nselect"),
        "TSK301",
    ),
    "a requirement": (change("requirements.txt", "5.4.0", "5.2.0"), ""),
    "a call in a file that knows no tasks": (add("shop/loose.py", "def loose(tasks):\n    tasks.refresh(1)\n"), ""),
    "a package becomes a folder": (delete("shop/__init__.py"), ""),
    "nothing but a comment": (change("shop/tasks.py", "import requests\n", "# \nimport requests\n"), ""),
}
WAITS = "from shop.tasks import send\n\n\n@{}\ndef work():\n    return send.delay(1).get()\n"
MORE = {
    "shop/late.py": f"from shop.missing import late\n{WAITS.format('late')}",
    "shop/odd.py": "def later(function):\n    return function\n",
    "shop/odder.py": f"from shop.odd import later\n{WAITS.format('later')}",
}


def found_by_flake8(project: Checked, cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the plugin says of every file, in the order of the paths."""
    monkeypatch.setenv("FLAKE8_TASKS_CACHE_DIR", str(cache))
    monkeypatch.setattr(Plugin, "_configs", {})
    monkeypatch.setattr(Plugin, "_projects", {})
    monkeypatch.setattr(Plugin, "_given", {"extend-select": ["ALL"]})
    found = []
    for path in sorted(project.root.rglob("*.py")):
        text = path.read_text()
        plugin = Plugin(ast.parse(text), str(path), text.splitlines(keepends=True))
        found += [f"{path.name}:{line}:{column} {message}" for line, column, message, _ in plugin.run()]
    for each in Plugin._projects.values():
        each.cache.close()
    return found


@pytest.fixture
def project(tmp_path: Path) -> Checked:
    return Checked(tmp_path, {**PROJECT, **MORE})


@pytest.mark.parametrize("name", EDITS)
def test_a_change_shows_at_once_wherever_it_matters(project: Checked, name: str) -> None:
    edit, code = EDITS[name]
    before = list(lines(project.warm()))
    edit(project)
    after = list(lines(project.warm()))
    assert after == list(lines(project.cold()))
    changed = set(before) ^ set(after)
    assert not code or any(f" {code} " in line for line in changed)
    assert list(lines(project.warm())) == after


@pytest.mark.parametrize("name", EDITS)
def test_a_change_shows_at_once_in_flake8(project: Checked, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by_flake8(project, project.cache, monkeypatch)
    EDITS[name][0](project)
    after = found_by_flake8(project, project.cache, monkeypatch)
    assert after == found_by_flake8(project, project.cache / "empty", monkeypatch)


def test_the_order_in_which_files_are_first_looked_at_does_not_matter(project: Checked) -> None:
    """A file that is checked first asks, and the others find the answer in memory: they depend on it all the same."""
    project.warm()
    names = sorted(name for name in {**PROJECT, **MORE} if name.endswith(".py"))
    for name in names:  # each is checked alone once, after a change of its own
        project.write(name, project.read(name) + "\n")
        project.warm()
    for edit in (EDITS["a base class"], EDITS["an option in a wrapper"], EDITS["a requirement"]):
        edit[0](project)
        assert list(lines(project.warm())) == list(lines(project.cold()))


def shop_in(folder: Path) -> Checked:
    texts = {path.relative_to(SHOP).as_posix(): path.read_bytes() for path in SHOP.rglob("*.py")}
    return Checked(folder, texts)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("made", [Checked, shop_in], ids=["small", "shop"])
def test_any_change_of_lines_shows_at_once(made: Callable[[Path], Checked], seed: int, tmp_path: Path) -> None:
    """Lines are deleted, exchanged and copied from file to file, files deleted and brought back."""
    chance = random.Random(seed)
    project = made(tmp_path)
    names = sorted(path.relative_to(project.root).as_posix() for path in project.root.rglob("*.py"))
    texts = {name: project.read(name) for name in names}
    project.warm()
    for _ in range(4):
        for name in chance.sample(names, 2):
            _change(project, name, texts, chance)
        assert list(lines(project.warm())) == list(lines(project.cold()))


def _change(project: Checked, name: str, texts: dict[str, str], chance: random.Random) -> None:
    path = project.root / name
    if not path.exists():
        project.write(name, texts[name])
        return
    held = project.read(name).splitlines(keepends=True) or ["\n"]
    at, other = chance.randrange(len(held)), chance.randrange(len(held))
    match chance.choice(["delete", "delete", "exchange", "copy", "unlink"]):
        case "delete":
            del held[at]
        case "exchange":
            held[at], held[other] = held[other], held[at]
        case "copy":
            held.insert(at, chance.choice(texts[chance.choice(sorted(texts))].splitlines(keepends=True) or ["\n"]))
        case _:
            path.unlink()
            return
    project.write(name, "".join(held))


def test_a_file_of_the_same_size_and_time_is_read_again(project: Checked) -> None:
    """As `cp -p` and archives with fixed times leave them."""
    project.warm()
    path = project.root / "shop/tasks.py"
    status = path.stat()
    path.write_text(project.read("shop/tasks.py").replace("retry_limit", "retry_xlimi"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert list(lines(project.warm())) == list(lines(project.cold()))


def test_a_file_that_can_be_read_again_is_checked_again(project: Checked) -> None:
    known = list(lines(project.warm()))
    path = project.root / "shop/tasks.py"
    path.chmod(0)
    if os.access(path, os.R_OK):
        path.unlink()  # nothing is closed to this user
        path.mkdir()
    hidden = list(lines(project.warm()))
    assert hidden != known
    assert hidden == list(lines(project.cold()))
    if path.is_dir():
        path.rmdir()
        project.write("shop/tasks.py", PROJECT["shop/tasks.py"])
    path.chmod(0o644)
    assert list(lines(project.warm())) == known


# Damage, in processes of their own.


class Command:
    """The command line and flake8 with the plugin, in a project."""

    def __init__(self, project: Checked, site: Path) -> None:
        self.project = project
        information = site / "flake8_tasks-0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: flake8-tasks\nVersion: 0\n")
        (information / "entry_points.txt").write_text(
            "[flake8.extension]\nTSK = flake8_tasks.frontends.flake8:Plugin\n"
        )
        self.environment = {
            **unmeasured(os.environ),
            "PYTHONPATH": os.pathsep.join((str(site), str(PACKAGE))),
            "FLAKE8_TASKS_CACHE_DIR": str(project.cache),
        }

    def start(self, *arguments: str, limit: int | None = None) -> subprocess.Popen[str]:
        """A run; `limit` is how many bytes a file may have, as if the disk were full then."""
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self.project.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            preexec_fn=None if limit is None else partial(_limit_files, limit),
        )

    def flake8(self) -> subprocess.Popen[str]:
        return self.start("flake8", "--select=TSK", "--isolated", "-j1")

    def check(self, *more: str, limit: int | None = None) -> subprocess.Popen[str]:
        return self.start("flake8_tasks", "check", "-j1", *more, limit=limit)


def _limit_files(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def end(run: subprocess.Popen[str]) -> str:
    out, err = run.communicate(timeout=120)
    assert err == ""
    assert run.returncode == 1
    return out


@pytest.fixture
def command(project: Checked, tmp_path: Path) -> Command:
    return Command(project, tmp_path / "site")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the command line and flake8 say of the project where nothing was ever kept."""
    folder = tmp_path_factory.mktemp("known")
    command = Command(Checked(folder, {**PROJECT, **MORE}), folder / "site")
    return {"check": end(command.check("--no-cache")), "flake8": end(command.flake8())}


def test_many_runs_at_once_share_one_cache(command: Command, known: dict[str, str]) -> None:
    runs = [(name, start()) for name, start in [("check", command.check), ("flake8", command.flake8)] * 2]
    assert [(name, end(run)) for name, run in runs] == [(name, known[name]) for name, _ in runs]
    assert end(command.check()) == known["check"]


def _garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(20_000))


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _broken_inside(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = random.Random(2).randbytes(len(data) - 4096)
    path.write_bytes(bytes(data))


def _other_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("create table kept (key text, other integer)")
    connection.close()


def _nonsense(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("""update kept set value = '[[["paths", 1, 2]], "x"]'""")
    connection.execute("update file set flags = 'x', digest = 3")
    connection.close()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _read_only(path: Path) -> None:
    path.chmod(0o444)
    path.parent.chmod(0o555)


DAMAGES = [_garbage, _truncated, _empty, _broken_inside, _other_database, _nonsense, _folder, _read_only]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_").replace("_", " "))
def test_a_damaged_cache_does_no_harm(command: Command, known: dict[str, str], damage: Callable[[Path], None]) -> None:
    end(command.check())
    [path] = command.project.cache.glob("*.sqlite3")
    damage(path)
    try:
        assert end(command.check()) == known["check"]
        if damage is not _folder:
            damage(path)
        assert end(command.flake8()) == known["flake8"]
    finally:
        command.project.cache.chmod(0o755)


def test_a_cache_with_broken_pages_is_made_anew(project: Checked) -> None:
    known = list(lines(project.warm()))
    [path] = project.cache.glob("*.sqlite3")
    _broken_inside(path)
    for _ in range(2):
        assert list(lines(project.warm())) == known
    connection = sqlite3.connect(path)
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert connection.execute("select count(*) from kept").fetchone()[0] > 0
    connection.close()


@pytest.mark.parametrize("size", [0, 4096, 60_000])
def test_a_full_disk_does_no_harm(command: Command, known: dict[str, str], size: int) -> None:
    assert end(command.check(limit=size)) == known["check"]
    assert end(command.check()) == known["check"]


def test_nothing_is_written_into_the_project(command: Command) -> None:
    def seen() -> Iterator[tuple[str, int]]:
        for path in sorted(command.project.root.rglob("*")):
            yield str(path), path.stat().st_mtime_ns

    before = list(seen())
    end(command.check())
    end(command.flake8())
    assert list(seen()) == before
