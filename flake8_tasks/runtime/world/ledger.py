"""The ledger: what the world outside has seen, in order, in this process or shared by several."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import RLock
from typing import Protocol

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.world.store import locked


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the world outside has seen.

    Arguments:
        time: when it arrived there, in seconds since the run began.
        kind: what it was: "request", "mail", or a witness's own word.
        detail: the rest; values that JSON can hold.
        task: the stable name of the task that did it, "charge#1"; empty where the host has no `actor` that says so.
        lane: the lane of who did it, "worker/0"; empty as well.
    """

    time: float
    kind: str
    detail: Mapping[str, object]
    task: str = ""
    lane: str = ""

    def __getitem__(self, name: str) -> object:
        """A value of the detail; None where there is no such value."""
        return self.detail.get(name)


class Ledger(Protocol):
    """What the world outside has seen: it outlives the processes that did it."""

    def add(self, kind: str, **detail: object) -> Entry:
        """Something was seen, now; the values must be what JSON can hold."""

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        """What was seen, in order; of one kind, or all."""

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else's `alone` block runs in the meantime: for servers that look before they add."""


class InMemory:
    """The ledger of one process: of a simulation."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, kind: str, **detail: object) -> Entry:
        entry = _entry(kind, detail)
        self._entries.append(entry)
        return entry

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._entries if kind is None or entry.kind == kind)

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()


class InFile:
    """The ledger of several processes: a file to which each appends lines of JSON.

    An entry is one write, and begins with the line's end: what a killed process has torn stays on a line of its own,
    which is ignored.

    Arguments:
        path: the file; it is made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = RLock()
        self._depth = 0

    def add(self, kind: str, **detail: object) -> Entry:
        entry = _entry(kind, detail)
        line = b"\n" + json.dumps(asdict(entry), ensure_ascii=False).encode()
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(file, line)
        finally:
            os.close(file)
        if written < len(line):
            raise OSError(f"{self._path}: {written} of {len(line)} bytes were written, is the disk full?")
        return entry

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._read() if kind is None or entry.kind == kind)

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._thread:
            if self._depth:
                yield
                return
            with locked(self._path):
                self._depth = 1
                try:
                    yield
                finally:
                    self._depth = 0

    def _read(self) -> Iterator[Entry]:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for line in filter(None, lines):
            try:
                entry = Entry(**json.loads(line))
            except ValueError:
                continue
            yield entry


def now() -> float:
    """Seconds since the run began; outside a run, since 1970."""
    runs = host.current()
    return time.time() if runs is None else runs.now()


def _entry(kind: str, detail: Mapping[str, object]) -> Entry:
    actor = getattr(host.current(), "actor", None)
    return Entry(now(), kind, detail, getattr(actor, "task", ""), getattr(actor, "lane", ""))
