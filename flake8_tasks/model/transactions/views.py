"""Which functions answer a request, so that ATOMIC_REQUESTS opens a transaction around them."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

from flake8_tasks.edit import Span
from flake8_tasks.model.frameworks.django import (
    NON_ATOMIC,
    RESPONSE_MODULES,
    RESPONSES,
    VIEW_BASES,
    VIEW_DECORATORS,
    VIEW_HANDLERS,
)
from flake8_tasks.model.orm.shapes import returned
from flake8_tasks.model.records import ClassRecord, FunctionRecord
from flake8_tasks.model.values import CallValue, Reference, Value

if TYPE_CHECKING:
    from flake8_tasks.model.definition import Definition
    from flake8_tasks.model.module import Frame, Module
    from flake8_tasks.model.project import Project

_ACTIONS = frozenset(
    {
        *("rest_framework.decorators.action", "rest_framework.decorators.detail_route"),
        "rest_framework.decorators.list_route",
    }
)
_REQUESTS = frozenset({"django.http.HttpRequest", "django.http.request.HttpRequest", "rest_framework.request.Request"})
# Calls that may write to a database, by their names.
_WRITES = re.compile(
    r"_?a?(?:bulk_)?(?:save|create|update|delete|destroy|insert|store|set_|add|remove|clear|write|mark|register|archive"
    r"|publish|approve|merge|get_or_create|perform_|form_valid|execute|apply_(?!async)|import_|clone|copy_)"
)
_NO_DATABASES = ("django.core.files.", "django.core.cache.", "django.contrib.messages.")


def is_view(project: Project, module: str, qualname: str) -> bool:
    """A function runs in the transaction of a request: ATOMIC_REQUESTS is set, and it is certainly a view.

    Certain are handlers and actions of view classes, functions that a decorator for views marks, functions whose first
    parameter is annotated as a request, and those where it is `request` and that return a response of Django's.

    Arguments:
        module: the module's dotted name.
        qualname: the function's.
    """
    if "<locals>" in qualname or not project.settings.atomic_requests:
        return False
    definition = project.definition(f"{module}.{qualname}")
    match definition.record if definition else None:
        case FunctionRecord() as function:
            marks = _marks(project, function.decorators)
            if function.is_async or marks & NON_ATOMIC:
                return False
            if marks & VIEW_DECORATORS:
                return True
            return _is_request(project, function) or (definition is not None and _answers(project, definition))
        case ClassRecord() as owner if definition is not None and len(definition.rest) == 1:
            method = owner.method(definition.rest[0])
            marks = _marks(project, method.decorators if method else ())
            if method is None or method.is_async or (marks | _marks(project, owner.decorators)) & NON_ATOMIC:
                return False
            return bool(method.name in VIEW_HANDLERS or marks & _ACTIONS) and project.inherits(
                f"{module}.{owner.qualname}", VIEW_BASES
            )
    return False


def _marks(project: Project, decorators: tuple[Value, ...]) -> set[str | None]:
    """The origins of some decorators, and of what `method_decorator` takes."""
    found: set[str | None] = set()
    for decorator in decorators:
        value = decorator.function if isinstance(decorator, CallValue) else decorator
        found.add(project.origin(value.origin) if isinstance(value, Reference) else None)
        for argument in decorator.arguments if isinstance(decorator, CallValue) else ():
            if isinstance(argument, Reference):
                found.add(project.origin(argument.origin))
    return found


def _is_request(project: Project, function: FunctionRecord) -> bool:
    """The first parameter of a function is annotated as a request."""
    annotation = function.parameters[0].annotation if _takes_request(function) else None
    return isinstance(annotation, Reference) and project.origin(annotation.origin) in _REQUESTS


def _takes_request(function: FunctionRecord) -> bool:
    return bool(function.parameters) and function.parameters[0].name == "request" and "." not in function.qualname


def _answers(project: Project, definition: Definition) -> bool:
    """A function of `request` returns a response of Django's."""
    function = definition.record
    if not isinstance(function, FunctionRecord) or not _takes_request(function):
        return False
    module = project.module(definition.path)
    for node, frame in module.functions if module else ():
        if module is not None and frame.scope.parent is None and node.name == function.name:
            scope = frame.scope.child(node)
            for value in returned(node):
                if isinstance(value, ast.Call):
                    origin = project.origin(module.names.origin(value.func, scope)) or ""
                    if origin in RESPONSES or (origin.startswith(RESPONSE_MODULES) and "Response" in origin):
                        return True
    return False


def may_write(module: Module, qualname: str, before: Span | None = None) -> bool:
    """A function calls something that, by its name, may write to a database.

    A request's transaction is not one that somebody asked for: where nothing is written in it, nothing can be missing.

    Arguments:
        qualname: the function's.
        before: only calls that stand before this one count.
    """
    for function, frame in module.functions:
        if frame.scope.child(function).qualname != qualname:
            continue
        for site in module.walk(function, frame):
            earlier = before is None or site.span < before
            if isinstance(site.node, ast.Call) and earlier and _may_write(site.node, site.frame, module):
                return True
    return False


def writes(block: ast.With | ast.AsyncWith, frame: Frame, module: Module) -> bool:
    """A block calls something that, by its name, may write to a database, or changes an attribute of a row."""
    return any(
        (isinstance(node, ast.Call) and _may_write(node, frame, module))
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
        for statement in block.body
        for node in ast.walk(statement)
    )


def _may_write(call: ast.Call, frame: Frame, module: Module) -> bool:
    called = call.func
    name = getattr(called, "attr", getattr(called, "id", ""))
    if not _WRITES.match(name) and not any(keyword.arg == "save" for keyword in call.keywords):
        return False
    origin = module.origin(called, frame) if isinstance(called, ast.Name | ast.Attribute) else None
    return origin is None or not _is_elsewhere(origin)


def _is_elsewhere(origin: str) -> bool:
    """What is called is of the standard library, or keeps what it is given in files, a cache or the session."""
    return origin.startswith(_NO_DATABASES) or origin.partition(".")[0] in sys.stdlib_module_names
