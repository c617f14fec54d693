"""What loading a program changes in the process, put back when it is closed."""

from __future__ import annotations

import importlib
import linecache
import logging
import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def kept(packages: Collection[str]) -> Iterator[None]:
    """Put back the import path, modules of these packages' names, environment variables and loggers."""
    with ExitStack() as stack:
        stack.callback(_import_path, list(sys.path))
        stack.callback(_environment, dict(os.environ))
        stack.callback(_loggers, _handling(), packages)
        stack.callback(sys.modules.update, _taken(packages))
        stack.callback(_taken, packages)
        yield


@contextmanager
def loading_in(folder: Path) -> Iterator[None]:
    """Import as a process does that was started in this folder; what imports put before it on the path is dropped."""
    path, writes = list(sys.path), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        with chdir(folder):
            yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path[:] = path


def forget_files(folder: Path) -> None:
    """Nothing remembers files of this folder any more."""
    for remembered in (linecache.cache, sys.path_importer_cache):
        for file in [file for file in remembered if Path(file).is_relative_to(folder)]:
            del remembered[file]
    importlib.invalidate_caches()


def _taken(packages: Collection[str]) -> dict[str, Any]:
    names = [name for name in sys.modules if name.partition(".")[0] in packages]
    return {name: sys.modules.pop(name) for name in names}


def _import_path(path: list[str]) -> None:
    sys.path[:] = path


def _environment(variables: dict[str, str]) -> None:
    zone = os.environ.get("TZ")
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    if zone != os.environ.get("TZ") and hasattr(time, "tzset"):
        time.tzset()


def _handling() -> dict[logging.Logger, dict[str, Any]]:
    known = [logging.root, *logging.root.manager.loggerDict.values()]
    return {
        logger: {
            "level": logger.level,
            "propagate": logger.propagate,
            "disabled": logger.disabled,
            "handlers": list(logger.handlers),
            "filters": list(logger.filters),
        }
        for logger in known
        if isinstance(logger, logging.Logger)
    }


def _loggers(before: dict[logging.Logger, dict[str, Any]], packages: Collection[str]) -> None:
    known = logging.root.manager.loggerDict
    for name in [name for name in known if name.partition(".")[0] in packages and known[name] not in before]:
        del known[name]
    for logger, handling in before.items():
        vars(logger).update(handling)
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]
