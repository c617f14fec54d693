"""Servers outside, which requests, httpx and urllib reach without a socket."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.world.clients import CLIENTS
from flake8_tasks.runtime.world.exchange import Answer, Request, Timeouts, Trouble
from flake8_tasks.runtime.world.ledger import Ledger, now
from flake8_tasks.runtime.world.replaced import Replaced

__all__ = ["Answer", "Outside", "Request", "Server", "charge"]

FAILURES = (Fault.REFUSED, Fault.TIMED_OUT, Fault.ANSWER_LOST)
SYSTEM_CONNECT_TIMEOUT = 127.0
"""Seconds after which Linux gives up connecting, for clients without a time-out of their own (tcp_syn_retries = 6)."""

Handler = Callable[[Request], Answer]


def accept(request: Request) -> Answer:
    """What a server answers that nobody has described: 200, with an empty object."""
    return Answer()


def charge(request: Request) -> Answer:
    """A payment service: each request is a charge, an entry "charge" with the body's values, but none whose
    Idempotency-Key has been seen before."""
    if request.key is None or all(entry["key"] != request.key for entry in request.ledger.entries("charge")):
        request.ledger.add("charge", **{"key": request.key, **(request.body if isinstance(request.body, dict) else {})})
    return Answer(201)


@dataclass(frozen=True, slots=True)
class Server:
    """A server outside.

    Arguments:
        answer: takes a request and says what comes back. It takes no time itself, runs for one request at a time, and
            keeps what it must remember in `request.ledger`, since it may run in several processes.
        latency: seconds from a request's arrival to its answer.
        down: from when to when it is down, in seconds since the run began.
        refuses: whether it refuses connections while it is down; it answers 503 otherwise.
    """

    answer: Handler = accept
    latency: float = 0.1
    down: tuple[float, float] = (0.0, 0.0)
    refuses: bool = False

    @property
    def is_down(self) -> bool:
        return self.down[0] <= now() < self.down[1]


class Outside:
    """The servers outside, as a context manager: inside it, clients reach these and no others.

    Every request stands in the ledger, with `method`, `url`, `body`, `key` (its Idempotency-Key, or None) and `status`;
    the status is 0 where the server has not answered at all.

    Arguments:
        ledger: what the servers have seen.
        servers: a server or its handler for all addresses that begin like this; the longest beginning counts.
            What no beginning fits is answered as by `Server()`.
    """

    def __init__(self, ledger: Ledger, servers: Mapping[str, Server | Handler] | None = None) -> None:
        self.ledger = ledger
        self.servers = {
            prefix: server if isinstance(server, Server) else Server(server)
            for prefix, server in (servers or {}).items()
        }
        self._replaced = Replaced(client.replacing(self.exchange, sleep) for client in CLIENTS)

    def __enter__(self) -> Self:
        self._replaced.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._replaced.__exit__(kind, value, traceback)

    def exchange(self, request: Request, timeouts: Timeouts) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            Trouble: there is none; the client says so in its own words.
        """
        runs = host.current()
        label = f"{request.method} {request.address}"
        failure = "" if runs is None else runs.point("request", label, FAILURES, to="outside")
        server = self._server(request.url)
        if failure == Fault.TIMED_OUT:
            raise self._unreachable(label, timeouts)
        if failure == Fault.REFUSED or (server.refuses and server.is_down):
            self._arrived(request, 0, "refused")
            raise Trouble("connect", ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
        with self.ledger.alone():
            answer = Answer(503) if server.is_down else server.answer(replace(request, ledger=self.ledger))
            self._arrived(request, answer.status, f"{answer.status}" if answer.answers else "no answer")
        patience = math.inf if timeouts.read is None else timeouts.read
        if not answer.answers or server.latency > patience:
            raise self._silence(label, patience)
        if failure == Fault.ANSWER_LOST:
            raise self._lost(label, server.latency, patience)
        sleep(server.latency)
        return answer

    def _server(self, url: str) -> Server:
        fitting = [prefix for prefix in self.servers if url.startswith(prefix)]
        return self.servers[max(fitting, key=len)] if fitting else Server()

    def _arrived(self, request: Request, status: int, seen: str) -> None:
        self.ledger.add(
            "request", method=request.method, url=request.url, body=request.body, key=request.key, status=status
        )
        record("request", f"{request.method} {request.address}: {seen}")

    def _unreachable(self, label: str, timeouts: Timeouts) -> Trouble:
        record("request", f"{label}: not reached")
        if timeouts.connect is None:
            sleep(SYSTEM_CONNECT_TIMEOUT)
            return Trouble("connect", TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
        sleep(timeouts.connect)
        return Trouble("connect", TimeoutError("timed out"))

    def _silence(self, label: str, patience: float) -> Trouble:
        if patience == math.inf and host.current() is None:
            raise RuntimeError(f"{label}: it never answers, and the client has no timeout: it would wait for ever")
        sleep(patience)
        return Trouble("read", TimeoutError("timed out"))

    def _lost(self, label: str, latency: float, patience: float) -> Trouble:
        record("request", f"{label}: its answer is lost")
        if patience == math.inf:
            sleep(latency)
            return Trouble("read", ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        sleep(patience)
        return Trouble("read", TimeoutError("timed out"))


def sleep(seconds: float) -> None:
    """Let time pass; outside a run none does."""
    if runs := host.current():
        runs.sleep(seconds)


def record(kind: str, detail: str) -> None:
    """Write into the trace, where there is a run."""
    if runs := host.current():
        runs.record(kind, detail, to="outside")
