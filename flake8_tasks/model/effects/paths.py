"""Which of two places in a function comes after the other, and in which block they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.values import dotted

_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_FIELDS = {"body": "body", "orelse": "orelse", "finally": "finalbody", "handler": "body"}


def shares(frame: Frame, other: Frame) -> bool:
    """A block is one of those around another place."""
    return any(each.node is frame.node and each.part == frame.part for each in other.here())


def block_of(frame: Frame) -> list[ast.stmt]:
    """The statements of a block, empty for comprehensions."""
    found = getattr(frame.node, _FIELDS.get(frame.part, ""), None)
    return found if isinstance(found, list) else []


def statement_of(node: ast.AST, module: Module) -> ast.stmt | None:
    """The statement that an expression stands in, or the statement itself."""
    current: ast.AST | None = node
    while current is not None and not isinstance(current, ast.stmt):
        current = module.parents.get(current)
    return current


def leads_to(site: Site, other: Site) -> bool:
    """A place further down may be reached from another of the same function, and not only by way of a failure."""
    theirs = other.frame
    for frame in site.frame.here():
        if shares(frame, theirs):
            break
        block = block_of(frame)
        if block and isinstance(block[-1], _ENDS):
            return False
        if any(each.node is frame.node and _excludes(frame, each) for each in theirs.here()):
            return False
    return {*_cases(site)} <= {*_cases(other)}


def _excludes(frame: Frame, other: Frame) -> bool:
    """Two parts of one statement of which only one runs."""
    return isinstance(frame.node, ast.If) and frame.part != other.part


def _cases(site: Site) -> Iterator[ast.match_case]:
    node: ast.AST | None = site.node
    while node is not None and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if isinstance(node, ast.match_case):
            yield node
        node = site.module.parents.get(node)


def names_in(node: ast.AST) -> Iterator[str]:
    """The dotted names in a node as they are written, each once as a whole: `user.email`, `send`."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, ast.Name | ast.Attribute) and (parts := dotted(current)):
            yield ".".join(parts)
        else:
            stack.extend(ast.iter_child_nodes(current))
