"""Where Pyramid's requests come from: `with request.tm:` opens a transaction of theirs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flake8_tasks.model.definition import Definition
from flake8_tasks.model.frameworks.pyramid import ENVIRONMENTS, REQUEST_TYPES
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.tasks.app_objects import APP_NAMES
from flake8_tasks.model.tasks.task import function_of
from flake8_tasks.model.transactions.sessions import made_by

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

CONTEXT_MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_TOO_DEEP = 4


def is_request(name: str | None, project: Project, depth: int = 0) -> bool:
    """A dotted name, as `made_by` tells it, stands for a request of Pyramid's or for what gives one to a `with`."""
    definition = project.definition(name)
    if definition is None or depth > _TOO_DEEP:
        return False
    if not definition.path:
        return definition.origin in REQUEST_TYPES or definition.origin.removesuffix(".request") in ENVIRONMENTS
    if project.inherits(definition.origin, REQUEST_TYPES):
        return True
    return any(is_request(given, project, depth + 1) for given in _given(definition, project))


def _given(definition: Definition, project: Project) -> Iterator[str | None]:
    """What a context manager of the project yields, or one that is put on its app: `app.request_context = opened`."""
    module = project.module(definition.path)
    for function, frame in _functions(module) if module is not None else ():
        assert module is not None
        if definition.origin == f"{module.name}.{frame.scope.qualname}":
            marks = (module.origin(decorator, frame.parent or frame) for decorator in function.decorator_list)
            if not CONTEXT_MANAGERS.isdisjoint(marks):
                for child in ast.walk(function):
                    if isinstance(child, ast.Yield) and child.value is not None:
                        yield made_by(child.value, frame, module)
        elif len(definition.rest) == 1:
            for child in ast.walk(function):
                match child:
                    case ast.Assign(targets=[ast.Attribute(value=owner, attr=attribute)], value=ast.Name() as value):
                        is_app = getattr(owner, "attr", getattr(owner, "id", "")) in APP_NAMES
                        if is_app and attribute == definition.rest[0]:
                            yield module.origin(value, frame)


def _functions(module: Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Frame]]:
    """Every function of a file, with the frame of its body."""
    for statement in module.source.tree.body:
        for site in module.walk(statement, module.top):
            if (function := function_of(site.node)) is not None:
                yield function, Frame(function, "body", site.frame.scope.child(function), site.frame)
