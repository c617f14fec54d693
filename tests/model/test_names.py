"""Where names come from: scopes, aliases and imports of one file, and the way from file to file."""

from __future__ import annotations

import ast

import pytest
from temporary import Write

from flake8_tasks.model.names import Names


def origin(text: str, *, module: str = "shop.tasks", is_package: bool = False) -> str | None:
    """The origin of the expression in the last statement of a text, in the scope it stands in."""
    tree = ast.parse(text)
    names = Names(tree, module, is_package)
    scope, body = names.top, tree.body
    while isinstance(body[-1], ast.FunctionDef | ast.ClassDef):
        scope, body = scope.child(body[-1]), body[-1].body
    last = body[-1]
    assert isinstance(last, ast.Expr)
    return names.origin(last.value, scope)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import celery\ncelery.shared_task", "celery.shared_task"),
        ("import celery.schedules\ncelery.schedules.crontab", "celery.schedules.crontab"),
        ("import celery.schedules as s\ns.crontab", "celery.schedules.crontab"),
        ("from celery import shared_task as t\nt", "celery.shared_task"),
        ("from . import models\nmodels.Order", "shop.models.Order"),
        ("from .models import Order\nOrder.objects", "shop.models.Order.objects"),
        ("from ..core import x\nx", "core.x"),
        ("def f(): pass\nf", "shop.tasks.f"),
        ("a = 1\na", "shop.tasks.a"),
        ("class A:\n    b = 1\n    b", "shop.tasks.A.b"),
        ("len", "builtins.len"),
        ("app.task", "<unbound>.app.task"),
        ("f().x", None),
    ],
)
def test_module_level_names(text: str, expected: str | None) -> None:
    assert origin(text) == expected


def test_relative_imports_of_a_package_start_in_it() -> None:
    assert origin("from .models import Order\nOrder", module="shop", is_package=True) == "shop.models.Order"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    from shop import tasks as t\n    t.work", "shop.tasks.work"),
        ("    work", "shop.views.work"),
        ("    work = other\n    work", "shop.views.other"),
        ("    work = other.method\n    work", "shop.views.other.method"),
        ("    work = other()\n    work", None),
        ("    if x:\n        work = other\n    else:\n        work = more\n    work", None),
        ("    for work in others:\n        pass\n    work", None),
        ("    with open(x) as work:\n        pass\n    work", None),
        ("    try:\n        pass\n    except OSError as work:\n        pass\n    work", None),
        ("    (work := other)\n    work", "shop.views.other"),
        ("    a, work = others\n    work", None),
        ("    def work(): pass\n    work", "shop.views.f.<locals>.work"),
        ("    x.work", None),
        ("    args", None),
        ("    match x:\n        case [work, *rest]:\n            pass\n    work", None),
    ],
)
def test_a_name_of_a_function_is_what_its_scope_says(body: str, expected: str | None) -> None:
    text = f"def work(): pass\ndef other(): pass\ndef f(x, *args, others=(), more=1, **kw):\n{body}"
    assert origin(text, module="shop.views") == expected


def test_a_class_body_is_not_seen_from_its_methods() -> None:
    assert origin("x = 1\nclass A:\n    x = 2\n    def f(self):\n        x", module="m") == "m.x"


PROJECT = """
# file: shop/tasks/__init__.py
from .mail import *
from .bills import send as send_bill
# file: shop/tasks/mail.py
from celery import shared_task

@shared_task
def welcome():
    pass
# file: shop/tasks/bills.py
from celery import shared_task as task

@task
def send():
    pass
# file: shop/cycle_a.py
from shop.cycle_b import thing
# file: shop/cycle_b.py
from shop.cycle_a import thing
# file: lib/api.py
from shop.tasks import welcome
# file: shop/broken.py
def (
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop.tasks.welcome", "shop.tasks.mail.welcome"),
        ("shop.tasks.send_bill", "shop.tasks.bills.send"),
        ("lib.api.welcome", "shop.tasks.mail.welcome"),
        ("shop.tasks.mail", "shop.tasks.mail"),
        ("celery.app.shared_task", "celery.shared_task"),
        ("django.db.models.Model", "django.db.models.Model"),
        ("shop.cycle_a.thing", None),
        ("shop.broken.x", None),
        ("shop.tasks.missing", None),
    ],
)
def test_a_name_is_followed_through_the_files_of_the_project(write: Write, name: str, expected: str | None) -> None:
    assert write(PROJECT).project().origin(name) == expected


def test_import_roots_can_be_configured(write: Write) -> None:
    text = "# file: backend/code/shop/api.py\n\n# file: backend/code/core/thing.py\ndef work(): pass\n"
    assert write(text).project(src=("backend/code",)).origin("core.thing.work") == "core.thing.work"


def test_a_constant_of_another_file_is_its_value(write: Write) -> None:
    project = write("# file: a/one.py\nLIMIT = 5\n# file: a/two.py\nfrom a.one import LIMIT as HERE\n").project()
    summary = project.summary(str(project.root / "a/two.py"))
    assert summary is not None
    definition = project.definition("a.two.HERE")
    assert definition is not None
    assert definition.origin == "a.one.LIMIT"


def test_a_package_below_the_root_is_named_from_the_folder_above_it(write: Write) -> None:
    project = write("# file: backend/shop/tasks.py\ndef work(): pass\n").project()
    (project.root / "backend/__init__.py").unlink()
    assert project.origin("shop.tasks.work") == "shop.tasks.work"
    assert project.origin("backend.shop.tasks.work") == "shop.tasks.work"
