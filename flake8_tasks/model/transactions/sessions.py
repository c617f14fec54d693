"""Which expressions are SQLAlchemy sessions, session makers or engines: what `begin()` opens a transaction of."""

from __future__ import annotations

import ast

from flake8_tasks.model.frameworks.sqlalchemy import ENGINE_MAKERS, SESSION_MAKERS, SESSION_TYPES
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.names import Binding, How, Scope

_MAKERS = SESSION_MAKERS | ENGINE_MAKERS | SESSION_TYPES
_TOO_DEEP = 5


def is_session(node: ast.expr, frame: Frame, module: Module) -> bool:
    """An expression is a session, a session maker or an engine, as its file alone tells."""
    return _is_session(node, frame.scope, module, 0)


def _is_session(node: ast.expr, scope: Scope, module: Module, depth: int) -> bool:
    if depth > _TOO_DEEP:
        return False
    match node:
        case ast.Call(func=function):
            return module.names.origin(function, scope) in _MAKERS or _is_session(function, scope, module, depth + 1)
        case ast.Attribute(value=ast.Name() as owner, attr="session"):
            return _comes_from(owner, scope, module, frozenset({"flask_sqlalchemy.SQLAlchemy"}), depth)
        case ast.Name():
            return _comes_from(node, scope, module, _MAKERS, depth)
    return False


def _comes_from(node: ast.Name, scope: Scope, module: Module, makers: frozenset[str], depth: int) -> bool:
    found = module.names.find(node.id, scope)
    if found is None:
        return False
    where, bindings = found
    for binding in bindings:
        match binding:
            case Binding(How.PARAMETER, node=ast.arg(annotation=ast.expr() as annotation)):
                known = module.names.origin(annotation, where) in makers
            case Binding(How.ASSIGNMENT | How.WITH, value=ast.Call(func=function) as value, path=()):
                known = module.names.origin(function, where) in makers or _is_session(value, where, module, depth + 1)
            case _:
                known = False
        if not known:
            return False
    return True
