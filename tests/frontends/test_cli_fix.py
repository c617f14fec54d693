"""`flake8-tasks fix`: what it writes, what it says, how it ends."""

from __future__ import annotations

import subprocess

import pytest
from command import BROKEN, CLEAN, Shop

RETRIES = """\
from celery import shared_task


@shared_task(bind=True, time_limit=30)
def refresh(self):
    try:
        return 1
    except OSError as error:
        raise self.retry(exc=error)
"""
SAFE = RETRIES.replace("time_limit=30", "time_limit=30, max_retries=3")
NO_LIMIT = CLEAN.replace("(time_limit=30)", "")
LIMIT = CLEAN.replace("(time_limit=30)", "(soft_time_limit=270, time_limit=300)")


def test_safe_fixes_are_written_and_said(shop: Shop) -> None:
    file = shop.write("tasks.py", RETRIES)
    run = shop.run("fix")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[0].startswith("tasks.py:4:2: TSK401 fixed: ")
    assert run.stdout.splitlines()[-1] == "Fixed 1 problem in 1 file."
    assert file.read_text() == SAFE


def test_a_second_run_has_nothing_to_do(shop: Shop) -> None:
    file = shop.write("tasks.py", SAFE)
    before = file.stat()
    run = shop.run("fix", "--exit-non-zero-on-fix")
    assert (run.returncode, run.stdout, run.stderr) == (0, "Nothing to fix.\n", "")
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_a_fix_that_is_refused_is_something_to_fix(shop: Shop) -> None:
    """libcst does not give a file with lone carriage returns back as it is."""
    text = RETRIES.replace("\n", "\r")
    file = shop.write("tasks.py", text)
    for arguments, words in (([], "Nothing was fixed."), (["--diff"], "Nothing would be fixed.")):
        run = shop.run("fix", *arguments)
        assert run.returncode == 0
        lines = (run.stdout + run.stderr).splitlines()
        assert lines[0].endswith("tasks.py: the fixer cannot keep its lines as they are: they end in carriage returns")
        assert lines[1:] == [words, "1 problem could not be fixed."]
    assert file.read_bytes() == text.encode()


def test_an_empty_folder_is_no_error(shop: Shop) -> None:
    (shop.root / "setup.py").unlink()
    assert shop.run("fix").returncode == 0


def test_unsafe_fixes_are_asked_for(shop: Shop) -> None:
    file = shop.write("tasks.py", NO_LIMIT)
    run = shop.run("fix")
    assert (run.returncode, file.read_text()) == (0, NO_LIMIT)
    assert run.stdout == "Nothing to fix.\n1 more problem could be fixed with `--unsafe-fixes`.\n"
    run = shop.run("fix", "--unsafe-fixes")
    assert (run.returncode, file.read_text()) == (0, LIMIT)


@pytest.mark.parametrize(
    ("settings", "soft", "hard"),
    [
        ("time-limit = 120", 108, 120),
        ("soft-time-limit = 115\ntime-limit = 120", 115, 120),
        ("soft-time-limit = 60", 60, 300),
        ("soft-time-limit = 300", 270, 300),
    ],
)
def test_a_soft_limit_is_written_that_comes_before_the_hard_one(
    shop: Shop, settings: str, soft: int, hard: int
) -> None:
    """Else it would never come: where it would not, it is nine tenths of the hard one."""
    file = shop.write("tasks.py", NO_LIMIT)
    shop.write("pyproject.toml", f"[tool.flake8-tasks]\n{settings}\n")
    assert shop.run("fix", "--unsafe-fixes").returncode == 0
    assert file.read_text() == LIMIT.replace("270", str(soft)).replace("=300", f"={hard}")


def test_only_selected_rules_are_fixed(shop: Shop) -> None:
    file = shop.write("tasks.py", RETRIES.replace(", time_limit=30", ""))
    assert shop.run("fix", "--select", "TSK401", "--unsafe-fixes").returncode == 0
    assert file.read_text() == SAFE.replace(", time_limit=30", "")
    assert shop.run("fix", "--ignore", "missing-time-limit", "--unsafe-fixes").returncode == 0
    assert file.read_text() == SAFE.replace(", time_limit=30", "")


def test_what_was_changed_can_be_the_exit_status(shop: Shop) -> None:
    file = shop.write("tasks.py", RETRIES)
    assert shop.run("fix", "--exit-non-zero-on-fix").returncode == 1
    assert file.read_text() == SAFE


def test_a_diff_writes_nothing(shop: Shop) -> None:
    file = shop.write("tasks.py", RETRIES)
    run = shop.run("fix", "--diff")
    assert run.returncode == 1
    assert file.read_text() == RETRIES
    assert run.stdout.splitlines()[:2] == ["--- a/tasks.py", "+++ b/tasks.py"]
    changed = [line for line in run.stdout.splitlines()[2:] if line[0] in "+-"]
    assert changed == [
        "-@shared_task(bind=True, time_limit=30)",
        "+@shared_task(bind=True, time_limit=30, max_retries=3)",
    ]
    assert run.stderr.splitlines()[-1] == "Would fix 1 problem in 1 file."


@pytest.mark.parametrize("program", [["git", "apply"], ["patch", "-p1"]])
def test_a_diff_with_files_above_the_working_directory_can_be_applied(shop: Shop, program: list[str]) -> None:
    """Neither program takes a path with `..` in it: the paths begin where all the files are."""
    files = [shop.write(name, RETRIES) for name in ("tasks.py", "inner/tasks.py")]
    run = shop.run("fix", "--diff", "..", cwd=shop.root / "inner")
    assert [line for line in run.stdout.splitlines() if line.startswith("+++")] == [
        "+++ b/inner/tasks.py",
        "+++ b/tasks.py",
    ]
    assert run.stderr.splitlines()[0] == f"The paths of the diff are relative to {shop.root}."
    subprocess.run(program, cwd=shop.root, input=run.stdout, check=True, text=True, stdout=subprocess.DEVNULL)
    assert [file.read_text() for file in files] == [SAFE, SAFE]


def test_a_diff_of_nothing_is_clean(shop: Shop) -> None:
    shop.write("tasks.py", SAFE)
    run = shop.run("fix", "--diff")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "Nothing to fix.\n")


def test_standard_input_goes_to_standard_output(shop: Shop) -> None:
    file = shop.write("tasks.py", CLEAN)
    run = shop.run("fix", "-", "--stdin-filename", "tasks.py", stdin=RETRIES)
    assert (run.returncode, run.stdout) == (0, SAFE)
    assert run.stderr.splitlines()[-1] == "Fixed 1 problem in 1 file."
    assert file.read_text() == CLEAN


@pytest.mark.parametrize("text", [SAFE, BROKEN, ""])
def test_standard_input_that_is_not_fixed_comes_back_as_it_was(shop: Shop, text: str) -> None:
    run = shop.run("fix", "-", stdin=text)
    assert (run.returncode, run.stdout) == (0, text)


def test_standard_input_keeps_its_line_ends_and_encoding(shop: Shop) -> None:
    text = ("# coding: latin-1\n# Grüße\n" + RETRIES).replace("\n", "\r\n")
    run = shop.run("fix", "-", stdin=text.encode("latin-1"))
    assert run.returncode == 0
    wanted = text.replace("time_limit=30", "time_limit=30, max_retries=3")
    assert run.stdout.encode("utf-8", "surrogateescape") == wanted.encode("latin-1")


def test_a_broken_file_is_said_and_the_others_are_fixed(shop: Shop) -> None:
    broken = shop.write("broken.py", BROKEN)
    file = shop.write("tasks.py", RETRIES)
    run = shop.run("fix")
    assert run.returncode == 0
    assert "broken.py:5: error: syntax error: invalid syntax" in run.stdout
    assert (broken.read_text(), file.read_text()) == (BROKEN, SAFE)


def test_files_that_are_not_named_are_not_changed(shop: Shop) -> None:
    mine, other = shop.write("mine.py", RETRIES), shop.write("other.py", RETRIES)
    assert shop.run("fix", "mine.py").returncode == 0
    assert (mine.read_text(), other.read_text()) == (SAFE, RETRIES)


def test_noqa_keeps_a_finding_as_it_is(shop: Shop) -> None:
    text = RETRIES.replace("time_limit=30)", "time_limit=30)  # noqa: TSK401")
    file = shop.write("tasks.py", text)
    assert shop.run("fix").returncode == 0
    assert file.read_text() == text
