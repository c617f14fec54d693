"""How requests, httpx and urllib send a request, and what each of them raises when there is no answer."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from types import ModuleType
from typing import Any

from flake8_tasks.runtime.world.exchange import Answer, Exchange, Request, Sleep, Timeouts, Trouble
from flake8_tasks.runtime.world.replaced import Function, NotModelled, Replacement


@dataclass(frozen=True, slots=True)
class Client:
    """A library that sends requests.

    Arguments:
        module: what a program imports.
        methods: of the module, an exchange and a sleep: what is replaced by what.
    """

    module: str
    methods: Callable[[Any, Exchange, Sleep], Iterator[tuple[Any, str, Function]]]

    def replacing(self, exchange: Exchange, sleep: Sleep) -> Replacement:
        def methods(module: ModuleType) -> Iterator[tuple[Any, str, Function]]:
            return self.methods(module, exchange, sleep)

        return Replacement(self.module, methods)


def _requests(requests: Any, exchange: Exchange, sleep: Sleep) -> Iterator[tuple[Any, str, Function]]:
    urllib3: Any = sys.modules["urllib3"]  # which requests has imported
    exceptions, errors = requests.exceptions, urllib3.exceptions

    def once(request: Any, adapter: Any, timeouts: Timeouts) -> Any:
        asked = Request.read(request.method, request.url, request.body, request.headers.items())
        try:
            answer = exchange(asked, timeouts)
        except Trouble as trouble:
            pool = adapter.get_connection_with_tls_context(request, True)
            match trouble.during, trouble.timed_out:
                case "connect", True:
                    message = f"Connection to {pool.host} timed out. (connect timeout={timeouts.connect})"
                    raise errors.ConnectTimeoutError(pool, message) from trouble.error
                case "connect", _:
                    message = f"Failed to establish a new connection: {trouble.error}"
                    raise errors.NewConnectionError(pool, message) from trouble.error
                case _, True:
                    message = f"Read timed out. (read timeout={timeouts.read})"
                    raise errors.ReadTimeoutError(pool, request.path_url, message) from trouble.error
                case _:
                    raise errors.ProtocolError("Connection aborted.", trouble.error) from trouble.error
        return urllib3.HTTPResponse(
            io.BytesIO(answer.content),
            headers=answer.all_headers,
            status=answer.status,
            reason=answer.reason,
            request_method=request.method,
            preload_content=False,
        )

    def with_retries(request: Any, adapter: Any, timeouts: Timeouts) -> Any:
        """As urllib3 does it, for adapters that were given `max_retries`."""
        retries = adapter.max_retries
        while True:
            try:
                response = once(request, adapter, timeouts)
            except errors.HTTPError as error:
                retries = retries.increment(request.method, request.path_url, error=error)
                sleep(retries.get_backoff_time())
                continue
            after = response.headers.get("Retry-After")
            if not retries.is_retry(request.method, response.status, bool(after)):
                return response
            try:
                retries = retries.increment(request.method, request.path_url, response=response)
            except errors.MaxRetryError:
                if retries.raise_on_status:
                    raise
                return response
            sleep((after and retries.get_retry_after(response)) or retries.get_backoff_time())

    def send(adapter: Any, request: Any, stream: bool = False, timeout: Any = None, *rest: Any, **further: Any) -> Any:
        match timeout:
            case (connect, read):
                timeouts = Timeouts(connect, read)
            case urllib3.Timeout():
                timeouts = Timeouts(timeout.connect_timeout, timeout.read_timeout)
            case _:
                timeouts = Timeouts(timeout, timeout)
        try:
            response = with_retries(request, adapter, timeouts)
        except errors.MaxRetryError as error:
            match error.reason:
                case errors.NewConnectionError():
                    kind = exceptions.ConnectionError
                case errors.ConnectTimeoutError():
                    kind = exceptions.ConnectTimeout
                case errors.ResponseError():
                    kind = exceptions.RetryError
                case _:
                    kind = exceptions.ConnectionError
            raise kind(error, request=request) from error
        except errors.ReadTimeoutError as error:
            raise exceptions.ReadTimeout(error, request=request) from error
        except errors.HTTPError as error:
            raise exceptions.ConnectionError(error, request=request) from error
        return adapter.build_response(request, response)

    yield requests.adapters.HTTPAdapter, "send", send
    # The proxies and passwords of this machine are not the program's.
    yield requests.sessions, "get_environ_proxies", lambda *arguments, **further: {}
    yield requests.sessions, "get_netrc_auth", lambda *arguments, **further: None


def _httpx(httpx: Any, exchange: Exchange, sleep: Sleep) -> Iterator[tuple[Any, str, Function]]:
    def once(request: Any, timeouts: Timeouts) -> Answer:
        try:
            return exchange(
                Request.read(request.method, str(request.url), request.read(), request.headers.items()), timeouts
            )
        except Trouble as trouble:
            match trouble.during, trouble.timed_out:
                case "connect", True:
                    kind = httpx.ConnectTimeout
                case "connect", _:
                    kind = httpx.ConnectError
                case _, True:
                    kind = httpx.ReadTimeout
                case _:
                    kind = httpx.ReadError
            raise kind(str(trouble.error), request=request) from trouble.error

    def handle_request(transport: Any, request: Any) -> Any:
        given = request.extensions.get("timeout", {})
        timeouts = Timeouts(given.get("connect"), given.get("read"))
        retries = getattr(getattr(transport, "_pool", None), "_retries", 0)
        for attempt in count():
            try:
                answer = once(request, timeouts)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if attempt >= retries:
                    raise
                sleep(0.5 * 2 ** (attempt - 1) if attempt else 0.0)
            else:
                break
        return httpx.Response(answer.status, headers=answer.all_headers, content=answer.content)

    async def handle_async_request(transport: Any, request: Any) -> Any:
        raise NotModelled(f"{request.method} {request.url} is sent by an asynchronous client, which is not modelled")

    transports = sys.modules[httpx.HTTPTransport.__init__.__module__]
    if create := getattr(transports, "create_ssl_context", None):
        # A transport reads all certificates when it is made: a tenth of a second for what is never used here.

        def create_ssl_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> Any:
            return _certificates(create) if verify is True and cert is None else create(verify, cert, trust_env)

        yield transports, "create_ssl_context", create_ssl_context
    yield httpx.HTTPTransport, "handle_request", handle_request
    yield httpx.AsyncHTTPTransport, "handle_async_request", handle_async_request


def _urllib(urllib_request: Any, exchange: Exchange, sleep: Sleep) -> Iterator[tuple[Any, str, Function]]:
    from http.client import HTTPResponse
    from urllib.error import URLError

    def do_open(handler: Any, connection: Any, request: Any, **further: Any) -> HTTPResponse:
        timeout = request.timeout
        if timeout is socket._GLOBAL_DEFAULT_TIMEOUT:  # type: ignore[attr-defined]
            timeout = socket.getdefaulttimeout()
        method, url = request.get_method(), request.full_url
        try:
            answer = exchange(
                Request.read(method, url, request.data, request.header_items()), Timeouts(timeout, timeout)
            )
        except Trouble as trouble:
            if trouble.during == "connect":
                raise URLError(trouble.error) from trouble.error
            raise trouble.error from None
        response: Any = HTTPResponse(_Received(answer), method=method)  # type: ignore[arg-type]
        response.begin()
        response.url, response.msg = url, response.reason
        return response  # type: ignore[no-any-return]

    yield urllib_request.AbstractHTTPHandler, "do_open", do_open


@cache
def _certificates(create: Callable[[], Any]) -> Any:
    return create()


class _Received:
    """What `http.client` reads an answer from, in place of a socket."""

    def __init__(self, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in {**answer.all_headers, "Connection": "close"}.items()]
        self._bytes = "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.content

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._bytes)


CLIENTS = (Client("requests", _requests), Client("httpx", _httpx), Client("urllib.request", _urllib))
