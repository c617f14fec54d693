"""How things of an ORM come out of tuples, lists and several branches, and how an expression is told in short."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_tasks.model.orm.values import Instance, Items, Queryset, Select, Several, Table, Thing


def text(node: ast.expr | None) -> str:
    """An expression in short: calls without their arguments."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{text(owner)}.{name}"
        case ast.Call(func=function):
            return f"{text(function)}()"
        case ast.Subscript(value=owner):
            return f"{text(owner)}[…]"
        case ast.Await(value=value) | ast.NamedExpr(value=value):
            return text(value)
        case ast.Constant(value=str(value)):
            return value
    return "…"


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def agreed(things: list[Thing | None]) -> Thing | None:
    """The one answer of all, None when they differ; instances of different models are instances still."""
    if not things:
        return None
    first = things[0]
    for other in things[1:]:
        match first, other:
            case Instance(model=one, orm=orm), Instance(model=two, orm=same) if orm == same:
                first = Instance(one if one == two else None, orm, first.how)
            case Queryset(one, orm, kind, how), Queryset(two, same, alike) if orm == same and kind == alike:
                first = Queryset(one if one == two else None, orm, kind, how)
            case Items(Instance() as one_item), Items(Instance() as two_item):
                item = agreed([one_item, two_item])
                first = Items(item) if item else None
            case _ if first != other:
                return None
    return first


def one_of(thing: Thing | None, how: str) -> Thing | None:
    """What iterating over a thing gives."""
    match thing:
        case Queryset(model, orm, "instances"):
            return Instance(model, orm, how)
        case Items(Instance(model, orm)):
            return Instance(model, orm, how)
        case Items(item):
            return item
        case Select(model, "scalars"):
            return Instance(model, "sqlalchemy", how)
    return None


def taken(thing: Thing | None, path: tuple[int, ...]) -> Thing | None:
    """What unpacking takes out of a thing, one position after the other."""
    for position in path:
        match thing:
            case Several(items):
                thing = items[position] if position < len(items) else None
            case _:
                thing = one_of(thing, "")
    return thing


def item_of(thing: Thing | None, index: ast.expr, how: str) -> Thing | None:
    if isinstance(thing, Table):
        return thing.item
    if isinstance(index, ast.Slice):
        return thing if isinstance(thing, Items | Queryset) else None
    match thing, index:
        case Several(items), ast.Constant(value=int(position)) if 0 <= position < len(items):
            return items[position]
        case Items() | Queryset(), _:
            return one_of(thing, how)
    return None


def returned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr | None]:
    """What a function returns, None for a bare `return`; a generator returns nothing."""
    found: list[ast.expr | None] = []
    stack: list[ast.AST] = list(reversed(function.body))
    while stack:
        node = stack.pop()
        match node:
            case ast.Yield() | ast.YieldFrom():
                return
            case ast.Return(value=value):
                found.append(value)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                continue
        stack.extend(reversed(list(ast.iter_child_nodes(node))))
    yield from found
