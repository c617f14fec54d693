"""What a loop goes through: many rows or recipients, or only a handful, pages, attempts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_tasks.model.effects.behind import function_behind
from flake8_tasks.model.flow import reaching
from flake8_tasks.model.names import Binding, How, Scope
from flake8_tasks.model.orm.shapes import returned, text
from flake8_tasks.model.orm.values import Instance, Items, Manager, Queryset, Select

if TYPE_CHECKING:
    from flake8_tasks.model.module import Module
    from flake8_tasks.model.project import Project

_TOO_DEEP = 8
_HANDFUL = 10  # a slice up to here is no crowd
PASSING = frozenset({"list", "sorted", "set", "tuple", "reversed", "iter", "enumerate", "frozenset", "zip", "filter"})
_PASSING_METHODS = frozenset({"items", "values", "keys", "split", "splitlines", "copy", "union", "difference"})
# Parts of one whole, in names of variables and functions.
_PARTS = frozenset(
    {"batch", "batched", "chunk", "chunked", "chunks", "page", "paginate", "paginated", "paginator", "pages", "batches"}
    | {"attempt", "attempts", "retry", "retries", "try", "tries", "backoff", "grouper", "ichunked"}
)
_SEVERAL_PARTS = frozenset({"batches", "chunks", "pages", "attempts", "retries", "tries"})
# Services and settings, of which there are a few.
_FEW = frozenset(
    {"region", "client", "backend", "provider", "channel", "handler", "shard", "connection", "host", "server", "queue"}
    | {"gateway", "replica", "bucket", "cluster", "node", "instance", "env", "environment", "month", "day", "hour"}
    | {"date", "year", "week", "locale", "language", "table", "index", "step", "format", "method", "key", "field"}
)
# Those that something is sent to, where nothing else is known of a list.
_RECIPIENTS = frozenset(
    {"users", "recipients", "emails", "addresses", "subscribers", "members", "customers", "contacts", "people"}
    | {"followers", "participants", "attendees", "devices", "subscriptions", "phones", "numbers", "persons", "students"}
    | {"employees", "clients", "invitees", "guests", "watchers", "owners", "admins", "managers", "staff", "voters"}
    | {"donors", "buyers", "sellers", "patients", "readers", "authors", "reviewers", "webhooks", "registrations"}
    | {"invitations", "reminders", "notifications", "messages", "mails", "orders", "invoices", "payments", "tickets"}
)


class Crowds:
    """The loops of one function of a file.

    Arguments:
        function: the function itself; what it gets as a parameter counts as many.
    """

    def __init__(self, project: Project, module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.project = project
        self.module = module
        self.function = function

    def goes_through_many(self, target: ast.expr, source: ast.expr, scope: Scope) -> bool:
        """A loop goes through rows or recipients, as far as anybody can say.

        Arguments:
            scope: that of the source.
        """
        names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
        if any(_words(name) & _PARTS for name in names):
            return False
        if self._are_rows(source, scope):
            return not _is_small(source)
        last = {name.lower().rpartition("_")[2] for name in names}
        return not last & _FEW and self._are_many(source, scope, 0)

    def _are_rows(self, source: ast.expr, scope: Scope) -> bool:
        match self.project.orm.read(source, scope, self.module):
            case Queryset() | Manager() | Select() | Items(Instance()):
                return True
        return False

    def _are_many(self, node: ast.expr, scope: Scope, depth: int) -> bool:
        if depth > _TOO_DEEP or _is_small(node):
            return False
        if self._are_rows(node, scope):
            return True
        match node:
            case ast.Name():
                return self._named(node, scope, depth)
            case ast.Call():
                return self._called(node, scope, depth)
            case ast.ListComp(generators=[first, *_]) | ast.SetComp(generators=[first, *_]):
                return self._are_many(first.iter, scope, depth + 1)
            case ast.GeneratorExp(generators=[first, *_]) | ast.DictComp(generators=[first, *_]):
                return self._are_many(first.iter, scope, depth + 1)
            case ast.BinOp(left=left, right=right):
                return self._are_many(left, scope, depth + 1) or self._are_many(right, scope, depth + 1)
            case ast.BoolOp(values=values):
                return any(self._are_many(value, scope, depth + 1) for value in values)
            case ast.IfExp(body=body, orelse=orelse):
                return self._are_many(body, scope, depth + 1) or self._are_many(orelse, scope, depth + 1)
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                return self._are_many(value, scope, depth + 1)
            case ast.Subscript(value=value, slice=ast.Slice()):
                return self._are_many(value, scope, depth + 1)
            case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
                return not name.isupper() and name.lower().rpartition("_")[2] in _RECIPIENTS
        return False

    def _named(self, node: ast.Name, scope: Scope, depth: int) -> bool:
        found = self.module.names.find(node.id, scope)
        if found is None or _words(node.id) & _SEVERAL_PARTS:
            return False
        where, bindings = found
        if where.parent is None:
            return False  # a constant of the file, or something imported
        return any(self._bound(node.id, binding, where, depth) for binding in reaching(node, scope, where, bindings))

    def _bound(self, name: str, binding: Binding, where: Scope, depth: int) -> bool:
        match binding:
            case Binding(How.PARAMETER):
                return where.node is self.function
            case Binding(How.ASSIGNMENT, value=ast.List(elts=[])):
                return self._is_filled(name)
            case Binding(How.ASSIGNMENT, value=ast.Call(func=ast.Name(id="list" | "set"), args=[])):
                return self._is_filled(name)
            case Binding(How.ASSIGNMENT, value=ast.expr() as value, path=()):
                return self._are_many(value, where, depth + 1)
            case Binding(How.ASSIGNMENT, value=ast.expr(), path=(_,)):
                return name.lower().rpartition("_")[2] in _RECIPIENTS
            case Binding(How.ITERATION, value=ast.expr() as value):
                return name.lower().rpartition("_")[2] in _RECIPIENTS or _is_batch(name, value)
        return False

    def _is_filled(self, name: str) -> bool:
        """Something is added to a list in a loop."""
        for loop in ast.walk(self.function):
            if not isinstance(loop, ast.For | ast.AsyncFor | ast.While):
                continue
            for node in ast.walk(loop):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id=filled), attr="append" | "extend" | "add")):
                        if filled == name:
                            return True
        return False

    def _called(self, node: ast.Call, scope: Scope, depth: int) -> bool:
        called = text(node.func).rpartition(".")[2]
        words = _words(called)
        if words & _PARTS or called in ("range", "count", "cycle", "repeat"):
            return False
        if isinstance(node.func, ast.Name) and called in PASSING:
            return any(self._are_many(argument, scope, depth + 1) for argument in node.args)
        if isinstance(node.func, ast.Attribute):
            if called in _PASSING_METHODS:
                return self._are_many(node.func.value, scope, depth + 1)
            if called == "get" and node.args and isinstance(node.args[0], ast.Constant):
                return str(node.args[0].value).lower().rpartition("_")[2] in _RECIPIENTS
        if called.lower().rpartition("_")[2].rstrip("s") in _FEW:
            return False
        return self._is_function_of_many(node, scope)

    def _is_function_of_many(self, node: ast.Call, scope: Scope) -> bool:
        """A function whose result is no short list that is written out in it, or is told by its name alone."""
        function = function_behind(node, scope, self.module, self.project)
        if function is None:
            return text(node.func).lower().rpartition(".")[2].rpartition("_")[2] in _RECIPIENTS
        return not any(isinstance(value, ast.List | ast.Tuple | ast.Set) and value.elts for value in returned(function))


def _words(name: str) -> set[str]:
    return set(name.lower().split("_"))


def _is_small(node: ast.expr) -> bool:
    """A display of a few literals, or a short slice."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return not any(isinstance(item, ast.Starred) for item in items)
        case ast.Subscript(slice=ast.Slice(upper=ast.Constant(value=int(number)), lower=None)):
            return 0 <= number <= _HANDFUL
    return False


def _is_batch(name: str, value: ast.expr) -> bool:
    """One batch of many, in a loop over batches."""
    return bool(_words(name) & _PARTS) or bool(_words(text(value).partition("(")[0].rpartition(".")[2]) & _PARTS)
