"""Hides form feeds from libcst, which loses those at the start of a line, and brings them back afterwards."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, replace
from typing import Any

from flake8_tasks.edit import AddImport, Edit, Place, Span
from flake8_tasks.model.source import Source, parse

_PREFIX = re.compile(r"[ \t]*\f[ \t\f]*\f|[ \t]*\f")
_MARK = "# flake8-tasks form feed "
_HIDDEN = re.compile(rf"^[ \t]*{_MARK}([0-9a-f]+)(?:\r\n|\n|\r)", re.MULTILINE)


class FormFeeds:
    """A file without the form feeds that begin its lines: each becomes a comment line above.

    `source` is the file that libcst may see.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._prefixes: dict[int, str] = {}
        if "\f" not in source.text or _MARK in source.text:
            return
        inside = set(_inside_strings(source.tree))
        lines = []
        end = "\r\n" if source.lines[0].endswith("\r\n") else "\n"
        for number, line in enumerate(source.lines, 1):
            if number not in inside and (found := _PREFIX.match(line)):
                self._prefixes[number] = found[0]
                lines.append(f"{_MARK}{found[0].encode().hex()}{end}{line[found.end() :]}")
            else:
                lines.append(line)
        text = "".join(lines)
        self.source = Source(source.path, text, parse(text))

    def hidden(self, edit: Edit) -> Edit:
        """An edit with its places as they are in `source`."""
        if not self._prefixes or isinstance(edit, AddImport):
            return edit
        moved: dict[str, Any] = {}
        for each in fields(edit):
            if isinstance(place := getattr(edit, each.name), Place):
                moved[each.name] = self._moved(place)
        return replace(edit, **moved)

    def shown(self, text: str) -> str:
        """A text with the form feeds where they belong."""
        return _HIDDEN.sub(lambda found: bytes.fromhex(found[1]).decode(), text) if self._prefixes else text

    def _moved(self, place: Place) -> Place:
        line, column, end_line, end_column = place.span
        return place._replace(span=Span(*self._position(line, column), *self._position(end_line, end_column)))

    def _position(self, line: int, column: int) -> tuple[int, int]:
        above = sum(number <= line for number in self._prefixes)
        return line + above, column - len(self._prefixes.get(line, ""))


def _inside_strings(tree: ast.Module) -> list[int]:
    """The lines that begin inside a string."""
    return [
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno is not None
        for line in range(node.lineno + 1, node.end_lineno + 1)
    ]
