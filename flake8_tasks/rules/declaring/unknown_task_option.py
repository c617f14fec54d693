"""A task has an option that Celery does not know.

`@app.task` takes any keyword and keeps it as an attribute of the task: `retry_limit=4` makes `task.retry_limit`, and
the task retries three times as before; `task_time_limit=60` makes an attribute too, and there is no limit.  Nothing is
logged.  The same holds for attributes in the body of a `Task` class.

Attributes of your own are a documented feature, so the rule speaks up only where it knows what was meant: a name that
authors take for Celery's, a letter's slip in an option, the keys of `retry_policy`, what only a call can say, and
options that Celery has dropped.  An option that a decorator of the project gives to the tasks of many files is reported
once, where it is written.  The rule is silent where the project's code reads the attribute, where a decorator of the
project keeps it, and where base classes or decorators cannot be read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_tasks.edit import Edit, Refusal, RenameKeyword, ReplaceExpression, Safety
from flake8_tasks.model.facts import Declared, SharedOption, TaskClass
from flake8_tasks.model.tasks.spelling import Mistake, mistake
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK101",
    message="`{option}` is no option of Celery: it is stored and ignored; meant is `{right}`",
    bad="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(bind=True, retry_limit=4, default_retry_delay=10)
        def like_page(self, page_id):
            try:
                requests.post(f"https://social.example/pages/{page_id}/likes", timeout=10)
            except requests.RequestException as error:
                raise self.retry(exc=error)
        """,
    also=("TSK401",),
    good="""
        import requests
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task(bind=True, max_retries=4, default_retry_delay=10)
        def like_page(self, page_id):
            try:
                requests.post(f"https://social.example/pages/{page_id}/likes", timeout=10)
            except requests.RequestException as error:
                raise self.retry(exc=error)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Writes the name that Celery reads, where the value means the same under it.  From then on the option has its
        effect: a limit that never fired fires.  No fix where both names are there, or where the value must be looked
        at (`timeout`, `max_attempts`).
        """,
    ignore_when="Code outside the project reads the attribute.",
    see=(
        ("Celery: task options", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options"),
        ("Celery: any keyword becomes an attribute", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#custom-task-classes"),
    ),
)  # fmt: skip

_MESSAGES = {
    "name": rule.message,
    "unclear": "`{option}` is no option of Celery: it is stored and ignored; look at `{right}`",
    "policy": "`{option}` does nothing on a task: it belongs into the `retry_policy` of a call",
    "call": "`{option}` does nothing on a task: only a call can say it",
    "removed": "`{option}` is ignored since Celery {right}",
}
_NO_KEYWORD = Refusal("the option is no keyword of the task's own decorator")


@rule.on(Declared)
def check_decorator(declared: Declared) -> Iterator[Problem]:
    task = declared.task
    for option in declared.own_options:
        found = mistake(option.name)
        if found is None or task.unknown or declared.is_read(option.name, anywhere=found.kind != "name"):
            continue

        def renamed(
            name: str = option.name, source: str = option.source, found: Mistake = found
        ) -> tuple[Edit, ...] | Refusal | None:
            if found.kind != "name":
                return None
            if source != "decorator":
                return _NO_KEYWORD
            if any(option.name == found.right for option in task.declaration.given):
                return Refusal(f"`{found.right}` is set already")
            if declared.meant_for(found.right) != name:
                return Refusal(f"`{declared.meant_for(found.right)}` is meant for the same")
            return (RenameKeyword(task.place, name, found.right),)

        words = {"option": option.name, "right": found.right}
        yield Problem(
            declared.keyword_span(option), words, renamed, f"Write `{found.right}`", message=_MESSAGES[found.kind]
        )


@rule.on(SharedOption)
def check_shared(option: SharedOption) -> Iterator[Problem]:
    found = mistake(option.name)
    if found is None or not option.tasks or option.may_be_read(anywhere=found.kind != "name"):
        return
    words = {"option": option.name, "right": found.right}
    refusal = _NO_KEYWORD if found.kind == "name" else None
    yield Problem(option, words, lambda: refusal, f"Write `{found.right}`", message=_MESSAGES[found.kind])


@rule.on(TaskClass)
def check_class(found_class: TaskClass) -> Iterator[Problem]:
    for target, _ in found_class.attributes:
        found = mistake(target.id)
        if found is None or not found_class.is_known or found_class.is_read(target.id):
            continue

        def renamed(target: ast.Name = target, found: Mistake = found) -> tuple[Edit, ...] | Refusal | None:
            if found.kind != "name":
                return None
            if any(other.id in (found.right, target.id) and other is not target for other, _ in found_class.attributes):
                return Refusal(f"`{found.right}` is set already")
            return (ReplaceExpression(found_class.module.place(target), found.right),)

        span = found_class.module.source.span(target)
        words = {"option": target.id, "right": found.right}
        yield Problem(span, words, renamed, f"Write `{found.right}`", message=_MESSAGES[found.kind])
