"""The text of a loop's body as that of a function at the first level of a file."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from flake8_tasks.edit import Span
from flake8_tasks.model.module import Module

_INDENT = "    "


class NotMovable(Exception):
    """Why a body cannot be moved."""


@dataclass(frozen=True, slots=True)
class Change:
    """What stands at a span, on one line, becomes something else."""

    span: Span
    code: str


def moved(loop: ast.For, module: Module, changes: Iterable[Change]) -> str:
    """The body of a loop, indented by four spaces, with some changes.

    Raises:
        NotMovable: its lines cannot be indented in another way without changing what they mean.
    """
    first, last = module.source.span(loop.body[0]), module.source.span(loop.body[-1])
    lines = list(module.source.lines[first.line - 1 : last.end_line])
    indent = lines[0][: first.column - 1]
    if indent.strip():
        raise NotMovable("the loop's body stands on the line of its head")
    for statement in loop.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant | ast.JoinedStr) and _is_block_of_text(node, module):
                raise NotMovable("the body holds a text of several lines")
    lines[-1] = lines[-1][: last.end_column - 1]
    for change in sorted(changes, key=lambda each: each.span, reverse=True):
        at = change.span.line - first.line
        if change.span.end_line != change.span.line:
            raise NotMovable("the item's attribute stands on several lines")
        line = lines[at]
        lines[at] = line[: change.span.column - 1] + change.code + line[change.span.end_column - 1 :]
    if any(line.strip() and not line.startswith(indent) for line in lines):
        raise NotMovable("a line of the body is less indented than its first")
    return "".join(_INDENT + line.removeprefix(indent) if line.strip() else line.lstrip(" \t") for line in lines)


def _is_block_of_text(node: ast.Constant | ast.JoinedStr, module: Module) -> bool:
    if node.lineno == node.end_lineno:
        return False
    text = module.source.segment(node)
    return '"""' in text or "'''" in text or "\\\n" in text
