"""Values that outlive a process: in memory for a simulation, in a file for several real processes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol


class Store(Protocol):
    """Name → value, what JSON can hold."""

    def changing(self) -> AbstractContextManager[dict[str, Any]]:
        """What is there, to be read and changed; nobody else does either in the meantime."""


class InMemory:
    """The store of one process: of a simulation."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        yield self._values


class InFile:
    """The store of several processes; a change that a killed one has not finished has not happened.

    Arguments:
        path: the file; it is made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        with locked(self._path):
            before = self._path.read_text() if self._path.exists() else "{}"
            values = json.loads(before)
            yield values
            after = json.dumps(values)
            if after != before:
                written = self._path.with_name(f"{self._path.name}.{os.getpid()}")
                written.write_text(after)
                written.replace(self._path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time; the lock of a killed one is gone with it."""
    import fcntl  # Only here: files are shared by real workers, which POSIX has.

    file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
