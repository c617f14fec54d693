"""Pickle is accepted or sent.

To unpickle a message is to run the program that it holds.  A worker that accepts pickle runs the code of whoever can
write to its broker: an exposed Redis, a stolen password or a server in the same network is enough, and the tasks need
no fault of their own.  The same goes for results: whoever can write to the backend runs code where they are read.

A single `serializer="pickle"`, on a task or a call, needs workers that accept pickle, from everybody.  `C_FORCE_ROOT`
takes the last safeguard away: without it, a worker that accepts pickle refuses to run as root.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.model.facts import Declared, Dispatch, Retry, RootForced, Setting, TaskClass
from flake8_tasks.model.frameworks.celery import ACCEPT_SETTINGS, PICKLE_NAMES, SERIALIZER_SETTINGS
from flake8_tasks.model.values import Constant
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK205",
    message="`{option}` lets pickle in: whoever can write to the broker runs code in the worker",
    bad="""
        from celery import Celery

        app = Celery("shop")
        app.conf.update(task_time_limit=300, task_serializer="pickle", accept_content=["pickle"])


        @app.task
        def export(rows):
            print(rows)
        """,
    good="""
        from celery import Celery

        app = Celery("shop")
        app.conf.update(task_time_limit=300, task_serializer="json", accept_content=["json"])


        @app.task
        def export(rows):
            print(rows)
        """,
    ignore_when="Nobody but the project can reach the broker and the result backend, and everybody who can is trusted.",
    see=(
        ("Celery: security, serializers", "https://docs.celeryq.dev/en/stable/userguide/security.html#serializers"),
        ("Python: pickle", "https://docs.python.org/3/library/pickle.html"),
    ),
)

RESULTS = "`{option}` lets pickle in: whoever can write to the result backend runs code in its readers"
ROOT = "with `C_FORCE_ROOT` a worker that accepts pickle runs as root: a message takes the machine"


@rule.on(Setting)
def check_setting(setting: Setting) -> Iterator[Problem]:
    if setting.name in SERIALIZER_SETTINGS | ACCEPT_SETTINGS and not PICKLE_NAMES.isdisjoint(setting.beginnings):
        message = RESULTS if setting.name.startswith("result") else ""
        yield Problem(setting, {"option": setting.found.written}, message=message)


@rule.on(Declared)
def check_decorator(declared: Declared) -> Iterator[Problem]:
    for option in declared.own_options:
        value = declared.project.constant(option.value)
        if option.name == "serializer" and isinstance(value, Constant) and value.value in PICKLE_NAMES:
            yield Problem(declared.keyword_span(option), {"option": "serializer"})


@rule.on(TaskClass)
def check_class(task_class: TaskClass) -> Iterator[Problem]:
    own = task_class.own("serializer")
    value, is_own = task_class.option("serializer")
    if own is not None and is_own and isinstance(value, Constant) and value.value in PICKLE_NAMES:
        yield Problem(task_class.module.source.span(own[0]), {"option": "serializer"})


@rule.on(Dispatch, Retry)
def check_call(call: Dispatch | Retry) -> Iterator[Problem]:
    node = call.option("serializer")
    if node is None:
        return
    value = call.reader.project.constant(call.module.value(node, call.frame))
    if isinstance(value, Constant) and value.value in PICKLE_NAMES:
        yield Problem(call.module.named_span(call.module.source.span(node)), {"option": "serializer"})


@rule.on(RootForced)
def check_root(forced: RootForced) -> Iterator[Problem]:
    yield Problem(forced, message=ROOT)
