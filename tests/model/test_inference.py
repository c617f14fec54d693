"""Classes of installed packages are read from their files, and nothing of them is imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flake8_tasks.config import Config
from flake8_tasks.model import inference
from flake8_tasks.model.project import Project


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages with one that would shout if it were imported."""
    site = tmp_path / "site"
    package = site / "company_jobs"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "raise RuntimeError('imported')\nfrom .base import Base, Limited as Short\n"
        "from .more import *\nimport company_jobs.base as b\n"
    )
    (package / "base.py").write_text(
        "import celery\nfrom celery import Task\nfrom typing import Generic, TypeVar\nT = TypeVar('T')\n"
        "class Base(Task):\n    time_limit = 30\n    max_retries = None\n"
        "    throws: tuple = (ValueError,)\n    rate: int\n"
        "    @property\n    def queue(self): ...\n    def run(self): ...\n"
        "class Limited(Base, celery.Task):\n    pass\n"
        "class Mixed(Generic[T], Base): ...\n"
        "class Made(make_base()): ...\n"
        "class Outer:\n    class Inner(Base): ...\n"
        "Alias = Base\nCeleryTask = Task\n"
    )
    (package / "more.py").write_text("class More(object): ...\n")
    (package / "broken.py").write_text("class Broken(:\n")
    monkeypatch.syspath_prepend(str(site))
    caches = (inference._places, inference._module, inference._read)
    for each in caches:
        each.cache_clear()
    yield site
    for each in caches:
        each.cache_clear()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("company_jobs.base.Base", ("celery.Task",)),
        ("company_jobs.base.Limited", ("company_jobs.base.Base", "celery.Task")),
        ("company_jobs.base.Mixed", ("typing.Generic", "company_jobs.base.Base")),
        ("company_jobs.base.Outer.Inner", ("company_jobs.base.Base",)),
        ("company_jobs.base.Outer", ()),
        ("company_jobs.Base", ("celery.Task",)),
        ("company_jobs.Short", ("company_jobs.base.Base", "celery.Task")),
        ("company_jobs.More", ("builtins.object",)),
        ("company_jobs.base.Alias", ("celery.Task",)),
        ("company_jobs.base.CeleryTask", ("celery.Task",)),
        ("company_jobs.base.Made", None),
        ("company_jobs.base.Missing", None),
        ("company_jobs.broken.Broken", None),
        ("company_jobs.absent.Base", None),
        ("company_jobs", None),
        ("not_installed_anywhere.Base", None),
    ],
)
@pytest.mark.usefixtures("installed")
def test_the_bases_of_a_class(name: str, expected: tuple[str, ...] | None) -> None:
    assert inference.bases(name) == expected
    assert "company_jobs" not in sys.modules


def test_folders_without_an_init_file_inside_each_other(installed: Path) -> None:
    """Python finds the inner one through its parent in sys.modules, which is not there: nothing is imported."""
    inner = installed / "company_spaces" / "inner"
    inner.mkdir(parents=True)
    (inner / "base.py").write_text("from celery import Task\nclass Base(Task): ...\n")
    assert inference.bases("company_spaces.inner.base.Base") == ("celery.Task",)
    assert inference.bases("company_spaces.inner.other.Base") is None


@pytest.mark.usefixtures("installed")
def test_the_attributes_of_a_class() -> None:
    """Methods are no options; a decorated one may be a property that is."""
    expected = (("time_limit", 30), ("max_retries", None), ("throws", ...), ("queue", ...))
    assert inference.class_attributes("company_jobs.Base") == expected
    assert inference.class_attributes("not_installed_anywhere.Base") is None


@pytest.mark.parametrize(
    "name", ["celery.Task", "django.db.models.Model", "sqlalchemy.orm.DeclarativeBase", "json.JSONEncoder"]
)
def test_frameworks_that_the_tables_know_and_the_standard_library_are_never_asked_about(name: str) -> None:
    assert inference.bases(name) is None


@pytest.mark.usefixtures("installed")
def test_a_class_of_the_project_comes_from_celery_through_a_package(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "tasks.py").write_text("from company_jobs import Short\nclass Send(Short):\n    def run(self): ...\n")
    project = Project(root, Config())
    assert [origin for origin, _, _ in project.bases("tasks.Send")] == [
        "tasks.Send",
        "company_jobs.Short",
        "company_jobs.base.Base",
        "celery.Task",
    ]


def test_astroid_is_not_loaded_before_a_class_of_a_package_is_asked_for() -> None:
    code = (
        "import sys\nfrom flake8_tasks.model import inference, project\n"
        "inference.bases('not_installed_anywhere.Base'), inference.bases('celery.Task')\n"
        "sys.exit('astroid' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("installed")
def test_a_base_class_of_a_package_sets_options_of_a_task(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "tasks.py").write_text(
        "from celery import shared_task\nfrom company_jobs import Short\n@shared_task(base=Short)\ndef send(): ...\n"
    )
    task = Project(root, Config()).tasks.find("tasks.send")
    assert task is not None
    assert (task.literal("time_limit"), task.literal("rate_limit"), task.unknown) == (30, None, "")
