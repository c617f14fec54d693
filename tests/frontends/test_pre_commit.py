"""The hooks, with the real pre-commit, which installs this project from a git clone, on a real git repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

IMPLICIT = """\
from celery import shared_task


@shared_task(bind=True, soft_time_limit=50, time_limit=60)
def work(self, number):
    try:
        return 1 / number
    except ZeroDivisionError as error:
        raise self.retry(exc=error)
"""
EXPLICIT = IMPLICIT.replace("time_limit=60)", "time_limit=60, max_retries=3)")
UNLIMITED = "from celery import shared_task\n\n\n@shared_task\ndef work():\n    return open('work')\n"
LIMITS = "CELERY_TASK_TIME_LIMIT = 60\nCELERY_TASK_SOFT_TIME_LIMIT = 50\n"
APP = """\
from celery import Celery

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
"""


def bare_environment() -> dict[str, str]:
    """Ours, without what git and coverage tell their children."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "COVERAGE_", "PRE_COMMIT"))
    }
    people = {f"GIT_{who}_{what}": "tests@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return environment | people | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=bare_environment(), check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout.strip()


def commit_everything(folder: Path) -> str:
    """The id of the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it is")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This project as a git repository of its own, and its commit."""
    copy = tmp_path_factory.mktemp("flake8-tasks")
    names = (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE", "flake8_tasks")
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy, commit_everything(copy)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the environment that it makes for the hooks."""
    return tmp_path_factory.mktemp("pre-commit")


class Repository:
    """Somebody's project, which uses one of the hooks."""

    def __init__(self, folder: Path, home: Path, hooks: tuple[Path, str]) -> None:
        self.folder = folder
        self.home = home
        self.hooks = hooks
        git(folder, "init", "--quiet")
        self.write("pyproject.toml", "")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        git(self.folder, "add", name)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def commit(self) -> None:
        git(self.folder, "commit", "--quiet", "--message", "as it is")

    def run(self, hook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one hook over what is staged, or as the arguments say."""
        where, revision = self.hooks
        self.write(
            ".pre-commit-config.yaml",
            f"repos:\n- repo: {where}\n  rev: {revision}\n  hooks:\n  - id: {hook}\n",
        )
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--color=never", *arguments],
            cwd=self.folder,
            env=bare_environment()
            | {"PRE_COMMIT_HOME": str(self.home), "FLAKE8_TASKS_CACHE_DIR": str(self.home / "cache")},
            capture_output=True,
            encoding="utf-8",
            timeout=600,
        )
        assert "An error has occurred" not in done.stdout, done.stdout
        return done


@pytest.fixture
def repository(tmp_path: Path, home: Path, hooks: tuple[Path, str]) -> Repository:
    return Repository(tmp_path, home, hooks)


def test_the_manifest_is_valid() -> None:
    manifest = ROOT / ".pre-commit-hooks.yaml"
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", str(manifest)], check=True)


def test_the_check_fails_with_the_finding_and_changes_nothing(repository: Repository) -> None:
    repository.write("shop/tasks.py", IMPLICIT)
    done = repository.run("flake8-tasks")
    assert done.returncode == 1
    assert "shop/tasks.py:4:" in done.stdout
    assert "TSK401" in done.stdout
    assert repository.read("shop/tasks.py") == IMPLICIT


def test_the_check_passes_where_nothing_is_wrong(repository: Repository) -> None:
    repository.write("shop/tasks.py", EXPLICIT)
    done = repository.run("flake8-tasks")
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout


def test_only_staged_files_are_reported_and_the_rest_of_the_project_is_known(repository: Repository) -> None:
    """The limits stand in a file that pre-commit does not pass."""
    repository.write("shop/celery.py", APP)
    repository.write("shop/settings.py", LIMITS)
    repository.write("shop/old.py", IMPLICIT)
    repository.commit()
    repository.write("shop/tasks.py", UNLIMITED)
    done = repository.run("flake8-tasks")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    repository.write("shop/settings.py", "")
    done = repository.run("flake8-tasks")
    assert (done.returncode, "TSK501" in done.stdout, "old.py" in done.stdout) == (1, True, False), done.stdout


def test_files_that_the_configuration_excludes_are_left_out_though_pre_commit_names_them(
    repository: Repository,
) -> None:
    repository.write("pyproject.toml", '[tool.flake8-tasks]\nexclude = ["shop/generated"]\n')
    repository.write("shop/generated/tasks.py", IMPLICIT)
    assert repository.run("flake8-tasks").returncode == 0
    assert repository.run("flake8-tasks-fix").returncode == 0
    assert repository.read("shop/generated/tasks.py") == IMPLICIT


def test_the_fixer_does_safe_fixes_and_fails_once(repository: Repository) -> None:
    repository.write("shop/tasks.py", IMPLICIT)
    done = repository.run("flake8-tasks-fix")
    assert done.returncode == 1
    assert "files were modified by this hook" in done.stdout
    assert "exit code: 1" in done.stdout
    assert repository.read("shop/tasks.py") == EXPLICIT
    git(repository.folder, "add", "shop/tasks.py")
    assert repository.run("flake8-tasks-fix").returncode == 0
    assert repository.run("flake8-tasks", "--all-files").returncode == 0


def test_the_fixer_leaves_what_only_an_unsafe_fix_would_change(repository: Repository) -> None:
    repository.write("shop/tasks.py", UNLIMITED)
    assert repository.run("flake8-tasks-fix").returncode == 0
    assert repository.read("shop/tasks.py") == UNLIMITED
