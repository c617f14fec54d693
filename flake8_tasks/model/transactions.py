"""Open transactions: `atomic` around a call or its function, a request's own, or one that a caller opens."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.edit import Place
from flake8_tasks.model.frameworks.django import (
    ATOMIC,
    MODEL_BASES,
    NON_ATOMIC,
    RECEIVERS,
    VIEW_BASES,
    VIEW_DECORATORS,
    VIEW_HANDLERS,
)
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.tasks import function_of

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

_METHOD_DECORATOR = "django.utils.decorators.method_decorator"


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction around a call.

    Arguments:
        kind: "atomic", "request" (ATOMIC_REQUESTS), "caller" or "session" (SQLAlchemy).
        using: the expression of the database alias, None for the default database.
        using_text: the same as text.
        opened: where it is opened: the `with` item, the decorator or the call in another function.
    """

    kind: str
    using: ast.expr | None
    using_text: str | None
    opened: Place | None


def lexical(site: Site, module: Module) -> Transaction | None:
    """The innermost transaction that the text around a call opens, as this file alone tells it."""
    for frame in site.frame.here():
        if isinstance(frame.node, ast.With | ast.AsyncWith) and frame.part == "body":
            for item in reversed(frame.node.items):
                found = _opened(item.context_expr, frame, module)
                if found is not None:
                    return found
        function = function_of(frame.node)
        if function is not None and frame.part == "body":
            outside = frame.parent or frame
            for decorator in function.decorator_list:
                found = _opened(decorator, outside, module)
                if found is not None:
                    return found
    return None


def _opened(node: ast.expr, frame: Frame, module: Module) -> Transaction | None:
    """The transaction that a `with` item or decorator opens."""
    call = node if isinstance(node, ast.Call) else None
    origin = module.origin(call.func if call else node, frame)
    if origin in ATOMIC:
        using = None
        if call is not None:
            first = call.args[0] if call.args else None
            using = next((keyword.value for keyword in call.keywords if keyword.arg == "using"), first)
        text = module.source.segment(using) if using is not None else None
        return Transaction("atomic", using, text, module.place(node))
    if call is not None and origin == _METHOD_DECORATOR and call.args:
        return _opened(call.args[0], frame, module)
    if call is not None and isinstance(call.func, ast.Attribute) and call.func.attr in ("begin", "begin_nested"):
        from flake8_tasks.model.sessions import is_session

        if is_session(call.func.value, frame, module):
            return Transaction("session", None, None, module.place(node))
    return None


class Transactions:
    """The transactions around the calls of one file."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module

    def around(self, site: Site) -> Transaction | None:
        """The transaction in which a call runs, None where there is none or nobody can say."""
        found = lexical(site, self.module)
        if found is not None:
            return found
        around = site.frame.function
        function = function_of(around.node) if around is not None and around.part == "body" else None
        if around is None or function is None or around.parent is None or function_of(around.parent.node) is not None:
            return None
        if self._is_someone_elses(function, around.parent):
            return None
        if self.project.settings.atomic_requests and self._is_view(function, around.parent):
            return Transaction("request", None, None, None)
        caller = self.project.callers.opens_transaction(self.module.name, around.scope.qualname)
        if caller is None:
            return None
        return Transaction("caller", None, caller.call.using or None, caller.place)

    def _origin(self, node: ast.expr, frame: Frame) -> str | None:
        return self.project.origin(self.module.origin(node, frame))

    def _is_someone_elses(self, function: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> bool:
        """A receiver of a signal or a model's `save`: the matter of another rule (TSK609)."""
        for decorator in function.decorator_list:
            node = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self._origin(node, frame) in RECEIVERS:
                return True
        if function.name in ("save", "asave") and isinstance(frame.node, ast.ClassDef):
            return self.project.inherits(f"{self.module.name}.{frame.scope.qualname}", MODEL_BASES)
        return False

    def _is_view(self, function: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> bool:
        """A request is answered by it: a handler of a view class, or a function that a view's decorator marks."""
        marks = {
            self._origin(decorator.func if isinstance(decorator, ast.Call) else decorator, frame)
            for decorator in function.decorator_list
        }
        if marks & NON_ATOMIC or isinstance(function, ast.AsyncFunctionDef):
            return False
        if isinstance(frame.node, ast.ClassDef):
            name = f"{self.module.name}.{frame.scope.qualname}"
            return function.name in VIEW_HANDLERS and self.project.inherits(name, VIEW_BASES)
        if marks & VIEW_DECORATORS:
            return True
        annotation = function.args.args[0].annotation if function.args.args else None
        if annotation is None or self._origin(annotation, frame) != "django.http.HttpRequest":
            return False
        return len(function.args.args) > 0 and function.args.args[0].arg == "request"
