"""A task has no time limit.

Celery has no limit of its own.  A task that hangs, in a request that never answers or a query that waits for a
lock, holds its worker slot until somebody restarts the worker; a few of them and the queue stands still while
every monitor shows workers that are up.

A limit counts wherever it is set: on the task, its base class, the app's `task_cls`, a decorator of the project,
`task_annotations`, or once for all in the settings (`task_time_limit`, `task_soft_time_limit`), which is the shortest
way to be rid of this message.  The rule is silent where the settings cannot be read: `config_from_envvar`, settings
that are made at run time, base classes that are not known.  It is also silent for tasks that cannot hang, whose body is
empty or does nothing but arithmetic, `print`, logging, `raise` and `return`, unless a base class has something run in
its place.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.edit import Edit, Refusal, Safety, SetKeyword
from flake8_tasks.model.facts import Declared
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK501",
    message="`{task}` has no time limit, nor is `task_time_limit` set: if it hangs, its slot is gone",
    bad="""
        import requests
        from celery import Celery

        app = Celery("shop")


        @app.task
        def fetch_rates(url):
            return requests.get(url, timeout=None).json()
        """,
    good="""
        import requests
        from celery import Celery

        app = Celery("shop")


        @app.task(soft_time_limit=270, time_limit=300)
        def fetch_rates(url):
            return requests.get(url, timeout=None).json()
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Writes a soft limit of 270 seconds and a hard limit of 300 on the task (both are options).  A task that rightly
        runs longer is killed then: look at each.  One `task_time_limit` in the settings does the same for all tasks.
        """,
    ignore_when="""
        The limit stands on the workers' command line (`celery worker --time-limit 300`), which no source file shows;
        or the worker's pool is `threads` or `solo`, where Celery does not enforce limits at all.
        """,
    options=("soft-time-limit", "time-limit"),
    see=(
        ("Celery: time limits", "https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits"),
        ("Celery tasks checklist, Vinta Software", "https://devchecklists.com/en/checklist/celery-tasks-checklist"),
    ),
)


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    task = declared.task
    if declared.project.settings.unknown:
        return
    limits = [given for given in map(task.option, ("time_limit", "soft_time_limit")) if given is not None]
    if not all(given.source == "settings" and task.literal(given.name) is None for given in limits):
        return
    if declared.is_template or declared.cannot_hang:
        return

    def limited() -> tuple[Edit, ...] | Refusal:
        if wrong := declared.meant_for("time_limit") or declared.meant_for("soft_time_limit"):
            return Refusal(f"`{wrong}` is meant to be one")
        if not task.sets_options_in_decorator:
            return Refusal("it has no decorator of its own that takes options")
        soft, hard = (declared.project.config.thresholds[name] for name in rule.options)
        if soft >= hard:
            soft = max(hard * 9 // 10, 1)
        return (SetKeyword(task.place, "soft_time_limit", str(soft)), SetKeyword(task.place, "time_limit", str(hard)))

    yield Problem(declared, {"task": task.name}, limited, "Set a soft and a hard time limit")
