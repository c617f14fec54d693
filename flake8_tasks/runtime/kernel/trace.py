"""What happened in one run, event by event, the same on every run of the same schedule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple


class Event(NamedTuple):
    """One thing that happened.

    Arguments:
        time: virtual seconds since the run began.
        lane: whose doing it was: "client", "broker", "worker" (a node's parent) or "worker/0" (a child).
        kind: what it was, see the table in `docs/runtime.md`.
        task: the stable name of the task's message, "charge#1"; empty where it is about none.
        detail: the rest, for people.
        place: the line of the program that stood there, "shop/tasks.py:12"; empty outside the program.
        to: the lane that it reaches: "broker", "database", "outside", "mail", "cache", "results"; empty where it stays.
    """

    time: float
    lane: str
    kind: str
    task: str = ""
    detail: str = ""
    place: str = ""
    to: str = ""


def fingerprint(events: Iterable[Event]) -> str:
    """The same for equal traces, on every machine."""
    text = json.dumps(list(events), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
