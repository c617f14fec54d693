"""Functions that cannot hang: they compute, print, log, raise, or do nothing at all."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.model.module import Module
from flake8_tasks.model.names import BUILTIN, Scope, every_parameter
from flake8_tasks.model.records import Assigned, ClassRecord
from flake8_tasks.model.values import CallValue, Reference, dotted

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

# What a computation is made of.
_PARTS = (
    *(ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.JoinedStr, ast.FormattedValue, ast.expr_context),
    *(ast.UnaryOp, ast.unaryop, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.keyword),
)
_CALLED = frozenset(
    f"{BUILTIN}.{name}"
    for name in ("abs", "bool", "float", "int", "len", "max", "min", "print", "repr", "round", "str", "sum")
)
_LOGGERS = frozenset({"logging.getLogger", "celery.utils.log.get_task_logger", "celery.utils.log.get_logger"})
_LOGS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})


def is_idle(
    function: ast.FunctionDef | ast.AsyncFunctionDef, outside: Scope, module: Module, project: Project, *, bound: bool
) -> bool:
    """A function cannot hang.

    Arguments:
        outside: the scope that it stands in.
        bound: its first parameter is the task itself.
    """
    first = next(every_parameter(function.args), None)
    idle = _Idle(project, module, outside.child(function), first.arg if bound and first else "")
    return all(map(idle.is_idle, function.body))


@dataclass(frozen=True, slots=True)
class _Idle:
    project: Project
    module: Module
    scope: Scope
    own: str

    def is_idle(self, statement: ast.stmt) -> bool:
        """`pass`, `return x + y`, `total = sum(numbers)`, `print(f"{x}")`, `logger.info("…")`, `raise ValueError`."""
        match statement:
            case ast.Pass() | ast.Return(value=None):
                return True
            case (
                ast.Expr(value=value)
                | ast.Return(value=ast.expr() as value)
                | ast.Assign(targets=[ast.Name()], value=value)
                | ast.AugAssign(target=ast.Name(), op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), value=value)
            ):
                return self._is_plain(value)
            case ast.Raise(exc=ast.Call(func=raised, args=arguments, keywords=[]), cause=None):
                return self._is_exception(raised) and all(map(self._is_plain, arguments))
            case ast.Raise(exc=ast.expr() as raised, cause=None):
                return self._is_exception(raised)
        return False

    def _is_plain(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=function, args=arguments, keywords=keywords):
                known = self._origin(function) in _CALLED or self._logs(function)
                return known and all(map(self._is_plain, (*arguments, *keywords)))
            case ast.Attribute():
                parts = dotted(node) or ("",)
                return parts[0] == self.own and parts[1] in ("request", "name")
        return isinstance(node, _PARTS) and all(map(self._is_plain, ast.iter_child_nodes(node)))

    def _logs(self, function: ast.expr) -> bool:
        """`logging.info`, or a method of a logger that stands at a module's level."""
        if not isinstance(function, ast.Attribute) or function.attr not in _LOGS:
            return False
        origin = self._origin(function.value)
        found = self.project.definition(origin)
        match found.record if found else None:
            case Assigned(value=CallValue(function=Reference(origin=maker))):
                return self.project.origin(maker) in _LOGGERS
        return origin == "logging"

    def _is_exception(self, raised: ast.expr) -> bool:
        origin = self._origin(raised)
        found = self.project.definition(origin)
        return (origin or "").startswith(f"{BUILTIN}.") or (found is not None and isinstance(found.record, ClassRecord))

    def _origin(self, node: ast.expr) -> str | None:
        named = isinstance(node, ast.Name | ast.Attribute)
        return self.project.origin(self.module.names.origin(node, self.scope)) if named else None
