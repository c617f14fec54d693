"""Open transactions: `atomic` around a call or its function, a request's own, or one that a caller opens."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from types import EllipsisType
from typing import TYPE_CHECKING

from flake8_tasks.edit import Place
from flake8_tasks.model.frameworks.django import MODEL_BASES, RECEIVERS
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.signals import connections
from flake8_tasks.model.tasks.task import function_of
from flake8_tasks.model.transactions.openers import Opened, blocks
from flake8_tasks.model.transactions.switches import needed
from flake8_tasks.model.transactions.views import is_view, may_write
from flake8_tasks.model.values import Constant, Value

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction around a call.

    Arguments:
        kind: "atomic", "request" (ATOMIC_REQUESTS), "caller" or "session" (SQLAlchemy).
        using: the database alias as it can be written at the call; None for the default database, `...` where it
            cannot be written there.
        opened: where it is opened: the `with` item, the decorator, or the call in another function.
        caller: the function that opens it, where that is another one; its qualname.
    """

    kind: str
    using: str | EllipsisType | None = None
    opened: Place | None = None
    caller: str = ""


class Transactions:
    """The transactions around the calls of one file."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module

    def around(self, site: Site) -> Transaction | None:
        """The transaction in which a call runs, None where there is none or nobody can say."""
        around = site.frame.function
        function = function_of(around.node) if around is not None and around.part == "body" else None
        outside = around.parent if around is not None else None
        if function is not None and outside is not None and self._is_someone_elses(function, outside):
            return None
        found = self.project.openers.first(blocks(site, self.module))
        if found is not None:
            value, opened = found
            place = Place(self.module.source.path, value.span)
            return Transaction(opened.kind, self._written(opened), place)
        if around is None or function is None:
            return None
        qualname = around.scope.qualname
        if is_view(self.project, self.module.name, qualname) and may_write(self.module, qualname, site.span):
            return Transaction("request")
        reached = self.project.callers.opens_transaction(self.module.name, qualname, needed(site))
        if reached is None:
            return None
        site_above, opened_above = reached
        kind = "session" if opened_above.kind == "session" else "caller"
        return Transaction(kind, _literal(opened_above.using), site_above.place, site_above.call.caller)

    def _written(self, opened: Opened) -> str | EllipsisType | None:
        if opened.is_here and opened.using is not None:
            return self.module.source.text_at(opened.using.span)
        return _literal(opened.using)

    def _origin(self, node: ast.expr, frame: Frame) -> str | None:
        return self.project.origin(self.module.origin(node, frame))

    def _is_someone_elses(self, function: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> bool:
        """A receiver of a signal or a model's `save`: the matter of another rule (TSK609)."""
        for decorator in function.decorator_list:
            node = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self._origin(node, frame) in RECEIVERS:
                return True
        if connections(self.project, self.module, function, frame.scope):
            return True
        if function.name in ("save", "asave") and isinstance(frame.node, ast.ClassDef):
            return self.project.inherits(f"{self.module.name}.{frame.scope.qualname}", MODEL_BASES)
        return False


def _literal(using: Value | None) -> str | EllipsisType | None:
    if using is None:
        return None
    return json.dumps(using.value) if isinstance(using, Constant) and isinstance(using.value, str) else ...
