"""A line of source with a pointer under a span of it, aligned as a terminal shows it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from flake8_tasks.edit import Span

TAB = 4
WIDTH = 150
ELLIPSIS = "…"


class Snippet(NamedTuple):
    """The line and, as long as it is up to there, the pointer."""

    source: str
    pointer: str


def snippet(line: str, span: Span, width: int = WIDTH, encoding: str = "utf-8") -> Snippet:
    """The line that a span begins in and the pointer under it.

    Arguments:
        line: without its line end.
        width: cells of a terminal; of a longer line, the part with the span's begin is shown.
        encoding: what it is written in; characters that it lacks are escaped.
    """
    cells = list(_cells(line, encoding))
    begin = min(max(span.column, 1) - 1, len(cells))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    end = min(max(end, begin + 1), len(cells))
    first, last = _window(cells, begin, width)
    ellipsis = _written(ELLIPSIS, encoding)
    before = ellipsis if first else ""
    after = ellipsis if last < len(cells) else ""
    source = before + "".join(cell.text for cell in cells[first:last]) + after
    gap = len(before) + sum(cell.width for cell in cells[first:begin])
    length = sum(cell.width for cell in cells[begin : min(end, last)])
    return Snippet(source.rstrip(), " " * gap + "^" + "~" * (length - 1))


def visible(text: str) -> str:
    """The text with nothing in it that would move the cursor, change colours, reorder or break the line."""
    return "".join(_shown(character) for character in text)


class _Cell(NamedTuple):
    text: str
    width: int


def _cells(line: str, encoding: str) -> Iterator[_Cell]:
    """What each character of a line looks like, and how many cells it takes there."""
    column = 0
    for character in line:
        if character == "\t":
            cell = _Cell(" " * (TAB - column % TAB), TAB - column % TAB)
        else:
            shown = _shown(character)
            written = _written(shown, encoding)
            cell = _Cell(written, _width(character) if written == shown else len(written))
        column += cell.width
        yield cell


def _written(text: str, encoding: str) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _shown(character: str) -> str:
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    if character.isascii():
        return character
    match unicodedata.category(character):
        case "Cc" | "Cs" | "Zl" | "Zp":
            return "\ufffd"
        case "Cf" if unicodedata.bidirectional(character) != "BN":
            return "\ufffd"  # reorders what follows, so that the line would not read as it runs
        case _:
            return character


def _width(character: str) -> int:
    if character.isascii() or _shown(character) != character:
        return 1
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _window(cells: list[_Cell], begin: int, width: int) -> tuple[int, int]:
    """The part of a line that is shown, as indexes: all of it where it fits."""
    if sum(cell.width for cell in cells) <= width:
        return 0, len(cells)
    room = width - 2 * len(ELLIPSIS)
    first, taken = begin, 0
    while first > 0 and taken + cells[first - 1].width <= room // 3:
        first -= 1
        taken += cells[first].width
    last, taken = first, 0
    while last < len(cells) and taken + cells[last].width <= room:
        taken += cells[last].width
        last += 1
    return first, last
