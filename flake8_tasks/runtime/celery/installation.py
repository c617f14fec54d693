"""A Celery app rewired to the simulation, for many runs one after the other."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from celery import Celery
from kombu import Connection

from flake8_tasks.runtime.celery import backend, compat, transport
from flake8_tasks.runtime.celery.consumer import NodeConsumer
from flake8_tasks.runtime.celery.polled import Storage, is_polled
from flake8_tasks.runtime.folders import temporary_folder
from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS, SQS, Profile

_PROFILES = {"amqp": RABBITMQ, "amqps": RABBITMQ, "pyamqp": RABBITMQ, "redis": REDIS, "rediss": REDIS, "sqs": SQS}


class Installation:
    """What is kept from one run to the next.

    Arguments:
        app: the user's, rewired.
        broker_url: the one of its own settings.
    """

    def __init__(self, app: Celery, broker_url: str) -> None:
        self.app, self.broker_url = app, broker_url
        transport.exchanges.clear()
        connection: Connection = app.connection_for_read()
        self.connection = connection
        self.channel = connection.channel()
        self._consumers: dict[tuple[str, bool], NodeConsumer] = {}
        self._storage: Storage | None = None
        self._stack = ExitStack()

    def consumer(self, node: str, events: bool) -> NodeConsumer:
        """The consumer of the node of this name."""
        key = node, events
        if key not in self._consumers:
            self._consumers[key] = NodeConsumer(self.app, node, events)
        return self._consumers[key]

    @property
    def profile(self) -> Profile:
        """How the broker of the app's own settings behaves; RabbitMQ when they name none, as Celery has it."""
        scheme = self.broker_url.partition("://")[0].lower()
        timeout = (self.app.conf.broker_transport_options or {}).get("visibility_timeout")
        return _PROFILES.get(scheme, RABBITMQ).with_visibility_timeout(timeout)

    @property
    def storage(self) -> Storage | None:
        """The real transport that polls, when the app's own settings name one."""
        if self._storage is None and is_polled(self.broker_url):
            folder = self._stack.enter_context(temporary_folder())
            options = dict(self.app.conf.broker_transport_options or {})
            self._storage = Storage(self.broker_url, options, folder)
        return self._storage

    def close(self) -> None:
        """Give up the connections, and delete what the transport has written."""
        self.connection.close()
        if self._storage is not None:
            self._storage.close()
        self._stack.close()


_installations: dict[int, Installation] = {}


def installation_of(app: Celery) -> Installation:
    """What `installed` has made of this app.

    Raises:
        RuntimeError: it is not installed.
    """
    try:
        return _installations[id(app)]
    except KeyError:
        raise RuntimeError("the app must be `installed` before it can be simulated") from None


@contextmanager
def installed(app: Celery, *, results: str = "redis", settings: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Rewire an app to the simulation, for as many runs as are made meanwhile.

    Arguments:
        app: the user's.
        results: the profile of its result backend: `redis`, `key-value`, `database`, or "" for none.
        settings: further ones, by their new names.

    Raises:
        UnsupportedCelery: this version has not been tried.
    """
    compat.require_supported()
    url = f"{backend.__name__}:{backend.PROFILES[results]}" if results else "disabled://"
    before = logging.root.manager.disable
    own = _own_broker(app, dict(settings or {}))
    logging.disable(logging.CRITICAL)
    try:
        with compat.rewired(app, broker_url=f"{transport.NAME}://", result_backend=url, settings=dict(settings or {})):
            installation = _installations[id(app)] = Installation(app, own)
            try:
                yield
            finally:
                del _installations[id(app)]
                installation.close()
    finally:
        logging.disable(before)


def _own_broker(app: Celery, settings: dict[str, Any]) -> str:
    for name in ("broker_read_url", "broker_url"):
        if url := settings.pop(name, None) or app.conf.get(name):
            first = url[0] if isinstance(url, (list, tuple)) else url
            return str(first).partition(";")[0].strip()
    return ""
