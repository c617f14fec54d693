"""One Redis, one RabbitMQ and one nursery for all tests of the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from brokers import needs

from flake8_tasks.runtime.conformance.forked import Nursery
from flake8_tasks.runtime.conformance.servers import Server, rabbitmq_server, redis_server


@pytest.fixture(scope="session")
def redis() -> Iterator[Server]:
    needs("redis")
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[Server]:
    needs("rabbitmq")
    with rabbitmq_server() as server:
        yield server


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery
