"""What people read about an event: its kind in words, times as one says them, and text that cannot break a line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from flake8_tasks.runtime.kernel.trace import Event

# What is said of a kind without a detail, and with one.
_WORDS = {
    "publish": ("sends a task", "sends {}"),
    "deliver": ("delivered to a worker", "delivered to a worker {}"),
    "start": ("starts", "starts: {}"),
    "ack": ("acknowledged", "acknowledged: {}"),
    "reject": ("rejected", "rejected: {}"),
    "redeliver": ("back in the queue", "back in the queue: {}"),
    "dead-letter": ("goes to the dead letters", "goes to the dead letters: {}"),
    "discard": ("thrown away", "thrown away: {}"),
    "store": ("stores its result", "stores its result: {}"),
    "request": ("makes a request", "requests {}"),
    "mail": ("sends a mail", "mails {}"),
    "save": ("saves a row", "saves {}"),
    "commit": ("commits", "commits {}"),
    "rollback": ("rolls back", "rolls back {}"),
    "read": ("reads a row", "reads {}"),
    "cache": ("uses the cache", "cache: {}"),
    "block": ("waits", "waits for {}"),
    "unblock": ("goes on", "goes on: {}"),
    "fault": ("FAULT", "FAULT {}"),
    "killed": ("process killed", "process killed: {}"),
    "node-down": ("worker and its children killed", "worker and its children killed: {}"),
    "node-up": ("worker starts again", "worker starts again: {}"),
    "soft-limit": ("soft time limit", "soft time limit: {}"),
    "hard-limit": ("hard time limit: killed", "hard time limit: {}"),
    "shutdown": ("worker shuts down", "worker shuts down: {}"),
    "control": ("gets a command", "gets the command {}"),
    "deadlock": ("DEADLOCK", "DEADLOCK: {}"),
    "starvation": ("STARVATION", "STARVATION: {}"),
    "stuck": ("STUCK: nothing is left to run", "STUCK: {}"),
    "raised": ("raises an exception", "raises {}"),
    "endless": ("ENDLESS", "ENDLESS: {}"),
    "horizon": ("still running when the time was up", "still running when the time was up: {}"),
    "violation": ("BROKEN", "BROKEN: {}"),
}
# The same beside a mark in a picture, where lane and task are seen; "" says nothing.
_LABELS = {
    "publish": ("{task}", "{detail}"),
    "ack": ("", ""),
    "redeliver": ("{task} is back", "{task} is back: {detail}"),
    "dead-letter": ("{task} to the dead letters", "{task} to the dead letters: {detail}"),
    "discard": ("{task} thrown away", "{task} thrown away: {detail}"),
    "store": ("result", "{detail}"),
    "request": ("request", "{detail}"),
    "mail": ("mail", "{detail}"),
    "save": ("save", "{detail}"),
    "commit": ("commit", "commit {detail}"),
    "rollback": ("rollback", "rollback {detail}"),
    "read": ("read", "read {detail}"),
    "cache": ("cache", "{detail}"),
    "unblock": ("", ""),
    "fault": ("fault", "{detail}"),
    "killed": ("killed", "killed: {detail}"),
    "node-down": ("killed", "killed: {detail}"),
    "node-up": ("starts again", "starts again"),
    "deadlock": ("deadlock", "deadlock"),
    "starvation": ("starvation", "starvation"),
    "stuck": ("stuck", "stuck"),
}
_ENDS = {
    "SUCCESS": "ends well",
    "RETRY": "ends, to be tried again",
    "FAILURE": "fails",
    "REVOKED": "is revoked",
    "IGNORED": "is ignored",
    "REJECTED": "is rejected",
    "SystemExit": "is terminated",
}
_END_LABELS = {"SUCCESS": "", "RETRY": "retry", "FAILURE": "fails", "SystemExit": "terminated"}
_WITH_ITS_NODE = "with its node"
_SCHEME = re.compile(r"\bhttps?://")
_SPACE = re.compile(r"\s+")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def words(event: Event) -> str:
    """What happened, without when, where and to which task."""
    detail = _detail(event)
    if event.kind == "end":
        state, _, rest = detail.partition(" ")
        ended = _ENDS.get(state.rstrip(":,"))
        return joined(ended, rest) if ended else joined("ends", detail)
    name = clean(event.kind).replace("-", " ")
    without, with_detail = _WORDS.get(event.kind, (name, name + ": {}"))
    return with_detail.format(detail) if detail else without


def label(event: Event) -> str:
    """What happened in the few words that stand beside its mark in a picture."""
    detail, task = _detail(event), clean(event.task)
    if event.kind == "end":
        state = detail.partition(" ")[0].rstrip(":,")
        return _END_LABELS.get(state, detail)
    if event.kind == "killed" and detail == _WITH_ITS_NODE:
        return ""
    if event.kind not in _LABELS:
        return words(event)
    if event.kind == "publish":
        detail = detail.partition(", not before ")[0]
    if event.kind == "request":
        detail = _SCHEME.sub("", detail)
    without, with_detail = _LABELS[event.kind]
    return (with_detail if detail else without).format(task=task, detail=detail).strip()


def _detail(event: Event) -> str:
    detail = clean(event.detail)
    if event.kind == "fault":
        detail = detail.replace(f": {clean(event.task or event.lane)} before ", " before ")
    return detail


def joined(text: str, detail: str) -> str:
    return f"{text}: {detail.lstrip(':, ')}" if detail else text


def clean(text: str) -> str:
    """One line of printable characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return _SPACE.sub(" ", printable).strip()


def moment(seconds: float) -> str:
    """A time as one says it: "0 s", "0.1 s", "3 min", "1 h 2 min 5 s"."""
    if seconds < _MINUTE:
        text = f"{seconds:.3f}".rstrip("0").rstrip(".")
        return f"{text} s" if text != "60" else "1 min"
    whole = round(seconds)
    parts = (
        (whole // _DAY, "d"),
        (whole % _DAY // _HOUR, "h"),
        (whole % _HOUR // _MINUTE, "min"),
        (whole % _MINUTE, "s"),
    )
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def counted(count: int, noun: str) -> str:
    """ "1 schedule", "3 schedules", "2 switches"."""
    plural = "es" if noun.endswith(("ch", "s", "x")) else "s"
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def listed(texts: Iterable[str]) -> str:
    """ "a, b and c"."""
    *first, last = [*texts] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(_cells(character) for character in text)


def cut(text: str, width: int) -> str:
    """The text, with … for what is over `width` cells."""
    return text if cells(text) <= width else "".join(_first(text, width - 1)) + "…"


def _first(text: str, width: int) -> Iterator[str]:
    for character in text:
        width -= _cells(character)
        if width < 0:
            return
        yield character


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
