"""Which task `send_task` and `signature` send: the one of the project that has the name, where that is certain."""

from __future__ import annotations

import pytest
from temporary import TemporaryProject, Write

from flake8_tasks.model.facts import Dispatch
from flake8_tasks.model.reader import Reader

SHOP = """
# file: shop/celery.py
from celery import Celery

app = Celery("shop")
other = Celery("other")
# file: shop/names.py
from enum import Enum
from os import environ

SHIP = "shop.ship"
NOBODYS = "shop.nobodys"
WORKED_OUT = environ["SHIP"]
CHANGED = "shop.ship"
CHANGED = "shop.pay"

class TaskName(str, Enum):
    pay = "shop.pay"
# file: shop/tasks.py
from celery import shared_task
from shop.celery import app
from shop.names import TaskName

@app.task(name="shop.ship")
def ship(order_id):
    print(order_id)

@shared_task(name=TaskName.pay)
def pay(order_id):
    print(order_id)

@app.task
def plain(order_id):
    print(order_id)

@app.task(name="shop.twice")
def first(order_id):
    print(order_id)

@shared_task(name="shop.twice")
def second(order_id):
    print(order_id)
# file: shop/test_tasks.py
from celery import shared_task

@shared_task(name="shop.tested")
def tested():
    pass
# file: shop/use.py
import celery
from celery import current_app, signature
from shop import names
from shop.celery import app, other
from shop.names import NOBODYS, SHIP, TaskName
"""


def sent(project: TemporaryProject) -> list[str | None]:
    model = project.project()
    module = model.module(str(project.root / "shop" / "use.py"))
    assert module is not None
    dispatches = (fact for fact in Reader(module, model).facts if isinstance(fact, Dispatch))
    return [dispatch.target.name if dispatch.target else None for dispatch in dispatches]


@pytest.mark.parametrize(
    ("call", "task"),
    [
        ("app.send_task('shop.ship', (1,))", "ship"),
        ("app.send_task(name='shop.ship', args=(1,))", "ship"),
        ("app.send_task(SHIP)", "ship"),
        ("current_app.send_task(names.SHIP)", "ship"),
        ("app.send_task('shop.tasks.plain')", "plain"),
        ("app.send_task(TaskName.pay)", "pay"),
        ("app.send_task(TaskName.pay.value)", "pay"),
        ("other.send_task('shop.pay')", "pay"),
        ("app.signature('shop.ship')", "ship"),
        ("signature(SHIP, args=(1,))", "ship"),
        ("celery.signature('shop.ship', (1,))", "ship"),
    ],
)
def test_the_task_of_a_name_is_known(call: str, task: str, write: Write) -> None:
    assert sent(write(f"{SHOP}\ndef send(name):\n    {call}\n")) == [task]


@pytest.mark.parametrize(
    "call",
    [
        "app.send_task('shop.tasks.ship')",
        "app.send_task(NOBODYS)",
        "app.send_task('elsewhere.work')",
        "app.send_task('shop.twice')",
        "app.send_task('shop.tested')",
        "app.send_task(names.WORKED_OUT)",
        "app.send_task(names.CHANGED)",
        "app.send_task(names.TaskName.ship)",
        "app.send_task(name)",
        "app.send_task()",
        "other.send_task('shop.ship')",
        "signature({'task': 'shop.ship'})",
    ],
)
def test_a_name_that_nobody_or_somebody_else_has_stays_unknown(call: str, write: Write) -> None:
    assert sent(write(f"{SHOP}\ndef send(name):\n    {call}\n")) == [None]
