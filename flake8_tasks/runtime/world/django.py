"""Django as a program finds it: its settings, its registry of apps, its tables."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any

SETTINGS = "settings_of_the_program"
DATABASE = "FLAKE8_TASKS_DATABASE"

_TEXT = '''"""Django's settings for this program, written by flake8-tasks."""

import os
from pathlib import Path

import django

SECRET_KEY = "only for this program"
INSTALLED_APPS = {apps}
DATABASES = {{
    "default": {{
        "ENGINE": "flake8_tasks.runtime.world.sqlite",
        "OPTIONS": {{"init_command": "PRAGMA synchronous = off"}},
        "NAME": os.environ.get("{database}", str(Path(__file__).with_name("database.sqlite3"))),
    }}
}}
CACHES = {{"default": {{"BACKEND": "flake8_tasks.runtime.world.cache_backend.CacheBackend"}}}}
if django.VERSION >= (6, 1):
    MAILERS = {{"default": {{"BACKEND": "flake8_tasks.runtime.world.email_backend.EmailBackend"}}}}
else:
    EMAIL_BACKEND = "flake8_tasks.runtime.world.email_backend.EmailBackend"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = None
'''
_CONTRIB = re.compile(r"django\.contrib\.(auth|contenttypes|sessions|sites|admin|messages)")
_NEEDED_BY = {"auth": ("contenttypes",), "admin": ("auth", "contenttypes", "messages", "sessions")}


def settings_of(files: Mapping[str, str], imports: Collection[str]) -> str:
    """The text of a settings module for a program: the world's database and mail, and what the program sets itself.

    Arguments:
        files: the program's, path → text.
        imports: what they import, by dotted names.
    """
    contrib = {match[1] for name in imports if (match := _CONTRIB.match(name))}
    contrib.update(*(_NEEDED_BY.get(name, ()) for name in tuple(contrib)))
    apps = [f"django.contrib.{name}" for name in sorted(contrib)]
    own = ""
    for path in files:
        parts = PurePosixPath(path).with_suffix("").parts
        if parts[-1] == "models" or parts[-2:] == ("models", "__init__"):
            apps.append(".".join(parts[: parts.index("models")]))
        elif parts[-1] == "settings":
            own = f"\nfrom {'.'.join(parts)} import *  # noqa: E402, F403\n"
    return _TEXT.format(apps=repr(list(dict.fromkeys(apps))), database=DATABASE) + own


def refusal() -> str:
    """Why Django cannot be set up for a program in this process; empty when it can."""
    from django.conf import settings

    if not settings.configured:
        return ""
    name = getattr(settings, "SETTINGS_MODULE", None) or "settings.configure()"
    return (
        f"Django is configured already in this process, by {name}, and stays so: "
        "a program needs settings of its own, run it in a process without them"
    )


@contextmanager
def configured() -> Iterator[None]:
    """Inside, Django takes its settings from the environment; afterwards it is as if nobody had set it up.

    Modules of the installed apps are forgotten too, those of `django.contrib` included: their models would
    keep the relations that the program's models have to them.
    """
    from django.conf import settings
    from django.core.cache import caches
    from django.core.checks.registry import registry as checks
    from django.db import connections, models
    from django.db.backends.signals import connection_created
    from django.dispatch import Signal
    from django.utils import inspect, timezone
    from django.utils.functional import empty

    signals = [connection_created, *(it for it in vars(models.signals).values() if isinstance(it, Signal))]
    with ExitStack() as stack:
        for function in (*vars(inspect).values(), *vars(timezone).values()):
            if hasattr(function, "cache_clear"):
                stack.callback(function.cache_clear)
        stack.callback(setattr, settings, "_wrapped", empty)
        for handler in (connections, caches):
            stack.callback(_forget_connections, handler)
        stack.callback(_refill, checks.registered_checks, set(checks.registered_checks))
        for signal in signals:
            stack.callback(_put_back, signal, list(signal.receivers))
        stack.callback(_forget_apps)
        yield


def set_up() -> None:
    """Import the models of the installed apps."""
    import django

    django.setup()


def _forget_apps() -> None:
    from django.apps import apps
    from django.db import router

    packages = [config.name for config in apps.app_configs.values()]
    for name in list(sys.modules):
        if name == SETTINGS or any(f"{name}.".startswith(f"{package}.") for package in packages):
            module = sys.modules.pop(name)
            parent, _, last = name.rpartition(".")
            if getattr(sys.modules.get(parent), last, None) is module:
                delattr(sys.modules[parent], last)
    apps.clear_cache()
    apps.all_models.clear()
    apps.app_configs.clear()
    apps._pending_operations.clear()
    apps.apps_ready = apps.models_ready = apps.ready = apps.loading = False
    apps.ready_event.clear()
    router._routers = None
    vars(router).pop("routers", None)


def _forget_connections(handler: Any) -> None:
    if "settings" in vars(handler):
        for connection in handler.all(initialized_only=True):
            connection.close()
        for alias in handler.settings:
            with suppress(AttributeError):
                del handler[alias]
    handler._settings = None
    vars(handler).pop("settings", None)


def _put_back(signal: Any, receivers: list[Any]) -> None:
    signal.receivers[:] = receivers
    signal.sender_receivers_cache.clear()


def _refill(contents: set[Any], before: set[Any]) -> None:
    contents &= before
