"""`baseline`: findings that a project lives with for now are not reported, new ones are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import ASSERTS, BROKEN, CLEAN, CRASHES, DELETES, Shop

FILE = "known-tasks.json"
PYPROJECT = f'[tool.flake8-tasks]\nbaseline = "{FILE}"\n'
TWICE = ASSERTS.replace("assert 1", "assert 1; assert 2")


@pytest.fixture
def old(shop: Shop) -> Shop:
    """A project with one known finding in `tasks.py`."""
    shop.write("pyproject.toml", PYPROJECT)
    shop.write("tasks.py", ASSERTS)
    written = shop.run("check", "--write-baseline")
    assert (written.returncode, written.stdout) == (0, f"Wrote 1 finding of 1 file to {FILE}.\n"), written.stderr
    return shop


def test_what_is_known_is_not_reported(old: Shop) -> None:
    run = old.run("check")
    assert (run.returncode, run.stdout) == (0, "No problems found in 2 files.\n")
    assert run.stderr == f"1 known problem is not reported: {FILE} has it.\n"


def test_the_file_says_what_is_known_and_can_be_read(old: Shop) -> None:
    assert json.loads((old.root / FILE).read_text()) == {
        "version": 1,
        "findings": {"tasks.py": {"TSK990": ["this asserts"]}},
    }


def test_a_known_finding_may_move(old: Shop) -> None:
    old.write("tasks.py", "import os\n\n" + ASSERTS)
    assert old.findings() == []


def test_what_is_new_is_reported(old: Shop) -> None:
    old.write("tasks.py", TWICE)
    old.write("more/tasks.py", ASSERTS)
    assert old.findings() == [("more/tasks.py", 6, "TSK990"), ("tasks.py", 6, "TSK990")]
    assert old.json()["findings"][1]["column"] == 15


def test_a_finding_that_a_comment_silences_takes_no_place_of_a_known_one(old: Shop) -> None:
    old.write("tasks.py", ASSERTS.replace("assert 1", "assert 0  # noqa: TSK990\n    assert 1"))
    assert old.findings() == []


def test_it_holds_from_any_folder_and_for_standard_input(old: Shop) -> None:
    inside = old.write("more/other.py", CLEAN).parent
    assert old.findings("..", cwd=inside) == []
    assert old.findings("-", "--stdin-filename", "../tasks.py", cwd=inside, stdin=ASSERTS) == []


def test_what_is_gone_is_told_until_the_file_is_written_anew(old: Shop) -> None:
    old.write("tasks.py", CLEAN)
    gone = f"1 problem that {FILE} has is gone: `flake8-tasks check --write-baseline` writes it anew.\n"
    assert old.run("check").stderr == gone
    (old.root / "tasks.py").unlink()
    assert old.run("check").stderr == gone
    assert old.run("check", "--write-baseline").stdout == f"Wrote 0 findings of 0 files to {FILE}.\n"
    assert old.run("check").stderr == ""


def test_what_a_run_does_not_look_at_stays_known(old: Shop) -> None:
    old.write("more/tasks.py", DELETES)
    both = ("--extend-select", "TSK991")
    old.run("check", "more", *both, "--write-baseline")
    assert old.findings(*both) == []
    old.run("check", "--select", "TSK991", "--write-baseline")
    assert old.findings(*both) == []
    assert old.run("check", "more").stderr == ""
    assert old.run("check", "--select", "TSK301").stderr == ""


def test_a_file_that_cannot_be_checked_and_a_crash_are_never_known(old: Shop) -> None:
    old.write("broken.py", BROKEN)
    old.write("crashes.py", CRASHES)
    old.run("check", "--write-baseline")
    run = old.json()
    assert [each["path"] for each in run["errors"]] == ["broken.py"]
    assert [each["code"] for each in run["findings"]] == ["TSK000"]
    old.write("tasks.py", BROKEN)
    old.run("check", "--write-baseline")
    old.write("tasks.py", ASSERTS)
    assert ("tasks.py", 6, "TSK990") not in old.findings()


def test_each_project_of_a_run_has_its_own(old: Shop) -> None:
    old.write("inner/pyproject.toml", PYPROJECT)
    old.write("inner/tasks.py", ASSERTS)
    assert old.run("check", "--write-baseline").stdout == (
        f"Wrote 1 finding of 1 file to {FILE}.\nWrote 1 finding of 1 file to inner/{FILE}.\n"
    )
    assert old.findings() == []


def test_fixes_are_made_of_known_findings_too(old: Shop) -> None:
    old.write("tasks.py", CLEAN.replace("time_limit=30", "retry_limit=3, time_limit=30"))
    selected = ("--select", "TSK101", "--extend-select", "TSK990")
    old.run("check", *selected, "--write-baseline")
    assert old.findings(*selected) == []
    assert "max_retries=3" in old.run("fix", "--diff", "--unsafe-fixes", *selected).stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ('{"version": 2, "findings": {}}', "of another version"),
        ('{"version": 1, "findings": {"tasks.py": ["TSK990"]}}', "not a baseline"),
        ("[]", "not a baseline"),
    ],
)
def test_a_file_that_is_no_baseline_is_an_error(old: Shop, text: str, words: str) -> None:
    old.write(FILE, text)
    run = old.run("check")
    assert (run.returncode, run.stdout) == (2, "")
    assert str(old.root / FILE) in run.stderr
    assert words in run.stderr


def test_a_baseline_that_is_not_there_is_an_error_that_says_how_to_write_it(shop: Shop) -> None:
    shop.write("pyproject.toml", PYPROJECT)
    run = shop.run("check")
    assert run.returncode == 2
    assert run.stderr.startswith(f"flake8-tasks: error: {shop.root / FILE}: ")
    assert "`flake8-tasks check --write-baseline` writes it" in run.stderr


def test_where_none_is_set_none_is_written(shop: Shop) -> None:
    shop.write("tasks.py", ASSERTS)
    run = shop.run("check", "--write-baseline")
    assert run.returncode == 2
    assert 'set `baseline = "…"`' in run.stderr
    assert sorted(path.name for path in Path(shop.root).iterdir()) == ["setup.py", "tasks.py"]
