"""What texts in the source say, as far as they are literal: whole ones, and the beginnings of those put together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flake8_tasks.edit import Span
from flake8_tasks.model.module import Module
from flake8_tasks.model.records import Assigned
from flake8_tasks.model.values import Constant, Reference, Sequence, Value

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

_TOO_DEEP = 5


def beginnings(project: Project, value: Value | None, path: str, depth: int = 0) -> Iterator[str | None]:
    """How a value begins, and each item of a list: the literal text, None where it cannot be said.

    Texts that are read from the environment cannot be said, whatever their default is.

    Arguments:
        path: the file in which the value stands.
    """
    match value:
        case Constant(value=str(text)):
            yield text
        case Sequence(items=items):
            for item in items:
                yield from beginnings(project, item, path, depth)
        case Reference(origin=str(origin)) if depth < _TOO_DEEP:
            found = project.definition(origin)
            summary = project.summary(found.path) if found is not None and found.path else None
            if found is None or summary is None or found.rest or not isinstance(found.record, Assigned):
                yield None
            elif len(summary.names.get(found.origin.rpartition(".")[2], ())) != 1:
                yield None  # another value may win
            else:
                yield from beginnings(project, found.record.value, found.path, depth + 1)
        case None | Constant():
            yield None
        case _:
            module = project.module(path)
            yield _begins(node_at(module, value.span)) if module is not None else None


def _begins(node: ast.expr | None) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return text
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
            return _begins(left)
        case ast.Call(func=ast.Attribute(value=inner, attr="format")):
            return _begins(inner)
    return None


def node_at(module: Module, span: Span) -> ast.expr | None:
    """The expression that stands exactly there."""
    for node in ast.walk(module.source.tree):
        if isinstance(node, ast.expr) and node.lineno == span.line and module.source.span(node) == span:
            return node
    return None


def around(module: Module, span: Span) -> Iterator[ast.AST]:
    """The statements and clauses of a file that a place stands in, outermost first."""
    node: ast.AST = module.source.tree
    while True:
        inner = [child for child in ast.iter_child_nodes(node) if _holds(child, span)]
        if not inner:
            return
        node = inner[0]
        if isinstance(node, ast.stmt | ast.ExceptHandler):
            yield node


def _holds(node: ast.AST, span: Span) -> bool:
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    return first is not None and last is not None and first <= span.line and span.end_line <= last
