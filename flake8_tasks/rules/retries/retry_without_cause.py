"""A task retries in an `except` clause and does not say why.

`self.retry()` without `exc=` ends, when the retries run out, in `MaxRetriesExceededError("Can't retry …")`.  That is
what the result backend, the error tracker and the person on call see; the exception that caused it all is not recorded.
With `exc=error` the last retry raises that exception.  It makes no difference that the call stands in an `except`
clause.

The rule is silent where the task handles the `MaxRetriesExceededError` of that call itself, counts its retries, never
stops retrying, or comes from a class of the project that has a `retry` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.edit import Edit, NameHandler, Place, Refusal, Safety, SetKeyword
from flake8_tasks.model.facts import Retry
from flake8_tasks.model.tasks.task import Task
from flake8_tasks.model.values import Constant
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK406",
    message="when `{task}` runs out of retries, MaxRetriesExceededError hides the cause: pass `exc=`",
    bad="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(bind=True, max_retries=5)
        def book_courier(self, order_id):
            try:
                requests.post("https://courier.example/bookings", json={"order": order_id}, timeout=10)
            except requests.RequestException:
                raise self.retry(countdown=60 * 2**self.request.retries)
        """,
    good="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(bind=True, max_retries=5)
        def book_courier(self, order_id):
            try:
                requests.post("https://courier.example/bookings", json={"order": order_id}, timeout=10)
            except requests.RequestException as exc:
                raise self.retry(countdown=60 * 2**self.request.retries, exc=exc)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Passes the exception that the clause has caught, and names it where it has no name.  Code that looks for
        `MaxRetriesExceededError` in results or in `on_failure` sees the cause instead.
        """,
    ignore_when="Something outside the task tells exhausted retries from other failures by `MaxRetriesExceededError`.",
    see=(
        (
            "Celery: Task.retry",
            "https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry",
        ),
    ),
)


@rule.on(Retry)
def check(retry: Retry) -> Iterator[Problem]:
    handler = retry.handler
    if handler is None or retry.of is None or retry.task is None or retry.task.origin != retry.of.origin:
        return
    if retry.option("exc") is not None or retry.call.args or retry.passes_unknown:
        return
    if retry.is_of_the_project or retry.counts_itself or retry.handles_exhaustion or _never_ends(retry.of):
        return

    def caused() -> tuple[Edit, ...] | Refusal:
        name = handler.name or retry.free_name
        if not name:
            return Refusal("it uses all names that the exception could have")
        passed = SetKeyword(retry.place, "exc", name)
        if handler.name:
            return (passed,)
        return (NameHandler(Place(retry.module.source.path, retry.module.source.span(handler)), name), passed)

    yield Problem(retry, {"task": retry.of.name}, caused, "Pass the cause")


def _never_ends(task: Task) -> bool:
    """Its retries never run out."""
    given = task.written("max_retries")
    return given is not None and isinstance(given.value, Constant) and given.value.value is None
