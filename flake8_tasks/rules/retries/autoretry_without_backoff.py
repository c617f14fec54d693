"""A task retries by itself after a fixed delay.

When a service is down, every task that needs it fails, and `autoretry_for` brings each of them back after the same
delay, 180 seconds unless it says otherwise: a hundred tasks that failed in one second come back in one second.  The
service that is just getting up meets all of them at once.

With `retry_backoff` the delay doubles from one retry to the next, and jitter spreads the tasks over it.  Its value is
the first delay in seconds: `retry_backoff=True` means one second, so that three retries are over within seven; choose a
number in the order of the delay that you have now.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from flake8_tasks.edit import DropKeyword, Edit, Refusal, ReplaceExpression, Safety, SetKeyword
from flake8_tasks.model.facts import Declared, TaskClass
from flake8_tasks.model.values import Constant, Mapping
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


        @app.task(
            autoretry_for=(requests.RequestException,),
            max_retries=5,
            retry_backoff=180,
            retry_jitter=True,
        )
        def sync_stock(sku):
            requests.post("https://stock.example/sync", json={"sku": sku}, timeout=10)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Writes `retry_backoff=` with the delay in force (the `countdown` of `retry_kwargs`, else `default_retry_delay`,
        else 180 seconds) and `retry_jitter=True`, and drops that `countdown`, which the backoff overrides.
        No fix where the delay cannot be read, where it is not below `retry_backoff_max` (600 seconds) and could not
        grow, where several tasks share the option, or where a misspelt option beside it is meant to say one of these
        (TSK101).
        """,
    ignore_when="Few such tasks run at once, and the delay must be the same each time.",
    see=(
        (
            "Celery: automatic retry for known exceptions",
            "https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions",
        ),
        ("Exponential backoff and jitter", "https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"),
    ),
)


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    task = declared.task
    given = task.written("autoretry_for")
    if given is None or given.path != declared.path or given.source in ("base", "task_cls"):
        return
    if not task.autoretries or task.is_given("retry_backoff") is not False or _never_retries(declared):
        return

    def backing_off() -> tuple[Edit, ...] | Refusal:
        if given.source != "decorator" or not task.sets_options_in_decorator:
            return Refusal("the option is no keyword of the task's own decorator")
        for option in ("retry_backoff", "default_retry_delay", "retry_kwargs", "retry_jitter"):
            if wrong := declared.meant_for(option):
                return Refusal(f"`{wrong}` is meant for `{option}`")
        delay, dropped = _delay(declared)
        if not delay:
            return Refusal("its delay is worked out elsewhere or at run time")
        if delay in ("0", "0.0"):
            return Refusal("its delay is 0")
        longest = task.literal("retry_backoff_max") or 600
        if not isinstance(longest, int | float) or _number(delay) >= longest:
            return Refusal(f"its delay of {delay} seconds may leave no room below `retry_backoff_max`")
        return (
            SetKeyword(task.place, "retry_backoff", delay),
            SetKeyword(task.place, "retry_jitter", "True"),
            *dropped,
        )

    yield Problem(declared.keyword_span(given), {"task": task.name}, backing_off, "Back off, with jitter")


@rule.on(TaskClass)
def check_policy(found: TaskClass) -> Iterator[Problem]:
    own = found.own("autoretry_for")
    if own is None or found.is_task or not found.is_known or not found.says("autoretry_for"):
        return
    if found.option("retry_backoff")[0] is not None:
        return

    def one_for_all() -> Refusal:
        return Refusal("the option is set for several tasks at once")

    yield Problem(found.named_span(own), {"task": found.record.name}, one_for_all, "Back off, with jitter")


def _never_retries(declared: Declared) -> bool:
    """Its number of retries is 0."""
    arguments = declared.task.written("retry_kwargs")
    value = declared.project.constant(arguments.value) if arguments else None
    number = value.get("max_retries") if isinstance(value, Mapping) else None
    return declared.task.literal("max_retries") == 0 or (isinstance(number, Constant) and number.value == 0)


def _number(code: str) -> float:
    """What a number in the source is, or a product of numbers, 0 for other code."""
    try:
        return prod(map(float, code.split("*")))
    except ValueError:
        return 0.0


def _delay(declared: Declared) -> tuple[str, tuple[Edit, ...]]:
    """The delay in force, in seconds, as code (empty: cannot say), and the edits that drop what it replaces."""
    task = declared.task
    arguments = task.written("retry_kwargs")
    if arguments is not None:
        written = arguments.value
        if not isinstance(written, Mapping) or not written.complete or arguments.source != "decorator":
            return "", ()
        countdown = written.get("countdown")
        if countdown is not None:
            rest = [
                f"{declared.text_of(key.span)}: {declared.text_of(value.span)}"
                for key, value in written.items
                if value is not countdown
            ]
            dropped: Edit = ReplaceExpression(declared.place_of(written.span), f"{{{', '.join(rest)}}}")
            if not rest:
                dropped = DropKeyword(task.place, "retry_kwargs")
            return declared.text_of(countdown.span), (dropped,)
    delay = task.option("default_retry_delay")
    if delay is None:
        return "180", ()
    if delay.path != declared.path:
        value = declared.project.constant(delay.value)
        return (str(value.value) if isinstance(value, Constant) else ""), ()
    return declared.text_of(delay.value.span), ()
