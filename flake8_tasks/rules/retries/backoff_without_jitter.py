"""Retries back off, but all in step.

Tasks that failed in the same second, since a service went down, wait the same doubled delays and come back in the same
second again.  Jitter, Celery's default with `retry_backoff`, spreads them over the delay; `retry_jitter=False` takes it
away.

Where a comment beside the option says why, it is meant, and nothing is reported: all of the findings that were wrong in
real projects had one, and none of the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.edit import Edit, ReplaceExpression, Safety
from flake8_tasks.model.facts import Declared, TaskClass
from flake8_tasks.model.values import Constant
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK404",
    message="`{task}` backs off without jitter: all that failed together come back together",
    bad="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), retry_backoff=30, retry_jitter=False, max_retries=5)
        def fetch_price(sku):
            return requests.get(f"https://prices.example/{sku}", timeout=10).json()
        """,
    good="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), retry_backoff=30, retry_jitter=True, max_retries=5)
        def fetch_price(sku):
            return requests.get(f"https://prices.example/{sku}", timeout=10).json()
        """,
    fix=Safety.UNSAFE,
    fix_notes="Writes `retry_jitter=True`.  A retry then waits between nothing and the whole delay.",
    ignore_when="The delay must never be shorter than the backoff says, and few tasks fail at once.",
    see=(
        ("Celery: Task.retry_jitter", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.retry_jitter"),
        ("Exponential backoff and jitter", "https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"),
    ),
)


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    task = declared.task
    given = task.written("retry_jitter")
    if given is None or given.path != declared.path or given.source in ("base", "task_cls"):
        return
    if not isinstance(given.value, Constant) or given.value.value not in (False, None):
        return
    if not task.autoretries or not task.is_given("retry_backoff"):
        return
    if declared.module.source.is_explained(declared.keyword_span(given)):
        return

    def jittered() -> tuple[Edit, ...]:
        return (ReplaceExpression(declared.place_of(given.value.span), "True"),)

    yield Problem(declared.keyword_span(given), {"task": task.name}, jittered, "Switch the jitter on")


@rule.on(TaskClass)
def check_policy(found: TaskClass) -> Iterator[Problem]:
    own = found.own("retry_jitter")
    if own is None or found.is_task or not found.says("autoretry_for") or not found.says("retry_backoff"):
        return
    value, is_own = found.option("retry_jitter")
    if not is_own or not isinstance(value, Constant) or value.value not in (False, None):
        return
    if found.module.source.is_explained(found.named_span(own)):
        return

    def jittered() -> tuple[Edit, ...]:
        return (ReplaceExpression(found.module.place(own[1]), "True"),)

    yield Problem(found.named_span(own), {"task": found.record.name}, jittered, "Switch the jitter on")
