"""What a module's top level binds a name to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_INNER = (*_SCOPES, ast.Lambda)


class Binding(NamedTuple):
    """A name and where it comes from: `module` and `name` of an import, or two empty texts for everything else.

    `sure` is False where the import may not have happened (under an `if`).
    """

    bound: str
    module: str
    name: str
    sure: bool


def bindings(body: Sequence[ast.stmt], sure: bool = True, typing_only: bool = False) -> Iterator[Binding]:
    """The bindings of a module's body, those in its `if`, `try`, `with` and loops included.

    An import under `if TYPE_CHECKING:` is never sure.
    """
    for statement in body:
        match statement:
            case ast.Import(names=names):
                for alias in names:
                    if alias.asname:
                        yield Binding(alias.asname, alias.name, "", sure)
                    else:
                        yield Binding(alias.name.partition(".")[0], alias.name, "", sure)
            case ast.ImportFrom(names=names):
                module = "." * statement.level + (statement.module or "")
                for alias in names:
                    yield Binding(alias.asname or alias.name, module, alias.name, sure)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield Binding(name, "", "", sure)
            case ast.If(body=inner, orelse=others):
                yield from bindings(inner, False)
                yield from bindings(others, False)
                yield from _targets(statement.test)
            case ast.Try() | ast.TryStar():
                yield from bindings(statement.body, sure)
                for handler in statement.handlers:
                    if handler.name:
                        yield Binding(handler.name, "", "", False)
                    yield from bindings(handler.body, False)
                yield from bindings(statement.orelse, False)
                yield from bindings(statement.finalbody, sure)
            case ast.With() | ast.AsyncWith() | ast.For() | ast.AsyncFor() | ast.While():
                yield from bindings(statement.body, isinstance(statement, ast.With) and sure)
                yield from bindings(getattr(statement, "orelse", []), False)
                for field, child in ast.iter_fields(statement):
                    if field not in ("body", "orelse"):
                        for each in child if isinstance(child, list) else [child]:
                            if isinstance(each, ast.AST):
                                yield from _targets(each)
            case ast.Match():
                for case in statement.cases:
                    yield from bindings(case.body, False)
                    yield from _targets(case.pattern)
            case _:
                yield from _targets(statement)
        if isinstance(statement, _SCOPES):
            for node in ast.walk(statement):
                if isinstance(node, ast.Global):
                    yield from (Binding(name, "", "", False) for name in node.names)


def _targets(node: ast.AST) -> Iterator[Binding]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield Binding(name, "", "", False)
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield Binding(name, "", "", False)
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _INNER):
            yield from _targets(child)
