"""A task sends something to each of many in a loop.

When the tenth mail fails, those after it are never sent.  When the task is tried again, it begins with the first, and
nine people get their mail twice.  And while it runs, one worker is busy with all of them.

Let the task send a task for each of them: each fails, and is tried again, alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Edit, Refusal, Safety
from flake8_tasks.model.changes.separation import one_task_each
from flake8_tasks.model.effects.loops import FanOut, fan_outs
from flake8_tasks.model.facts import Declared
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK605",
    message="if one `{call}` fails, the rest of `{items}` go without, and a retry repeats the first",
    bad="""
        # file: news/models.py
        from django.db import models


        class User(models.Model):
            email = models.EmailField()
            name = models.TextField()
        # file: news/celery.py
        from celery import Celery

        app = Celery("news")
        app.conf.task_time_limit = 300
        # file: news/tasks.py
        from django.core.mail import send_mail

        from news.celery import app
        from news.models import User


        def all_users():
            return User.objects.all()


        @app.task
        def newsletter():
            users = all_users()
            for u in users:
                send_mail("News", "What is new this week", "news@news.test", [u.email])
        """,
    good="""
        # file: news/models.py
        from django.db import models


        class User(models.Model):
            email = models.EmailField()
            name = models.TextField()
        # file: news/celery.py
        from celery import Celery

        app = Celery("news")
        app.conf.task_time_limit = 300
        # file: news/tasks.py
        from django.core.mail import send_mail

        from news.celery import app
        from news.models import User


        def all_users():
            return User.objects.all()


        @app.task
        def send_newsletter(email):
            send_mail("News", "What is new this week", "news@news.test", [email])


        @app.task
        def newsletter():
            users = all_users()
            for u in users:
                send_newsletter.delay(u.email)
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Makes a task of the loop's body, with the same decorator, and sends it for each item.  What the body needs goes
        along: parameters of the task, the item where it is a plain value, one plain column of a row where the body uses
        no more, else the primary key, with which the new task loads the row.

        A body that only calls another task sends that one.

        It refuses, and says why, where the body ends the loop early, changes something that is used after it, needs a
        local value that may not fit in a message, where what the item is cannot be said, and in an open transaction.
        """,
    ignore_when="""
        There are never more than a few, and sending one of them twice or not at all does no harm.
        """,
    see=(
        ("Celery tasks checklist, Vinta Software", "https://devchecklists.com/en/checklist/celery-tasks-checklist"),
        ("Celery: granularity", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#granularity"),
    ),
)

_WITHOUT_RETRY = "if one `{call}` fails, the rest of `{items}` go without"


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    for found in fan_outs(declared):

        def separated(found: FanOut = found) -> tuple[Edit, ...] | Refusal:
            return one_task_each(found)

        related = (Related(declared.path, found.effect.site.span, f"`{found.sends}` is called for each item"),)
        words = {"call": found.sends, "items": found.items}
        message = "" if found.repeats else _WITHOUT_RETRY
        yield Problem(found.span, words, separated, "Send a task for each of them", related, message)
