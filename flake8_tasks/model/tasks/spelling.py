"""What is wrong with the name of an option: which one is meant, where that is certain."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from flake8_tasks.model.frameworks.celery import (
    CALL_ONLY_OPTIONS,
    INERT_POLICY_OPTIONS,
    KNOWN_CUSTOM_OPTIONS,
    KNOWN_WRONG_OPTIONS,
    REMOVED_OPTIONS,
    TASK_ATTRIBUTES,
    TASK_OPTIONS,
)

_SHORTEST = 7  # shorter names are a letter away from too many others

# What a slip may be about: not the hooks and the parameters of the decorators, which are near to too many words.
_SPELT = [name for name, option in TASK_OPTIONS.items() if option.where in ("task", "autoretry", "publish")]


class Mistake(NamedTuple):
    """What is wrong with the name of a task's option.

    Arguments:
        kind: "name" for a wrong name whose value means the same under the right one, "unclear" for one whose value must
            be looked at, "policy" for a key of `retry_policy`, "call" for what only a call can say, "removed".
        right: the right name; for "removed" the version that dropped it.
    """

    kind: str
    right: str = ""


@cache
def mistake(option: str) -> Mistake | None:
    """What is wrong with the name of a task's option, None for nothing, or nothing certain."""
    if option in TASK_OPTIONS or option in TASK_ATTRIBUTES or option in KNOWN_CUSTOM_OPTIONS:
        return None
    if known := KNOWN_WRONG_OPTIONS.get(option):
        return Mistake("name" if known.exact else "unclear", known.right)
    if option in INERT_POLICY_OPTIONS:
        return Mistake("policy")
    if option in CALL_ONLY_OPTIONS:
        return Mistake("call")
    if option in REMOVED_OPTIONS:
        return Mistake("removed", REMOVED_OPTIONS[option])
    right = meant(option, _SPELT)
    return Mistake("name", right) if right else None


def meant(name: str, known: Iterable[str]) -> str | None:
    """The one known name that a name differs from by a slip in one of its words, None where there is none or several.

    A slip is a letter too many, too few, wrong or changed places with its neighbour, an underscore too many or too
    few, or capitals.  `retry_backoff_min` is not `retry_backoff_max`: that is two letters, and another word.
    """
    found = {other for other in known if other != name and len(other) >= _SHORTEST and _is_slip(name, other)}
    return found.pop() if len(found) == 1 else None


def _is_slip(name: str, other: str) -> bool:
    if name.lower().replace("_", "") == other.replace("_", ""):
        return True
    words, others = name.split("_"), other.split("_")
    if len(words) != len(others):
        return False
    differ = [(word, right) for word, right in zip(words, others, strict=True) if word != right]
    return len(differ) == 1 and (_one_letter_apart(*differ[0]) if len(differ[0][1]) > 3 else _swapped(*differ[0]))


def _one_letter_apart(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    start = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) == len(short) + 1:
        return short[start:] == long[start + 1 :]
    if len(long) != len(short):
        return False
    return _swapped(word, other) or short[start + 1 :] == long[start + 1 :]


def _swapped(word: str, other: str) -> bool:
    differ = [at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b]
    if len(word) != len(other) or len(differ) != 2:
        return False
    first, second = differ
    return second == first + 1 and word[first] == other[second] and word[second] == other[first]
