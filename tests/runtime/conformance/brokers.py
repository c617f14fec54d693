"""Which brokers these tests can start."""

from __future__ import annotations

import os

import pytest

from flake8_tasks.runtime.conformance.servers import missing


def needs(name: str) -> None:
    """Go on only where this broker is installed; in CI a missing one is a failure."""
    if reason := missing().get(name):
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
