"""Apps that are found under the names and in the layouts that projects use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporary import TemporaryProject

from flake8_tasks.rules.limits.missing_time_limit import rule

Write = Callable[[str], TemporaryProject]

TASK = "@{app}.task\ndef export(path):\n    path.unlink()\n"
MADE = "# file: {file}\nfrom celery import Celery\n\n{name} = Celery('shop')\n"


def tasks(write: Write, text: str) -> int:
    return len(write(text).findings([rule]))


@pytest.mark.parametrize(
    ("file", "name", "package", "imported"),
    [
        ("config/celery_app.py", "app", "from .celery_app import app as celery_app", "from config import celery_app"),
        ("config/celery.py", "celery", "from .celery import celery", "from config import celery as celery_app"),
        ("config/celery.py", "app", "from .celery import app as celery_app", "from config import celery_app"),
        ("config/celery.py", "app", "", "from config.celery import app as celery_app"),
        ("config/celery_app.py", "app", "from . import celery_app", "from config.celery_app import app as celery_app"),
        (
            "config/celery_app.py",
            "app",
            "from .celery_app import app as celery_app",
            "from config.celery_app import app as celery_app",
        ),
    ],
)
def test_an_app_that_a_package_shows_under_the_name_of_its_module(
    write: Write, file: str, name: str, package: str, imported: str
) -> None:
    text = MADE.format(file=file, name=name) + f"# file: config/__init__.py\n{package}\n"
    assert tasks(write, f"{text}# file: shop/tasks.py\n{imported}\n\n\n{TASK.format(app='celery_app')}") == 1


@pytest.mark.parametrize(
    "made",
    [
        "from somewhere import celery_class\n\napp = celery_class('shop')\n",
        "from celery import Celery\nfrom elsewhere import Proxy, get_celery_app\n\napp = Proxy(get_celery_app)\n",
    ],
)
def test_an_app_that_only_sounds_like_one(write: Write, made: str) -> None:
    text = f"# file: shop/worker.py\n{made}# file: shop/tasks.py\nfrom .worker import app\n\n\n"
    assert write(text + TASK.format(app="app")).findings([rule]) != []


@pytest.mark.parametrize(
    "made",
    [
        "from fastapi import FastAPI\n\napp = FastAPI()\n",
        "import procrastinate\n\napp = procrastinate.App()\n",
        "class CeleryLike:\n    def task(self, function): ...\n\n\napp = CeleryLike()\n",
        "from elsewhere import Proxy, get_app\n\napp = Proxy(get_app)\n",
    ],
)
def test_what_is_no_app(write: Write, made: str) -> None:
    text = f"# file: shop/worker.py\n{made}# file: shop/tasks.py\nfrom .worker import app\n\n\n"
    assert write(text + TASK.format(app="app")).findings([rule]) == []
