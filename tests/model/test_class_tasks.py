"""Which classes are tasks: by a `run` of their own or of a base class, where they are registered, and how sent."""

from __future__ import annotations

import pytest
from temporary import TemporaryProject, Write

from flake8_tasks.model.facts import Declared, Dispatch, Fact, TaskClass, Wait
from flake8_tasks.model.reader import Reader

SHOP = """
# file: shop/celery.py
from celery import Celery

app = Celery("shop")
# file: shop/names.py
from enum import Enum

class Group(Enum):
    orders = "orders"

sync_name = f"shop.{Group.orders.value}.Sync"
mail_name = "shop.mail"
# file: shop/base.py
from shop.celery import app
from shop.stock import reserve

class BaseTask(app.Task):
    time_limit = 30
    max_retries = 4

    def __init_subclass__(cls, name=None):
        cls.name = name

    def run(self, *args, **kwargs):
        return self.run_impl(*args, **kwargs)

class Periodic(BaseTask):
    max_retries = 1

    def run_impl(self, *args, **kwargs):
        return self.run_often(*args, **kwargs)
# file: shop/stock.py
def reserve():
    pass
# file: shop/tasks.py
from outside.names import bill_name
from shop.base import BaseTask, Periodic
from shop.celery import app
from shop.names import mail_name, sync_name

class SyncTask(BaseTask, name=sync_name):
    time_limit = 5

    def run_impl(self, order_id):
        return order_id

RegisteredSync = app.register_task(SyncTask())
sync = app.tasks[RegisteredSync.name]

class MailTask(BaseTask, name=mail_name):
    def run_impl(self, order_id):
        return order_id

app.register_task(MailTask())

class BillTask(BaseTask, name=bill_name):
    pass

app.register_task(BillTask())

class NightlyTask(Periodic):
    def run_often(self):
        pass

def register(application):
    app.register_task(NightlyTask)
"""


def facts(project: TemporaryProject, name: str = "shop/tasks.py") -> tuple[Fact, ...]:
    """The facts of a file."""
    model = project.project()
    module = model.module(str(project.root / name))
    assert module is not None
    return Reader(module, model).facts


def declared(project: TemporaryProject, name: str = "shop/tasks.py") -> list[str]:
    """The names of the tasks that a file declares."""
    return [fact.task.name for fact in facts(project, name) if isinstance(fact, Declared)]


def sent(project: TemporaryProject, name: str = "shop/use.py") -> list[str | None]:
    """The targets of the dispatches of a file, None for one that nobody knows."""
    found = (fact for fact in facts(project, name) if isinstance(fact, Dispatch))
    return [fact.target.origin if fact.target else None for fact in found]


def test_a_registered_class_is_a_task_by_the_run_that_it_inherits(write: Write) -> None:
    assert declared(write(SHOP)) == ["SyncTask", "MailTask", "BillTask", "NightlyTask"]


def test_a_base_class_that_is_never_registered_is_no_task_but_a_class_for_tasks(write: Write) -> None:
    found = facts(write(SHOP), "shop/base.py")
    assert [fact for fact in found if isinstance(fact, Declared)] == []
    assert [(fact.record.name, fact.is_task) for fact in found if isinstance(fact, TaskClass)] == [
        ("BaseTask", False),
        ("Periodic", False),
    ]


def test_a_class_task_has_the_options_of_all_its_classes(write: Write) -> None:
    tasks = write(SHOP).project().tasks
    sync, mail, nightly = (tasks.find(f"shop.tasks.{name}") for name in ("SyncTask", "MailTask", "NightlyTask"))
    assert sync is not None
    assert mail is not None
    assert nightly is not None
    assert [task.literal("time_limit") for task in (sync, mail, nightly)] == [5, 30, 30]
    assert [task.literal("max_retries") for task in (sync, mail, nightly)] == [4, 4, 1]
    own, inherited = sync.written("time_limit"), mail.written("time_limit")
    assert own is not None
    assert inherited is not None
    assert (own.source, inherited.source) == ("class", "base")


def test_a_class_task_takes_what_the_inherited_run_takes(write: Write) -> None:
    task = write(SHOP).project().tasks.find("shop.tasks.SyncTask")
    assert task is not None
    assert [(parameter.name, parameter.kind) for parameter in task.parameters] == [
        ("args", "arguments"),
        ("kwargs", "keywords"),
    ]


@pytest.mark.parametrize(
    "registration",
    [
        "Work = app.register_task(Work())",
        "app.register_task(Work)",
        "app.tasks.register(Work())",
        "def register():\n    app.register_task(Work())",
        "def register():\n    made = app.register_task(Work())\n    return made",
    ],
)
def test_a_base_class_that_is_registered_is_a_task_too(write: Write, registration: str) -> None:
    project = write(
        f"{SHOP}# file: shop/more.py\nfrom celery import Task\nfrom shop.celery import app\n\n"
        "class Work(Task):\n    def run(self, x):\n        pass\n\n"
        f"class Special(Work):\n    queue = 'special'\n\n{registration}\n"
    )
    assert declared(project, "shop/more.py") == ["Work", "Special"]


def test_a_class_registered_by_a_decorator_is_a_task(write: Write) -> None:
    project = write(
        f"{SHOP}# file: shop/more.py\nfrom celery import Task\nfrom shop.celery import app\n\n"
        "@app.register_task\nclass Work(Task):\n    def run(self, x):\n        pass\n\n"
        "class Special(Work):\n    pass\n"
    )
    assert declared(project, "shop/more.py") == ["Work", "Special"]


def test_a_class_with_run_that_nobody_derives_from_is_a_task_wherever_it_is_registered(write: Write) -> None:
    project = write(
        f"{SHOP}# file: shop/more.py\nfrom celery import Task\n\n"
        "class Work(Task):\n    def run(self, x):\n        pass\n\n"
        "# file: shop/tests/test_more.py\nfrom shop.more import Work\n\nclass FakeTask(Work):\n    pass\n"
    )
    assert declared(project, "shop/more.py") == ["Work"]


@pytest.mark.parametrize(
    "use",
    [
        "@app.task(base=Locked)\ndef work(x):\n    pass",
        "@app.task(base=Locked, bind=True)\ndef work(self, x):\n    pass",
        "other = Celery('other', task_cls=Locked)",
    ],
)
def test_a_class_that_tasks_are_made_with_is_none_itself(write: Write, use: str) -> None:
    project = write(
        f"{SHOP}# file: shop/more.py\nfrom celery import Celery\nfrom shop.celery import app\n"
        f"from shop.base import BaseTask\n\nclass Locked(BaseTask):\n    priority = 3\n\n{use}\n"
    )
    assert "Locked" not in declared(project, "shop/more.py")


@pytest.mark.parametrize(
    "head",
    [
        "from elsewhere import Mixin\nfrom shop.base import BaseTask\n\nclass Work(Mixin, BaseTask):\n    pass\n",
        "from celery import Task\n\nclass Work(Task):\n    def run_impl(self):\n        pass\n",
        "class Base:\n    def run(self):\n        pass\n\nclass Work(Base):\n    pass\n",
    ],
)
def test_a_class_is_no_task_where_nobody_can_say_that_it_has_a_run(write: Write, head: str) -> None:
    project = write(f"{SHOP}# file: shop/more.py\n{head}")
    assert declared(project, "shop/more.py") == []


@pytest.mark.parametrize(
    ("method", "soft", "hard"),
    [
        ("def __init_subclass__(cls, limit=None):\n        cls.soft_time_limit = limit", ..., None),
        ("def __init__(self):\n        self.time_limit = limit()", None, ...),
        ("def __init_subclass__(cls, **options):\n        [setattr(cls, *pair) for pair in options.items()]", ..., ...),
        ("def __init_subclass__(cls, label=None):\n        cls.label = label", None, None),
    ],
)
def test_an_option_that_a_base_class_sets_for_those_below_it_is_not_known(
    write: Write, method: str, soft: object, hard: object
) -> None:
    project = write(
        f"{SHOP}# file: shop/more.py\nfrom celery import Task\n\nclass Base(Task):\n    {method}\n\n"
        "class Work(Base, label='x'):\n    def run(self):\n        pass\n"
    ).project()
    task = project.tasks.find("shop.more.Work")
    assert task is not None
    assert task.literal("soft_time_limit") is soft
    assert task.literal("time_limit") is hard


@pytest.mark.parametrize(
    ("code", "target"),
    [
        ("from shop.tasks import sync\n\nsync.apply_async(kwargs={'order_id': 1})", "SyncTask"),
        ("from shop.tasks import RegisteredSync\n\nRegisteredSync.delay(1)", "SyncTask"),
        ("from shop.tasks import sync\n\nsync.si(1)", "SyncTask"),
        ("from shop.names import sync_name\n\napp.tasks[sync_name].apply_async(kwargs={'order_id': 1})", "SyncTask"),
        ("from shop.names import mail_name\n\napp.tasks[mail_name].si(order_id=1)", "MailTask"),
        ("app.tasks['shop.mail'].delay(1)", "MailTask"),
        ("from shop.tasks import MailTask\n\napp.tasks[MailTask.name].delay(1)", "MailTask"),
        ("app.tasks['shop.tasks.NightlyTask'].delay()", "NightlyTask"),
        ("mail = app.tasks['shop.mail']\nmail.delay(1)", "MailTask"),
        ("from outside.names import bill_name\n\napp.tasks[bill_name].delay(1)", "BillTask"),
    ],
)
def test_a_class_task_is_known_where_it_is_sent(write: Write, code: str, target: str) -> None:
    project = write(f"{SHOP}# file: shop/use.py\nfrom shop.celery import app\n{code}\n")
    assert sent(project) == [f"shop.tasks.{target}"]


@pytest.mark.parametrize(
    "code",
    [
        "app.tasks['shop.unknown'].delay(1)",
        "def send(name):\n    app.tasks[name].delay(1)",
        "app.tasks[0].delay(1)",
        "app.tasks[nowhere].delay(1)",
        "app.tasks[app.name].delay(1)",
        "from shop.names import Group\n\napp.tasks[Group.orders].delay(1)",
        "from shop.names import mail_name\nfrom celery import Celery\n\nCelery().tasks[mail_name].delay(1)",
        "name = 'shop.mail'\nname = 'other'\napp.tasks[name].delay(1)",
    ],
)
def test_what_is_sent_by_a_name_that_nobody_knows_is_not_known(write: Write, code: str) -> None:
    assert sent(write(f"{SHOP}# file: shop/use.py\nfrom shop.celery import app\n{code}\n")) == [None]


@pytest.mark.parametrize("registry", ["board.tasks['shop.mail']", "board.tasks[mail_name]"])
def test_the_tasks_of_something_that_is_no_app_are_none(write: Write, registry: str) -> None:
    head = "from shop.names import mail_name\nfrom board import board\n\n"
    assert sent(write(f"{SHOP}# file: shop/use.py\n{head}job = {registry}\njob.delay(1)\n")) == []


def test_a_task_whose_name_is_worked_out_is_found_by_none(write: Write) -> None:
    project = write(
        f"{SHOP}# file: shop/use.py\nfrom shop.celery import app\nfrom shop.stock import reserve\n\n"
        "@app.task(name=reserve())\ndef mail():\n    pass\n\napp.tasks['shop.use.mail'].delay()\n"
    )
    assert sent(project) == [None]


def test_two_tasks_of_one_name_are_not_known_by_it(write: Write) -> None:
    project = write(
        f"{SHOP}# file: shop/use.py\nfrom shop.celery import app\n\n"
        "@app.task(name='shop.mail')\ndef mail():\n    pass\n\napp.tasks['shop.mail'].delay()\n"
    )
    assert sent(project) == [None]


def test_a_task_sends_another_by_the_app_that_it_has(write: Write) -> None:
    project = write(
        f"{SHOP}# file: shop/use.py\nfrom shop.base import BaseTask\nfrom shop.names import sync_name\n\n"
        "class Start(BaseTask):\n    def run_impl(self):\n"
        "        self.app.tasks[sync_name].apply_async(kwargs={'order_id': 1})\n        self.delay()\n"
    )
    assert sent(project) == ["shop.tasks.SyncTask", "shop.use.Start"]


WAITING = "        return app.tasks['shop.mail'].delay(1).get()\n"


@pytest.mark.parametrize(
    ("code", "task"),
    [
        (f"class Work(BaseTask):\n    def run_impl(self):\n{WAITING}", "Work"),
        (f"class Work(Periodic):\n    def run_often(self):\n{WAITING}", "Work"),
        (f"class Base(app.Task):\n    def run(self):\n{WAITING}\nclass Work(Base):\n    pass\n", "Work"),
        (
            f"class Base(app.Task):\n    def run(self):\n        return wait()\n\ndef wait():\n{WAITING}\n"
            "class Work(Base):\n    pass\n",
            "Work",
        ),
    ],
)
def test_a_method_that_run_calls_runs_in_the_task(write: Write, code: str, task: str) -> None:
    project = write(
        f"{SHOP}# file: shop/use.py\nfrom shop.base import BaseTask, Periodic\nfrom shop.celery import app\n\n{code}"
    )
    waits = [fact for fact in facts(project, "shop/use.py") if isinstance(fact, Wait)]
    assert [[found.name for found, _ in wait.tasks_around] for wait in waits] == [[task]]


@pytest.mark.parametrize(
    "code",
    [
        f"class Work(BaseTask):\n    def run_impl(self):\n        pass\n\n    def check(self):\n{WAITING}",
        f"class Other:\n    def run_impl(self):\n{WAITING}",
        f"def wait():\n{WAITING}\nclass Other:\n    def run(self):\n        wait()\n",
        f"class Work(BaseTask):\n    @staticmethod\n    def on_failure():\n{WAITING}",
    ],
)
def test_a_method_that_nobody_is_known_to_call_runs_in_no_task(write: Write, code: str) -> None:
    project = write(f"{SHOP}# file: shop/use.py\nfrom shop.base import BaseTask\nfrom shop.celery import app\n\n{code}")
    waits = [fact for fact in facts(project, "shop/use.py") if isinstance(fact, Wait)]
    assert [wait.tasks_around for wait in waits] == [()]


@pytest.mark.parametrize(
    ("body", "cannot_hang"),
    [
        ("def run_impl(self):\n        pass", True),
        ("def run_impl(self):\n        self.send()", False),
        ("queue = 'x'", False),
    ],
)
def test_a_class_task_cannot_hang_where_the_method_that_run_calls_cannot(
    write: Write, body: str, cannot_hang: bool
) -> None:
    project = write(f"{SHOP}# file: shop/use.py\nfrom shop.base import BaseTask\n\nclass Work(BaseTask):\n    {body}\n")
    (found,) = (fact for fact in facts(project, "shop/use.py") if isinstance(fact, Declared))
    assert found.cannot_hang is cannot_hang


def test_a_class_task_cannot_hang_where_its_inherited_run_cannot(write: Write) -> None:
    project = write(
        "# file: shop/use.py\nfrom celery import Task\n\nclass Base(Task):\n    def run(self):\n"
        "        raise NotImplementedError\n\nclass Work(Base):\n    pass\n"
    )
    (found,) = (fact for fact in facts(project, "shop/use.py") if isinstance(fact, Declared))
    assert (found.task.name, found.cannot_hang) == ("Work", True)
