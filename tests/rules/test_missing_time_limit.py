"""TSK501 and what a whole project says of limits, which no fixture of one project can hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporary import TemporaryProject

from flake8_tasks.rules.limits.missing_time_limit import rule

Write = Callable[[str], TemporaryProject]

TASK = """\
# file: shop/tasks.py
from celery import shared_task


@shared_task
def export(path):
    path.unlink()
"""
APP = """\
# file: shop/celery.py
from celery import Celery

app = Celery("shop")
"""


def reported(write: Write, text: str) -> bool:
    return [found.code for found in write(text + TASK).findings([rule])] == ["TSK501"]


@pytest.mark.parametrize(
    "settings",
    [
        "app.conf.task_time_limit = 60\n",
        "app.conf.task_soft_time_limit = 60 * 5\n",
        'app.conf["task_time_limit"] = 60\n',
        "app.conf.update(task_time_limit=60)\n",
        'app.conf.update({"task_soft_time_limit": 60})\n',
        'app.config_from_object("shop.config")\n# file: shop/config.py\ntask_time_limit = 60\n',
        'app.config_from_object("shop.config")\n# file: shop/config.py\nCELERYD_TASK_TIME_LIMIT = 60\n',
        'app.config_from_object("shop.config:Some")\n# file: shop/config.py\nclass Some:\n    task_time_limit = 60\n',
        'app.conf.task_annotations = {"*": {"time_limit": 60}}\n',
    ],
)
def test_one_global_limit_silences_it(write: Write, settings: str) -> None:
    assert reported(write, APP)
    assert not reported(write, APP + settings)


def test_a_limit_in_the_settings_of_django_silences_it(write: Write) -> None:
    app = (
        "# file: shop/celery.py\nimport os\nfrom celery import Celery\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\napp = Celery("shop")\n'
        'app.config_from_object("django.conf:settings", namespace="CELERY")\n'
        "# file: shop/settings.py\nDEBUG = False\nCELERY_BROKER_URL = 'redis://localhost'\n"
    )
    assert reported(write, app)
    assert not reported(write, app + "CELERY_TASK_TIME_LIMIT = 60\n")
    assert reported(write, app + "TASK_TIME_LIMIT = 60\n"), "without the prefix Celery does not see it"


def test_a_limit_for_tests_alone_does_not_silence_it(write: Write) -> None:
    settings = "# file: tests/conftest.py\nfrom shop.celery import app\n\napp.conf.task_time_limit = 60\n"
    assert reported(write, APP + settings)


@pytest.mark.parametrize(
    "settings",
    [
        'app.config_from_envvar("CONFIG")\n',
        "app.conf.update(**read())\n",
        'app.config_from_object("elsewhere.config")\n',
        "app.conf.task_annotations = read()\n",
    ],
)
def test_settings_that_cannot_be_read_silence_it(write: Write, settings: str) -> None:
    assert not reported(write, APP + settings)


def test_a_project_without_an_app_has_no_limits(write: Write) -> None:
    assert reported(write, "")


@pytest.mark.parametrize(
    ("base", "expected"), [("time_limit = 60", False), ("acks_late = True", True), ("time_limit = limit()", False)]
)
def test_the_base_class_of_all_tasks_counts(write: Write, base: str, expected: bool) -> None:
    app = (
        f'from celery import Celery, Task\n\n\nclass Base(Task):\n    {base}\n\n\napp = Celery("shop", task_cls=Base)\n'
    )
    assert reported(write, f"# file: shop/celery.py\n{app}") is expected


@pytest.mark.parametrize(("called", "expected"), [("super().__call__(*args)", False), ("work(*args)", True)])
def test_an_empty_task_stays_empty_under_a_base_class_that_a_function_makes(
    write: Write, called: str, expected: bool
) -> None:
    app = (
        "# file: shop/celery.py\nfrom celery import Celery, Task\nfrom shop.work import work\n\n\n"
        "def make_task(site):\n    class SiteTask(Task):\n        def __call__(self, *args):\n"
        f"            with site.app_context():\n                return {called}\n\n    return SiteTask\n\n\n"
        "def make_jobs(site):\n    return Celery(site.name, task_cls=make_task(site))\n"
        "# file: shop/work.py\ndef work(*args):\n    open(*args)\n"
    )
    assert reported(write, app), "the task of the others does something"
    assert bool(write(app + TASK.replace("path.unlink()", "pass")).findings([rule])) is expected
