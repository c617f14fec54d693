"""Time that passes faster on the real engine: what Celery counts in seconds is made shorter, all by the same."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import wraps
from typing import Any

from celery import Celery
from celery.concurrency.asynpool import AsynPool


def quicken(app: Celery, pace: float) -> None:
    """Shorten time limits of the tasks that this process lets its children execute, and countdowns and expiry times of
    the messages that it sends.

    Arguments:
        app: the program's.
        pace: how many times faster time passes.
    """
    if pace != 1:
        _shorten_limits(pace)
        _shorten_countdowns(app, pace)


def sooner(moment: str | None, pace: float) -> str | None:
    """A moment as a message has it, so many times nearer to now."""
    if moment is None:
        return None
    then, now = datetime.fromisoformat(moment), datetime.now(UTC)
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return (now + (then - now) / pace).isoformat()


def _shorten_limits(pace: float) -> None:
    apply = AsynPool.apply_async

    @wraps(apply)
    def applying(pool: Any, *arguments: Any, soft_timeout: Any = None, timeout: Any = None, **options: Any) -> Any:
        soft, hard = soft_timeout or pool.soft_timeout, timeout or pool.timeout
        return apply(pool, *arguments, soft_timeout=soft and soft / pace, timeout=hard and hard / pace, **options)

    AsynPool.apply_async = applying


def _shorten_countdowns(app: Celery, pace: float) -> None:
    send = app.amqp.send_task_message

    @wraps(send)
    def sending(producer: Any, name: Any, message: Any, **options: Any) -> Any:
        headers = message.headers
        headers["eta"] = sooner(headers["eta"], pace)
        if not headers["retries"]:  # A retry has that of the attempt before, which is sooner already.
            headers["expires"] = sooner(headers["expires"], pace)
        return send(producer, name, message, **options)

    app.amqp.__dict__["send_task_message"] = sending
