"""Each test has an app of its own, and a Celery that no other test has touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import Celery

from flake8_tasks.runtime.celery.isolation import isolated


@pytest.fixture
def app() -> Iterator[Celery]:
    with isolated():
        yield Celery("shop")
