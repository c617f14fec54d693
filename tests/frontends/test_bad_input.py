"""Files that nobody would write on purpose, through all doors: each is told by its name, and the others are done."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest
from command import ASSERTS, CLEAN, Shop, bound_by_modes

TASK = "from celery import shared_task\n\n\n@shared_task(retry_limit=3)\ndef work(number):\n    return number\n"
OPERANDS = " + ".join(f"a{index}" for index in range(20_000))
NESTED = "".join(f"{' ' * depth}def inner{depth}():\n" for depth in range(90)) + " " * 90 + "return work.delay(1)\n"

# What a file holds besides its task: whether it can be checked depends on the version of Python, not whether we end.
DEEP = {
    "parentheses": f"x = {'(' * 10_000}{')' * 10_000}\n",
    "lists": f"x = {'[' * 1000}{']' * 1000}\nwork.delay(x)\n",
    "lists that Python takes": f"x = {'[' * 180}{']' * 180}\nwork.delay(x)\n",
    "operands": f"x = {OPERANDS}\nwork.delay({OPERANDS})\n",
    "some operands": f"def send():\n    x = {OPERANDS[:9000]}0\n    work.delay(x)\n",
    "functions": NESTED,
    "attributes": f"x = a{'.b' * 900}\nwork.delay(a{'.b' * 900})\n",
    "calls": f"x = a{'.b()' * 300}.delay()\n",
    "items": f"work.delay(a{'[0]' * 900})\n",
    "signs": f"work.delay({'-' * 900}1)\n",
    "branches": "if a == 0:\n    pass\n"
    + "".join(f"elif a == {each}:\n    work.delay({each})\n" for each in range(300)),
    "signatures": f"def send():\n    x = {' | '.join(['work.s(1)'] * 900)}\n    x.delay()\n",
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_one_message_and_the_others_are_checked(shop: Shop, name: str) -> None:
    shop.write("deep.py", TASK + DEEP[name])
    shop.write("good.py", TASK)
    shop.write("uses.py", f"{TASK}\n\ndef send():\n    from deep import x, work as other\n\n    other.delay(x)\n")
    whole = shop.json("--select=ALL", "--ignore=TSK990,TSK501")
    found = {each["path"] for each in whole["findings"] if each["code"] == "TSK101"}
    assert found >= {"good.py", "uses.py"}
    assert {each["path"] for each in whole["findings"] if each["code"] == "TSK000"} <= {"deep.py"}
    assert [each["path"] for each in whole["errors"]] == [] if "deep.py" in found else ["deep.py"]
    assert all("nested" in each["message"] or "syntax" in each["message"] for each in whole["errors"])


@pytest.mark.parametrize("name", ["parentheses", "operands", "some operands", "functions", "attributes"])
def test_deep_nesting_is_never_half_fixed(shop: Shop, name: str) -> None:
    deep = shop.write("deep.py", TASK + DEEP[name])
    good = shop.write("good.py", TASK)
    run = shop.run("fix", "--unsafe-fixes", "--select=TSK101")
    assert run.returncode == 0
    assert good.read_text() == TASK.replace("retry_limit", "max_retries")
    assert deep.read_text() in (TASK + DEEP[name], good.read_text() + DEEP[name])
    assert "deep.py:" in run.stdout


def test_a_file_of_fifty_thousand_lines_is_checked(shop: Shop) -> None:
    body = "".join(
        f"@shared_task(time_limit=30)\ndef work{each}(number):\n    assert number\n    work{each}.delay(number)\n\n"
        for each in range(10_000)
    )
    shop.write("long.py", "from celery import shared_task\n\n" + body)
    shop.write("good.py", ASSERTS)
    whole = shop.json("--select=TSK990")
    assert whole["errors"] == []
    assert [each["line"] for each in whole["findings"] if each["path"] == "long.py"] == [*range(5, 50_003, 5)]
    assert [each["path"] for each in whole["findings"]].count("good.py") == 1


def test_files_that_come_and_go_during_the_run(shop: Shop) -> None:
    """Each is found, not found, or told to be gone; what stays is checked."""
    for index in range(60):
        shop.write(f"stays{index:02}.py", ASSERTS)
    gone = [shop.write(f"goes{index:02}.py", ASSERTS) for index in range(60)]
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            for path in gone:
                path.unlink(missing_ok=True)
            for path in gone:
                path.write_text(ASSERTS)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for arguments in ([], ["--no-cache"], ["-j1"]):
            whole = shop.json("--select=TSK990", *arguments)
            paths = [each["path"] for each in whole["findings"]]
            assert [path for path in paths if path.startswith("stays")] == [
                f"stays{index:02}.py" for index in range(60)
            ]
            messages = {each["message"] for each in whole["errors"]}
            assert messages <= {"cannot be read: No such file or directory"}
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("with_git", [True, False])
@pytest.mark.parametrize(("mode", "told"), [(0o000, "closed"), (0o444, "closed/tasks.py")])
def test_a_folder_that_may_not_be_looked_into_is_told(shop: Shop, with_git: bool, mode: int, told: str) -> None:
    """It is an error by its name, whether it is searched or named; what `exclude` and git ignore is left alone."""
    if with_git:
        subprocess.run(["git", "init", "-q"], cwd=shop.root, check=True)
    shop.write("good.py", ASSERTS)
    shop.write(".gitignore", "ignored/\n")
    for folder in ("closed", "ignored"):
        shop.write(f"{folder}/tasks.py", ASSERTS).parent.chmod(mode)
    expected = [{"path": told, "line": 1, "message": "cannot be read: Permission denied"}]
    inside = {**expected[0], "path": "closed/tasks.py"}
    try:
        bound = bound_by_modes(shop)
        whole = bound.json("--select=TSK990")
        assert [each["path"] for each in whole["findings"]] == ["good.py"]
        assert whole["errors"] == expected
        assert bound.json("closed")["errors"] == expected
        assert bound.json("closed/tasks.py")["errors"] == [inside]
        shop.write("pyproject.toml", '[tool.flake8-tasks]\nexclude = ["closed/"]\n')
        assert bound.json()["errors"] == []
    finally:
        for folder in ("closed", "ignored"):
            (shop.root / folder).chmod(0o755)


def test_links_in_a_loop(shop: Shop) -> None:
    shop.write("good.py", ASSERTS)
    (shop.root / "loop").symlink_to(shop.root)
    (shop.root / "one.py").symlink_to("two.py")
    (shop.root / "two.py").symlink_to("one.py")
    assert shop.findings() == [("good.py", 6, "TSK990")]
    whole = shop.json("good.py", "one.py")
    assert [(each["path"], each["message"]) for each in whole["errors"]] == [
        ("one.py", "cannot be read: Too many levels of symbolic links")
    ]
    assert len(whole["findings"]) == 1


@pytest.mark.parametrize("name", ["pipe.py", "folder.py"])
def test_what_is_no_file_is_left_alone(shop: Shop, name: str) -> None:
    shop.write("good.py", ASSERTS)
    path = shop.root / name
    os.mkfifo(path) if name == "pipe.py" else path.mkdir()
    assert shop.findings() == [("good.py", 6, "TSK990")]


def test_a_pipe_that_is_named_is_read_once(shop: Shop) -> None:
    """As `<(git show HEAD:tasks.py)` in a shell, which cannot be read a second time."""
    os.mkfifo(shop.root / "pipe.py")
    thread = threading.Thread(target=(shop.root / "pipe.py").write_text, args=(ASSERTS,))
    thread.start()
    assert shop.findings("pipe.py", "--select=TSK990") == [("pipe.py", 6, "TSK990")]
    thread.join()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[tool.flake8-tasks\n", "pyproject.toml"),
        (b"[tool.flake8-tasks]\nselekt = ['TSK1']\n", "selekt"),
        (b"[tool.flake8-tasks]\nselect = 3\n", "select"),
        (b"[tool.flake8-tasks]\nselect = ['\xff']\n", "pyproject.toml"),
        (b"\xef\xbb\xbf[tool.flake8-tasks]\nselect = ['\0']\n", "pyproject.toml"),
        (b"[tool]\nflake8-tasks = 1\n", "flake8-tasks"),
    ],
)
@pytest.mark.parametrize("command", ["check", "fix"])
def test_a_wrong_configuration_is_told_by_file_and_key(shop: Shop, command: str, text: bytes, words: str) -> None:
    shop.write("pyproject.toml", text)
    task = shop.write("tasks.py", TASK)
    run = shop.run(command)
    assert run.returncode == 2
    assert run.stdout == ""
    assert words in run.stderr
    assert "pyproject.toml" in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert task.read_text() == TASK


def test_files_that_are_broken_stay_as_they_are_when_others_are_fixed(shop: Shop) -> None:
    broken: dict[str, bytes] = {
        "syntax.py": (TASK + "x = (\n").encode(),
        "nul.py": (TASK + "x = '\0'\n").encode(),
        "latin.py": (TASK + "# Grüße\n").encode("latin-1"),
        "unknown.py": ("# coding: klingon\n" + TASK).encode(),
    }
    for name, data in broken.items():
        shop.write(name, data)
    kept: dict[str, bytes] = {
        "mark.py": b"\xef\xbb\xbf" + TASK.encode(),
        "dos.py": TASK.replace("\n", "\r\n").encode(),
        "cookie.py": ("# coding: latin-1\n# Grüße\n" + TASK).encode("latin-1"),
        "feed.py": TASK.replace("\n\n\n", "\n\f\n\n").replace("    ", "\t").encode(),
        "end.py": TASK.rstrip("\n").encode(),
    }
    for name, data in kept.items():
        shop.write(name, data)
    run = shop.run("fix", "--unsafe-fixes", "--select=TSK101")
    assert run.returncode == 0
    for name, data in broken.items():
        assert (shop.root / name).read_bytes() == data
        assert f"{name}:" in run.stdout
    for name, data in kept.items():
        assert (shop.root / name).read_bytes() == data.replace(b"retry_limit", b"max_retries")
    assert {path.name for path in shop.root.iterdir()} == {*broken, *kept, "setup.py"}


def test_a_file_that_cannot_be_written_is_told_and_the_others_are_fixed(shop: Shop) -> None:
    """A folder that nobody may write to; root may, and then there is nothing to tell."""
    shop.write("good.py", TASK)
    closed = shop.write("closed/tasks.py", TASK)
    closed.chmod(0o444)
    closed.parent.chmod(0o555)
    try:
        run = shop.run("fix", "--unsafe-fixes", "--select=TSK101")
    finally:
        closed.parent.chmod(0o755)
    assert "max_retries" in (shop.root / "good.py").read_text()
    assert run.returncode == (0 if "max_retries" in closed.read_text() else 2)
    assert f"closed{os.sep}tasks.py:" in run.stdout.replace("/", os.sep)
    assert [path.name for path in closed.parent.iterdir()] == ["tasks.py"]


def test_an_encoding_that_is_none_of_text_is_told_and_who_imports_the_file_is_checked(shop: Shop) -> None:
    shop.write("odd.py", "# coding: hex\n" + TASK)
    shop.write("uses.py", "from odd import work\n\nwork.delay(1)\n" + TASK)
    whole = shop.json("--select=TSK101")
    assert [(each["path"], each["line"], each["message"].partition(";")[0]) for each in whole["errors"]] == [
        ("odd.py", 1, "'hex' is not a text encoding")
    ]
    assert [(each["path"], each["line"]) for each in whole["findings"]] == [("uses.py", 7)]


def test_an_empty_file_and_one_of_nothing_but_a_mark(shop: Shop, tmp_path: Path) -> None:
    for name, data in {
        "empty.py": b"",
        "mark.py": b"\xef\xbb\xbf",
        "feed.py": b"\f",
        "clean.py": CLEAN.encode(),
    }.items():
        shop.write(name, data)
    assert shop.json("empty.py", "mark.py", "feed.py", "clean.py") == shop.json()
