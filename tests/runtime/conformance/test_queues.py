"""What a real broker holds."""

from __future__ import annotations

import pytest
from kombu import Connection

from flake8_tasks.runtime.conformance.queues import Queues
from flake8_tasks.runtime.conformance.servers import Server

pytestmark = pytest.mark.xdist_group("engine")


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_what_others_left_in_a_queue_is_forgotten(request: pytest.FixtureRequest, broker: str) -> None:
    server: Server = request.getfixturevalue(broker)
    url = f"{server.url}/4" if broker == "redis" else f"{server.url}//"
    with Connection(url) as connection, connection.SimpleQueue("left over") as queue, Queues(url, 5) as queues:
        queues.of(["left over"])
        queue.put("a message")
        assert queues.waiting() == 1
        queues.forget(["not there", "left over"])
        assert queues.waiting() == 0
