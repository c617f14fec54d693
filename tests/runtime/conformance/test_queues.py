"""What a real broker holds."""

from __future__ import annotations

import socket

import pytest
from kombu import Connection

from flake8_tasks.runtime.conformance.process import EngineError
from flake8_tasks.runtime.conformance.queues import Queues
from flake8_tasks.runtime.conformance.servers import LOOPBACK, Server

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


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://shop:secret@127.0.0.1:port/0", "redis://shop:**@127.0.0.1:port/0"),
        ("redis://127.0.0.1:6379/first", "redis://127.0.0.1:6379/first"),
        ("redis://127.0.0.1:1/0?unheard=of", "redis://127.0.0.1:1/0?unheard=of"),
        ("amqp://127.0.0.1:99999//", "amqp://127.0.0.1:99999//"),
        ("amqp://[::1//", "amqp://[::1//"),
    ],
)
def test_an_address_that_is_none_is_said(url: str, shown: str) -> None:
    with pytest.raises(EngineError) as caught, Queues(url, 5):
        pass
    assert str(caught.value).startswith(f"{shown} is no address of a broker: ")


def test_a_password_that_is_wrong_is_said(rabbitmq: Server) -> None:
    url = rabbitmq.url.replace("guest:guest", "guest:secret")
    with pytest.raises(EngineError, match=r"guest:\*\*@.* does not answer: .*ACCESS_REFUSED"), Queues(f"{url}//", 5):
        pass


@pytest.mark.parametrize("scheme", ["redis", "rediss", "amqp", "amqps"])
def test_nobody_waits_for_a_port_where_nothing_is_ever_said(scheme: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"{scheme}://{LOOPBACK}:{silent.getsockname()[1]}"
        with pytest.raises(EngineError, match="does not answer: "), Queues(url, 0.5):
            pass
