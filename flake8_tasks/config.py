"""What a user can set, as one frozen value: `[tool.flake8-tasks]` in pyproject.toml, command line options over it."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flake8_tasks.options import OPTIONS, THRESHOLDS, ConfigError, read, suggestion

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["OPTIONS", "THRESHOLDS", "Config", "ConfigError", "check_selector", "load", "matches", "suggestion"]

FILE = "pyproject.toml"
TABLE = "[tool.flake8-tasks]"


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
    baseline: str = ""
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
        """Whether the gitignore patterns of `exclude` name the file, or the folder with a slash behind it.

        Arguments:
            path: absolute, or relative to the root.
        """
        if not self.exclude:
            return False
        slash = "/" if path.endswith(os.sep) else ""
        return _gitignore(self.exclude).match_file(self.relative(path).rstrip("/") + slash)

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
            rules: code and name of every rule; not asked for where there are no selectors.

        Raises:
            ConfigError: a selector that is no rule's; a near miss is suggested.
        """
        by_pattern = [("per-file-ignores", each) for _, selectors in self.per_file_ignores for each in selectors]
        known: list[tuple[str, str]] = []
        for key, selector in (*self._selectors(), *by_pattern):
            known = known or list(rules)
            asked = (key, selector) in self.asked
            check_selector(selector, known, f"--{key}" if asked else f"{Path(self.root, FILE)}: {TABLE} {key}")

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

    A file that cannot be parsed is an error where it names this tool, and holds no settings of ours where it does not.

    Arguments:
        root: the project's folder.

    Raises:
        ConfigError: the file cannot be read or parsed, or has a key or value that cannot be used.
    """
    file = root / FILE
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Config(root=str(root))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None

    import tomllib

    try:
        table: object = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        if b"flake8-tasks" not in data:
            return Config(root=str(root))  # a project's template, for instance
        if isinstance(error, UnicodeDecodeError):
            raise ConfigError(f"{file}: not UTF-8: {error.reason} at byte {error.start}") from None
        raise ConfigError(f"{file}: not TOML: {error or 'nested too deeply'}") from None
    for key in ("tool", "flake8-tasks"):
        if isinstance(table, dict) and "flake8_tasks" in table and key == "flake8-tasks":
            raise ConfigError(f"{file}: [tool.flake8_tasks]: the table is called {TABLE}")
        table = table.get(key, {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {TABLE}: expected a table, not {table!r}")
    try:
        values = read(table)
    except ConfigError as error:
        raise ConfigError(f"{file}: {TABLE} {error}") from None
    thresholds = {name: values.pop(name, default) for name, default in THRESHOLDS.items()}
    return Config(**{_attribute(name): values[name] for name in values}, thresholds=thresholds, root=str(root))


def check_selector(selector: str, rules: Iterable[tuple[str, str]], where: str) -> None:
    """Look whether a selector selects anything.

    Arguments:
        rules: code and name of every rule.
        where: the file, table and key, or the option, where the user wrote it.

    Raises:
        ConfigError: it is no rule's; a near miss is suggested.
    """
    known = list(rules)
    if not any(_specificity(selector, code, name) >= 0 for code, name in known):
        names = [word for rule in known for word in rule]
        raise ConfigError(f"{where}: no rule is called {selector!r}{suggestion(selector, names)}")


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


@cache
def _gitignore(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # costs 35 ms, and few exclude anything

    return GitIgnoreSpec.from_lines(patterns)


def _attribute(name: str) -> str:
    """The field of `Config` that holds an option."""
    return name.replace("-", "_")
