"""Which fixes can be taken in one pass: those whose edits do not touch."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from flake8_tasks.edit import (
    AddImport,
    DropKeyword,
    Edit,
    InsertParameter,
    InsertStatement,
    NameHandler,
    RenameKeyword,
    RenameParameter,
    ReplaceStatements,
    SetKeyword,
    Span,
)

_Range = tuple[tuple[int, int], tuple[int, int]]


def place_of(edit: Edit) -> Span | None:
    """The range that an edit names; None for an import, which has no place."""
    match edit:
        case SetKeyword(call=place) | DropKeyword(call=place) | RenameKeyword(call=place):
            return place.span
        case InsertParameter(function=place) | RenameParameter(function=place) | NameHandler(handler=place):
            return place.span
        case ReplaceStatements(first=first, last=last):
            return Span(first.span.line, first.span.column, last.span.end_line, last.span.end_column)
        case AddImport():
            return None
        case _:
            return edit.at.span


def path_of(edit: Edit) -> str:
    """The file that an edit changes."""
    match edit:
        case SetKeyword(call=place) | DropKeyword(call=place) | RenameKeyword(call=place):
            return place.path
        case InsertParameter(function=place) | RenameParameter(function=place) | NameHandler(handler=place):
            return place.path
        case ReplaceStatements(first=place):
            return place.path
        case AddImport(path=path):
            return path
        case _:
            return edit.at.path


class Taken:
    """The edits that are taken in one pass, and the ranges they touch."""

    def __init__(self) -> None:
        self._edits: set[Edit] = set()
        self._ranges: dict[str, list[_Range]] = {}

    def take(self, edits: Iterable[Edit]) -> bool:
        """Take the edits of one fix, unless one of them touches an edit of another fix that is not the same."""
        new = [edit for edit in dict.fromkeys(edits) if edit not in self._edits]
        for edit in new:
            touched, known = _range(edit), self._ranges.get(path_of(edit), [])
            if touched is not None and _overlaps(touched, known):
                return False
        for edit in new:
            self._edits.add(edit)
            if (touched := _range(edit)) is not None:
                insort(self._ranges.setdefault(path_of(edit), []), touched)
        return True


def _range(edit: Edit) -> _Range | None:
    """What an edit touches: the start of a definition, not its whole body."""
    place = place_of(edit)
    if place is None:
        return None
    start, end = place[:2], place[2:]
    match edit:
        case InsertStatement(where="after"):
            return (end[0], end[1] - 1), end
        case InsertParameter() | RenameParameter() | NameHandler() | InsertStatement():
            return start, (start[0], start[1] + 1)
        case _:
            return start, end


def _overlaps(touched: _Range, known: list[_Range]) -> bool:
    """Whether a range overlaps one of many, which are sorted; those of one fix may be nested."""
    index = bisect_left(known, (touched[1], (0, 0)))
    return any(end > touched[0] for _, end in known[:index])
