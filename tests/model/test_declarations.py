"""Which functions are tasks, under any name and behind any wrapper, and which options they end up with."""

from __future__ import annotations

import pytest
from temporary import Write

from flake8_tasks.model.facts import Declared, Dispatch
from flake8_tasks.model.reader import Reader
from flake8_tasks.model.tasks.task import Task

APP = """
# file: shop/celery.py
from celery import Celery

app = Celery("shop")
"""


def found(write: Write, text: str, name: str) -> Task | None:
    return write(text).project().tasks.find(name)


@pytest.mark.parametrize(
    "head",
    [
        "from shop.celery import app\n\n@app.task",
        "from shop.celery import app as celery_app\n\n@celery_app.task(bind=True)",
        "from .celery import app\n\n@app.task()",
        "from shop import celery\n\n@celery.app.task",
        "import shop.celery\n\n@shop.celery.app.task",
        "from celery import shared_task\n\n@shared_task",
        "import celery\n\n@celery.shared_task(name='t')",
        "from celery import shared_task as job\n\n@job",
        "from celery.app import shared_task\n\n@shared_task",
        "from celery import shared_task\n\nproject_task = shared_task\n\n@project_task",
        "from celery import current_app\n\n@current_app.task",
        "from celery import Celery\n\nq = Celery()\n\n@q.task",
        "try:\n    from celery import shared_task\nexcept ImportError:\n    shared_task = None\n\n@shared_task",
    ],
)
def test_a_decorator_is_known_by_where_it_comes_from(write: Write, head: str) -> None:
    task = found(write, f"{APP}# file: shop/tasks.py\n{head}\ndef work(self, x):\n    pass\n", "shop.tasks.work")
    assert task is not None
    assert task.name == "work"


@pytest.mark.parametrize(
    "head",
    [
        "from invoke import task\n\n@task",
        "from prefect import task\n\n@task(retries=3)",
        "from flask import Flask\n\napp = Flask('x')\n\n@app.task",
        "from huey import RedisHuey\n\nhuey = RedisHuey()\n\n@huey.task()",
        "def shared_task(f):\n    return f\n\n@shared_task",
        "import functools\n\n@functools.cache",
        "def task(**o):\n    def mark(f):\n        f.o = o\n        return f\n    return mark\n\n@task(queue='x')",
    ],
)
def test_what_only_looks_like_a_task_is_none(write: Write, head: str) -> None:
    assert found(write, f"# file: shop/tasks.py\n{head}\ndef work(x):\n    pass\n", "shop.tasks.work") is None


def test_an_app_is_found_through_packages_and_re_exports(write: Write) -> None:
    task = found(
        write,
        APP
        + """
# file: shop/__init__.py
from .celery import app as celery_app
# file: config/__init__.py
from shop import celery_app
# file: shop/tasks.py
from config import celery_app

@celery_app.task(time_limit=5)
def work():
    pass
# file: shop/api.py
from .tasks import *
# file: shop/use.py
from shop.api import work
""",
        "shop.use.work",
    )
    assert task is not None
    assert task.origin == "shop.tasks.work"
    assert task.literal("time_limit") == 5


def test_an_app_that_a_factory_or_a_subclass_makes(write: Write) -> None:
    project = write(
        """
# file: shop/factory.py
from celery import Celery

class OurCelery(Celery):
    pass

def make():
    app = Celery("x")
    return app
# file: shop/tasks.py
from shop.factory import OurCelery, make

one, two = OurCelery(), None
app = make()
ours = OurCelery("y")

@app.task
def made():
    pass

@ours.task
def subclassed():
    pass
"""
    ).project()
    assert project.tasks.find("shop.tasks.made") is not None
    assert project.tasks.find("shop.tasks.subclassed") is not None


WRAPPERS = """
# file: shop/wrappers.py
from functools import partial, wraps

from celery import shared_task

def with_retries(*args, **kwargs):
    return shared_task(*args, autoretry_for=(OSError,), retry_backoff=5, **kwargs)

def locked(*task_args, **task_kwargs):
    def outer(function):
        @shared_task(*task_args, time_limit=60, **task_kwargs)
        @wraps(function)
        def inner(*args, **kwargs):
            return function(*args, **kwargs)
        return inner
    return outer

class Retryable:
    def __init__(self, retries=3, **options):
        self.retries, self.options = retries, options

    def __call__(self, function):
        return shared_task(soft_time_limit=9, **self.options)(function)

ready = Retryable(time_limit=3)
preconfigured = shared_task(max_retries=7)
alias = shared_task
slow = partial(shared_task, time_limit=900)

def with_default(**options):
    options.setdefault("time_limit", 33)
    return shared_task(**options)

def with_unknown(**options):
    options.update(load())
    return shared_task(**options)

DEFAULTS = {"time_limit": 21, **dict(acks_late=True)}
CHANGED = {"acks_late": True}
CHANGED["time_limit"] = 22

def with_an_item(**options):
    options["time_limit"] = 44
    return shared_task(**options)

def with_a_display(**options):
    return shared_task(**{"time_limit": 55, **options})

def with_defaults(**options):
    return shared_task(**DEFAULTS, **options)

def with_another_dict(**options):
    options = load() | options
    return shared_task(**options)

def with_more(**options):
    options |= load()
    return shared_task(**options)

def with_what_it_knows(more, **options):
    return shared_task(**more, **options)

class Queue:
    def __init__(self, name):
        self.name = name

    def __call__(self, **options):
        return shared_task(queue=self.name, **options)

slow_queue = Queue("slow")
"""


@pytest.mark.parametrize(
    ("decorator", "options"),
    [
        ("with_retries", {"retry_backoff": 5, "time_limit": None}),
        ("with_retries(time_limit=8)", {"retry_backoff": 5, "time_limit": 8}),
        ("with_retries(retry_backoff=9)", {"retry_backoff": 9}),
        ("locked(max_retries=2)", {"time_limit": 60, "max_retries": 2}),
        ("Retryable(retries=5)", {"soft_time_limit": 9, "retries": None}),
        ("Retryable(max_retries=5)", {"soft_time_limit": 9, "max_retries": 5}),
        ("ready", {"soft_time_limit": 9, "time_limit": 3}),
        ("preconfigured", {"max_retries": 7}),
        ("alias(max_retries=4)", {"max_retries": 4}),
        ("slow(max_retries=4)", {"max_retries": 4, "time_limit": 900}),
        ("with_default()", {"time_limit": 33}),
        ("with_default(time_limit=1)", {"time_limit": 1}),
        ("with_unknown(max_retries=1)", {"max_retries": 1, "time_limit": ...}),
        ("with_an_item(max_retries=1)", {"max_retries": 1, "time_limit": 44}),
        ("with_a_display(max_retries=1)", {"max_retries": 1, "time_limit": 55}),
        ("with_a_display(time_limit=1)", {"time_limit": 1}),
        ("with_defaults(max_retries=1)", {"max_retries": 1, "time_limit": 21, "acks_late": True}),
        ("with_another_dict(max_retries=1)", {"max_retries": 1, "time_limit": ...}),
        ("with_more(max_retries=1)", {"max_retries": 1, "time_limit": ...}),
        ("with_what_it_knows({}, max_retries=1)", {"max_retries": 1, "time_limit": ...}),
        ("slow_queue(max_retries=1)", {"max_retries": 1, "time_limit": None}),
    ],
)
def test_a_wrapper_adds_its_options_and_passes_on_those_it_gets(
    write: Write, decorator: str, options: dict[str, object]
) -> None:
    name = decorator.partition("(")[0]
    task = found(
        write,
        f"{WRAPPERS}# file: shop/tasks.py\nfrom shop.wrappers import {name}\n\n@{decorator}\ndef work():\n    pass\n",
        "shop.tasks.work",
    )
    assert task is not None
    assert {option: task.literal(option) for option in options} == options


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [
        ("**DEFAULTS", 21),
        ("max_retries=3, **DEFAULTS", 21),
        ("time_limit=20, **CHANGED", 20),
        ("**CHANGED", ...),
        ("**{'time_limit': 6, **DEFAULTS}", 6),
        ("**dict(DEFAULTS, acks_late=True)", ...),
        ("**UNKNOWN", ...),
    ],
)
def test_a_dict_of_options_is_read_where_nothing_changes_it(write: Write, arguments: str, limit: object) -> None:
    task = found(
        write,
        f"{WRAPPERS}# file: shop/tasks.py\nfrom celery import shared_task\n"
        "from shop.wrappers import CHANGED, DEFAULTS\nfrom elsewhere import UNKNOWN\n\n"
        f"@shared_task({arguments})\ndef work():\n    pass\n",
        "shop.tasks.work",
    )
    assert task is not None
    assert task.literal("time_limit") == limit


def test_a_wrapper_of_another_package_is_told_in_the_configuration(write: Write) -> None:
    text = """
# file: shop/tasks.py
from company.queues import background

@background(queue="x")
def work():
    pass
"""
    assert found(write, text, "shop.tasks.work") is None
    told = write(text).project(task_decorators=("company.queues.background",))
    task = told.tasks.find("shop.tasks.work")
    assert task is not None
    assert task.literal("time_limit") is ...  # the wrapper may set it


CLASSES = """
# file: shop/base.py
from celery import Task

class Policy(Task):
    max_retries = 8
    time_limit = 100

class Stricter(Policy):
    time_limit = 10
# file: shop/celery.py
from celery import Celery

app = Celery("shop", task_cls="shop.base:Policy")
plain = Celery("plain")
"""


@pytest.mark.parametrize(
    ("head", "limit"),
    [
        ("from shop.celery import app\n\n@app.task", 100),
        ("from shop.celery import app\nfrom shop.base import Stricter\n\n@app.task(base=Stricter)", 10),
        ("from shop.celery import app\nfrom shop.base import Stricter\n\n@app.task(base=Stricter, time_limit=1)", 1),
        ("from shop.celery import plain\n\n@plain.task", None),
        ("from shop.celery import app\nfrom elsewhere import Base\n\n@app.task(base=Base)", ...),
        ("from shop.celery import app\n\n@app.task(base=None)", None),
    ],
)
def test_options_come_from_base_classes_and_the_apps_task_class(write: Write, head: str, limit: object) -> None:
    task = found(write, f"{CLASSES}# file: shop/tasks.py\n{head}\ndef work():\n    pass\n", "shop.tasks.work")
    assert task is not None
    assert task.literal("time_limit") == limit


def test_the_settings_are_the_last_to_be_asked(write: Write) -> None:
    task = found(
        write,
        APP
        + """app.conf.update(task_time_limit=77, task_annotations={"shop.tasks.work": {"soft_time_limit": 5}})
# file: shop/tasks.py
from shop.celery import app

@app.task
def work():
    pass
""",
        "shop.tasks.work",
    )
    assert task is not None
    limit, soft = task.option("time_limit"), task.option("soft_time_limit")
    assert limit is not None
    assert (limit.source, task.literal("time_limit")) == ("settings", 77)
    assert soft is not None
    assert (soft.source, task.literal("soft_time_limit")) == ("task_annotations", 5)


def test_class_tasks(write: Write) -> None:
    project = write(
        APP
        + """
# file: shop/tasks.py
from celery import Task
from shop.celery import app

class Base(Task):
    abstract = True
    soft_time_limit = 4

class Import(Base, name="import"):
    max_retries = 2

    def run(self, path, *, dry=False):
        pass

Import = app.register_task(Import())

class NoTask:
    def run(self):
        pass

def plain(x):
    pass

by_call = app.task(plain)
by_options = app.task(time_limit=6)(plain)
"""
    ).project()
    task = project.tasks.find("shop.tasks.Import")
    assert task is not None
    assert (task.bound, task.task_name) == (True, "import")
    assert [parameter.name for parameter in task.parameters] == ["path", "dry"]
    assert (task.literal("soft_time_limit"), task.literal("max_retries")) == (4, 2)
    assert project.tasks.find("shop.tasks.NoTask") is None
    assert project.tasks.find("shop.tasks.plain") is None
    called, with_options = project.tasks.find("shop.tasks.by_call"), project.tasks.find("shop.tasks.by_options")
    assert called is not None
    assert with_options is not None
    assert with_options.literal("time_limit") == 6


@pytest.mark.parametrize(
    ("options", "bound", "parameters"),
    [("", False, ["self", "x"]), ("(bind=True)", True, ["x"]), ("(bind=BIND)", None, ["self", "x"])],
)
def test_a_bound_task_does_not_take_itself(
    write: Write, options: str, bound: bool | None, parameters: list[str]
) -> None:
    task = found(
        write,
        f"{APP}# file: shop/tasks.py\nfrom shop.celery import app\nfrom x import BIND\n\n"
        f"@app.task{options}\ndef work(self, x):\n    pass\n",
        "shop.tasks.work",
    )
    assert task is not None
    assert task.bound is bound
    assert [parameter.name for parameter in task.parameters] == parameters


def test_a_task_that_is_registered_later(write: Write) -> None:
    """A wrapper that only marks the function; the app is known when a scanner comes by."""
    project = write(
        """
# file: shop/registry.py
import venusian

def task(**kwargs):
    def mark(wrapped):
        def callback(scanner, name, wrapped):
            celery_app = scanner.config.registry["celery.app"]
            celery_app.task(**kwargs)(wrapped)
        venusian.attach(wrapped, callback)
        return wrapped
    return mark
# file: shop/tasks.py
from shop import registry

@registry.task(time_limit=5, ignore_result=True)
def work(request, x):
    pass
# file: shop/views.py
from shop.tasks import work

def view(request):
    request.task(work).delay(1)
    request.task(other).delay(1)
"""
    ).project()
    task = project.tasks.find("shop.tasks.work")
    assert task is not None
    assert task.literal("time_limit") == 5
    module = project.module(str(project.root / "shop/views.py"))
    assert module is not None
    sent = [fact for fact in Reader(module, project).facts if isinstance(fact, Dispatch)]
    assert [(fact.target_name, fact.is_written_out) for fact in sent] == [("work", False)]


def test_the_apps_own_task_class_is_a_base(write: Write) -> None:
    task = found(
        write,
        f"{APP}# file: shop/tasks.py\nfrom shop.celery import app\n\nclass Work(app.Task):\n    time_limit = 3\n\n"
        "    def run(self):\n        pass\n",
        "shop.tasks.Work",
    )
    assert task is not None
    assert task.literal("time_limit") == 3


def test_a_task_made_by_a_call_is_declared_where_its_function_is(write: Write) -> None:
    project = write(
        f"{APP}# file: shop/tasks.py\nfrom shop.celery import app\n\ndef plain(x):\n    pass\n\n"
        "work = app.task(time_limit=6)(plain)\nprint(plain)\n"
    ).project()
    module = project.module(str(project.root / "shop/tasks.py"))
    assert module is not None
    declared = [fact for fact in Reader(module, project).facts if isinstance(fact, Declared)]
    assert [(fact.task.name, fact.span.line, fact.task.literal("time_limit")) for fact in declared] == [("plain", 3, 6)]
