"""A task waits for the result of another task.

Celery refuses that: `get` on a result inside a task raises `RuntimeError: Never call result.get() within a task!`, also
when the result is there already, and for `task.apply(…).get()` too.  Under gevent and eventlet, or with the check
switched off, the task blocks instead, and holds its worker while the other one waits for a free one: as soon as the
pool is full of waiting tasks, nothing moves any more.

A wait in a function that a task calls is the same, and stands where the function waits.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Safety
from flake8_tasks.model.facts import Wait
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK301",
    message="`{task}` waits for a result: Celery raises RuntimeError; unchecked, the pool locks up",
    bad="""
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task
        def total_of(order_id):
            return 100 + order_id


        @app.task
        def invoice(order_id):
            return total_of.delay(order_id).get()
        """,
    good="""
        from celery import Celery

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task
        def total_of(order_id):
            return 100 + order_id


        @app.task(bind=True)
        def invoice(self, order_id):
            return self.replace(total_of.s(order_id))
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        A task that ends in `return other.delay(…).get()` hands over to the other: `return self.replace(other.s(…))`.  A
        straight sequence of waits, in which each result is only the first argument of the next task, becomes a `chain`.
        The rest needs a design: call the function directly, or put what comes after the wait into a task of its own and
        link it with a `chain` or `chord`.

        There is no fix where the project calls the task as a function, for `replace` raises `Ignore` there; nor in a
        `try` or `with`, which would take that exception for an error.  Errors of the other task reach whoever waits for
        this one, but not its own `on_failure`.  With `task_always_eager`, `delay` of a task that replaces itself raises
        RuntimeError; `apply` works.
        """,
    ignore_when="The function never runs in a worker of this pool, and the tasks that call it are for other uses.",
    see=(
        (
            "Celery: avoid launching synchronous subtasks",
            "https://docs.celeryq.dev/en/stable/userguide/tasks.html#avoid-launching-synchronous-subtasks",
        ),
        (
            "Celery: Task.replace",
            "https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.replace",
        ),
    ),
)


@rule.on(Wait)
def check(wait: Wait) -> Iterator[Problem]:
    if wait.is_allowed:
        return
    tasks = wait.tasks_around
    if not tasks:
        return
    task, call = tasks[0]
    related: tuple[Related, ...] = ()
    if call is not None:
        related = (
            Related(call.path, call.span, f"`{task.name}` gets here by this call"),
            Related(task.path, task.head_span, f"the task `{task.name}`"),
        )
    yield Problem(wait, {"task": task.name}, wait.handed_over, "Hand over to the other task", related)
