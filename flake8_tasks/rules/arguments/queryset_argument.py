"""A queryset is handed to a task.

A queryset is a question that has not been asked yet.  JSON cannot carry it: the call raises `EncodeError`.  Pickle runs
the query and carries every row as it was then.  `values()` and `values_list()` are querysets too, although what comes
out of them are plain values.

Hand over the primary keys, and ask in the task; plain values go in a `list`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flake8_tasks.edit import Edit, Refusal, ReplaceExpression, Safety
from flake8_tasks.model.changes.handover import Handover, hand_over
from flake8_tasks.model.facts import Dispatch, Retry
from flake8_tasks.model.facts.arguments import Argument
from flake8_tasks.model.orm.reading import Queryset
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK202",
    message="`{argument}` is a queryset: JSON cannot carry it, and pickle carries every row as it was",
    bad="""
        # file: shop/models.py
        from django.db import models


        class Order(models.Model):
            paid = models.BooleanField(default=False)
        # file: shop/tasks.py
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task
        def export(orders, path):
            with open(path, "w") as file:
                file.writelines(f"{order.pk}\\n" for order in orders)
        # file: shop/views.py
        from shop.models import Order
        from shop.tasks import export


        def export_paid(path):
            export.delay(Order.objects.filter(paid=True), path)
        """,
    good="""
        # file: shop/models.py
        from django.db import models


        class Order(models.Model):
            paid = models.BooleanField(default=False)
        # file: shop/tasks.py
        from celery import Celery

        from shop.models import Order

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task
        def export(orders_pks, path):
            orders = Order.objects.filter(pk__in=orders_pks)
            with open(path, "w") as file:
                file.writelines(f"{order.pk}\\n" for order in orders)
        # file: shop/views.py
        from shop.models import Order
        from shop.tasks import export


        def export_paid(path):
            export.delay(list(Order.objects.filter(paid=True).values_list("pk", flat=True)), path)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Passes `list(….values_list("pk", flat=True))` at every call of the task in the project and asks for these rows
        at the start of the task, all of it or nothing; `values()` and `values_list()` are put in a `list`, at this call
        only.  Order and prefetching of the old queryset are not carried over.  Very many keys make a large message:
        hand over what the query is about then, and ask in the task.

        Messages that are in the queue while you deploy still carry the old argument.
        """,
    ignore_when="A serializer of your own carries querysets.",
    see=(
        ("Celery: database transactions and state", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#state"),
        (
            "Django: pickling querysets",
            "https://docs.djangoproject.com/en/stable/ref/models/querysets/#pickling-querysets",
        ),
    ),
)


@rule.on(Dispatch)
def check(dispatch: Dispatch) -> Iterator[Problem]:
    for argument in dispatch.arguments:
        stored = argument.stored
        if not isinstance(stored, Queryset):
            continue

        def by_keys(argument: Argument = argument, stored: Queryset = stored) -> tuple[Edit, ...] | Refusal:
            if stored.orm != "django":
                return Refusal(f"how to load the rows in the task is not known for {stored.orm}")
            if stored.kind != "instances":
                return (ReplaceExpression(argument.place, f"list({argument.text})"),)
            reload = "{name} = {model}.objects.filter(pk__in={parameter})"
            return hand_over(dispatch, argument, stored.model, Handover("_pks", _keys_of(stored), reload))

        yield Problem(argument, {"argument": argument.short}, by_keys, "Pass the primary keys", dispatch.behind)


@rule.on(Retry)
def check_retry(retry: Retry) -> Iterator[Problem]:
    for argument in retry.arguments:
        if isinstance(argument.stored, Queryset):
            yield Problem(argument, {"argument": argument.short})


def _keys_of(expected: Queryset) -> Callable[[Argument], str | Refusal]:
    def keys(argument: Argument) -> str | Refusal:
        stored = argument.stored
        if not isinstance(stored, Queryset) or stored.model != expected.model or stored.kind != "instances":
            return Refusal(f"`{argument.short}` may be something else than a queryset of the same model")
        return f'list({argument.operand}.values_list("pk", flat=True))'

    return keys
