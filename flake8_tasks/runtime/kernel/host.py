"""What the world asks of whoever runs a program: the simulation, or a real worker process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Host(Protocol):
    """Runs a program and decides what breaks."""

    def point(self, kind: str, label: str, failures: Sequence[str] = (), *, to: str = "") -> str:
        """An effect is about to happen: someone else may go first, and the process may be killed here.

        Arguments:
            kind: of effect: "request", "mail", "save", "commit", "cache" …
            label: which one, the same in every run: "POST https://stock.example/sync".
            failures: the `Fault`s that this effect itself can have.
            to: the lane that the effect reaches.

        Returns:
            "" for "it works", or the failure to act out, one of `failures`.
        """

    def record(self, kind: str, detail: str = "", *, to: str = "") -> None:
        """Something happened."""

    def now(self) -> float:
        """Seconds since the run began."""

    def sleep(self, seconds: float) -> None:
        """Let time pass for whoever runs now."""


_host: Host | None = None


def current() -> Host | None:
    """Who runs the program now; None outside a run, where the world acts plainly."""
    return _host


def become_current(host: Host | None) -> None:
    """From now on this host is asked."""
    global _host
    _host = host
