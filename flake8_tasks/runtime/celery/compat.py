"""Every private name of Celery, kombu and billiard that the driver touches, for the versions in which it was tried.

What a result backend is meant to override (`_set_with_state`, `_store_result` …) stands in `backend`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import celery
import celery.worker.request
import kombu.utils.limits
from billiard import einfo
from billiard.einfo import ExceptionInfo, ExceptionWithTraceback
from celery import Celery, _state, states
from celery.app.control import Control
from celery.backends.redis import RedisBackend
from celery.exceptions import Ignore, Reject, Retry
from celery.worker import control
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer
from kombu.utils.uuid import uuid as message_id

from flake8_tasks.runtime.celery.producer import OneProducer

VERSION = tuple(int(part) for part in celery.__version__.split(".")[:2])
OLDEST, NEWEST = (5, 4), (5, 7)

#: Seconds for which a worker that has the last part of a chord keeps others from sending its body; on Redis, with
#: Celery's own settings for publishing. Before 5.7 none.
CHORD_CLAIM = 21.0 if VERSION >= (5, 7) else 0.0

#: Whether a database keeps a success, whatever is stored afterwards.
KEEPS_SUCCESS = VERSION >= (5, 7)

# They hold `time.monotonic` by a name of their own.
_TIMED = (vars(celery.worker.request), vars(kombu.utils.limits))
_STATES = {Retry: states.RETRY, Reject: states.REJECTED, Ignore: states.IGNORED}
# Settings that Celery asks for at each message: each is looked for under several names, in several places, until it is
# found, and at once where it has been set to what it is.
_ASKED_OFTEN = (
    *("broker_pool_acquire_timeout", "result_extended", "task_default_queue", "task_repr_maxlevels"),
    "task_send_sent_event",
)
_SETS = ("reserved_requests", "active_requests", "scheduled_requests", "successful_requests", "revoked")


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
    for name in (*_SETS, "requests", "total_count", "revoked_stamps"):
        getattr(worker_state, name, _NONE).clear()
    worker_state.all_total_count[:] = [0]
    worker_state.should_stop = worker_state.should_terminate = None


class WorkerState:
    """What each of several nodes keeps in module globals, put in place when its parent process acts."""

    def __init__(self, first: str) -> None:
        self._here = first
        self._kept: dict[str, dict[str, Any]] = {}

    def enter(self, node: str) -> None:
        """The parent of this node acts from now on."""
        if node == self._here:
            return
        names = (*_SETS, "requests", "total_count", "revoked_stamps")
        self._kept[self._here] = {name: _copied(getattr(worker_state, name, _NONE)) for name in names}
        self._here = node
        kept = self._kept.get(node, {})
        for name in names:
            contents = getattr(worker_state, name, _NONE)
            contents.clear()
            contents.update(kept.get(name, ()))

    def forget(self, node: str) -> None:
        """The node is down: what its memory held is gone, but for what it is told anew: the revoked tasks."""
        if node == self._here:
            forget_worker_state()
        self._kept.pop(node, None)

    def learn_revoked(self, node: str, others: list[str]) -> None:
        """A node that comes up asks the others which tasks are revoked (mingle)."""
        known: set[str] = set()
        for other in others:
            if other == self._here:
                known.update(worker_state.revoked)
            else:
                known.update(self._kept.get(other, {}).get("revoked", ()))
        self.enter(node)
        worker_state.revoked.update(sorted(known))


class _Hub:
    """The event loop of a worker, of which no more is needed than that it does at once what it is to do soon."""

    def call_soon(self, callback: Callable[..., Any], *arguments: Any) -> Any:
        callback(*arguments)
        return callback


class _Nothing(dict[str, Any]):
    def update(self, *_: Any) -> None:  # type: ignore[override]
        pass


_NONE = _Nothing()


def _copied(contents: Any) -> Any:
    return dict(contents) if isinstance(contents, Mapping) else list(contents)


@contextmanager
def rewired(app: Celery, *, broker_url: str, result_backend: str, settings: dict[str, Any]) -> Iterator[None]:
    """While it lasts the app uses another broker and backend, and its message ids come from `uuid.uuid4`.

    Arguments:
        app: the user's, its own settings kept but for these.
        settings: the others to be set meanwhile, by their new names.
    """
    app.finalize()
    changed = {
        **{name: app.conf.get(name) for name in _ASKED_OFTEN},
        "broker_url": broker_url,
        "broker_read_url": None,
        "broker_write_url": None,
        "broker_failover_strategy": None,
        "result_backend": result_backend,
        "broker_pool_limit": None,
        "task_publish_retry": False,
        "task_always_eager": False,
        **settings,
    }
    before = {name: app.conf.get(name) for name in changed}
    tracers = {task: task.__trace__ for task in app.tasks.values()}
    with ExitStack() as stack:
        stack.callback(setattr, message_id, "__defaults__", message_id.__defaults__)
        stack.callback(setattr, app, "use_fast_trace_task", app.use_fast_trace_task)
        stack.callback(setattr, app, "_local", app._local)
        stack.callback(_state.set_default_app, _state.default_app)
        stack.callback(_disconnect, app)
        stack.callback(app.conf.update, before)
        app.conf.update(changed)
        message_id.__defaults__ = (lambda: uuid.uuid4(),)
        # Billiard copies the code of each frame of each traceback; the same code is copied once.
        stack.callback(setattr, einfo._Frame, "Code", einfo._Frame.Code)
        einfo._Frame.Code = staticmethod(lru_cache(maxsize=256)(einfo._Frame.Code))
        app.use_fast_trace_task = True
        _disconnect(app)
        # One for all threads: what is made for a thread on its first use would be made in one run and not in the next.
        app._local = SimpleNamespace(oid="a89a8a0c-1c1e-3b2a-9b8f-0242ac110002")
        # As a worker does in its children: other threads must not fall back on an app without tasks.
        _state.set_default_app(app)
        for task in tracers:
            task.__trace__ = None
        app.amqp._producer_pool = OneProducer(app)
        yield
    for task, tracer in tracers.items():
        task.__trace__ = tracer


def forget_runs(app: Celery) -> None:
    """Empty the backend's memory of results that it has seen, and the tasks' of limits that they gave to `retry`."""
    app.backend._cache.clear()
    for task in app.tasks.values():
        vars(task).pop("override_max_retries", None)


@contextmanager
def clocks(monotonic: Callable[[], float]) -> Iterator[None]:
    """What rate limits and requests read instead of the machine's own clock."""
    before = [names["monotonic"] for names in _TIMED]
    for names in _TIMED:
        names["monotonic"] = monotonic
    try:
        yield
    finally:
        for names, own in zip(_TIMED, before, strict=True):
            names["monotonic"] = own


def never_connects(consumer: Consumer) -> None:
    """Give a consumer whose `__init__` was not called what that would have set."""
    consumer.connection_errors = consumer.channel_errors = ()
    consumer.hub = _Hub()
    consumer.on_task_message = set()
    consumer.restart_count = 0
    consumer._maximum_prefetch_restored = True
    consumer._limit_order = 0
    consumer._does_info = False


def cancel_running(consumer: Consumer) -> None:
    """What a worker does with running tasks at a cold shutdown; 5.4 does nothing but kill them."""
    for name in ("cancel_active_requests", "cancel_all_unacked_requests"):
        if cancel := getattr(consumer, name, None):
            cancel()
            return


def lost_connection(consumer: Consumer) -> None:
    """What a worker does when its connection is lost: what waits here for its turn is dropped, as it comes again.

    Tasks that wait for their ETA are dropped too, but not by 5.6: there they run twice.
    """
    if consumer.app.conf.worker_cancel_long_running_tasks_on_connection_loss:
        for request in tuple(worker_state.active_requests):
            if request.task.acks_late and not request.acknowledged:
                request.cancel(consumer.pool)
    consumer.on_close()


def counted_once(request: Any, encoded: str) -> str:
    """What Redis counts as one part of a chord: a task of its header; before 5.7 each different result of it.

    Arguments:
        request: of the task in the header.
        encoded: its identity, state and result.
    """
    return f"{request.id}:{request.group_index}" if VERSION >= (5, 7) else encoded


def part_of_chord(backend: Any, encoded: str) -> Any:
    """The result of one part of a chord, as Redis has kept it.

    Raises:
        ChordError: it has failed; since 5.6 the cause is what the part has raised.
    """
    return RedisBackend._unpack_chord_result(backend, encoded, backend.decode)


def answer(command: str, state: Any, arguments: Mapping[str, Any]) -> Any:
    """Do what a remote-control command asks of one node."""
    return control.Panel.data[command](state, **arguments)


def broadcasts_through(app: Celery, broadcast: Callable[..., Any]) -> Callable[[], None]:
    """Send an app's remote-control commands elsewhere; gives back what undoes it."""
    own: Control = app.control
    own.broadcast = broadcast

    def restore() -> None:
        vars(own).pop("broadcast", None)

    return restore


def error_info(exception: BaseException) -> Any:
    """An exception as a pool hands it to a request."""
    try:
        raise exception
    except BaseException:
        return ExceptionInfo()


def outcome(traced: Any) -> str:
    """The state in which an execution has ended, from what the tracer hands to the pool."""
    failed, value, _ = traced
    if not failed:
        return str(states.SUCCESS)
    exception = value.exception
    exception = exception.exc if isinstance(exception, ExceptionWithTraceback) else exception
    return str(next((state for kind, state in _STATES.items() if isinstance(exception, kind)), states.FAILURE))


def _disconnect(app: Celery) -> None:
    app._backend_cache = None
    app._local = SimpleNamespace()
    app._pool = None
    amqp = app.__dict__.pop("amqp", None)
    if amqp is not None:
        amqp._producer_pool = None
