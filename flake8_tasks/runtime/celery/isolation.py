"""Celery as if it had just been imported: what a program registers there is gone when it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakSet

import celery
from celery import _state, signals
from celery.app import base  # noqa: F401 - registers Celery's own tasks for every app, before anything is set aside
from celery.utils.dispatch import Signal
from kombu import pools, serialization
from kombu.utils import json


@contextmanager
def isolated() -> Iterator[None]:
    """Own apps, own current and default app, own shared tasks, signal receivers, serializers and connection pools."""
    with ExitStack() as stack:
        stack.callback(pools.reset)
        fresh: dict[str, Any] = {"_apps": WeakSet(), "default_app": None, "_on_app_finalizers": finalizers()}
        for name, value in fresh.items():
            stack.callback(setattr, _state, name, getattr(_state, name))
            setattr(_state, name, value)
        stack.callback(_state._set_current_app, _state._tls.current_app)
        _state._set_current_app(None)
        stack.callback(close_apps)
        for signal in vars(signals).values():
            if isinstance(signal, Signal):
                stack.callback(_put_back, signal, list(signal.receivers))
        registry = serialization.registry
        for contents in (*_containers(vars(registry)), json._encoders, json._decoders):
            stack.callback(_refill, contents, contents.copy())
        stack.callback(vars(registry).update, _scalars(vars(registry)))
        yield


def finalizers() -> set[Any]:
    """What every new app is given: Celery's own tasks, and shared tasks declared until now."""
    return set(_state._on_app_finalizers)


def apps() -> list[celery.Celery]:
    """The apps made until now, in the order of their names; without the one that Celery falls back on."""
    made = [app for app in _state._get_active_apps() if app is not _state.default_app or app.main != "default"]
    return sorted(made, key=lambda app: str(app.main))


def current_app() -> celery.Celery:
    """The app that shared tasks belong to."""
    return _state.get_current_app()


def close_apps() -> None:
    """Give up the connections of the apps made until now."""
    for app in list(_state._get_active_apps()):
        app.close()


def finish_apps() -> None:
    """Make every task that was declared until now."""
    for app in apps():
        app.finalize()


def is_app(value: object) -> bool:
    """Whether it is an app itself, not something that stands for the current one."""
    return issubclass(type(value), celery.Celery)


def _put_back(signal: Any, receivers: list[Any]) -> None:
    signal.receivers[:] = receivers
    signal.sender_receivers_cache.clear()


def _containers(attributes: dict[str, Any]) -> list[Any]:
    return [value for value in attributes.values() if isinstance(value, dict | set)]


def _scalars(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if not isinstance(value, dict | set)}


def _refill(container: Any, contents: Any) -> None:
    container.clear()
    container.update(contents)
