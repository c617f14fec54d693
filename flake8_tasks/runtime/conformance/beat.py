"""Celery beat for real: its own service with its stored schedule, on a clock that passes over what it sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from celery import Celery
from celery.beat import Service

from flake8_tasks.runtime.kernel.clock import Clock, virtual_time

# Beat asks again at once when something is due within some milliseconds: of a clock that stands still it asks for ever.
TICK = 0.001


def run_beat(app: Celery, schedule: Path, seconds: float) -> None:
    """Send what the app's beat schedule makes due in so many seconds, which pass in a moment, in this process alone.

    They begin when those of a simulation do; dates in messages are moved to the clock of those who get them.

    Arguments:
        app: whose `beat_schedule` it is.
        schedule: the file that beat keeps its schedule in.
        seconds: how long.
    """
    clock, began = Clock(), time.time()
    service = Service(app, schedule_filename=str(schedule))

    def sleep(pause: float) -> None:
        clock.advance_to(min(clock.now + pause, seconds))
        if clock.now >= seconds:
            service.stop()

    _move_dates(app, lambda: timedelta(seconds=began - clock.start - clock.now))
    with virtual_time(clock, sleep):
        tick = service.scheduler.tick

        def ticking() -> Any:
            sleep(TICK)
            return tick()

        service.scheduler.tick = ticking
        service.start()


def _move_dates(app: Celery, by: Callable[[], timedelta]) -> None:
    send = app.amqp.send_task_message

    @wraps(send)
    def sending(producer: Any, name: Any, message: Any, **options: Any) -> Any:
        for header in ("eta", "expires"):
            if moment := message.headers[header]:
                message.headers[header] = (datetime.fromisoformat(moment) + by()).isoformat()
        return send(producer, name, message, **options)

    app.amqp.__dict__["send_task_message"] = sending
