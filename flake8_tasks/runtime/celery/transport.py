"""A kombu transport whose queues are those of a simulated broker."""

from __future__ import annotations

from typing import Any, Protocol

from kombu.transport import TRANSPORT_ALIASES, virtual

NAME = "simulated"
TRANSPORT_ALIASES[NAME] = f"{__name__}:Transport"


class Wire(Protocol):
    """Where messages go to and acknowledgements too."""

    def put(self, queue: str, raw: dict[str, Any]) -> None: ...
    def acknowledge(self, tag: int) -> None: ...
    def reject(self, tag: int, requeue: bool) -> None: ...
    def size(self, queue: str) -> int: ...
    def purge(self, queue: str) -> int: ...
    def event(self, exchange: str, raw: dict[str, Any]) -> None: ...


wire: Wire | None = None


def connect(to: Wire | None) -> None:
    """From now on all channels lead there."""
    global wire
    wire = to


def _wire() -> Wire:
    if wire is None:
        raise ConnectionRefusedError("no simulation is running: its broker is down")
    return wire


class Channel(virtual.Channel):
    """A channel to the simulated broker."""

    do_restore = False
    supports_fanout = True

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        _wire().put(queue, message)

    def _put_fanout(self, exchange: str, message: dict[str, Any], routing_key: str | None = None, **_: Any) -> None:
        _wire().event(exchange, message)

    def _queue_bind(self, *_: Any) -> None:
        pass

    def _size(self, queue: str) -> int:
        return _wire().size(queue)

    def _purge(self, queue: str) -> int:
        return _wire().purge(queue)

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:
        _wire().acknowledge(delivery_tag)

    def basic_reject(self, delivery_tag: int, requeue: bool = False) -> None:
        _wire().reject(delivery_tag, requeue)

    def basic_qos(self, *_: Any, **__: Any) -> None:
        pass


class Transport(virtual.Transport):
    """The connection that channels are made of."""

    Channel = Channel
    driver_type = driver_name = NAME
    connection_errors = (*virtual.Transport.connection_errors, ConnectionError)

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self.state = virtual.BrokerState()

    def driver_version(self) -> str:
        return "1"
