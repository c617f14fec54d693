"""How a dispatch is made to wait for the commit, and which projects have tasks that can by themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporary import TemporaryProject

from flake8_tasks.rules import all_rules

Write = Callable[[str], TemporaryProject]

[RULE] = [rule for rule in all_rules() if rule.code == "TSK602"]
DJANGO = """# file: shop/celery.py
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop"{options})
app.config_from_object("django.conf:settings", namespace="CELERY")
"""
TASKS = """# file: shop/tasks.py
from celery import Task, shared_task
from celery.contrib.django.task import DjangoTask

from shop.celery import app


class Plain(Task):
    pass


class Own(DjangoTask):
    pass


{decorator}
def ship(order_id):
    print(order_id)
"""
SERVICE = """# file: shop/services.py
from django.db import transaction

from shop.tasks import ship


@transaction.atomic
def place(order):
    ship.delay(order.pk)
"""


def sent_by(write: Write, decorator: str = "@shared_task", options: str = "", more: str = "", **files: str) -> str:
    """How `place` sends the task after the fix: the last line of its file.

    Arguments:
        more: modules that stand before it.
        files: other files of the project: their names, "_" for ".".
    """
    project = write(DJANGO.format(options=options) + TASKS.format(decorator=decorator) + more + SERVICE)
    for name, text in files.items():
        (project.root / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return project.fixed(RULE).rstrip().splitlines()[-1].strip()


DEFERRED = "ship.delay_on_commit(order.pk)"
PARTIAL = "transaction.on_commit(partial(ship.delay, order.pk))"


@pytest.mark.parametrize(
    ("decorator", "options", "expected"),
    [
        ("@shared_task", "", DEFERRED),
        ("@app.task(bind=False)", "", DEFERRED),
        ("@app.task(base=Own)", "", DEFERRED),
        ("@app.task(base=DjangoTask)", "", DEFERRED),
        ("@app.task(base=Plain)", "", PARTIAL),
        ("@app.task(base=Task)", "", PARTIAL),
        ("@app.task(base=print)", "", PARTIAL),
        ("@app.task(base=print())", "", PARTIAL),
        ("@app.task", ', task_cls="shop.base:Task"', PARTIAL),
        ("@app.task", ", task_cls=print()", PARTIAL),
    ],
)
def test_only_a_task_of_djangos_class_defers_itself(decorator: str, options: str, expected: str, write: Write) -> None:
    assert sent_by(write, decorator, options) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements_txt", "django==5.2\ncelery==5.4.0\n", DEFERRED),
        ("requirements_txt", "celery[redis]==5.3.6\n", PARTIAL),
        ("requirements_txt", "celery>=5.5,<6\n", DEFERRED),
        ("requirements_txt", "celery>=5\n", PARTIAL),
        ("requirements_txt", "celery~=5.2\n", PARTIAL),
        ("requirements_txt", "celery\ndjango-celery-beat==2.1\n", DEFERRED),
        ("requirements_txt", "# celery==4.4\ncelery\n", DEFERRED),
        ("pyproject_toml", '[project]\ndependencies = ["celery[redis]>=5.3"]\n', PARTIAL),
        ("pyproject_toml", '[project]\ndependencies = [\n    "celery>=5.4",\n]\n', DEFERRED),
        ("pyproject_toml", '[tool.poetry.dependencies]\ncelery = "^5.3"\n', PARTIAL),
        ("pyproject_toml", '[tool.poetry.dependencies]\ncelery = {extras = ["redis"], version = "^5.4"}\n', DEFERRED),
        ("uv_lock", '[[package]]\nname = "celery"\nversion = "5.5.2"\n', DEFERRED),
        ("poetry_lock", '[[package]]\nname = "celery"\nversion = "5.2.7"\n', PARTIAL),
        ("Pipfile_lock", '{"default": {"celery": {"hashes": ["x"], "version": "==5.3.1"}}}', PARTIAL),
    ],
)
def test_an_old_celery_has_no_such_method(name: str, text: str, expected: str, write: Write) -> None:
    assert sent_by(write, **{name: text}) == expected


def test_what_is_locked_counts_more_than_what_is_asked_for(write: Write) -> None:
    locked = '[[package]]\nname = "celery"\nversion = "5.5.2"\n'
    assert sent_by(write, pyproject_toml='[project]\ndependencies = ["celery>=5.2"]\n', uv_lock=locked) == DEFERRED


def test_a_project_that_uses_the_method_has_it(write: Write) -> None:
    more = "# file: shop/other.py\nfrom shop.tasks import ship\n\n\ndef other():\n    ship.delay_on_commit(1)\n"
    assert sent_by(write, more=more, requirements_txt="celery>=5.2\n") == DEFERRED


def test_without_django_settings_the_task_has_no_such_method(write: Write) -> None:
    app = '# file: shop/celery.py\nfrom celery import Celery\n\napp = Celery("shop")\n'
    project = write(app + TASKS.format(decorator="@shared_task") + SERVICE)
    assert project.fixed(RULE).rstrip().endswith(PARTIAL)


def test_the_methods_know_the_default_database_alone(write: Write) -> None:
    service = SERVICE.replace("@transaction.atomic", '@transaction.atomic(using="archive")')
    project = write(DJANGO.format(options="") + TASKS.format(decorator="@shared_task") + service)
    expected = 'transaction.on_commit(partial(ship.delay, order.pk), using="archive")'
    assert project.fixed(RULE).rstrip().endswith(expected)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("ship.delay(1)", "transaction.on_commit(partial(ship.delay, 1))"),
        ("ship.delay()", "transaction.on_commit(ship.delay)"),
        ("ship.apply_async((1,), queue='a')", "transaction.on_commit(partial(ship.apply_async, (1,), queue='a'))"),
        ("ship.delay(*o, **o)", "transaction.on_commit(partial(ship.delay, *o, **o))"),
        ("ship.s(1).apply_async()", "transaction.on_commit(ship.s(1).apply_async)"),
        ("group(ship.s(1))()", "transaction.on_commit(group(ship.s(1)))"),
        ("(ship.s(1) | ship.s()).delay()", "transaction.on_commit((ship.s(1) | ship.s()).delay)"),
    ],
)
def test_everything_else_is_handed_to_on_commit(call: str, expected: str, write: Write) -> None:
    program = (
        "from functools import partial\n\nfrom celery import group, shared_task\n"
        "from django.db import transaction\n\n\n"
        "@shared_task\ndef ship(n=0):\n    print(n)\n\n\n@transaction.atomic\ndef place(o):\n    {}\n"
    )
    assert write(program.format(call)).fixed(RULE) == program.format(expected)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return ship.delay(1)", "its value is used"),
        ("result = ship.delay(1)", "its value is used"),
        ("ship.delay((yield))", "its arguments wait"),
        ("try:\n        ship.delay(1)\n    except OSError:\n        pass", "the `except` around it would not see"),
        ("transaction = o\n    ship.delay(1)", "`transaction` means something else here"),
        ("for partial in o:\n        ship.delay(partial)", "`partial` means something else here"),
    ],
)
def test_what_stands_against_it_is_said(body: str, reason: str, write: Write) -> None:
    program = (
        "from celery import shared_task\nfrom django.db.transaction import atomic\n\n\n"
        f"@shared_task\ndef ship(n=0):\n    print(n)\n\n\n@atomic\ndef place(o):\n    {body}\n"
    )
    project = write(program)
    assert project.fixed(RULE) == program
    [(_, found)] = project.planned(RULE).refused
    assert reason in found


def test_a_task_class_of_the_project_that_waits_for_the_commit_is_not_reported(write: Write) -> None:
    base = """# file: shop/base.py
from celery import Task
from django.db import transaction


class Deferred(Task):
    def apply_async(self, *args, **kwargs):
        transaction.on_commit(lambda: super(Deferred, self).apply_async(*args, **kwargs))
"""
    tasks = TASKS.format(decorator="@app.task(base=Deferred)").replace(
        "from shop.celery import app", "from shop.base import Deferred\nfrom shop.celery import app"
    )
    assert write(DJANGO.format(options="") + base + tasks + SERVICE).findings([RULE]) == []


LINES = """
@transaction.atomic(using="other")
def place(order):
    ship.delay(
        order.pk,  # the row
        notes={
            "gift": True,
        },
    )
    ship.apply_async((order.pk,),
                     countdown=3)
    ship.s(
        order.pk,
    ).apply_async()
    ship.delay(
        order.pk, notes={"gift": True, "one": "two", "three": "four", "five": "six"}
    )
    ship.delay(order.pk, notes={"gift": True, "one": "two"})
    ship.delay(order.pk, notes={"gift": True, "one": "two"})  # all
    ship.delay(order.pk, notes={"gift": True, "one": "two", "three": "four", "f": 5})
    ship.delay('''on two
lines''')
"""
LINES_DEFERRED = """
@transaction.atomic(using="other")
def place(order):
    transaction.on_commit(
        partial(
            ship.delay,
            order.pk,  # the row
            notes={
                "gift": True,
            },
        ),
        using="other",
    )
    transaction.on_commit(
        partial(
            ship.apply_async,
            (order.pk,),
            countdown=3,
        ),
        using="other",
    )
    transaction.on_commit(
        ship.s(
            order.pk,
        ).apply_async,
        using="other",
    )
    transaction.on_commit(
        partial(
            ship.delay,
            order.pk,
            notes={"gift": True, "one": "two", "three": "four", "five": "six"},
        ),
        using="other",
    )
    transaction.on_commit(
        partial(ship.delay, order.pk, notes={"gift": True, "one": "two"}),
        using="other",
    )
    transaction.on_commit(partial(ship.delay, order.pk, notes={"gift": True, "one": "two"}), using="other")  # all
    transaction.on_commit(
        partial(
            ship.delay,
            order.pk,
            notes={"gift": True, "one": "two", "three": "four", "f": 5},
        ),
        using="other",
    )
    transaction.on_commit(partial(ship.delay, '''on two
lines'''), using="other")
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_call_over_several_lines_stays_one_with_its_comments(end: str, write: Write) -> None:
    head = "from functools import partial\n\nfrom celery import shared_task\nfrom django.db import transaction\n"
    task = "\n\n@shared_task\ndef ship(order_id, notes=None):\n    print(order_id)\n\n"
    project = write(head + task + LINES)
    [name] = project.files
    path = project.root / name
    path.write_bytes(path.read_bytes().replace(b"\n", end.encode()))
    fixed = project.planned(RULE).changed[str(path)].decode()
    assert fixed == (head + task + LINES_DEFERRED).replace("\n", end)
