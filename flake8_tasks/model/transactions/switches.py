"""Parameters that switch a part of a function off, and calls that do so: `save(broadcast=False)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_tasks.model.effects.paths import block_of
from flake8_tasks.model.module import Site
from flake8_tasks.model.names import How

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def needed(site: Site) -> frozenset[str]:
    """The parameters of the function around a place that are true whenever it is reached."""
    around = site.frame.function
    if around is None:
        return frozenset()
    bound = around.scope.bindings
    return frozenset(
        name for name in _tested(site) if [binding.how for binding in bound.get(name, ())] == [How.PARAMETER]
    )


def given(call: ast.Call) -> tuple[tuple[str, str], ...]:
    """The keywords of a call whose value is a name, or is false: the empty text; `**kwargs` under that of "**"."""
    return tuple(_given(call))


def handed_on(needs: frozenset[str], given: dict[str, str]) -> frozenset[str] | None:
    """The names in a caller that must be true for what it calls to be reached; None where it gives something false."""
    if any(given.get(name) == "" for name in needs):
        return None
    return frozenset(given.get(name, name) for name in needs if name in given or "**" in given)


def _given(call: ast.Call) -> Iterator[tuple[str, str]]:
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg=str(name), value=ast.Constant(value=value)) if not value:
                yield name, ""
            case ast.keyword(arg=name, value=ast.Name(id=value)):
                yield name or "**", value


def _tested(site: Site) -> Iterator[str]:
    for frame in site.frame.here():
        if isinstance(frame.node, ast.If) and frame.part == "body":
            yield from _if_true(frame.node.test)
        for statement in block_of(frame):
            if statement.lineno >= site.span.line:
                break
            if isinstance(statement, ast.If) and isinstance(statement.body[-1], _LEAVES):
                yield from _if_false(statement.test)


def _if_true(test: ast.expr) -> Iterator[str]:
    match test:
        case ast.Name(id=name):
            yield name
        case ast.BoolOp(op=ast.And(), values=values):
            for value in values:
                yield from _if_true(value)


def _if_false(test: ast.expr) -> Iterator[str]:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)):
            yield name
        case ast.BoolOp(op=ast.Or(), values=values):
            for value in values:
                yield from _if_false(value)
