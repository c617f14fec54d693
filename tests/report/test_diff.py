"""Diffs, carried out by the programs that they are written for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_tasks.report.diff import encoded, render

PAIRS = [
    pytest.param(b"a = 1\nb = 2\n", b"a = 1\nb = 3\n", id="a line"),
    pytest.param(b"a = 1\nb = 2", b"a = 1\nb = 3", id="no line end at the end of either"),
    pytest.param(b"a = 1", b"a = 1\n", id="a line end added"),
    pytest.param(b"a = 1\n", b"a = 1", id="a line end taken away"),
    pytest.param(b"a = 1\r\nb = 2\r\nc = 3\r\n", b"a = 1\r\nb = 3\r\nc = 3\r\n", id="CRLF"),
    pytest.param(b"a = 1\rb = 2\r", b"a = 1\rb = 3\r", id="CR"),
    pytest.param(b"a = 1\r\nb = 2\nc = 3\r\n", b"a = 1\r\nb = 2\nc = 4\r\n", id="mixed line ends"),
    pytest.param("a = 'é'\n".encode("latin-1"), "a = 'è'\n".encode("latin-1"), id="latin-1"),
    pytest.param("a = 'é'\nb = 1\n".encode("latin-1"), "a = 'é'\nb = 2\n".encode("latin-1"), id="latin-1 around"),
    pytest.param("\ufeffa = '日本'\n".encode(), "\ufeffa = '日本語'\n".encode(), id="UTF-8 with a byte order mark"),
    pytest.param(b"a = 1\n\x0c\nb = '\x1c\x85'\n", b"a = 2\n\x0c\nb = '\x1c\x85'\n", id="form feed and separators"),
    pytest.param(b"-- a\n++ b\n", b"-- b\n++ c\n", id="lines that look like headers"),
    pytest.param(
        b"".join(b"%d\n" % n for n in range(60)), b"".join(b"%d\n" % (n // 20) for n in range(60)), id="hunks"
    ),
]
NAMES = ["views.py", "with space.py", "shop/deep/er.py", 'quo"te.py', "tab\there.py", "日本.py", "back\\slash.py"]


def apply(folder: Path, command: list[str], diff: str) -> None:
    run = subprocess.run(command, cwd=folder, input=encoded(diff), capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()


@pytest.mark.parametrize("command", [["git", "apply", "-"], ["patch", "-p1", "--binary", "--fuzz=0"]])
@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_new_file_comes_out_byte_by_byte(tmp_path: Path, command: list[str], old: bytes, new: bytes) -> None:
    path = tmp_path / "views.py"
    path.write_bytes(old)
    apply(tmp_path, command, render(str(path), old, new, root=str(tmp_path)))
    assert path.read_bytes() == new


@pytest.mark.parametrize("name", NAMES)
def test_git_finds_the_file_by_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a = 1\n")
    apply(tmp_path, ["git", "apply", "-"], render(str(path), b"a = 1\n", b"a = 2\n", root=str(tmp_path)))
    assert path.read_bytes() == b"a = 2\n"


@settings(max_examples=25, deadline=None)
@given(*[st.lists(st.sampled_from([b"a", b"b\n", b"c\r\n", b"\xe9\n", b"\r", b"- x\n", b"\\ y\n"])).map(b"".join)] * 2)
def test_git_makes_the_new_bytes_of_any_old_ones(
    tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes
) -> None:
    folder = tmp_path_factory.mktemp("diff")
    path = folder / "x.py"
    path.write_bytes(old)
    diff = render(str(path), old, new, root=str(folder))
    assert bool(diff) == (old != new)
    if diff and old and new:  # an empty side is a created or deleted file to git
        apply(folder, ["git", "apply", "-"], diff)
        assert path.read_bytes() == new


def test_several_files_make_one_patch(tmp_path: Path) -> None:
    diff = ""
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(b"a = 1")
        diff += render(str(tmp_path / name), b"a = 1", b"a = 2", root=str(tmp_path))
    apply(tmp_path, ["git", "apply", "-"], diff)
    assert [(tmp_path / name).read_bytes() for name in ("a.py", "b.py")] == [b"a = 2", b"a = 2"]


def test_equal_bytes_make_no_diff() -> None:
    assert render("/p/x.py", b"a\n", b"a\n", root="/p") == ""


def test_the_lines_are_as_git_writes_them() -> None:
    assert render("/p/shop/x.py", b"a\nb\n", b"a\nc", root="/p") == (
        "--- a/shop/x.py\n+++ b/shop/x.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n"
    )


def test_colour_is_around_the_lines_and_changes_nothing_else() -> None:
    colored = render("/p/x.py", b"a\n-- b\n", b"a\n++ c", root="/p", color=True)
    assert colored == (
        "\x1b[1m--- a/x.py\x1b[0m\n\x1b[1m+++ b/x.py\x1b[0m\n\x1b[36m@@ -1,2 +1,2 @@\x1b[0m\n"
        " a\n\x1b[31m--- b\x1b[0m\n\x1b[32m+++ c\x1b[0m\n\\ No newline at end of file\n"
    )
