"""Every private name of Celery and kombu that the driver touches, for the versions in which it was tried."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import celery
import kombu.utils.limits
from celery import Celery, _state
from celery.worker import state as worker_state
from kombu.utils.uuid import uuid as message_id

OLDEST, NEWEST = (5, 4), (5, 7)


class UnsupportedCelery(RuntimeError):
    """The installed Celery is none of those in which the driver was tried."""


def require_supported(version: str = celery.__version__) -> None:
    """Fail loudly on a Celery that nobody has tried.

    Raises:
        UnsupportedCelery: it is older or newer.
    """
    major, minor = (int(part) for part in version.split(".")[:2])
    if not OLDEST <= (major, minor) <= NEWEST:
        raise UnsupportedCelery(
            f"Celery {version} has not been tried with the reference runtime: "
            f"it knows {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        )


def joins_block() -> bool:
    """Whether a wait for a result is refused in this process: what a prefork pool sets in its children."""
    return bool(_state._task_join_will_block)


def set_joins_block(blocks: bool) -> None:
    """See `joins_block`."""
    _state._set_task_join_will_block(blocks)


def forget_worker_state() -> None:
    """Empty what a worker's parent process keeps in module globals."""
    worker_state.reset_state()
    for name in ("scheduled_requests", "successful_requests", "revoked_stamps"):
        getattr(worker_state, name, set()).clear()
    worker_state.should_stop = worker_state.should_terminate = None


@contextmanager
def rewired(app: Celery, *, broker_url: str, result_backend: str, settings: dict[str, Any]) -> Iterator[None]:
    """While it lasts the app uses another broker and backend, and its message ids come from `uuid.uuid4`.

    Arguments:
        app: the user's, its own settings kept but for these.
        settings: the others to be set meanwhile, by their new names.
    """
    app.finalize()
    changed = {
        "broker_url": broker_url,
        "broker_read_url": None,
        "broker_write_url": None,
        "result_backend": result_backend,
        "broker_pool_limit": None,
        "task_publish_retry": False,
        "task_always_eager": False,
        **settings,
    }
    before = {name: app.conf.get(name) for name in changed}
    tracers = {task: task.__trace__ for task in app.tasks.values()}
    generate = message_id.__defaults__
    app.conf.update(changed)
    app.use_fast_trace_task = False
    message_id.__defaults__ = (lambda: uuid.uuid4(),)
    _disconnect(app)
    try:
        yield
    finally:
        message_id.__defaults__ = generate
        app.conf.update(before)
        _disconnect(app)
        for task, tracer in tracers.items():
            task.__trace__ = tracer


def forget_tracers(app: Celery) -> None:
    """Let each task be traced anew: a tracer holds on to the backend and to the receivers of signals."""
    for task in app.tasks.values():
        task.__trace__ = None


def set_limits_clock(monotonic: Callable[[], float]) -> Callable[[], float]:
    """Which clock rate limits read; the one before."""
    before: Callable[[], float] = kombu.utils.limits.monotonic
    kombu.utils.limits.monotonic = monotonic
    return before


def _disconnect(app: Celery) -> None:
    app._backend_cache = None
    app._local = threading.local()
    app._pool = None
    amqp = app.__dict__.pop("amqp", None)
    if amqp is not None:
        amqp._producer_pool = None
