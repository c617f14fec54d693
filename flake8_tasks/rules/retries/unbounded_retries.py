"""A task retries for ever.

`max_retries=None` means no end.  A message that can never succeed, for a row that was deleted or an account that was
closed, comes back until somebody purges the queue, and each such message is there for good: they add up until the
workers do nothing else.

Where a base class says so and does not itself say what is retried, the tasks that retry are reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Edit, Refusal, ReplaceExpression, Safety, SetKeyword
from flake8_tasks.model.facts import Declared, TaskClass
from flake8_tasks.model.tasks.declarations import Given
from flake8_tasks.model.values import Constant, Mapping
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
    if given is None or not isinstance(given.value, Constant) or given.value.value is not None:
        return
    inherits = given.source in ("base", "task_cls")
    if not given.path if inherits else given.path != declared.path:
        return
    endless = [retry for retry in declared.retries if retry.option("max_retries") is None and not retry.passes_unknown]
    if not task.autoretries and (not endless or all(retry.counts_itself for retry in endless)):
        return
    arguments = task.option("retry_kwargs")
    if task.autoretries and not endless and arguments is not None and not _says_nothing(declared, arguments):
        return
    automatic = task.written("autoretry_for")
    if inherits and automatic is not None and automatic.source == given.source:
        return  # the class says both, and is reported

    def bounded() -> tuple[Edit, ...] | Refusal:
        number = str(declared.project.config.thresholds["max-retries"])
        if not inherits:
            return (ReplaceExpression(declared.place_of(given.value.span), number),)
        if not task.sets_options_in_decorator:
            return Refusal("it has no decorator of its own that takes options")
        return (SetKeyword(task.place, "max_retries", number),)

    related = (Related(given.path, given.value.span, "its class says so here"),) if inherits else ()
    span = declared.span if inherits else declared.keyword_span(given)
    yield Problem(span, {"task": task.name}, bounded, "Bound the retries", related)


def _says_nothing(declared: Declared, given: Given) -> bool:
    """`retry_kwargs` hold no `max_retries`, which would win over the option."""
    value = declared.project.constant(given.value)
    if not isinstance(value, Mapping) or not value.complete:
        return False
    number = value.get("max_retries")
    return number is None or (isinstance(number, Constant) and number.value is None)


@rule.on(TaskClass)
def check_policy(found: TaskClass) -> Iterator[Problem]:
    own = found.own("max_retries")
    if own is None or found.is_task or not found.says("autoretry_for"):
        return
    value, is_own = found.option("max_retries")
    if not is_own or not isinstance(value, Constant) or value.value is not None or found.says("retry_kwargs"):
        return

    def bounded() -> tuple[Edit, ...]:
        number = found.project.config.thresholds["max-retries"]
        return (ReplaceExpression(found.module.place(own[1]), str(number)),)

    yield Problem(found.named_span(own), {"task": found.record.name}, bounded, "Bound the retries")
