"""A task saves a row, makes a request, and saves the rest of the row afterwards.

Between the two saves the row says something that is not true yet.  When the request fails, or the worker stops while it
waits for the answer, it stays so: the status says `updated`, and the name is still the old one.  Nobody looks at that
row again, because its status says that there is nothing to do.

A mail counts where the row says before that it is sent, or where its answer is used.  What is true of the row whether
or not the mail leaves, `paid`, is rightly saved first.

Make the request first, and save once when everything is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Safety
from flake8_tasks.model.effects.saves import half_saved
from flake8_tasks.model.facts import Declared
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK601",
    message="`{field}` is saved before `{request}`: if that fails, the row is half updated",
    bad="""
        # file: people/models.py
        from django.db import models


        class User(models.Model):
            token = models.TextField()
            status = models.TextField(default="new")
            name = models.TextField(blank=True)
        # file: people/celery.py
        from celery import Celery

        app = Celery("people")
        app.conf.task_time_limit = 300
        # file: people/facebook.py
        import requests


        def facebook_request(token):
            answer = requests.get("https://facebook.test/me", params={"token": token}, timeout=10)
            answer.raise_for_status()
            return answer.json()
        # file: people/tasks.py
        from people.celery import app
        from people.facebook import facebook_request
        from people.models import User


        @app.task
        def update_data(user_pk):
            user = User.objects.get(pk=user_pk)
            user.status = "updated"
            user.save()
            r = facebook_request(user.token)
            user.name = r["name"]
            user.save()
        """,
    good="""
        # file: people/models.py
        from django.db import models


        class User(models.Model):
            token = models.TextField()
            status = models.TextField(default="new")
            name = models.TextField(blank=True)
        # file: people/celery.py
        from celery import Celery

        app = Celery("people")
        app.conf.task_time_limit = 300
        # file: people/facebook.py
        import requests


        def facebook_request(token):
            answer = requests.get("https://facebook.test/me", params={"token": token}, timeout=10)
            answer.raise_for_status()
            return answer.json()
        # file: people/tasks.py
        from people.celery import app
        from people.facebook import facebook_request
        from people.models import User


        @app.task
        def update_data(user_pk):
            user = User.objects.get(pk=user_pk)
            user.status = "updated"
            r = facebook_request(user.token)
            user.name = r["name"]
            user.save()
        """,
    fix=Safety.UNSAFE,
    fix_notes="""
        Takes the first save away, so that the second one writes everything or nothing is written.  It refuses, and says
        why, where the first save makes the row, where something between the two reads or changes rows or gets the row's
        key, where a failure is answered by code that uses the row, and where the second save stands in another block or
        leaves out, by `update_fields`, what the first one writes.
        """,
    ignore_when="""
        Others are meant to see the first state, and something repairs the row when the second never comes.  A state
        that says so itself (`SENDING`, then `SENT` or `FAILED`) is not reported.
        """,
    see=(
        ("Celery tasks checklist, Vinta Software", "https://devchecklists.com/en/checklist/celery-tasks-checklist"),
        ("Celery: database transactions and state", "https://docs.celeryq.dev/en/stable/userguide/tasks.html#state"),
    ),
)


@rule.on(Declared)
def check(declared: Declared) -> Iterator[Problem]:
    for half in half_saved(declared):
        request, second = half.request.site, half.second.site
        related = (
            Related(declared.path, request.span, f"`{half.request_name}` may fail here"),
            Related(declared.path, second.span, f"the rest of `{half.subject}` is saved here"),
        )
        words = {"field": f"{half.subject}.{half.field}", "request": half.request_name}
        yield Problem(half.first.site, words, half.without_first, "Save once, after the request", related)
