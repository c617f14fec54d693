"""The flake8 door, as users open it: the real flake8, in a process of its own, beside what our wheel installs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import pytest
from unmeasured import unmeasured

ROOT = Path(__file__).parents[2]

# Rules of the tests' own, so that nothing here hangs on what the real ones find.
RULE = '''\
"""{name}.

Made for tests.
"""

from flake8_tasks.model.facts import Dispatch
from flake8_tasks.rule import Problem, Rule

rule = Rule(__name__, __doc__, code="{code}", message="a task is sent", bad="", good="", default={default}, tests=True)


@rule.on(Dispatch)
def check(dispatch):
    {body}
    yield Problem(dispatch)
'''
RULES = {
    "always_on": ("TSK397", True, "pass"),
    "opt_in": ("TSK398", False, "pass"),
    "crashes": ("TSK399", True, "if not dispatch.keywords:\n        return\n    1 / 0"),
}
TASKS = """\
from celery import shared_task


@shared_task
def work(number=0):
    return print()


def send():
    work.delay()
"""
CRASH = TASKS.replace("delay()", "delay(number=1)")
ALWAYS, OPT_IN = "TSK397", "TSK398"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built from the work tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    [wheel] = folder.glob("flake8_tasks-*.whl")
    return wheel


def environment(folder: Path, wheel: Path) -> Path:
    """A virtual environment with our wheel, what it requires and coverage, and no other plugins; its site-packages."""
    venv.create(folder, with_pip=False)
    [site] = folder.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    [ours] = distributions(path=[str(site)])
    wanted = [*(ours.requires or ()), "coverage", "greenlet"]  # coverage is told to know greenlets
    seen = set()
    for requirement in wanted:  # grows
        name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        if name in seen or "extra ==" in requirement:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another Python
            continue
        wanted.extend(found.requires or ())
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            (site / top).symlink_to(Path(str(found.locate_file(top))))
    return site


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages that users have."""
    return environment(tmp_path_factory.mktemp("environment"), wheel)


@pytest.fixture(scope="session")
def with_rules(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the rules above, and none of the real ones."""
    site = environment(tmp_path_factory.mktemp("with-rules"), wheel)
    family = site / "flake8_tasks" / "rules" / "waiting"
    for file in family.parent.glob("*/*.py"):
        if file.name != "__init__.py":
            file.unlink()
    for name, (code, default, body) in RULES.items():
        text = RULE.format(name=name, code=code, default=default, body=body)
        (family / f"{name}.py").write_text(text, encoding="utf-8")
    return site


class Flake8:
    """flake8 in a project's folder.

    Arguments:
        site: the site-packages that the plugin is installed in.
        folder: the project's folder, with a pyproject.toml.
        measured: take part in the coverage of this test run.
    """

    def __init__(self, site: Path, folder: Path, measured: bool = False) -> None:
        self.folder = folder
        self.python = str(site.parents[2] / "bin" / "python")
        left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH") if measured else ("PYTHON", "COVERAGE_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        self.environment["FLAKE8_TASKS_CACHE_DIR"] = str(folder / ".cache")
        self.write("pyproject.toml", "")

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run(self, *arguments: str, stdin: str = "", start: str = "") -> subprocess.CompletedProcess[str]:
        """Run flake8; `start` is the way that multiprocessing starts workers."""
        program = ["-m", "flake8"]
        if start:
            program = [self.write("start.py", START), start]
        return subprocess.run(
            [self.python, *program, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    def findings(self, *arguments: str, stdin: str = "", start: str = "") -> list[str]:
        """`path:line:column: code` of what is reported, sorted; nothing may go to stderr."""
        done = self.run(*arguments, stdin=stdin, start=start)
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert done.returncode == (1 if lines else 0), done.stdout
        return sorted(re.sub(r"( [A-Z]+[0-9]+) .*", r"\1", line).removeprefix("./") for line in lines)

    def imported(self, *arguments: str) -> set[str]:
        """The modules that a run has imported in the end."""
        command = [self.python, self.write("show.py", SHOW), *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=unmeasured(self.environment),
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        return set(done.stderr.split())


SHOW = """\
import sys

from flake8.main.cli import main

try:
    code = main(sys.argv[1:])
except SystemExit:
    code = 0
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""
START = """\
import multiprocessing
import sys

from flake8.main.cli import main

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def flake8(with_rules: Path, tmp_path: Path) -> Flake8:
    return Flake8(with_rules, tmp_path)


@pytest.fixture
def real(installed: Path, tmp_path: Path) -> Flake8:
    """With the rules that users have."""
    return Flake8(installed, tmp_path, measured=True)


class TestInstalled:
    def test_flake8_names_the_plugin_and_its_version(self, real: Flake8) -> None:
        from flake8_tasks import __version__

        assert f"flake8-tasks: {__version__}" in real.run("--version").stdout

    def test_help_lists_every_option(self, real: Flake8) -> None:
        text = real.run("--help").stdout
        assert set(re.findall(r"--tsk-[a-z-]+", text)) == {
            "--tsk-baseline",
            "--tsk-src",
            "--tsk-celery-app",
            "--tsk-task-decorators",
            "--tsk-dispatchers",
            "--tsk-on-commit-helpers",
            "--tsk-include-tests",
            "--tsk-max-retries",
            "--tsk-soft-time-limit",
            "--tsk-time-limit",
            "--tsk-enable",
        }

    def test_starting_imports_nothing_but_the_door_and_its_options(self, real: Flake8) -> None:
        modules = real.imported("--version")
        assert {module for module in modules if module.startswith("flake8_tasks")} == {
            "flake8_tasks",
            "flake8_tasks.frontends",
            "flake8_tasks.frontends.flake8",
            "flake8_tasks.options",
        }
        assert not modules & {"libcst", "astroid", "celery", "pathspec", "sqlite3", "tomllib"}

    def test_files_without_task_code_load_no_rules(self, real: Flake8) -> None:
        real.write("shop.py", "import json\n\nprint(json)\n")
        modules = real.imported("shop.py")
        assert not modules & {"flake8_tasks.rules", "flake8_tasks.engine", "flake8_tasks.model", "libcst", "astroid"}

    def test_real_rules_report_at_the_column_in_characters(self, real: Flake8) -> None:
        """`é` is one character and two bytes; flake8 counts columns from 1."""
        real.write(
            "tasks.py", 'from celery import shared_task\n\n\n@shared_task(name="é", retry_limit=3)\ndef work(): ...\n'
        )
        assert real.findings("--select=TSK101") == ["tasks.py:4:24: TSK101"]


class TestRealRules:
    """With the rules that users have, all ways through the door."""

    UNKNOWN = "from celery import shared_task\n\n\n@shared_task(retry_limit=3)\ndef work():\n    return 1\n"

    def test_they_are_named_to_the_option_for_opt_in_rules_too(self, real: Flake8) -> None:
        real.write("tasks.py", self.UNKNOWN)
        for name in ("TSK101", "unknown-task-option"):
            assert real.findings("--select=E", f"--tsk-enable={name}", "tasks.py") == ["tasks.py:4:14: TSK101"]

    @pytest.mark.parametrize("option", ["--tsk-enable=TSK1", "--tsk-max-retries=many"])
    def test_a_wrong_option_ends_the_run(self, real: Flake8, option: str) -> None:
        assert real.run(option).stdout.startswith("There was a critical error during execution of Flake8:\n--tsk-")

    def test_a_wrong_configuration_ends_the_run(self, real: Flake8) -> None:
        real.write("tasks.py", self.UNKNOWN)
        real.write("pyproject.toml", "[tool.flake8-tasks]\nmax-retries = 'many'\n")
        assert real.run("tasks.py").stdout.splitlines()[1:] == [
            f"{real.folder / 'pyproject.toml'}: [tool.flake8-tasks] max-retries: "
            "expected a whole number of 0 or more, not 'many'"
        ]

    @pytest.mark.parametrize("first", ["", "# -*- coding: latin-1 -*-\n# é\n", "# -*- coding: nonsense -*-\n"])
    def test_standard_input_is_read_in_any_encoding(self, real: Flake8, first: str) -> None:
        line = 4 + first.count("\n")
        done = subprocess.run(
            [real.python, "-m", "flake8", "--select=TSK101", "-"],
            cwd=real.folder,
            env=real.environment,
            input=(first + self.UNKNOWN).encode("latin-1"),
            capture_output=True,
        )
        assert done.stdout.decode().startswith(f"stdin:{line}:14: TSK101 ")
        assert done.stderr == b""


class TestOptIn:
    """An opt-in rule needs its full code, or its name in an option of ours; a prefix of any length is not enough."""

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["--select=TSK"],
            ["--select=T"],
            ["--select=TSK3"],
            ["--select=TSK39"],
            ["--select=E,TSK", "--ignore=E501"],
            ["--ignore=E501"],
            ["--ignore="],
            ["--extend-ignore=E501"],
            ["--extend-select=TSK3"],
            ["--extend-select=TSK39"],
        ],
    )
    def test_off(self, flake8: Flake8, arguments: list[str]) -> None:
        flake8.write("tasks.py", TASKS)
        assert flake8.findings(*arguments, "tasks.py") == [f"tasks.py:10:5: {ALWAYS}"]

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--extend-select=TSK398"],
            ["--select=TSK,TSK398"],
            ["--select=TSK", "--extend-select=TSK398"],
            ["--extend-select=TSK398", "--ignore=E501"],
            ["--tsk-enable=TSK398"],
            ["--tsk-enable=opt-in"],
            ["--tsk-enable=ALL"],
            ["--tsk-enable=TSK398", "--ignore=E501"],
            ["--tsk-enable=TSK398", "--ignore=TSK3", "--extend-select=TSK397"],
            ["--tsk-enable=opt-in", "--select=E,TSK397"],
        ],
    )
    def test_on(self, flake8: Flake8, arguments: list[str]) -> None:
        flake8.write("tasks.py", TASKS)
        assert flake8.findings(*arguments, "tasks.py") == [f"tasks.py:10:5: {ALWAYS}", f"tasks.py:10:5: {OPT_IN}"]

    def test_what_flake8_ignores_by_its_code_stays_ignored(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS)
        assert flake8.findings("--tsk-enable=ALL", "--extend-ignore=TSK398", "tasks.py") == [f"tasks.py:10:5: {ALWAYS}"]

    def test_alone_by_its_code(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS)
        assert flake8.findings("--select=TSK398", "tasks.py") == [f"tasks.py:10:5: {OPT_IN}"]
        assert flake8.findings("--select=E", "--tsk-enable=ALL", "tasks.py") == [f"tasks.py:10:5: {OPT_IN}"]

    @pytest.mark.parametrize("select", ["extend-select = TSK398", "tsk-enable = opt-in", "tsk_enable = TSK398"])
    def test_on_in_flake8s_config(self, flake8: Flake8, select: str) -> None:
        flake8.write("tasks.py", TASKS)
        flake8.write(".flake8", f"[flake8]\nignore = E501\n{select}\n")
        assert flake8.findings("tasks.py") == [f"tasks.py:10:5: {ALWAYS}", f"tasks.py:10:5: {OPT_IN}"]

    @pytest.mark.parametrize("key", ["extend-select = ['TSK398']", "extend-select = ['opt-in']", "select = ['ALL']"])
    def test_on_in_pyproject(self, flake8: Flake8, key: str) -> None:
        flake8.write("tasks.py", TASKS)
        flake8.write("pyproject.toml", f"[tool.flake8-tasks]\n{key}\n")
        both = [f"tasks.py:10:5: {ALWAYS}", f"tasks.py:10:5: {OPT_IN}"]
        assert flake8.findings("tasks.py") == both
        assert flake8.findings("--select=TSK", "tasks.py") == both
        assert flake8.findings("--extend-ignore=TSK398", "tasks.py") == both[:1]

    def test_off_in_pyproject_by_prefix(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS)
        flake8.write("pyproject.toml", "[tool.flake8-tasks]\nselect = ['TSK39']\n")
        assert flake8.findings("tasks.py") == [f"tasks.py:10:5: {ALWAYS}"]


class TestSelection:
    def test_noqa_is_flake8s(self, flake8: Flake8) -> None:
        flake8.write("a.py", TASKS.replace("delay()", "delay()  # noqa: TSK397"))
        flake8.write("b.py", TASKS.replace("delay()", "delay()  # noqa: TSK101"))
        flake8.write("c.py", TASKS + "# flake8: noqa\n")
        assert flake8.findings("a.py", "b.py", "c.py") == ["b.py:10:5: TSK397"]
        assert flake8.findings("--disable-noqa", "a.py") == ["a.py:10:5: TSK397"]

    def test_flake8s_per_file_ignores_hold(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS)
        assert flake8.findings("--per-file-ignores=tasks.py:TSK3", "tasks.py") == []

    @pytest.mark.parametrize(
        "key",
        [
            "ignore = ['always-on']",
            "ignore = ['TSK3']",
            "select = ['TSK398']\nignore = ['opt-in']",
            "per-file-ignores = {'tasks.py' = ['TSK']}",
            "exclude = ['tasks.py']",
        ],
    )
    def test_what_pyproject_silences_is_silent_in_flake8(self, flake8: Flake8, key: str) -> None:
        flake8.write("tasks.py", TASKS)
        flake8.write("pyproject.toml", f"[tool.flake8-tasks]\n{key}\n")
        assert flake8.findings("tasks.py") == []
        assert flake8.findings("--select=TSK", "tasks.py") == []

    def test_flake8s_code_wins_over_pyprojects(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS)
        flake8.write("pyproject.toml", "[tool.flake8-tasks]\nignore = ['TSK397']\n")
        assert flake8.findings("--select=TSK397", "tasks.py") == ["tasks.py:10:5: TSK397"]
        assert flake8.findings("--extend-select=TSK397", "tasks.py") == ["tasks.py:10:5: TSK397"]

    def test_decorators_named_in_flake8s_config_win_over_those_of_pyproject(self, flake8: Flake8) -> None:
        """Nothing in the two modules but the configured names speaks of tasks."""
        flake8.write("pyproject.toml", '[tool.flake8-tasks]\ntask-decorators = ["house.early"]\n')
        for word in ("early", "late"):
            text = f"from house import {word}\n\n\n@{word}\ndef work():\n    return print()\n"
            flake8.write(f"{word}_jobs.py", text)
        flake8.write(
            "send.py", "import early_jobs\nimport late_jobs\n\nearly_jobs.work.delay()\nlate_jobs.work.delay()\n"
        )
        assert flake8.findings() == ["send.py:4:1: TSK397"]
        flake8.write("setup.cfg", "[flake8]\ntsk-task-decorators =\n    other.one,\n    house.late\n")
        assert flake8.findings() == ["send.py:5:1: TSK397"]

    def test_projects_in_one_run_keep_their_own_configuration(self, flake8: Flake8) -> None:
        for name, table in {"one": "ignore = ['TSK397']", "two": "extend-select = ['opt-in']", "three": ""}.items():
            flake8.write(f"{name}/pyproject.toml", f"[tool.flake8-tasks]\n{table}\n")
            flake8.write(f"{name}/tasks.py", TASKS)
        assert flake8.findings("one", "two", "three") == [
            "three/tasks.py:10:5: TSK397",
            "two/tasks.py:10:5: TSK397",
            "two/tasks.py:10:5: TSK398",
        ]


@pytest.mark.parametrize("name", ["worker", "bin/worker.wsgi", "ignored/jobs.py"])
def test_a_file_that_is_named_is_understood_though_a_search_leaves_it_out(flake8: Flake8, name: str) -> None:
    """What is sent is its own task; the file beside it, which has the same task, stays another one."""
    subprocess.run(["git", "init", "-q"], cwd=flake8.folder, check=True)
    flake8.write(".gitignore", "ignored/\n")
    flake8.write("jobs.py", TASKS)
    flake8.write(name, TASKS)
    expected = f"{name}:10:5: {ALWAYS}"
    assert flake8.findings("jobs.py", name) == sorted([expected, f"jobs.py:10:5: {ALWAYS}"])
    assert flake8.findings("--stdin-display-name", name, "-", stdin=TASKS) == [expected]


class TestBaseline:
    """Written by `flake8-tasks check --write-baseline`; flake8 takes it from pyproject.toml, too."""

    @pytest.fixture
    def old(self, flake8: Flake8) -> Flake8:
        flake8.write("pyproject.toml", "[tool.flake8-tasks]\nbaseline = 'known.json'\n")
        flake8.write("shop/tasks.py", TASKS)
        command = [flake8.python, "-m", "flake8_tasks", "check", "--write-baseline"]
        subprocess.run(command, cwd=flake8.folder, env=flake8.environment, check=True, stdout=subprocess.DEVNULL)
        return flake8

    @pytest.mark.parametrize("start", ["fork", "spawn"])
    def test_what_is_known_is_not_reported_and_what_is_new_is(self, old: Flake8, start: str) -> None:
        assert old.findings() == []
        old.write("shop/tasks.py", TASKS + "    work.delay()\n")
        for number in range(4):
            old.write(f"shop/tasks_{number}.py", TASKS)
        new = ["shop/tasks.py:11:5: TSK397", *(f"shop/tasks_{number}.py:10:5: TSK397" for number in range(4))]
        assert old.findings("-j2", "shop", start=start) == new

    def test_what_a_comment_silences_is_not_taken_for_what_is_known(self, old: Flake8) -> None:
        old.write("shop/tasks.py", TASKS.replace("delay()", "delay()  # noqa: TSK397\n    work.delay()"))
        assert old.findings() == []
        assert old.findings("--disable-noqa") == ["shop/tasks.py:10:5: TSK397"]

    def test_flake8s_own_option_names_another(self, old: Flake8) -> None:
        assert old.findings("--tsk-baseline=", "shop") == ["shop/tasks.py:10:5: TSK397"]

    def test_one_that_is_not_there_ends_the_run(self, old: Flake8) -> None:
        (old.folder / "known.json").unlink()
        done = old.run("-j2")
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.splitlines()[1].startswith(f"{old.folder / 'known.json'}: it is not there: ")


class TestStdin:
    def test_the_display_name_decides_the_project(self, flake8: Flake8) -> None:
        flake8.write("inner/pyproject.toml", "[tool.flake8-tasks]\nextend-select = ['opt-in']\n")
        name = "inner/tasks.py"
        assert flake8.findings("--stdin-display-name", name, "-", stdin=TASKS) == [
            "inner/tasks.py:10:5: TSK397",
            "inner/tasks.py:10:5: TSK398",
        ]

    def test_without_a_name_the_working_directory_does(self, flake8: Flake8) -> None:
        flake8.write("pyproject.toml", "[tool.flake8-tasks]\nextend-select = ['opt-in']\n")
        assert flake8.findings("-", stdin=TASKS) == ["stdin:10:5: TSK397", "stdin:10:5: TSK398"]

    def test_what_is_typed_stands_in_place_of_what_is_saved(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS.replace("work.delay()", "work.delay()\n    work.delay()"))
        assert flake8.findings("--stdin-display-name", "tasks.py", "-", stdin="# é\n" + TASKS) == [
            "tasks.py:11:5: TSK397"
        ]


class TestProcesses:
    @pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
    def test_workers_find_the_same_however_they_are_started(self, flake8: Flake8, start: str) -> None:
        for number in range(6):
            flake8.write(f"shop/tasks_{number}.py", TASKS)
        flake8.write("pyproject.toml", "[tool.flake8-tasks]\nper-file-ignores = {'tasks_3.py' = ['TSK397']}\n")
        expected = [f"shop/tasks_{number}.py:10:5: {code}" for number in range(6) for code in (ALWAYS, OPT_IN)]
        expected.remove("shop/tasks_3.py:10:5: TSK397")
        assert flake8.findings("-j2", "--tsk-enable=opt-in", "shop", start=start) == expected

    @pytest.mark.parametrize("start", ["fork", "spawn"])
    def test_a_wrong_configuration_is_one_error_from_workers_too(self, flake8: Flake8, start: str) -> None:
        for number in range(6):
            flake8.write(f"shop/tasks_{number}.py", TASKS)
        flake8.write("pyproject.toml", "[tool.flake8-tasks]\nselct = ['TSK1']\n")
        done = flake8.run("-j2", "shop", start=start)
        assert done.returncode == 1
        assert done.stdout.splitlines() == [
            "There was a critical error during execution of Flake8:",
            f"{flake8.folder / 'pyproject.toml'}: [tool.flake8-tasks] selct: unknown key, did you mean 'select'?",
        ]
        assert done.stderr == ""

    def test_a_wrong_configuration_further_down_is_an_error_or_a_finding_of_workers(self, flake8: Flake8) -> None:
        """Workers that raise may leave flake8 hanging: each says once what is wrong, and the rest is checked."""
        flake8.write("inner/pyproject.toml", "[tool.flake8-tasks]\nselct = ['TSK1']\n")
        for number in range(4):
            flake8.write(f"inner/tasks_{number}.py", TASKS)
            flake8.write(f"other/tasks_{number}.py", TASKS)
        message = f"{flake8.folder / 'inner/pyproject.toml'}: [tool.flake8-tasks] selct: unknown key"
        alone = flake8.run("-j1", ".").stdout.splitlines()
        assert (len(alone), alone[1].startswith(message)) == (2, True)
        lines = flake8.run("-j2", ".").stdout.splitlines()
        wrong = [line for line in lines if "inner" in line]
        assert len(lines) - len(wrong) == 4
        assert 1 <= len(wrong) <= 2
        assert all(f":1:1: TSK000 project not checked: {message}" in line for line in wrong)


class TestErrors:
    def test_a_file_with_a_syntax_error_is_left_to_flake8(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS + "def\n")
        assert [line.split()[1] for line in flake8.findings("tasks.py")] == ["E999"]

    def test_a_crash_in_a_rule_is_one_line_and_the_others_go_on(self, flake8: Flake8) -> None:
        flake8.write("a.py", CRASH)
        flake8.write("b.py", TASKS)
        done = flake8.run("a.py", "b.py")
        crashed, *others = sorted(done.stdout.splitlines(), key=lambda line: "TSK000" not in line)
        assert re.match(r"a\.py:\d+:\d+: TSK000 .*crashes.*ZeroDivisionError", crashed)
        assert [line.split()[:2] for line in others] == [["a.py:10:5:", "TSK397"], ["b.py:10:5:", "TSK397"]]
        assert done.stderr == ""

    @pytest.mark.parametrize(
        "arguments", [["--select=TSK399"], ["--select=E,TSK39"], ["--select=E", "--tsk-enable=ALL"]]
    )
    def test_a_crash_is_reported_with_any_rule_of_ours(self, flake8: Flake8, arguments: list[str]) -> None:
        """Else the file would look clean, though nobody has looked."""
        flake8.write("a.py", CRASH)
        assert "a.py:10:5: TSK000" in flake8.findings(*arguments, "a.py")
        assert flake8.findings(*arguments, "--ignore=TSK000", "a.py") == [
            line for line in flake8.findings(*arguments, "a.py") if "TSK000" not in line
        ]

    def test_a_crash_is_not_reported_where_no_rule_of_ours_is(self, flake8: Flake8) -> None:
        flake8.write("a.py", CRASH)
        assert flake8.findings("--select=E,F", "a.py") == []

    def test_a_crash_of_the_machine_is_one_line_a_file(self, flake8: Flake8, with_rules: Path, tmp_path: Path) -> None:
        broken = tmp_path / "broken" / "flake8_tasks"
        shutil.copytree(with_rules / "flake8_tasks", broken)
        (broken / "engine.py").write_text("raise RuntimeError('bro\\nken')\n")
        flake8.environment["PYTHONPATH"] = str(broken.parent)
        flake8.write("tasks.py", TASKS)
        flake8.write("other.py", "import json\n")
        done = flake8.run("tasks.py", "other.py")
        assert sorted(done.stdout.splitlines()) == [
            "other.py:1:1: F401 'json' imported but unused",
            "tasks.py:1:1: TSK000 internal error, file not checked: RuntimeError: bro ken",
        ]
        assert done.stderr == ""

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ("--tsk-max-retries=many", "--tsk-max-retries: expected a whole number of 0 or more, not 'many'"),
            ("--tsk-time-limit=-1", "--tsk-time-limit: expected a whole number of 1 or more, not -1"),
            ("--tsk-include-tests=perhaps", "--tsk-include-tests: expected true or false, not 'perhaps'"),
            ("--tsk-dispatchers=a..b", "--tsk-dispatchers: expected a list of dotted names, not one with 'a..b' in it"),
            ("--tsk-enable=opt-im", "--tsk-enable: no rule is called 'opt-im', did you mean 'opt-in'?"),
            ("--tsk-enable=TSK777", "--tsk-enable: no rule is called 'TSK777'"),
            ("--tsk-enable=TSK39", "--tsk-enable: 'TSK39' is only the beginning of a code"),
        ],
    )
    def test_a_wrong_option_is_a_clear_error(self, flake8: Flake8, option: str, message: str) -> None:
        """On the command line and in a config file, where flake8 would answer a wrong number with a traceback."""
        name, _, value = option.removeprefix("--").partition("=")
        flake8.write("setup.cfg", f"[flake8]\n{name} = {value}\n")
        for done in (flake8.run("--isolated", option, "."), flake8.run(".")):
            assert done.returncode == 1
            first, second = done.stdout.splitlines()
            assert first == "There was a critical error during execution of Flake8:"
            assert second.startswith(message)
            assert done.stderr == ""

    def test_a_selector_of_pyproject_that_selects_nothing_is_an_error(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS)
        flake8.write("pyproject.toml", "[tool.flake8-tasks]\nignore = ['alwys-on']\n")
        assert flake8.run("tasks.py").stdout.splitlines()[1] == (
            f"{flake8.folder / 'pyproject.toml'}: [tool.flake8-tasks] ignore: "
            "no rule is called 'alwys-on', did you mean 'always-on'?"
        )

    def test_codes_that_flake8_is_told_and_nobody_has_are_flake8s_business(self, flake8: Flake8) -> None:
        flake8.write("tasks.py", TASKS)
        assert flake8.findings("--extend-select=TSK777,TSK39", "tasks.py") == ["tasks.py:10:5: TSK397"]

    def test_a_cache_that_cannot_be_written_does_no_harm(self, flake8: Flake8) -> None:
        flake8.write(".cache", "a file where the folder should be")
        flake8.write("tasks.py", TASKS)
        assert flake8.findings("tasks.py") == ["tasks.py:10:5: TSK397"]

    def test_no_home_folder_does_no_harm(self, flake8: Flake8) -> None:
        for name in ("FLAKE8_TASKS_CACHE_DIR", "XDG_CACHE_HOME"):
            flake8.environment.pop(name, None)
        flake8.environment["HOME"] = str(flake8.folder / "nobody")
        flake8.write("tasks.py", TASKS)
        assert flake8.findings("tasks.py") == ["tasks.py:10:5: TSK397"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (TASKS.replace("\n", "\r\n").encode(), "10:5"),
        (b"\xef\xbb\xbf" + TASKS.encode(), "10:5"),
        (f"# \f page\n{TASKS}".encode(), "11:5"),
        (f"\f\n{TASKS}".encode(), "11:5"),
        ("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1") + TASKS.encode(), "12:5"),
        ("name = 'é'\n".encode("latin-1") + TASKS.encode(), "11:5"),
        (TASKS.replace("    work", "\twork").encode(), "10:2"),
        (TASKS.rstrip("\n").encode(), "10:5"),
    ],
    ids=["crlf", "bom", "form feed", "form feed at the start", "latin-1", "latin-1 untold", "tab", "no end of line"],
)
def test_places_are_right_in_files_of_every_kind(flake8: Flake8, content: bytes, place: str) -> None:
    flake8.write("tasks.py", content)
    assert flake8.findings("--select=TSK", "tasks.py") == [f"tasks.py:{place}: TSK397"]
