"""A schedule names an hour or a day and leaves the minute out: it fires every minute of that time.

Every field that `crontab` is not given is `*`.  `crontab(hour=3)` is not "at three" but sixty runs, one each minute
from 3:00 to 3:59; `crontab(day_of_week=1)` is 1,440 runs each Monday.

`crontab()` alone and an explicit `minute="*"` say "every minute" in so many words: they are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.edit import Edit, Refusal, Safety, SetKeyword
from flake8_tasks.model.facts import Schedule
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__,
    __doc__,
    code="TSK901",
    message="`{schedule}` fires every minute of that time: say which `minute`",
    bad="""
        from celery import Celery
        from celery.schedules import crontab

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task
        def send_reminders():
            print("reminding")


        app.conf.beat_schedule = {
            "remind": {"task": "shop.tasks.send_reminders", "schedule": crontab(hour=3)},
        }
        """,
    good="""
        from celery import Celery
        from celery.schedules import crontab

        app = Celery("shop")
        app.conf.task_time_limit = 300


        @app.task
        def send_reminders():
            print("reminding")


        app.conf.beat_schedule = {
            "remind": {"task": "shop.tasks.send_reminders", "schedule": crontab(hour=3, minute=0)},
        }
        """,
    fix=Safety.UNSAFE,
    fix_notes="Writes `minute=0`, and `hour=0` where only days are given: at the full hour, or at midnight.",
    ignore_when='The task really is to run every minute of that time; `minute="*"` says so, and silences the rule.',
    see=(
        (
            "Celery: crontab schedules",
            "https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#crontab-schedules",
        ),
    ),
)

COARSER = ("hour", "day_of_week", "day_of_month", "month_of_year")


@rule.on(Schedule)
def check(schedule: Schedule) -> Iterator[Problem]:
    if schedule.call.args or schedule.passes_unknown or "minute" in schedule.keywords:
        return
    given = [schedule.keywords[name] for name in COARSER if name in schedule.keywords]
    if all(schedule.is_text(value, "*") for value in given):
        return

    def at_the_hour() -> tuple[Edit, ...] | Refusal:
        minute = SetKeyword(schedule.place, "minute", "0")
        if "hour" in schedule.keywords:
            return (minute,)
        if not schedule.keywords.keys() & {"day_of_week", "day_of_month"}:
            return Refusal("it names no day")
        return (SetKeyword(schedule.place, "hour", "0"), minute)

    yield Problem(schedule, {"schedule": schedule.shown}, at_the_hour, "Run at minute 0")
