"""What a user can set, as one frozen value: `[tool.flake8-tasks]` in pyproject.toml, command line options over it."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

TABLE = "[tool.flake8-tasks]"
_SELECTOR = re.compile(r"ALL|T|TS|TSK[0-9]{0,3}|[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SEPARATOR = re.compile(r"[,\s]+")
_TRUTH = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file and the key."""


class Kind(Enum):
    """What an option takes, in the words of an error message."""

    SELECTORS = "a list of codes, prefixes of codes, names of rules, or ALL"
    SELECTORS_BY_PATTERN = "a table of file patterns, each with a list of codes, prefixes, names of rules, or ALL"
    STRINGS = "a list of strings that are not empty"
    DOTTED_NAMES = "a list of dotted names"
    DOTTED_NAME = "a dotted name"
    FLAG = "true or false"
    NUMBER = "a whole number of 0 or more"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be set: its key in pyproject.toml, what it takes, and a sentence for the documentation."""

    name: str
    kind: Kind
    default: object
    help: str

    def from_text(self, text: str) -> object:
        """A command line's or an ini file's text as the value that pyproject.toml would hold."""
        match self.kind:
            case Kind.SELECTORS | Kind.STRINGS | Kind.DOTTED_NAMES:
                return [part for part in _SEPARATOR.split(text) if part]
            case Kind.FLAG:
                return _TRUTH.get(text.strip().lower(), text)
            case Kind.NUMBER if re.fullmatch(r"[+-]?[0-9]{1,9}", text.strip()):
                return int(text)
            case Kind.DOTTED_NAME:
                return text.strip()
        return text

    def checked(self, value: object) -> Any:
        """The value as `Config` keeps it: lists as tuples, a table as pairs.

        Raises:
            ConfigError: it is not what the option takes.
        """
        match self.kind, value:
            case Kind.SELECTORS, list() | tuple() if all(map(_is_selector, value)):
                return tuple(value)
            case Kind.SELECTORS_BY_PATTERN, dict() if all(
                isinstance(selectors, list) and all(map(_is_selector, selectors)) for selectors in value.values()
            ):
                return tuple((pattern, tuple(selectors)) for pattern, selectors in value.items())
            case Kind.STRINGS, list() | tuple() if all(isinstance(item, str) and item for item in value):
                return tuple(value)
            case Kind.DOTTED_NAMES, list() | tuple() if all(map(_is_dotted, value)):
                return tuple(value)
            case Kind.DOTTED_NAME, str() if not value or _is_dotted(value.replace(":", ".", 1)):
                return value.replace(":", ".", 1)
            case Kind.FLAG, bool():
                return value
            case Kind.NUMBER, int() if not isinstance(value, bool) and value >= 0:
                return value
        raise ConfigError(f"{self.name}: expected {self.kind.value}, not {value!r}")


# The table of everything that can be set: flake8's options, the errors and the documentation come from it.
OPTIONS: tuple[Option, ...] = (
    Option("select", Kind.SELECTORS, (), "Report these rules only; empty: all that are on by default."),
    Option("extend-select", Kind.SELECTORS, (), "Report these rules too: the way to switch an opt-in rule on."),
    Option("ignore", Kind.SELECTORS, (), "Do not report these rules."),
    Option("per-file-ignores", Kind.SELECTORS_BY_PATTERN, (), "Rules not reported in files that match a pattern."),
    Option("exclude", Kind.STRINGS, (), "Patterns of files and folders that are not checked."),
    Option("src", Kind.STRINGS, (), "Folders that imports start from, beside the project's root and `src`."),
    Option("celery-app", Kind.DOTTED_NAME, "", "The project's Celery app, when it is not found: `shop.celery:app`."),
    Option("task-decorators", Kind.DOTTED_NAMES, (), "Decorators that make a task: `shop.queue.background`."),
    Option("dispatchers", Kind.DOTTED_NAMES, (), "Functions that send the task they are given: `shop.queue.send`."),
    Option("on-commit-helpers", Kind.DOTTED_NAMES, (), "Functions that call what they are given after the commit."),
    Option("include-tests", Kind.FLAG, False, "Report in test modules everything that is reported elsewhere."),
    Option("max-retries", Kind.NUMBER, 10, "The number of retries that fixes write."),
    Option("soft-time-limit", Kind.NUMBER, 270, "The soft time limit that fixes write, in seconds."),
    Option("time-limit", Kind.NUMBER, 300, "The time limit that fixes write, in seconds."),
)
OPTION = {option.name: option for option in OPTIONS}

# Numbers that rules and fixes read, with their defaults.  Times are in seconds.
THRESHOLDS: Mapping[str, int] = {
    option.name: option.default for option in OPTIONS if isinstance(option.default, int) and option.kind is Kind.NUMBER
}


@dataclass(frozen=True, slots=True)
class Config:
    """One project's configuration.

    `root` is the project's folder, which patterns are relative to; `asked` holds the selectors that
    came from the command line, which win over equally specific ones of the file.
    """

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    src: tuple[str, ...] = ()
    celery_app: str = ""
    task_decorators: tuple[str, ...] = ()
    dispatchers: tuple[str, ...] = ()
    on_commit_helpers: tuple[str, ...] = ()
    include_tests: bool = False
    thresholds: Mapping[str, int] = field(default_factory=lambda: dict(THRESHOLDS))
    asked: frozenset[tuple[str, str]] = frozenset()
    root: str = ""

    def reports(self, code: str, name: str, default: bool, path: str | None = None) -> bool:
        """Whether a rule's findings are reported.

        A selector is the rule's code, a prefix of it, its name, or `ALL`.  The most specific one wins:
        code or name, then the longer prefix, then `ALL`.  Of equally specific ones the command line's
        wins over the file's, then `ignore` over `select`.  A prefix never switches an opt-in rule on.
        A file's own ignores always hold.

        Arguments:
            default: the rule is on by default.
            path: the file, absolute or relative to the root; None: in general.
        """
        if path is not None and any(
            matches(self.relative(path), pattern) and any(_specificity(s, code, name) >= 0 for s in selectors)
            for pattern, selectors in self.per_file_ignores
        ):
            return False
        # (how specific, from the command line, ignored); the first is what holds when no selector speaks of the rule.
        chosen = [(-1, False, bool(self.select) or not default)]
        for key, selector in self._selectors():
            specificity = _specificity(selector, code, name)
            if specificity >= 0 and (default or key == "ignore" or specificity in (_ALL, _WHOLE)):
                chosen.append((specificity, (key, selector) in self.asked, key == "ignore"))
        return not max(chosen)[2]

    def excludes(self, path: str) -> bool:
        """Whether `exclude` names the file (absolute, or relative to the root) or a folder above it."""
        relative = self.relative(path)
        return any(matches(relative, pattern) for pattern in self.exclude)

    def relative(self, path: str) -> str:
        """A path relative to the root, with forward slashes; one outside the root stays as it is."""
        if self.root and os.path.isabs(path):
            inside = os.path.relpath(path, self.root)
            path = path if inside.startswith(os.pardir) else inside
        return path.replace(os.sep, "/")

    def overlaid(self, values: Mapping[str, object], prefix: str = "--") -> Config:
        """This configuration with options of a command line over it.

        `select` takes the place of the file's `select` and `extend-select`; `extend-select` and `ignore`
        are added to the file's; everything else takes the place of the file's.

        Arguments:
            values: option name → text or value; None: not given.
            prefix: what stands before the option's name where the user wrote it, for errors.

        Raises:
            ConfigError: a value that the option does not take.
        """
        given = read(values, prefix)
        asked = {(name, selector) for name in _SELECTING for selector in given.get(name, ())}
        below = replace(self, extend_select=()) if "select" in given else self
        for name in ("extend-select", "ignore"):
            if name in given:
                given[name] = (*getattr(below, _attribute(name)), *given[name])
        thresholds = {name: given.pop(name, value) for name, value in self.thresholds.items()}
        new = {_attribute(name): value for name, value in given.items()}
        return replace(below, **new, thresholds=thresholds, asked=self.asked | asked)

    def check_selectors(self, rules: Iterable[tuple[str, str]]) -> None:
        """Look for selectors that select nothing.

        Arguments:
            rules: code and name of every rule.

        Raises:
            ConfigError: a selector that is no rule's; a near miss is suggested.
        """
        known = list(rules)
        by_pattern = [("per-file-ignores", each) for _, selectors in self.per_file_ignores for each in selectors]
        for key, selector in (*self._selectors(), *by_pattern):
            if not any(_specificity(selector, code, name) >= 0 for code, name in known):
                where = (
                    f"--{key}"
                    if (key, selector) in self.asked
                    else f"{Path(self.root, 'pyproject.toml')}: {TABLE} {key}"
                )
                names = [word for rule in known for word in rule]
                raise ConfigError(f"{where}: no rule is called {selector!r}{suggestion(selector, names)}")

    def digest(self) -> str:
        """A short text that differs when anything differs that findings depend on (the root's place does not)."""
        from hashlib import blake2b

        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "root"}
        values["thresholds"] = sorted(self.thresholds.items())
        values["asked"] = sorted(self.asked)
        return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _selectors(self) -> Iterator[tuple[str, str]]:
        for key in _SELECTING:
            for selector in getattr(self, _attribute(key)):
                yield key, selector


def load(root: Path) -> Config:
    """The configuration of a project: the defaults where its pyproject.toml or the table is absent.

    Arguments:
        root: the project's folder.

    Raises:
        ConfigError: the file cannot be read, or has a key or value that cannot be used.
    """
    file = root / "pyproject.toml"
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Config(root=str(root))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None

    import tomllib

    try:
        table: object = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8: {error.reason} at byte {error.start}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: not TOML: {error or 'nested too deeply'}") from None
    for key in ("tool", "flake8-tasks"):
        table = table.get(key, {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {TABLE}: expected a table, not {table!r}")
    try:
        values = read(table)
    except ConfigError as error:
        raise ConfigError(f"{file}: {TABLE} {error}") from None
    thresholds = {name: values.pop(name, default) for name, default in THRESHOLDS.items()}
    return Config(**{_attribute(name): values[name] for name in values}, thresholds=thresholds, root=str(root))


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
    close = get_close_matches(word.lower().replace("_", "-"), spelled, 1)
    return f", did you mean {spelled[close[0]]!r}?" if close else ""


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern names a file, its base name, or a folder above it.

    `*` also stands for slashes, as in flake8; `**/` may stand for no folder at all.

    Arguments:
        path: with forward slashes, relative to what the pattern is relative to.
    """
    pattern = pattern.replace(os.sep, "/").removeprefix("./").lstrip("/").rstrip("/")
    parts = path.split("/")
    whole = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    variants = {pattern, pattern.removeprefix("**/").replace("/**/", "/")}
    return any(fnmatch(place, variant) for variant in variants for place in (*whole, *parts))


_SELECTING = ("select", "extend-select", "ignore")
_ALL, _WHOLE = 0, 100


def _specificity(selector: str, code: str, name: str) -> int:
    """How closely a selector names a rule: a prefix by its length; -1 when it does not."""
    if selector in (code, name):
        return _WHOLE
    if selector == "ALL":
        return _ALL
    return len(selector) if code.startswith(selector) else -1


def _attribute(name: str) -> str:
    """The field of `Config` that holds an option."""
    return name.replace("-", "_")


def _is_selector(value: object) -> bool:
    return isinstance(value, str) and _SELECTOR.fullmatch(value) is not None


def _is_dotted(value: object) -> bool:
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))
