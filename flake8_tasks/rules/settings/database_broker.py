"""The broker is a database or a folder.

Kombu can keep messages in the tables of a database (`sqla+…`) or in files (`filesystem://`).  Nothing tells the
workers that there is a message: each of them asks again and again, which costs the database more the more workers there
are, and every task waits for the next round.  Worse, a message is marked as taken and committed before its task has
run: the messages of a worker that is killed are lost, with `acks_late` too.  `django://` is not even there any more:
Celery 4 dropped it, and every dispatch ends in "No such transport".

The rule is silent for tests, for files and classes of settings whose names say that they serve development, for what
stands in an `if` or `try`, where a setting beside it names another broker, and for values read from the environment,
whatever their default is.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.model.facts import Setting
from flake8_tasks.model.frameworks.celery import BROKER_SETTINGS, DATABASE_BROKERS, DATABASE_TRANSPORTS
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK801",
    message="the broker `{broker}` is a {kind}: workers poll it, and a killed one loses its messages",
    bad="""
        from celery import Celery

        app = Celery("shop", broker="sqla+postgresql://shop@localhost/shop")
        app.conf.task_time_limit = 300


        @app.task
        def resize(path):
            print(path)
        """,
    good="""
        from celery import Celery

        app = Celery("shop", broker="amqp://shop@localhost/shop")
        app.conf.task_time_limit = 300


        @app.task
        def resize(path):
            print(path)
        """,
    ignore_when="The program runs on one machine, sends few tasks and may lose them, as on a developer's own computer.",
    see=(
        ("Celery: brokers", "https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/index.html"),
        ("Kombu: SQLAlchemy transport", "https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.sqlalchemy.html"),
    ),
)  # fmt: skip

DROPPED = "the broker `{broker}` was dropped in Celery 4: every dispatch ends in an error"


@rule.on(Setting)
def check(setting: Setting) -> Iterator[Problem]:
    if setting.name not in BROKER_SETTINGS:
        return
    broker = database(setting)
    if not broker or not setting.is_certain:
        return
    if not setting.is_for_production and any(other.is_certain and not database(other) for other in setting.others):
        return
    is_folder = broker.startswith(("filesystem", "kombu.transport.filesystem"))
    is_dropped = "django" in broker or "djkombu" in broker
    words = {"broker": broker, "kind": "folder" if is_folder else "database"}
    yield Problem(setting, words, message=DROPPED if is_dropped else "")


def database(setting: Setting) -> str:
    """The transport of the database or folder that a setting names, without user and password; empty for none."""
    for text in setting.beginnings:
        for broker in (text or "").split(";"):
            if broker.strip().startswith(DATABASE_BROKERS):
                return broker.strip().partition("://")[0] + "://"
            if broker.strip() in DATABASE_TRANSPORTS:
                return broker.strip()
    return ""
