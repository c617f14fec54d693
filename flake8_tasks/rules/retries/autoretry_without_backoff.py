"""A task retries by itself after a fixed delay.

When a service is down, every task that needs it fails, and `autoretry_for` brings each of them back after the same delay,
180 seconds unless it says otherwise: a hundred tasks that failed in one second come back in one second.  The service that is
just getting up meets all of them at once.

With `retry_backoff` the delay doubles from one retry to the next, and jitter spreads the tasks over it.  Its value is the
first delay in seconds: `retry_backoff=True` means one second, so that three retries are over within seven; choose a number
in the order of the delay that you have now.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.edit import DropKeyword, Edit, Refusal, ReplaceExpression, Safety, SetKeyword
from flake8_tasks.model.facts import Declared
from flake8_tasks.model.values import Constant, Mapping, Sequence
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK403",
    message="`{task}` retries without backoff: all that failed together come back together",
    bad="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), max_retries=5)
        def sync_stock(sku):
            requests.post("https://stock.example/sync", json={"sku": sku}, timeout=10)
        """,
    good="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(autoretry_for=(requests.RequestException,), max_retries=5, retry_backoff=180, retry_jitter=True)
        def sync_stock(sku):
            requests.post("https://stock.example/sync", json={"sku": sku}, timeout=10)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Writes `retry_backoff=` with the delay in force (the `countdown` of `retry_kwargs`, else `default_retry_delay`, else
        180 seconds) and `retry_jitter=True`, and drops that `countdown`, which the backoff overrides.
        """,
    ignore_when="Few such tasks run at once, and the delay must be the same each time.",
    see=(
        ("Celery: automatic retry for known exceptions", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions"),
        ("Exponential backoff and jitter", "https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"),
    ),
)


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    task = declared.task
    given = task.written("autoretry_for")
    if given is None or given.path != declared.path or given.source == "base":
        return
    errors = declared.project.constant(given.value)
    if (isinstance(errors, Sequence) and not errors.items) or (isinstance(errors, Constant) and not errors.value):
        return
    if task.literal("retry_backoff") not in (None, False, 0) or task.literal("max_retries") == 0:
        return

    def backing_off() -> tuple[Edit, ...] | Refusal:
        if given.source != "decorator" or not task.sets_options_in_decorator:
            return Refusal("the option is set for several tasks at once")
        delay, dropped = _delay(declared)
        if not delay:
            return Refusal("its delay is worked out at run time")
        return (
            SetKeyword(task.place, "retry_backoff", delay),
            SetKeyword(task.place, "retry_jitter", "True"),
            *dropped,
        )

    yield Problem(declared.keyword_span(given), {"task": task.name}, backing_off, "Back off, with jitter")


def _delay(declared: Declared) -> tuple[str, tuple[Edit, ...]]:
    """The delay in force, in seconds, as code (empty: cannot say), and the edits that drop what it replaces."""
    task = declared.task
    arguments = task.written("retry_kwargs")
    if arguments is not None:
        if not isinstance(arguments.value, Mapping) or not arguments.value.complete or arguments.path != declared.path:
            return "", ()
        countdown = arguments.value.get("countdown")
        if countdown is not None:
            rest = [
                f"{declared.text_of(key.span)}: {declared.text_of(value.span)}"
                for key, value in arguments.value.items
                if value is not countdown
            ]
            dropped: Edit = ReplaceExpression(declared.place_of(arguments.value.span), f"{{{', '.join(rest)}}}")
            if not rest:
                dropped = DropKeyword(task.place, "retry_kwargs")
            return declared.text_of(countdown.span), (dropped,)
    delay = task.option("default_retry_delay")
    if delay is None:
        return "180", ()
    if delay.path != declared.path:
        return (str(delay.value.value) if isinstance(delay.value, Constant) else ""), ()
    return declared.text_of(delay.value.span), ()
