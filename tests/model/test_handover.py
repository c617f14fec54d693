"""The two-sited fix: when the call and the task change together, and why they do not."""

from __future__ import annotations

import pytest
from temporary import Write

from flake8_tasks.edit import Fix, Refusal
from flake8_tasks.rules.arguments.model_argument import rule

MODELS = """
# file: shop/models.py
from django.db import models

class Order(models.Model):
    pass

class Invoice(models.Model):
    pass
"""
TASKS = """
# file: shop/tasks.py
from celery import shared_task

@shared_task(bind=True, time_limit=5)
def bill(self, order, copies):
    print(order)
"""
VIEWS = """
# file: shop/views.py
from shop.models import Invoice, Order
from shop.tasks import bill

def view(pk):
    order = Order.objects.get(pk=pk)
    bill.delay(order, 2)
"""


def verdict(write: Write, text: str) -> Fix | Refusal | None:
    """The fix of the first finding in the last file."""
    return write(text).findings([rule], fixes=True)[-1].fix


def test_every_call_in_every_file_changes_with_the_task(write: Write) -> None:
    other = """
# file: shop/more.py
from functools import partial

from django.db import transaction
from shop import tasks
from shop.models import Order

def later(order: Order):
    transaction.on_commit(partial(tasks.bill.delay, order, copies=1))
    tasks.bill(tasks, order, 1)
"""
    fix = verdict(write, MODELS + TASKS + VIEWS + other.replace("    tasks.bill(tasks, order, 1)\n", ""))
    assert isinstance(fix, Refusal) or fix is not None
    changed = write(MODELS + TASKS + VIEWS + other.replace("    tasks.bill(tasks, order, 1)\n", "")).fixed(rule)
    assert "bill.delay(order.pk, 2)" in changed
    assert "partial(tasks.bill.delay, order.pk, copies=1)" in changed
    assert "def bill(self, order_pk, copies):\n    order = Order.objects.get(pk=order_pk)\n" in changed


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("def f(args):\n    bill.delay(*args)", "not written out"),
        ("def f(order):\n    bill.delay(order, 1)", "may be something else"),
        ("def f(i: Invoice):\n    bill.delay(i, 1)", "may be something else"),
        ("def f():\n    bill.delay(copies=1)", "gives no `order`"),
        ("def f():\n    bill.delay(None, 1)", "may be something else"),
        ("def f():\n    bill.delay(Order.objects.first(), 1)", "`Order.objects.first()` is None where there is no row"),
        ("async def f():\n    bill.delay(await Order.objects.alast(), 1)", "is None where there is no row"),
        ("def f(order: Order):\n    return bill.s(order)", "may get more arguments"),
        ("def f(run):\n    run(bill)", "hands it on"),
        ("def f(run):\n    run(bill.delay)", "hands its `delay` on"),
        ("SCHEDULE = {'task': 'shop.tasks.bill'}", "calls it by name"),
        ("def f(app):\n    app.send_task('shop.tasks.bill')", "calls it by name"),
        ("def f(order: Order):\n    bill.apply((order, 1))", "uses its `apply`"),
    ],
)
def test_one_use_that_cannot_be_read_refuses_the_whole(write: Write, more: str, reason: str) -> None:
    extra = f"# file: shop/extra.py\nfrom shop.models import Invoice, Order\nfrom shop.tasks import bill\n\n{more}\n"
    fix = verdict(write, MODELS + TASKS + extra + VIEWS)
    assert isinstance(fix, Refusal)
    assert reason in fix.reason


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ("@shared_task\ndef bill(order=None, copies=1): pass", "has a default"),
        ("@shared_task\ndef bill(*args): pass", "`*args`"),
        ("@shared_task\ndef bill(order, order_pk): pass", "a parameter `order_pk` already"),
        ("@shared_task\ndef bill(order, copies):\n    order_pk = 1", "a name `order_pk` already"),
        (
            "@shared_task(bind=True)\ndef bill(self, order, copies):\n    self.retry(args=(order, 1))",
            "arguments of its own",
        ),
        ("Order = 3\n\n@shared_task\ndef bill(order, copies): pass", "is something else"),
        ("@shared_task(bind=B)\ndef bill(order, copies): pass", "bound"),
    ],
)
def test_a_task_that_cannot_change_says_why(write: Write, tasks: str, reason: str) -> None:
    fix = verdict(
        write, f"{MODELS}# file: shop/tasks.py\nfrom celery import shared_task\nfrom x import B\n\n{tasks}\n{VIEWS}"
    )
    assert isinstance(fix, Refusal)
    assert reason in fix.reason


STEPS = """
# file: shop/steps.py
from celery import Task

class StepTask(Task):
    def run(self, order):
        self.work(order)
"""


def test_a_task_whose_run_others_share_stays(write: Write) -> None:
    work = "class Bill(StepTask):\n    def work(self, order):\n        pass\n"
    task = f"# file: shop/tasks.py\nfrom shop.steps import StepTask\n\n{work}"
    view = "# file: shop/views.py\nfrom celery import current_app as app\nfrom shop.models import Order\n\n"
    send = "def view(pk):\n    order = Order.objects.get(pk=pk)\n    app.tasks['shop.tasks.Bill'].delay(order)\n"
    fix = verdict(write, MODELS + STEPS + task + view + send)
    assert isinstance(fix, Refusal)
    assert "`run` comes from a base class" in fix.reason


def test_a_task_that_may_be_sent_by_a_name_worked_out_stays(write: Write) -> None:
    names = "# file: shop/names.py\nfrom shop.settings import PREFIX\n\nbill_name = f'{PREFIX}.bill'\n"
    tasks = TASKS.replace("import shared_task", "import shared_task\nfrom shop.names import bill_name")
    tasks = tasks.replace("time_limit=5", "name=bill_name")
    fix = verdict(write, MODELS + names + tasks + VIEWS)
    assert isinstance(fix, Refusal)
    assert "its name is worked out" in fix.reason


@pytest.mark.parametrize("call", ["self.delay(order, 1)", "self.apply_async((order, 1))", "self.s(order, 1).delay()"])
def test_a_task_that_sends_itself_what_it_has_loaded_stays(write: Write, call: str) -> None:
    tasks = TASKS.replace("    print(order)", f"    if copies > 1:\n        {call}")
    found = verdict(write, MODELS + tasks + VIEWS)
    assert isinstance(found, Refusal)
    assert "may be something else" in found.reason


def test_a_task_that_uses_itself_otherwise_changes(write: Write) -> None:
    body = "    print(order, self.request.id)\n    self.update_state(state='SENT')\n    raise self.retry(countdown=3)"
    changed = write(MODELS + TASKS.replace("    print(order)", body) + VIEWS).fixed(rule)
    assert "bill.delay(order.pk, 2)" in changed
    assert "def bill(self, order_pk, copies):\n    order = Order.objects.get(pk=order_pk)\n" in changed


def test_an_import_cycle_is_refused(write: Write) -> None:
    models = MODELS.replace(
        "from django.db import models\n", "from django.db import models\nfrom shop.helpers import x\n"
    )
    helpers = "# file: shop/helpers.py\nfrom shop.tasks import bill as x\n"
    fix = verdict(write, models + helpers + TASKS + VIEWS)
    assert isinstance(fix, Refusal)
    assert "import cycle" in fix.reason


def test_an_import_for_type_checkers_is_made_for_running_too(write: Write) -> None:
    guarded = "import typing as t\n\nif t.TYPE_CHECKING:\n    from shop.models import Order\n"
    changed = write(MODELS + TASKS.replace("\n@shared", f"{guarded}\n@shared") + VIEWS).fixed(rule)
    assert "from celery import shared_task\nimport typing as t\nfrom shop.models import Order\n\nif" in changed
    assert "    order = Order.objects.get(pk=order_pk)\n" in changed


@pytest.mark.parametrize("docstring", ["", '    """Bill it."""\n'])
def test_a_model_that_the_body_imports_is_imported_before_it_is_used(write: Write, docstring: str) -> None:
    own = f"{docstring}    import shop.models\n    from shop.models import Order as Row\n"
    helpers = "from shop.helpers import x\n# file: shop/helpers.py\nfrom shop.tasks import bill as x\n"
    changed = write(MODELS + helpers + TASKS.replace("    print(order)", f"{own}    print(order)") + VIEWS).fixed(rule)
    assert f"{own}    order = Row.objects.get(pk=order_pk)\n    print(order)\n" in changed


@pytest.mark.parametrize("body", ["Order = 3", "if order:\n        from shop.models import Order"])
def test_a_model_whose_name_the_body_uses_for_something_else_is_not_loaded(write: Write, body: str) -> None:
    fix = verdict(write, MODELS + TASKS.replace("print(order)", f"{body}\n    print(order)") + VIEWS)
    assert fix == Refusal("`Order` is something else in the task's body")


def test_a_task_in_the_file_of_the_model_needs_no_import(write: Write) -> None:
    text = f"{MODELS}\nfrom celery import shared_task\n\n@shared_task(time_limit=5)\ndef bill(order): pass\n\n"
    changed = write(f"{text}def f(order: Order):\n    bill.delay(order)\n").fixed(rule)
    assert "import Order" not in changed
    assert "bill.delay(order.pk)" in changed


def test_a_retry_with_an_instance_is_found(write: Write) -> None:
    text = (
        f"{MODELS}# file: shop/tasks.py\nfrom celery import shared_task\nfrom shop.models import Order\n\n"
        "@shared_task(bind=True, max_retries=2, time_limit=5)\ndef bill(self, pk):\n"
        "    order = Order.objects.get(pk=pk)\n"
        "    raise self.retry(args=(order,))\n"
    )
    assert [found.span.line for found in write(text).findings([rule])] == [7]
