"""`flake8-tasks prove`: the door to the reference runtime, which may not be installed."""

from __future__ import annotations

import argparse
from importlib import import_module

from flake8_tasks.frontends.cli import PROGRAM, UsageError

_NEEDED = ("celery", "greenlet", "time_machine")


def prove(asked: argparse.Namespace) -> int:
    """Run the command; the exit status.

    Raises:
        UsageError: the runtime is not installed, or what was asked cannot be done.
    """
    for package in _NEEDED:
        try:
            import_module(package)
        except ImportError as error:
            raise UsageError(f'{PROGRAM} prove needs the runtime: pip install "flake8-tasks[runtime]"') from error
    from flake8_tasks.frontends.proving.command import command

    return command(asked)
