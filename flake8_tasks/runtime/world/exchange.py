"""A request, its answer, and what comes instead of one: what clients and servers of any library have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.client import responses
from typing import Literal, Self

from flake8_tasks.runtime.world.ledger import InMemory, Ledger


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a server sees it.

    Arguments:
        method: "GET".
        url: as the client gave it, with its query.
        body: what JSON holds, where the body is JSON; else the text; None where there is none.
        headers: by their names in lower case.
        ledger: what the servers have seen before; also where they keep what they must remember.
    """

    method: str
    url: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=InMemory, repr=False, compare=False)

    @classmethod
    def read(cls, method: str, url: str, body: object, headers: Iterable[tuple[str, str | bytes]]) -> Self:
        """From what a client is about to send."""
        named = {name.lower(): value if isinstance(value, str) else value.decode("latin-1") for name, value in headers}
        return cls(method.upper(), url, _parsed(_bytes(body), named.get("content-type", "")), named)

    @property
    def address(self) -> str:
        """The address without its query: the same in every run."""
        return self.url.partition("?")[0].partition("#")[0]

    @property
    def key(self) -> str | None:
        """The Idempotency-Key, where there is one."""
        return self.headers.get("idempotency-key")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers.

    Arguments:
        status: 200, 503 …
        json: what JSON can hold; it is sent unless there is a text.
        text: sent as it is.
        headers: further ones.
        answers: whether it answers at all, see `never`.
    """

    status: int = 200
    json: object = field(default_factory=dict)
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: bool = True

    @classmethod
    def never(cls) -> Self:
        """The server takes the request and does not answer, ever."""
        return cls(status=0, answers=False)

    @property
    def reason(self) -> str:
        return responses.get(self.status, "")

    @property
    def content(self) -> bytes:
        return (json.dumps(self.json) if self.text is None else self.text).encode()

    @property
    def all_headers(self) -> dict[str, str]:
        """What is sent: also the type and the length of the content."""
        kind = "application/json" if self.text is None else "text/plain; charset=utf-8"
        return {"Content-Type": kind, "Content-Length": str(len(self.content)), **self.headers}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a client waits, in seconds; None: for ever.

    Arguments:
        connect: until it is connected.
        read: for an answer.
    """

    connect: float | None
    read: float | None


class Trouble(Exception):
    """There is no answer.

    Arguments:
        during: whether connecting failed, or reading the answer, when the request has had its effect.
        error: what the socket would have raised.
    """

    def __init__(self, during: Literal["connect", "read"], error: OSError) -> None:
        super().__init__(during, error)
        self.during, self.error = during, error

    @property
    def timed_out(self) -> bool:
        """Whether it was the client that gave up, after the time-out that it asked for."""
        return isinstance(self.error, TimeoutError) and self.error.errno is None


Exchange = Callable[[Request, Timeouts], Answer]
Sleep = Callable[[float], None]


def _bytes(body: object) -> bytes:
    match body:
        case None:
            return b""
        case bytes():
            return body
        case str():
            return body.encode()
    if callable(read := getattr(body, "read", None)):
        return _bytes(read())
    return b"".join(map(_bytes, body)) if isinstance(body, Iterable) else str(body).encode()


def _parsed(body: bytes, content_type: str) -> object:
    if not body:
        return None
    text = body.decode(errors="replace")
    if "json" in content_type:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
