"""A task is sent while the transaction around it is still open.

The broker knows nothing of the database's transaction.  A free worker takes the message within a millisecond, looks
for the row, and does not find it, or finds it as it was before: the transaction commits only when the block ends.  When
it is rolled back instead, the task runs all the same, for an order that never was.  A `countdown` makes this rarer and
does not end it.

The transaction may stand around the call (`with transaction.atomic()`, `@transaction.atomic`, a context manager or
decorator of the project that opens one, what an `ExitStack` has entered, SQLAlchemy's `with session.begin()`, Pyramid's
`with request.tm` or `with transaction.manager` where the block writes something), around the whole request
(`ATOMIC_REQUESTS`), or in a function of the project that calls this one; not where that call switches the dispatch off
(`save(notify=False)`).  Receivers of signals and `Model.save` have a rule of their own.  A migration's own transaction
is not counted: whether there is one depends on the database.  A request's transaction counts where the view calls
something before that may write.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Edit, Refusal, Safety
from flake8_tasks.model.facts import Dispatch
from flake8_tasks.rule import Problem, Rule

_FILES = """
        # file: shop/celery.py
        import os

        from celery import Celery

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        app = Celery("shop")
        app.config_from_object("django.conf:settings", namespace="CELERY")
        app.conf.task_time_limit = 300
        # file: shop/models.py
        from django.db import models


        class Order(models.Model):
            address = models.CharField(max_length=200)
        # file: shop/tasks.py
        from shop.celery import app
        from shop.models import Order


        @app.task
        def send_confirmation(order_id):
            print("Confirmed:", Order.objects.get(pk=order_id).address)
        # file: shop/services.py
        from django.db import transaction

        from shop.models import Order
        from shop.tasks import send_confirmation


        @transaction.atomic
        def place_order(address):
            order = Order.objects.create(address=address)
        """

rule = Rule(
    __name__,
    __doc__,
    code="TSK602",
    message="`{task}` is sent before the transaction commits: it may run first, or for nothing",
    bad=f"{_FILES}    send_confirmation.delay(order.pk)",
    good=f"{_FILES}    send_confirmation.delay_on_commit(order.pk)",
    fix=Safety.UNSAFE,
    fix_notes="""
        `task.delay(…)` becomes `task.delay_on_commit(…)` where the task certainly has that method and the transaction
        is one of the default database, for the method knows no other.  A task has it where the app is made with
        Django's settings, no other task class is named, and Celery is 5.4 or newer: the methods are in use already, or
        no requirement or lock file of the project admits an older version.  Everything else becomes
        `transaction.on_commit(partial(task.delay, …))`, with the `using=` of the transaction.

        No fix for a dispatch that a `try` with an `except` holds alone: what sending raises would pass it by.

        The message is sent later, and not at all after a rollback; in Django's `TestCase` it is never sent, unless the
        test captures the callbacks.
        """,
    ignore_when="The task touches nothing that the transaction does, and is to run even if that is rolled back.",
    see=(
        (
            "Celery: database transactions",
            "https://docs.celeryq.dev/en/stable/userguide/tasks.html#database-transactions",
        ),
        (
            "Celery: trigger a task at the end of the transaction",
            "https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html"
            "#trigger-tasks-at-the-end-of-the-database-transaction",
        ),
        (
            "Django: performing actions after commit",
            "https://docs.djangoproject.com/en/stable/topics/db/transactions/#performing-actions-after-commit",
        ),
    ),
)


@rule.on(Dispatch)
def check(dispatch: Dispatch) -> Iterator[Problem]:
    if not dispatch.sends or dispatch.is_deferred or dispatch.is_called_for_commit:
        return
    transaction = dispatch.transaction
    if transaction is None:
        return
    related: tuple[Related, ...] = ()
    if transaction.opened is not None:
        caller = transaction.caller
        words = f"`{caller}` calls it in a transaction" if caller else "the transaction begins here"
        related = (Related(transaction.opened.path, transaction.opened.span, words),)

    def deferred() -> tuple[Edit, ...] | Refusal:
        return dispatch.deferred(transaction)

    yield Problem(dispatch, {"task": dispatch.shown}, deferred, "Send it on commit", related)
