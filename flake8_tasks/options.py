"""Everything that can be set: one table, from which flake8's options, the errors and the documentation come.

flake8 imports this module whenever it starts, so that it imports nothing that flake8 has not imported already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

_CODE = re.compile(r"[a-z]{1,3}[0-9]", re.IGNORECASE)  # how the codes of rules begin
_SEPARATOR = re.compile(r"[,\s]+")
_TRUTH = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file and the key."""


class Kind(Enum):
    """What an option takes, in the words of an error message."""

    SELECTORS = "a list of codes, prefixes of codes, names of rules, or ALL"
    SELECTORS_BY_PATTERN = "a table of file patterns, each with a list of codes, prefixes, names of rules, or ALL"
    PATTERNS = "a list of gitignore patterns"
    STRINGS = "a list of strings that are not empty"
    DOTTED_NAMES = "a list of dotted names"
    DOTTED_NAME = "a dotted name"
    FILE = "a path"
    FLAG = "true or false"
    NUMBER = "a whole number of 0 or more"
    SECONDS = "a whole number of 1 or more"


class Option(NamedTuple):
    """One thing that can be set: its key in pyproject.toml, what it takes, and a sentence for the documentation."""

    name: str
    kind: Kind
    default: object
    help: str

    def from_text(self, text: str) -> object:
        """A command line's or an ini file's text as the value that pyproject.toml would hold."""
        match self.kind:
            case Kind.SELECTORS | Kind.PATTERNS | Kind.STRINGS | Kind.DOTTED_NAMES:
                return [part for part in _SEPARATOR.split(text) if part]
            case Kind.FLAG:
                return _TRUTH.get(text.strip().lower(), text)
            case Kind.NUMBER | Kind.SECONDS if re.fullmatch(r"[+-]?[0-9]{1,9}", text.strip()):
                return int(text)
            case Kind.DOTTED_NAME | Kind.FILE:
                return text.strip()
        return text

    def checked(self, value: object) -> Any:
        """The value as `Config` keeps it: lists as tuples, a table as pairs.

        Raises:
            ConfigError: it is not what the option takes.
        """
        wrong = repr(value)
        match self.kind, value:
            case Kind.SELECTORS | Kind.PATTERNS | Kind.STRINGS | Kind.DOTTED_NAMES, list() | tuple():
                items = [item for item in value if not _ITEMS[self.kind](item)]
                if not items:
                    return tuple(value)
                wrong = f"one with {items[0]!r} in it"
            case Kind.SELECTORS_BY_PATTERN, dict():
                pairs = [
                    pair for pair in value.items() if not (isinstance(pair[1], list) and all(map(_is_word, pair[1])))
                ]
                if not pairs:
                    return tuple((pattern, tuple(selectors)) for pattern, selectors in value.items())
                wrong = f"one with {pairs[0][1]!r} for {pairs[0][0]!r}"
            case Kind.DOTTED_NAME, str() if not value or _is_dotted(value.replace(":", ".", 1)):
                return value.replace(":", ".", 1)
            case Kind.FILE, str() if "\0" not in value:
                return value
            case Kind.FLAG, bool():
                return value
            case Kind.NUMBER | Kind.SECONDS, int() if not isinstance(value, bool) and value >= _LEAST[self.kind]:
                return value
        raise ConfigError(f"{self.name}: expected {self.kind.value}, not {wrong}")


_LEAST = {Kind.NUMBER: 0, Kind.SECONDS: 1}

# The table of everything that can be set: flake8's options, the errors and the documentation come from it.
OPTIONS: tuple[Option, ...] = (
    Option("select", Kind.SELECTORS, (), "Report these rules only; empty: all that are on by default."),
    Option("extend-select", Kind.SELECTORS, (), "Report these rules too: the way to switch an opt-in rule on."),
    Option("ignore", Kind.SELECTORS, (), "Do not report these rules."),
    Option("per-file-ignores", Kind.SELECTORS_BY_PATTERN, (), "Rules not reported in files that match a pattern."),
    Option("exclude", Kind.PATTERNS, (), "Gitignore patterns of files and folders that are not checked."),
    Option("baseline", Kind.FILE, "", "The file with the findings that are known, and not reported."),
    Option("src", Kind.STRINGS, (), "Folders that imports start from, beside the project's root and `src`."),
    Option("celery-app", Kind.DOTTED_NAME, "", "The project's Celery app, when it is not found: `shop.celery:app`."),
    Option("task-decorators", Kind.DOTTED_NAMES, (), "Decorators that make a task: `shop.queue.background`."),
    Option("dispatchers", Kind.DOTTED_NAMES, (), "Functions that send the task they are given: `shop.queue.send`."),
    Option("on-commit-helpers", Kind.DOTTED_NAMES, (), "Functions that call what they are given after the commit."),
    Option("include-tests", Kind.FLAG, False, "Report in test modules everything that is reported elsewhere."),
    Option("max-retries", Kind.NUMBER, 10, "The number of retries that fixes write."),
    Option(
        "soft-time-limit",
        Kind.SECONDS,
        270,
        "The soft time limit that fixes write, in seconds; nine tenths of `time-limit` where it is not below that.",
    ),
    Option("time-limit", Kind.SECONDS, 300, "The time limit that fixes write, in seconds."),
)
OPTION = {option.name: option for option in OPTIONS}

# Numbers that rules and fixes read, with their defaults.  Times are in seconds.
THRESHOLDS: Mapping[str, int] = {
    option.name: option.default for option in OPTIONS if isinstance(option.default, int) and option.kind in _LEAST
}


def read(values: Mapping[str, object], prefix: str = "") -> dict[str, Any]:
    """Options by name as `Config` keeps them; those that are None are left out.

    With a `prefix` the values come from a command line or an ini file, and texts are parsed.

    Raises:
        ConfigError: an unknown option (a near miss is suggested), or a value that the option does not take.
    """
    found = {}
    for name, value in values.items():
        if name not in OPTION:
            raise ConfigError(f"{prefix}{name}: unknown key{suggestion(name, OPTION)}")
        option = OPTION[name]
        if value is None and prefix:
            continue
        try:
            found[name] = option.checked(option.from_text(value) if prefix and isinstance(value, str) else value)
        except ConfigError as error:
            raise ConfigError(f"{prefix}{error}") from None
    return found


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the known one that was likely meant, if there is one."""
    from difflib import get_close_matches

    spelled = {each.lower(): each for each in known}
    alike = 0.81 if _CODE.match(word) else 0.6  # half of a code is the same in many of them
    close = get_close_matches(word.lower().replace("_", "-"), spelled, 1, alike)
    return f", did you mean {spelled[close[0]]!r}?" if close else ""


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_dotted(value: object) -> bool:
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))


def _is_pattern(value: object) -> bool:
    if not isinstance(value, str) or not value:
        return False
    from pathspec import GitIgnoreSpec  # costs 35 ms, and few exclude anything

    try:
        GitIgnoreSpec.from_lines([value])
    except ValueError:
        return False
    return True


_ITEMS: Mapping[Kind, Callable[[object], bool]] = {
    Kind.SELECTORS: _is_word,
    Kind.PATTERNS: _is_pattern,
    Kind.STRINGS: _is_word,
    Kind.DOTTED_NAMES: _is_dotted,
}
