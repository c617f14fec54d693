"""The ways to say what a run found: one file per format, each with a `render`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flake8_tasks.diagnostic import Diagnostic, Failure
from flake8_tasks.rule import Rule

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _no_lines(_path: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found.

    Arguments:
        findings: in any order; every format shows them by place.
        failures: the files that could not be checked.
        rules: the rules that were looked for.
        files: how many files were looked at, with those that could not be checked.
        root: the absolute folder that paths are shown relative to, normally the working directory.
        lines: the lines of a file, with or without their line ends; empty where it cannot be read.
    """

    findings: tuple[Diagnostic, ...] = ()
    failures: tuple[Failure, ...] = ()
    rules: tuple[Rule, ...] = ()
    files: int = 0
    root: str = ""
    lines: Callable[[str], Sequence[str]] = _no_lines

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", tuple(sorted(self.findings, key=self._order)))
        object.__setattr__(
            self, "failures", tuple(sorted(self.failures, key=lambda it: (self.shown(it.path), it.line)))
        )

    def _order(self, found: Diagnostic) -> tuple[object, ...]:
        return self.shown(found.path), found.span.line, found.span.column, found.code, found.span, found.message

    def shown(self, path: str) -> str:
        """A path as users read it: relative to the root with `/`, absolute only on another drive."""
        if not os.path.isabs(path):
            return path.replace(os.sep, "/")
        try:
            return os.path.relpath(path, self.root or None).replace(os.sep, "/")
        except ValueError:
            return path.replace(os.sep, "/")

    def line(self, path: str, number: int) -> str:
        """One line of a file without its line end, empty where there is none."""
        lines = self.lines(path)
        return lines[number - 1].rstrip("\r\n") if 0 < number <= len(lines) else ""

    def url(self, code: str) -> str:
        """The page of a rule, empty for a code that is no rule's."""
        return next((rule.url for rule in self.rules if rule.code == code), "")

    def in_checkout(self, environ: Mapping[str, str]) -> Report:
        """The same with paths relative to the checkout that a GitHub workflow works on, where we are in one.

        GitHub places annotations and code scanning results by the path in the repository, also when the
        step runs in a folder of it.
        """
        workspace = environ.get("GITHUB_WORKSPACE", "")
        inside = os.path.isabs(workspace) and os.path.isabs(self.root) and _contains(workspace, self.root)
        return replace(self, root=workspace) if inside else self


def _contains(folder: str, path: str) -> bool:
    try:
        return os.path.commonpath((folder, path)) == os.path.normpath(folder)
    except ValueError:
        return False


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def encodable(text: str) -> str:
    """The text with U+FFFD for what no encoding can write, as names of files may hold it."""
    return _SURROGATE.sub("\ufffd", text)
