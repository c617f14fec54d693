"""Where SQLAlchemy sessions and engines come from: what `begin()` opens a transaction of."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_tasks.model.frameworks.others import FLASK_SESSION_ATTRIBUTE, FLASK_SQLALCHEMY
from flake8_tasks.model.frameworks.sqlalchemy import ENGINE_MAKERS, SESSION_MAKERS, SESSION_TYPES
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.names import Binding, How, Scope
from flake8_tasks.model.records import Assigned
from flake8_tasks.model.values import CallValue, Reference

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

_MAKERS = SESSION_MAKERS | ENGINE_MAKERS | SESSION_TYPES
_TOO_DEEP = 5


def made_by(node: ast.expr, frame: Frame, module: Module) -> str | None:
    """The dotted name that an object comes from, as its file alone tells: its class, its maker, or its own name.

    An item of something made, `made()["key"]`, is `made.key`.
    """
    return _made_by(node, frame.scope, module, 0)


def _made_by(node: ast.expr, scope: Scope, module: Module, depth: int) -> str | None:
    if depth > _TOO_DEEP:
        return None
    if isinstance(node, ast.Call):
        return _made_by(node.func, scope, module, depth + 1)
    if isinstance(node, ast.Subscript):
        owner = _made_by(node.value, scope, module, depth + 1)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else ""
        return f"{owner}.{key}" if owner and isinstance(key, str) and key.isidentifier() else None
    origin = module.names.origin(node, scope)
    if origin is not None or not isinstance(node, ast.Name):
        return origin
    found = module.names.find(node.id, scope)
    if found is None:
        return None
    where, bindings = found
    makers = {_bound(binding, where, module, depth) for binding in bindings}
    return makers.pop() if len(makers) == 1 else None


def _bound(binding: Binding, where: Scope, module: Module, depth: int) -> str | None:
    match binding:
        case Binding(How.PARAMETER, node=ast.arg(annotation=ast.expr() as annotation)):
            return module.names.origin(annotation, where)
        case Binding(How.ASSIGNMENT | How.WITH, value=ast.Call() | ast.Subscript() as value, path=()):
            return _made_by(value, where, module, depth + 1)
    return None


def is_session(name: str | None, project: Project, depth: int = 0) -> bool:
    """A dotted name stands for a session, an engine, or what makes one."""
    definition = project.definition(name)
    if definition is None or depth > _TOO_DEEP:
        return False
    match definition.record:
        case Assigned(value=CallValue(function=Reference(origin=maker))):
            if definition.rest == (FLASK_SESSION_ATTRIBUTE,):
                return project.inherits(maker, FLASK_SQLALCHEMY)
            return not definition.rest and is_session(maker, project, depth + 1)
    return not definition.rest and (definition.origin in _MAKERS or project.inherits(definition.origin, _MAKERS))
