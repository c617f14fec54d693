"""A task retries without saying how often.

Celery's default is three retries.  Nobody who reads the task sees that, and few remember it: some expect it to go on
until it succeeds, others expect a single attempt.  The number belongs where the retries are.

It counts wherever it is written: on the task, its base class, a decorator of the project, `task_annotations`,
`retry_kwargs`, or the call of `self.retry` itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.edit import Edit, Refusal, Safety, SetKeyword
from flake8_tasks.model.facts import Declared
from flake8_tasks.model.values import Mapping
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK401",
    message="`{task}` retries three times, Celery's default, without saying so: set `max_retries`",
    bad="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), retry_backoff=30)
        def notify_warehouse(order_id):
            requests.post("https://warehouse.example/orders", json={"order": order_id}, timeout=10)
        """,
    good="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), retry_backoff=30, max_retries=3)
        def notify_warehouse(order_id):
            requests.post("https://warehouse.example/orders", json={"order": order_id}, timeout=10)
        """,
    fix=Safety.SAFE,
    fix_notes="Writes `max_retries=3`, which is what happens already.",
    ignore_when="Everybody in the team knows Celery's default.",
    see=(
        ("Celery: Task.max_retries", "https://docs.celeryq.dev/en/stable/reference/celery.app.task.html"),
        ("Celery: retrying", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying"),
    ),
)


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    task = declared.task
    if task.option("max_retries") or declared.is_template:
        return
    uncounted = (
        retry
        for retry in declared.retries
        if not (retry.passes_unknown or retry.option("max_retries") is not None or retry.counts_itself)
    )
    if not task.autoretries and next(uncounted, None) is None:
        return
    arguments = task.option("retry_kwargs")
    if arguments is not None:
        value = declared.project.constant(arguments.value)
        if not isinstance(value, Mapping) or not value.complete or value.get("max_retries"):
            return

    def counting() -> tuple[Edit, ...] | Refusal:
        if wrong := declared.meant_for("max_retries"):
            return Refusal(f"`{wrong}` is meant to say it")
        if not task.sets_options_in_decorator:
            return Refusal("it has no decorator of its own that takes options")
        return (SetKeyword(task.place, "max_retries", "3"),)

    yield Problem(declared, {"task": task.name}, counting, "Write the default of three retries")
