"""Finds edits of one file that cannot both be carried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from flake8_tasks.edit import (
    DeleteStatement,
    DropKeyword,
    Edit,
    InsertParameter,
    InsertStatement,
    NameHandler,
    RenameAttribute,
    RenameKeyword,
    RenameParameter,
    ReplaceExpression,
    ReplaceStatements,
    SetKeyword,
    Span,
)
from flake8_tasks.fixing.arguments import find_keyword, parameters
from flake8_tasks.fixing.overlaps import place_of
from flake8_tasks.fixing.places import CannotApply, Places


def refuse_conflicts(edits: Sequence[Edit], places: Places) -> None:
    """Compare the edits of one file, which are all different.

    Raises:
        CannotApply: two change the same thing, or one changes what another takes away.
    """
    slots: set[object] = set()
    for edit in edits:
        for slot in _slots(edit):
            if slot in slots:
                raise _collision(edit)
            slots.add(slot)
    taken: dict[int, list[tuple[Edit, Span]]] = {}
    for edit in edits:
        for span in _taken(edit, places):
            for line in range(span.line, span.end_line + 1):
                taken.setdefault(line, []).append((edit, span))
    for edit in edits:
        if (place := place_of(edit)) is not None:
            for line in {place.line, place.end_line}:  # what lies between does no harm
                for other, span in taken.get(line, ()):
                    if other is not edit and not _can_stand(edit, place, span):
                        raise _collision(edit)


def _collision(edit: Edit) -> CannotApply:
    place = place_of(edit)
    return CannotApply(f"line {place.line if place else 1}: two edits collide")


def _can_stand(edit: Edit, place: Span, taken: Span) -> bool:
    """Whether an edit makes sense where another takes a range away."""
    start, end = place[:2], place[2:]
    if start <= taken[:2] and taken[2:] <= end and place != taken:
        return True
    if isinstance(edit, InsertStatement) and edit.where != "body" and (start == taken[:2] or end == taken[2:]):
        return (start if edit.where == "before" else end) == (taken[:2] if edit.where == "before" else taken[2:])
    return end <= taken[:2] or taken[2:] <= start


def _slots(edit: Edit) -> Iterator[object]:
    """What only one edit may change."""
    match edit:
        case SetKeyword(call=call, name=name) | DropKeyword(call=call, name=name):
            yield call.span, "keyword", name
        case RenameKeyword(call=call, name=name, new=new):
            yield call.span, "keyword", name
            yield call.span, "keyword", new
        case InsertParameter(function=function, name=name):
            yield function.span, "first parameter"
            yield function.span, "parameter", name
        case RenameParameter(function=function, name=name, new=new):
            yield function.span, "parameter", name
            yield function.span, "parameter", new
        case RenameAttribute(at=at):
            yield at.span, "attribute"
        case NameHandler(handler=handler):
            yield handler.span, "name"
        case _:
            pass


def _taken(edit: Edit, places: Places) -> Iterator[Span]:
    """The ranges whose present code an edit takes away."""
    match edit:
        case ReplaceExpression(at=at):
            yield at.span
        case DeleteStatement(at=at):
            yield places.lines(places.statement(at.span))
        case ReplaceStatements(first=first, last=last):
            start, end = places.lines(places.statement(first.span)), places.lines(places.statement(last.span))
            yield Span(start.line, start.column, end.end_line, end.end_column)
        case SetKeyword(call=call, name=name) | DropKeyword(call=call, name=name):
            node = places.expression(call.span)
            if (index := find_keyword(node, name)) is not None and isinstance(node, cst.Call):
                yield places.span(node.args[index])
        case RenameParameter(function=function, name=name):
            for param in parameters(places.function(function.span).params):
                if param.name.value == name and param.annotation is not None:
                    yield places.span(param.annotation)
        case _:
            pass
