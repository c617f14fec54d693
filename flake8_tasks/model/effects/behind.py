"""The function of the project that a call leads to, as a piece of syntax tree."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_tasks.model.records import FunctionRecord

if TYPE_CHECKING:
    from flake8_tasks.model.module import Module
    from flake8_tasks.model.names import Scope
    from flake8_tasks.model.project import Project

Function = ast.FunctionDef | ast.AsyncFunctionDef


def function_behind(call: ast.Call, scope: Scope, module: Module, project: Project) -> Function | None:
    """The function that is called by a name of its own; None for methods, and where nobody can say.

    Arguments:
        scope: that of the call.
    """
    definition = project.definition(module.names.origin(call.func, scope))
    if definition is None or definition.rest or not isinstance(definition.record, FunctionRecord):
        return None
    found = project.module(definition.path)
    for node, _ in found.functions if found is not None else ():
        if found is not None and found.source.span(node) == definition.record.span:
            return node
    return None
