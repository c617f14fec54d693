"""A kombu transport whose queues are those of a simulated broker."""

from __future__ import annotations

from typing import Any, Protocol

from kombu.transport import TRANSPORT_ALIASES, virtual

from flake8_tasks.runtime.kernel.actors import Abandoned
from flake8_tasks.runtime.kernel.coroutines import GreenletCoroutine, ThreadCoroutine

NAME = "simulated"
TRANSPORT_ALIASES[NAME] = f"{__name__}:Transport"


class Wire(Protocol):
    """Where messages go to and acknowledgements too."""

    event_exchange: str

    def put(self, queue: str, raw: dict[str, Any]) -> None: ...
    def undeliverable(self, exchange: str, routing_key: str, raw: dict[str, Any]) -> None: ...
    def acknowledge(self, tag: int) -> None: ...
    def reject(self, tag: int, requeue: bool) -> None: ...
    def size(self, queue: str) -> int: ...
    def purge(self, queue: str) -> int: ...
    def event(self, routing_key: str, raw: dict[str, Any]) -> None: ...


wire: Wire | None = None
exchanges = virtual.BrokerState()


def connect(to: Wire | None) -> None:
    """From now on all channels lead there."""
    global wire
    wire = to


def _wire() -> Wire:
    if wire is None:
        if GreenletCoroutine.running() or ThreadCoroutine.running():
            # A process that was killed in a run that is over.
            raise Abandoned
        raise ConnectionRefusedError("no simulation is running: its broker is down")
    return wire


class Channel(virtual.Channel):
    """A channel to the simulated broker."""

    do_restore = False
    supports_fanout = True

    def basic_publish(self, message: dict[str, Any], exchange: str, routing_key: str, **options: Any) -> Any:
        to = _wire()
        if exchange == to.event_exchange:
            self._inplace_augment_message(message, exchange, routing_key)
            return to.event(routing_key, message)
        if exchange and not self._lookup(exchange, routing_key):
            return to.undeliverable(exchange, routing_key, message)
        return super().basic_publish(message, exchange, routing_key, **options)

    def _lookup(self, exchange: str, routing_key: str | None, default: str | None = None) -> list[str]:
        return sorted(super()._lookup(exchange, routing_key, default))

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        _wire().put(queue, message)

    def _put_fanout(self, exchange: str, message: dict[str, Any], routing_key: str | None = None, **_: Any) -> None:
        for queue in self._lookup(exchange, routing_key):
            self._put(queue, message)

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
    """The connection that channels are made of; exchanges and bindings are the broker's, the same for all of them."""

    Channel = Channel
    driver_type = driver_name = NAME
    connection_errors = (*virtual.Transport.connection_errors, ConnectionError)

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self.state = exchanges

    def driver_version(self) -> str:
        return "1"
