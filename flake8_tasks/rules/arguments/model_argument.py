"""A model instance is handed to a task.

A message carries text.  With JSON, Celery's default, an instance cannot be written down at all: the call raises
`EncodeError`, in the request that wanted to be quick.  With pickle it can, and what arrives is a copy of the row as it
was when the message was sent: the task works on values that others have changed since, and its `save()` writes them
back.

Hand over the primary key, and load the row in the task.  A list or a mapping with rows in it is no different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flake8_tasks.edit import Edit, Refusal, Safety
from flake8_tasks.model.changes.handover import Handover, hand_over
from flake8_tasks.model.facts import Dispatch, Retry
from flake8_tasks.model.facts.arguments import Argument
from flake8_tasks.model.orm.reading import Instance
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK201",
    message="`{argument}` is a model instance: JSON cannot carry it, and pickle carries a stale copy",
    bad="""
        # file: events/models.py
        from django.db import models


        class Event(models.Model):
            name = models.TextField()
            attendees_number = models.IntegerField(default=0)
        # file: events/celery.py
        from celery import Celery

        app = Celery("events")
        app.conf.task_time_limit = 300
        # file: events/tasks.py
        from events.celery import app


        @app.task
        def update_attendees(event, number):
            event.attendees_number = number
            event.save()
        # file: events/views.py
        from events.models import Event
        from events.tasks import update_attendees


        def count(name):
            event = Event.objects.get(name=name)
            update_attendees.delay(event, 9001)
        """,
    good="""
        # file: events/models.py
        from django.db import models


        class Event(models.Model):
            name = models.TextField()
            attendees_number = models.IntegerField(default=0)
        # file: events/celery.py
        from celery import Celery

        app = Celery("events")
        app.conf.task_time_limit = 300
        # file: events/tasks.py
        from events.celery import app
        from events.models import Event


        @app.task
        def update_attendees(event_pk, number):
            event = Event.objects.get(pk=event_pk)
            event.attendees_number = number
            event.save()
        # file: events/views.py
        from events.models import Event
        from events.tasks import update_attendees


        def count(name):
            event = Event.objects.get(name=name)
            update_attendees.delay(event.pk, 9001)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Passes `.pk` at every call of the task in the project, renames the parameter and loads the row at the start of
        the task, all of it or nothing.  It refuses, and says why, where one of the calls cannot be read (`*args`, a
        signature that gets more arguments, `send_task` or a schedule by name), where the parameter has a default,
        where the import of the model would be a cycle, where a call such as `first()` may give no row, and for ORMs
        that need a session to load a row.  Rows in a list or mapping are left to you.

        Messages that are in the queue while you deploy still carry the old argument: drain the queue, or let the
        task take both for a while.
        """,
    ignore_when="The copy is meant to be frozen, and is sent with a serializer that can carry it.",
    see=(
        ("Celery: database transactions and state", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#state"),
        ("Celery tasks checklist, Vinta Software", "https://devchecklists.com/en/checklist/celery-tasks-checklist"),
    ),
)


@rule.on(Dispatch)
def check(dispatch: Dispatch) -> Iterator[Problem]:
    for argument in dispatch.arguments:
        stored = argument.stored
        if not isinstance(stored, Instance):
            for each in argument.held:
                message = "" if isinstance(each.stored, Instance) else _HOLDS
                yield Problem(each, {"argument": each.short}, related=dispatch.behind, message=message)
            continue

        def by_key(argument: Argument = argument, stored: Instance = stored) -> tuple[Edit, ...] | Refusal:
            if stored.orm not in _RELOADS:
                return Refusal(f"how to load a row in the task is not known for {stored.orm}")
            return hand_over(dispatch, argument, stored.model, Handover("_pk", _key_of(stored), _RELOADS[stored.orm]))

        title = "Pass the primary key, load the row in the task"
        yield Problem(argument, {"argument": argument.short}, by_key, title, dispatch.behind)


@rule.on(Retry)
def check_retry(retry: Retry) -> Iterator[Problem]:
    for argument in retry.arguments:
        if isinstance(argument.stored, Instance):
            yield Problem(argument, {"argument": argument.short})


_HOLDS = "`{argument}` holds model instances: JSON cannot carry them, and pickle carries stale copies"
_RELOADS = {
    "django": "{name} = {model}.objects.get(pk={parameter})",
    "mongoengine": "{name} = {model}.objects.get(pk={parameter})",
}


def _key_of(expected: Instance) -> Callable[[Argument], str | Refusal]:
    def key(argument: Argument) -> str | Refusal:
        stored = argument.stored
        if not isinstance(stored, Instance) or stored.model != expected.model:
            return Refusal(f"`{argument.short}` may be something else than a row of the same model")
        if argument.may_be_none:
            return Refusal(f"`{argument.short}` is None where there is no row")
        return f"{argument.operand}.pk"

    return key
