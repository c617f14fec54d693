"""Adds an import to a module, as its other imports are."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple, TypeVar

import libcst as cst

from flake8_tasks.fixing.arguments import separator, split_comment
from flake8_tasks.fixing.bindings import bindings
from flake8_tasks.fixing.places import CannotApply

Item = TypeVar("Item")

_FUTURE, _STANDARD, _INSTALLED, _OWN, _RELATIVE = range(5)


class _Import(NamedTuple):
    """One import line of the block at the top."""

    line: int
    module: str
    is_from: bool
    section: int


def with_import(module: cst.Module, path: str, origin: str, name: str | None) -> cst.Module:
    """The module with `from origin import name`, or `import origin` where `name` is None.

    Arguments:
        path: the module's file; it tells the project's own packages from installed ones.
        origin: dotted, with leading dots where it is relative.

    Raises:
        CannotApply: the name means something else in this module.
    """
    bound = name or origin.partition(".")[0]
    sure = False
    for each in bindings(ast.parse(module.code).body):
        if each.bound != bound:
            continue
        if name is None and not each.name and each.module.partition(".")[0] == bound:
            sure = sure or (each.sure and each.module == origin)
        elif name is not None and (each.module, each.name) == (origin, name):
            sure = sure or each.sure
        else:
            raise CannotApply(f"`{bound}` already means something else in this file")
    if sure:
        return module
    if name is not None and (joined := _joined(module, origin, name)) is not None:
        return joined
    return _inserted(module, path, origin, name)


def _dotted(node: cst.BaseExpression | None) -> str:
    match node:
        case cst.Name(value=value):
            return value
        case cst.Attribute(value=value, attr=attr):
            return f"{_dotted(value)}.{attr.value}"
        case _:
            return ""


def _origin(node: cst.ImportFrom) -> str:
    return "." * len(node.relative) + _dotted(node.module)


def _joined(module: cst.Module, origin: str, name: str) -> cst.Module | None:
    """The module with the name put into a `from … import …` that is there at the top level."""
    for line in module.body:
        if not isinstance(line, cst.SimpleStatementLine):
            continue
        for node in line.body:
            if (
                isinstance(node, cst.ImportFrom)
                and _origin(node) == origin
                and not isinstance(node.names, cst.ImportStar)
            ):
                changed = module.with_deep_changes(node, **_with_name(node, node.names, name))
                assert isinstance(changed, cst.Module)
                return changed
    return None


def _with_name(node: cst.ImportFrom, aliases: Sequence[cst.ImportAlias], name: str) -> dict[str, object]:
    names = list(aliases)
    known = [_dotted(alias.name) for alias in names]
    index = next((_place(known, name, key) for key in (_by_type, str.lower, str) if _is_sorted(known, key)), len(names))
    before = node.lpar.whitespace_after if node.lpar else cst.SimpleWhitespace("")
    if index and isinstance(comma := names[index - 1].comma, cst.Comma):
        before = comma.whitespace_after
    if index < len(names):
        new = cst.ImportAlias(cst.Name(name), comma=cst.Comma(whitespace_after=separator(before)))
        return {"names": [*names[:index], new, *names[index:]]}
    if len(names) > 1 and isinstance(comma := names[-2].comma, cst.Comma):
        before = comma.whitespace_after
    elif node.lpar:
        before = node.lpar.whitespace_after
    new = cst.ImportAlias(cst.Name(name))
    last = names[-1]
    if isinstance(last.comma, cst.Comma):
        between, closing = split_comment(last.comma.whitespace_after, before)
        names[-1] = last.with_changes(comma=last.comma.with_changes(whitespace_after=between))
        return {"names": [*names, new.with_changes(comma=cst.Comma(whitespace_after=closing))]}
    if node.rpar is None:
        names[-1] = last.with_changes(comma=cst.Comma(whitespace_after=separator(before)))
        return {"names": [*names, new]}
    between, closing = split_comment(node.rpar.whitespace_before, before)
    names[-1] = last.with_changes(comma=cst.Comma(whitespace_after=between))
    return {"names": [*names, new], "rpar": node.rpar.with_changes(whitespace_before=closing)}


def _by_type(name: str) -> tuple[int, str]:
    """isort's order: constants, classes, the others."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name.lower()


def _is_sorted(items: Sequence[Item], key: Callable[[Item], Any]) -> bool:
    keys = [key(item) for item in items]
    return keys == sorted(keys)


def _place(items: Sequence[Item], new: Item, key: Callable[[Item], Any]) -> int:
    """Where a new item goes among sorted ones."""
    return sum(key(item) <= key(new) for item in items)


def _section(module: str, path: str) -> int:
    top = module.partition(".")[0]
    if module.startswith("."):
        return _RELATIVE
    if top == "__future__":
        return _FUTURE
    if top in sys.stdlib_module_names:
        return _STANDARD
    return _OWN if top in PurePath(path).with_suffix("").parts else _INSTALLED


def _inserted(module: cst.Module, path: str, origin: str, name: str | None) -> cst.Module:
    """The module with a new import line in the block of imports at its top."""
    new = cst.parse_statement(f"from {origin} import {name}" if name else f"import {origin}")
    assert isinstance(new, cst.SimpleStatementLine)
    body = list(module.body)
    if not body:
        module = module.with_changes(has_trailing_newline=True)
    start = 1 if body and module.get_docstring() is not None else 0
    groups: list[list[_Import]] = []
    end = start
    while end < len(body) and (found := _import_of(body[end], end, path)) is not None:
        if not groups or any(line.comment is None for line in _leading(body[end])):
            groups.append([])
        groups[-1].append(found)
        end += 1
    entry = _Import(-1, origin, name is not None, _section(origin, path))
    group = _group_for(groups, entry)
    if group is not None:
        return module.with_changes(body=_into_group(body, group, entry, new))
    place = next((each[0].line for each in groups if each[0].section > entry.section), end)
    return module.with_changes(body=_as_group(body, place, end, new))


def _import_of(line: cst.CSTNode, index: int, path: str) -> _Import | None:
    if not isinstance(line, cst.SimpleStatementLine):
        return None
    found = None
    for node in line.body:
        match node:
            case cst.Import(names=names):
                origin = _dotted(names[0].name)
            case cst.ImportFrom():
                origin = _origin(node)
            case _:
                return None
        found = found or _Import(index, origin, isinstance(node, cst.ImportFrom), _section(origin, path))
    return found


def _group_for(groups: Sequence[list[_Import]], entry: _Import) -> list[_Import] | None:
    """The lines among which a new import goes, or None when it becomes a section of its own."""
    top = entry.module.partition(".")[0]
    if top:
        for group in groups:
            if any(each.module.partition(".")[0] == top for each in group):
                return group
    for group in groups:
        if any(each.section == entry.section for each in group) and all(each.section != _FUTURE for each in group):
            return group
    mixed = [group for group in groups if len({each.section for each in group} - {_FUTURE}) > 1]
    return mixed[0] if mixed else None


def _into_group(
    body: list[cst.SimpleStatementLine | cst.BaseCompoundStatement],
    group: list[_Import],
    entry: _Import,
    new: cst.SimpleStatementLine,
) -> list[cst.SimpleStatementLine | cst.BaseCompoundStatement]:
    run = [each for each in group if each.section == entry.section]
    before = [each for each in group if each.section < entry.section]
    place = group[0].line
    if not run:
        place = before[-1].line + 1 if before else group[0].line
    elif run[-1].line - run[0].line == len(run) - 1 and (key := _order(run)) is not None:
        place = run[0].line + _place(run, entry, key)
    else:
        place = run[-1].line + 1
    if place == group[0].line:
        old = body[place]
        leading = list(_leading(old))
        count = next((index for index, line in enumerate(leading) if line.comment is not None), len(leading))
        new = new.with_changes(leading_lines=leading[:count])
        body[place] = old.with_changes(leading_lines=leading[count:])
    return [*body[:place], new, *body[place:]]


def _order(run: Sequence[_Import]) -> Callable[[_Import], Any] | None:
    """How isort sorted these lines: plain imports first, or by module alone; None where they are not sorted."""

    def plain_first(each: _Import) -> object:
        return each.is_from, each.module.lower()

    def by_module(each: _Import) -> object:
        return each.module.lower(), each.is_from

    return next((key for key in (plain_first, by_module) if _is_sorted(run, key)), None)


def _as_group(
    body: list[cst.SimpleStatementLine | cst.BaseCompoundStatement],
    place: int,
    end: int,
    new: cst.SimpleStatementLine,
) -> list[cst.SimpleStatementLine | cst.BaseCompoundStatement]:
    """The body with a new section of imports, parted from what stands around it by empty lines."""
    empty = cst.EmptyLine(indent=False)
    if place > 0:
        new = new.with_changes(leading_lines=[empty])
    if place < len(body):
        old = body[place]
        leading = list(_leading(old))
        wanted = 2 if isinstance(old, cst.FunctionDef | cst.ClassDef) and place == end else 1
        blank = next((index for index, line in enumerate(leading) if line.comment is not None), len(leading))
        body[place] = old.with_changes(leading_lines=[*[empty] * (wanted - blank), *leading])
    return [*body[:place], new, *body[place:]]


def _leading(line: cst.CSTNode) -> Sequence[cst.EmptyLine]:
    lines: Sequence[cst.EmptyLine] = getattr(line, "leading_lines", ())
    return lines
