"""A task retries for ever.

`max_retries=None` means no end.  A message that can never succeed, for a row that was deleted or an account that was
closed, comes back until somebody purges the queue, and each such message is there for good: they add up until the workers do
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.edit import Edit, Refusal, ReplaceExpression, Safety
from flake8_tasks.model.facts import Declared
from flake8_tasks.model.values import Constant
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK402",
    message="`{task}` retries for ever: a message that cannot succeed never leaves the queue",
    bad="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), retry_backoff=30, max_retries=None)
        def charge(order_id):
            requests.post("https://payments.example/charges", json={"order": order_id}, timeout=10)
        """,
    good="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), retry_backoff=30, max_retries=10)
        def charge(order_id):
            requests.post("https://payments.example/charges", json={"order": order_id}, timeout=10)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Writes `max_retries=10` (an option).  After the tenth the task fails, with the exception that caused the retry:
        see that somebody hears of it.
        """,
    ignore_when="The task must go on until it succeeds, and an alarm tells when it has not for a long time.",
    options=("max-retries",),
    see=(("Celery: Task.max_retries", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.max_retries"),),
)


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    task = declared.task
    given = task.written("max_retries")
    if given is None or given.path != declared.path or given.source == "base":
        return
    if not isinstance(given.value, Constant) or given.value.value is not None:
        return
    if task.option("autoretry_for") is None and not declared.retries:
        return
    if any(retry.option("max_retries") is not None for retry in declared.retries):
        return

    def bounded() -> tuple[Edit, ...] | Refusal:
        if given.source not in ("decorator", "class"):
            return Refusal("the option is set for several tasks at once")
        number = declared.project.config.thresholds["max-retries"]
        return (ReplaceExpression(declared.place_of(given.value.span), str(number)),)

    yield Problem(declared.keyword_span(given), {"task": task.name}, bounded, "Bound the retries")
