"""The command line around its commands: help, errors, how a command ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest
from command import ASSERTS, CLEAN, Shop
from unmeasured import unmeasured

from flake8_tasks import __version__


class TestWithoutCommand:
    def test_the_bare_command_helps_and_fails(self, shop: Shop) -> None:
        run = shop.run()
        assert run.returncode == 2
        assert "usage: flake8-tasks" in run.stderr
        assert run.stdout == ""

    def test_help_is_no_error(self, shop: Shop) -> None:
        run = shop.run("--help")
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout.startswith("usage: flake8-tasks")

    def test_version_imports_nothing_but_the_door(self, shop: Shop) -> None:
        environment = {**shop.environment, "PYTHONPATH": shop.environment["PYTHONPATH"].split(os.pathsep)[1]}
        run = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "flake8_tasks", "--version"],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        assert run.stdout == f"flake8-tasks {__version__}\n"
        ours = re.findall(r"\| +(flake8_tasks\S*|libcst|astroid|flake8|pathspec)\n", run.stderr)
        assert sorted(ours) == ["flake8_tasks", "flake8_tasks.frontends", "flake8_tasks.frontends.cli"]

    @pytest.mark.parametrize(
        "arguments", [["frob"], ["check", "--frob"], ["check", "--output-format", "xml"], ["explain"]]
    )
    def test_wrong_usage_is_2(self, shop: Shop, arguments: list[str]) -> None:
        run = shop.run(*arguments)
        assert run.returncode == 2
        assert "flake8-tasks" in run.stderr
        assert run.stdout == ""

    @pytest.mark.parametrize("jobs", ["0", "-1", "many"])
    def test_a_number_of_processes_is_checked(self, shop: Shop, jobs: str) -> None:
        run = shop.run("check", f"--jobs={jobs}")
        assert run.returncode == 2
        assert jobs in run.stderr


class TestErrors:
    @pytest.mark.parametrize("command", ["check", "fix"])
    def test_a_path_that_does_not_exist_is_named(self, shop: Shop, command: str) -> None:
        run = shop.run(command, "nowhere")
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr == "flake8-tasks: error: no such file or folder: nowhere\n"

    @pytest.mark.parametrize("command", ["check", "fix"])
    def test_an_unknown_selector_comes_with_a_near_miss(self, shop: Shop, command: str) -> None:
        run = shop.run(command, "--select", "task-assert")
        assert (run.returncode, run.stdout) == (2, "")
        assert "task-assert" in run.stderr
        assert "did you mean 'task-asserts'?" in run.stderr

    def test_wrong_configuration_names_the_file_and_the_key(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        file = shop.write("pyproject.toml", "[tool.flake8-tasks]\nselekt = []\n")
        run = shop.run("check")
        assert (run.returncode, run.stdout) == (2, "")
        assert str(file) in run.stderr
        assert "selekt" in run.stderr
        assert "did you mean 'select'?" in run.stderr

    @pytest.mark.parametrize("arguments", [["-", "tasks.py"], ["tasks.py", "--stdin-filename", "x.py"]])
    def test_standard_input_goes_alone(self, shop: Shop, arguments: list[str]) -> None:
        shop.write("tasks.py", ASSERTS)
        run = shop.run("check", *arguments)
        assert run.returncode == 2
        assert "stdin" in run.stderr or "standard input" in run.stderr

    def test_an_output_file_that_cannot_be_written_is_named(self, shop: Shop) -> None:
        run = shop.run("check", "--output-file", "no/such/folder.json")
        assert run.returncode == 2
        assert run.stderr == "flake8-tasks: error: no/such/folder.json: No such file or directory\n"

    def test_a_full_disk_is_an_error(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        with open("/dev/full", "wb") as full:
            run = subprocess.run(
                shop.command("check"), stdout=full, stderr=subprocess.PIPE, cwd=shop.root, env=shop.environment
            )
        assert run.returncode == 2
        assert b"No space left on device" in run.stderr
        assert b"Traceback" not in run.stderr

    def test_a_full_disk_below_the_output_file_is_told_with_its_name(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        run = shop.run("check", "--output-file", "/dev/full")
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr == "flake8-tasks: error: /dev/full: No space left on device\n"

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    @pytest.mark.parametrize("arguments", ["check nowhere", "check -", "fix", "fix --diff", "fix -", "rules"])
    def test_a_stream_that_is_closed_is_one_that_nobody_reads(self, shop: Shop, closed: str, arguments: str) -> None:
        """Whoever starts us may close them; what would go to one of them goes to no other."""
        shop.write("tasks.py", CLEAN)
        asked = shop.run(*arguments.split())
        run = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *shop.command(*arguments.split())],
            input="",
            capture_output=True,
            text=True,
            cwd=shop.root,
            env=unmeasured(shop.environment),
        )
        assert run.returncode == asked.returncode
        assert run.stdout == ("" if ">&-" in closed.split() else asked.stdout)
        assert run.stderr == ("" if "2>&-" in closed else asked.stderr)

    def test_a_reader_that_leaves_is_no_error(self, shop: Shop) -> None:
        for number in range(20):
            shop.write(f"tasks{number}.py", CLEAN + "    assert 1\n" * 200)
        with subprocess.Popen(
            shop.command("check"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=shop.root, env=shop.environment
        ) as run:
            assert run.stdout is not None
            assert run.stderr is not None
            run.stdout.readline()
            run.stdout.close()
            assert run.stderr.read() == b""
        assert run.returncode == 1


def children(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in listing.stdout.split()]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody asked for its status does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


class TestInterruption:
    @pytest.mark.parametrize(
        ("number", "status"),
        [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
    )
    def test_ends_at_once_and_leaves_no_process(self, shop: Shop, number: signal.Signals, status: int) -> None:
        for index in range(60):
            shop.write(f"tasks{index}.py", CLEAN + "\nX = [" + "work.delay(1), " * 4000 + "]\n")
        run = subprocess.Popen(
            shop.command("check", "--jobs", "2"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=shop.root,
            env=unmeasured(shop.environment),
        )
        until = time.monotonic() + 30
        while not (workers := children(run.pid)) and time.monotonic() < until:
            time.sleep(0.01)
        assert workers
        begun = time.monotonic()
        run.send_signal(number)
        out, err = run.communicate(timeout=30)
        assert time.monotonic() - begun < 5
        assert (run.returncode, out, err) == (status, b"", b"")
        assert not [worker for worker in workers if alive(worker)]


class TestTerminal:
    def output(self, shop: Shop, *arguments: str, **environment: str) -> str:
        """What the command writes when stdout and stderr are one terminal."""
        ours, theirs = pty.openpty()
        run = subprocess.Popen(
            shop.command(*arguments),
            stdout=theirs,
            stderr=theirs,
            cwd=shop.root,
            env={**shop.environment, "TERM": "xterm", **environment},
        )
        os.close(theirs)
        written = b""
        while True:
            try:
                written += (read := os.read(ours, 65536))
            except OSError:
                break
            if not read:
                break
        run.wait(timeout=60)
        os.close(ours)
        return written.decode()

    def test_text_is_in_colour(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        assert "\x1b[" in self.output(shop, "check")

    def test_no_color_is_honoured(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        assert "\x1b[" not in self.output(shop, "check", NO_COLOR="1")
        assert "\x1b[" not in self.output(shop, "check", "--color", "never")

    def test_a_short_run_shows_no_progress(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        assert "Checked" not in self.output(shop, "check")


def test_the_rules_as_json(shop: Shop) -> None:
    run = shop.run("rules", "--output-format", "json")
    assert run.returncode == 0
    rules = {rule["code"]: rule for rule in json.loads(run.stdout)["rules"]}
    assert rules["TSK991"] == {
        "code": "TSK991",
        "name": "task-deletes",
        "family": "made-up",
        "summary": "A task deletes.",
        "default": False,
        "fix": None,
        "url": "https://flake8-tasks.readthedocs.io/en/stable/rules/made-up/task-deletes/",
        "since": "0.1.0",
    }
    assert list(rules) == sorted(rules)


def test_the_rules_as_text(shop: Shop) -> None:
    run = shop.run("rules")
    assert run.returncode == 0
    assert re.search(r"^TSK990 +task-asserts +A task asserts\.$", run.stdout, re.MULTILINE)
    assert re.search(r"^TSK991 +task-deletes +A task deletes\. \[opt-in\]$", run.stdout, re.MULTILINE)


@pytest.mark.parametrize("word", ["TSK990", "tsk990", "task-asserts", "task_asserts"])
def test_explain_takes_codes_and_names(shop: Shop, word: str) -> None:
    run = shop.run("explain", word)
    assert run.returncode == 0
    assert "TSK990 task-asserts" in run.stdout.splitlines()[0]
    assert "Made for tests." in run.stdout


def test_explain_links_to_where_the_documentation_is(shop: Shop) -> None:
    text = shop.run("explain", "TSK301").stdout
    site = "https://flake8-tasks.readthedocs.io/en/stable"
    assert f"[Waiting]({site}/rules/#waiting-tsk3xx)" in text
    assert f"see [configuration]({site}/configuration/)." in text
    assert "](.." not in text


def test_explain_of_the_beginning_of_a_code_names_the_rules_it_begins(shop: Shop) -> None:
    run = shop.run("explain", "tsk99")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "flake8-tasks: error: 'tsk99' is only the beginning of a code: TSK990, TSK991, TSK992\n"


def test_explain_suggests_what_was_meant(shop: Shop) -> None:
    run = shop.run("explain", "task-assert")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "flake8-tasks: error: no rule is called 'task-assert', did you mean 'task-asserts'?\n"
