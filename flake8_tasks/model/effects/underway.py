"""What a field says once it is saved: that something is done, that it has only begun, or nothing of the kind."""

from __future__ import annotations

import ast
import re
from enum import Enum

from flake8_tasks.model.orm.shapes import text


class Says(Enum):
    """What a saved value tells its readers about the work."""

    DONE = "done"
    UNDERWAY = "underway"
    NOTHING = "nothing"


# Values of work that has begun: "sending", IN_PROGRESS, "queued".
_BEGUN_VALUE = re.compile(
    r"ing(?:_|$)|start|begin|begun|progress|pend|queue|wait|lock|claim|init|draft|attempt|retr|todo|^new$|^open$|in_",
    re.IGNORECASE,
)
# Fields that are kept for the work itself: when it began, how often it was tried, who does it, under which key.
_BEGUN_FIELDS = frozenset(
    {
        *("start", "started", "begin", "began", "begun", "attempt", "attempts", "attempted", "tries", "tried", "try"),
        *("retry", "retries", "retried", "count", "counter", "lock", "locked", "locking", "claimed", "owner", "worker"),
        *(
            "token",
            "key",
            "nonce",
            "uuid",
            "guid",
            "id",
            "idempotency",
            "request",
            "requested",
            "task",
            "job",
            "celery",
        ),
        *("progress", "step", "run", "ran", "check", "checked", "poll", "polled", "seen", "until", "expires", "expiry"),
        *("error", "errors", "failure", "message", "deadline", "eta", "total", "queued", "scheduled"),
        *("celery", "modified"),
    }
)
# Fields and values that say of a message that it is gone: `mailed`, `confirmation_sent_at`, SENT.
_SENT = re.compile(
    r"(?:^|_)(?:sent|e?mailed|notified|informed|reminded|invited|delivered|announced|told)(?:_|$)", re.IGNORECASE
)
_NOW = frozenset({"now", "utcnow", "today", "localtime", "time", "localdate"})


def says(field: str, value: ast.expr) -> Says:
    """What a field with this value says.

    Arguments:
        value: the expression that is assigned.
    """
    if {*field.lower().split("_")} & _BEGUN_FIELDS or field in ("updated_at", "updated_on"):
        return Says.UNDERWAY
    match value:
        case ast.Constant(value=None | False | "" | 0):
            return Says.UNDERWAY  # emptied, for what is to come
        case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
            return Says.UNDERWAY
        case ast.Constant(value=str(word)):
            return Says.UNDERWAY if _BEGUN_VALUE.search(word) else Says.DONE
        case ast.Constant():
            return Says.DONE
        case ast.Attribute(value=owner, attr="value" | "name"):
            return says(field, owner)
        case ast.Attribute(attr=name) | ast.Name(id=name) if name.isupper():
            return Says.UNDERWAY if _BEGUN_VALUE.search(name) else Says.DONE
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner[:1].isupper():
            return Says.UNDERWAY if _BEGUN_VALUE.search(name) else Says.DONE
        case ast.Call(func=function) if text(function).rpartition(".")[2] in _NOW:
            return Says.DONE
    return Says.NOTHING


def says_sent(field: str, value: ast.expr) -> bool:
    """A field with this value says that somebody has got a message."""
    match value:
        case ast.Attribute(value=owner, attr="value" | "name"):
            return says_sent(field, owner)
        case ast.Constant(value=str(word)) | ast.Attribute(attr=word) | ast.Name(id=word) if _SENT.search(word):
            return True
    return _SENT.search(field) is not None
