"""Whether a call that gets a row may set a field of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_tasks.model.effects.behind import function_behind
from flake8_tasks.model.orm.shapes import text
from flake8_tasks.model.values import dotted

if TYPE_CHECKING:
    from flake8_tasks.model.module import Module
    from flake8_tasks.model.project import Project

_LOGS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print"})

# Methods of a row that leave its fields as the database or the program has them.
_KEEPING = frozenset({"refresh_from_db", "arefresh_from_db", "reload", "save", "full_clean", "clean", "clean_fields"})


class Setters:
    """The calls of one file."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module

    def may_set(self, call: ast.Call, subject: str, field: str) -> bool:
        """A call may set a field of a row, by a method of it or because it is handed the row.

        Arguments:
            subject: the row's dotted name.
        """
        function = call.func
        is_statement = isinstance(self.module.parents.get(call), ast.Expr)
        if text(function).rpartition(".")[2] in _LOGS:
            return False
        if isinstance(function, ast.Attribute) and _named(function.value) == subject:
            return is_statement and function.attr not in _KEEPING
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if subject not in (_named(each) for each in given):
            return False
        found = function_behind(call, self.module.names.top, self.module, self.project)
        return is_statement if found is None else _sets(found, field)


def _named(node: ast.expr) -> str:
    return ".".join(dotted(node) or ())


def _sets(function: ast.AST, field: str) -> bool:
    for node in ast.walk(function):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()) if name == field:
                return True
            case ast.Call(func=ast.Name(id="setattr")):
                return True
    return False
