"""Processes that coverage does not look at."""

from __future__ import annotations

from collections.abc import Mapping


def unmeasured(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that runs as it does for users.

    Measured, a process imports greenlet, and a Ctrl-C may be lost: at each call coverage's tracer looks the running
    greenlet up in a weak dictionary, and takes every exception that comes out of it for a miss.
    """
    return {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
