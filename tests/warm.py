"""A project in a folder that is checked with what earlier runs have kept and without: both must find the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from flake8_tasks import files, run
from flake8_tasks.config import load
from flake8_tasks.kept import Outcome

# Wrappers, re-exports, settings, classes, receivers, callers in transactions: what one file says hangs on the others.
PROJECT = {
    "pyproject.toml": "[tool.flake8-tasks]\nselect = ['ALL']\n",
    "requirements.txt": "celery==5.4.0\ndjango==5.0\n",
    "manage.py": "import os\n\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')\n",
    "config/__init__.py": "from config.celery import app\n\n__all__ = ['app']\n",
    "config/celery.py": """\
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
""",
    "config/settings.py": """\
from config.limits import *

CELERY_BROKER_URL = "redis://localhost"
CELERY_TASK_SERIALIZER = "json"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "ATOMIC_REQUESTS": True}}
""",
    "config/limits.py": "SECOND = 1\nCELERY_TASK_TIME_LIMIT = 30 * SECOND\n",
    "shop/__init__.py": "",
    "shop/base.py": """\
from celery import Task


class Patient(Task):
    max_retries = None
    retry_backoff = True


class Base(Patient):
    abstract = True
""",
    "shop/wrapper.py": """\
from functools import partial

from celery import shared_task

from shop.base import Base

task = partial(shared_task, base=Base, priority=3)


def retrying(**options):
    options.setdefault("autoretry_for", (OSError,))
    return task(**options)
""",
    "shop/things.py": "from shop.wrapper import retrying, task\n\n__all__ = ['retrying', 'task']\n",
    "shop/models.py": """\
from django.db import models

from shop.plain import Named


class Order(Named):
    total = models.IntegerField()

    def touch(self):
        from shop.tasks import refresh

        refresh.delay(self)
""",
    "shop/plain.py": """\
from django.db import models


class Named(models.Model):
    name = models.TextField()

    class Meta:
        abstract = True
""",
    "shop/tasks.py": """\
import requests

from shop.models import Order
from shop.things import retrying, task


@task
def refresh(order):
    order.total = 1
    order.save()


@retrying(retry_limit=3)
def count(numbers):
    return sum(numbers)


@retrying(bind=True)
def send(self, order_id):
    order = Order.objects.get(pk=order_id)
    try:
        requests.post("https://example.org", json={"name": order.name})
    except requests.RequestException:
        self.retry()
""",
    "shop/services.py": """\
from shop.models import Order
from shop.tasks import count, refresh, send


def place(name):
    order = Order(name=name)
    order.save()
    send.delay(order.pk)
    return order


def latest():
    return Order.objects.order_by("-pk").first()


def renew():
    refresh.delay(latest())
    count.delay(Order.objects.all())
""",
    "shop/views.py": """\
from django.db import transaction

from shop import services


def order(request):
    with transaction.atomic():
        return services.place("a")


def renew(request):
    services.renew()
""",
    "shop/wait.py": """\
from shop.tasks import send
from shop.things import task


@task(time_limit=30)
def wait(order):
    return send.delay(order.pk).get()
""",
}


class Checked:
    """A project and its cache.

    Arguments:
        folder: an empty folder, for both.
    """

    def __init__(self, folder: Path, texts: Mapping[str, str | bytes] = PROJECT) -> None:
        self.root = folder / "project"
        self.cache = folder / "cache"
        self._seconds = count(1_000_000_000)
        for name, text in texts.items():
            self.write(name, text)

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file, at another time than all others: a file that was just written is read again anyway."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(path, (0, next(self._seconds)))

    def read(self, name: str) -> str:
        return (self.root / name).read_bytes().decode()

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a place in a file."""
        text = self.read(name)
        assert old in text
        self.write(name, text.replace(old, new))

    def warm(self) -> list[Outcome]:
        """What a run with the cache finds."""
        return self._run(self.cache)

    def cold(self) -> list[Outcome]:
        """What a run without it finds."""
        return self._run(None)

    def _run(self, cache: Path | None) -> list[Outcome]:
        files._has_marker.clear()
        groups = files.find([str(self.root)], load).groups
        outcomes = run.check_files(run.Job(groups, {root: load(root) for root in groups}, cache=cache, jobs=1))
        return [each for each in outcomes if each.findings or each.failure]


def lines(outcomes: list[Outcome]) -> Iterator[str]:
    """What was found, in every detail that a report can show, but for edits, which are not kept."""
    for outcome in outcomes:
        name = os.path.basename(outcome.path)
        if outcome.failure:
            yield f"{name}:{outcome.failure.line} {outcome.failure.message}"
        for each in outcome.findings:
            fix = each.fix and (getattr(each.fix, "title", "") or each.fix)
            yield f"{name}:{each.span} {each.code} {each.message} {fix} {each.related}"
