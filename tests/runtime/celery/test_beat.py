"""Beat, with Celery's own schedule objects."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.schedules import crontab
from simulated import Outcome, run

from flake8_tasks.runtime.celery.beat import run_beat

DAY = 86_400.0


def a_day(app: Celery, **options: Any) -> Outcome:
    """What a day of beat makes."""
    return run(app, lambda driver: run_beat(app, driver.simulation, DAY), horizon=2 * DAY, **options)


def test_an_hour_without_minutes_means_every_minute_of_it(app: Celery) -> None:
    @app.task
    def remind() -> None:
        pass

    app.conf.beat_schedule = {"remind": {"task": remind.name, "schedule": crontab(hour="3")}}
    outcome = a_day(app)

    assert len(outcome.of("start")) == 60
    # The run begins at 22:13:20.
    assert outcome.times("publish")[0] == 4 * 3600 + 46 * 60 + 40


def test_with_its_minute_it_means_once(app: Celery) -> None:
    @app.task
    def remind() -> None:
        pass

    app.conf.beat_schedule = {"remind": {"task": remind.name, "schedule": crontab(hour="3", minute="0")}}

    assert len(a_day(app).of("start")) == 1


def test_the_timezone_is_the_apps(app: Celery) -> None:
    @app.task
    def remind() -> None:
        pass

    app.conf.timezone = "Asia/Tokyo"
    app.conf.beat_schedule = {"remind": {"task": remind.name, "schedule": crontab(hour="3", minute="0")}}

    # 3:00 in Tokyo is 18:00 UTC.
    assert a_day(app).times("start") == [19 * 3600 + 46 * 60 + 40]


def test_intervals_arguments_and_options(app: Celery) -> None:
    seen = []

    @app.task
    def remind(who: str) -> None:
        seen.append(who)

    entry = {"task": remind.name, "schedule": 6 * 3600, "args": ("ann",), "options": {"countdown": 10}}
    app.conf.beat_schedule = {"remind": entry}
    outcome = a_day(app)

    assert seen == ["ann"] * 4 or seen == ["ann"] * 3
    assert [round(when % (6 * 3600)) for when in outcome.times("start")] == [10] * len(seen)


def test_tasks_that_the_app_adds_itself(app: Celery) -> None:
    @app.task
    def remind() -> None:
        pass

    @app.on_after_configure.connect
    def periodic(sender: Celery, **_: object) -> None:
        sender.add_periodic_task(3600 * 8, remind.s())

    assert len(a_day(app).of("start")) in (2, 3)


def test_results_in_a_database_are_cleaned_up_once_a_day(app: Celery) -> None:
    app.conf.beat_schedule = {}

    assert a_day(app, results="database").tasks("start") == ["backend_cleanup#1"]
    assert a_day(app, results="redis").tasks("start") == []
