"""Celery beat in virtual time: its own scheduler, its own schedule objects."""

from __future__ import annotations

from celery import Celery
from celery.beat import Scheduler

from flake8_tasks.runtime.kernel.simulation import Simulation


def run_beat(app: Celery, simulation: Simulation, seconds: float) -> None:
    """Send what the app's beat schedule makes due, for so many virtual seconds.

    Arguments:
        app: whose `beat_schedule` it is.
        simulation: the run; called by the actor that is beat.
        seconds: how long.
    """
    scheduler = Scheduler(app, lazy=True)
    scheduler.merge_inplace(app.conf.beat_schedule)
    # As the scheduler of `celery beat` has it, in this order.
    scheduler.install_default_entries(scheduler.schedule)
    end = simulation.now() + seconds
    while (left := end - simulation.now()) > 0:
        pause = scheduler.tick()
        simulation.sleep(min(left, max(pause, 0.001)))
