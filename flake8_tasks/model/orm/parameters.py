"""What the parameters of a function are to an ORM: by annotation, as `self`, in a receiver, in a view."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from flake8_tasks.model.frameworks import django
from flake8_tasks.model.module import Module
from flake8_tasks.model.names import UNBOUND, Scope
from flake8_tasks.model.orm.admin import Admin, given_by_admin
from flake8_tasks.model.orm.classes import Classes
from flake8_tasks.model.orm.managers import is_manager
from flake8_tasks.model.orm.values import Form, Instance, Items, Manager, ModelClass, Queryset, Request, Thing, View
from flake8_tasks.model.orm.views import Views
from flake8_tasks.model.signals import connections
from flake8_tasks.model.values import Constant, Reference, Value

_DJANGO = ("django.", "rest_framework.", "ninja.")
_LISTS = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "typing", "collections.abc")
    for name in ("list", "List", "set", "Set", "Sequence", "Iterable", "Iterator", "Collection", "Generator")
)
_OPTIONAL = frozenset({"typing.Optional", "typing.Union", "typing_extensions.Optional"})
_WRAPPERS = frozenset(
    {"typing.Annotated", "typing_extensions.Annotated", "typing.Final", "sqlalchemy.orm.Mapped"}
    | {"sqlalchemy.orm.base.Mapped"}
)
_CLASSES = frozenset({"builtins.type", "typing.Type"})
_QUERYSETS = django.QUERYSET_TYPES | {"django.db.models.QuerySet", "django_stubs_ext.QuerySetAny"}


class Parameters:
    """The parameters of the functions of one file."""

    def __init__(self, classes: Classes, views: Views, module: Module) -> None:
        self.classes = classes
        self.views = views
        self.module = module
        self.project = classes.project

    def of(self, parameter: ast.arg, scope: Scope) -> Thing | None:
        """What a parameter is.

        Arguments:
            scope: that of its function.
        """
        function = scope.node
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or scope.parent is None:
            return None
        arguments = function.args
        if parameter in (arguments.vararg, arguments.kwarg) or self._is_examined(parameter.arg, function):
            return None
        positional = [*arguments.posonlyargs, *arguments.args]
        position = positional.index(parameter) if parameter in positional else -1
        owner = self._class_around(scope.parent)
        kind = self._kind(function, scope.parent) if owner else "function"
        if owner and position == 0 and kind in ("method", "classmethod"):
            return self._first(owner, kind)
        if (received := self._received(parameter.arg, function, scope.parent)) is not None:
            return received
        if parameter.annotation is not None:
            how = f"parameter annotated {_written(parameter.annotation)}"
            return self.annotated(parameter.annotation, scope.parent, how)
        if parameter.arg == "request" and (
            position == (0 if kind in ("function", "staticmethod") else 1)
            or self._admin.is_action(function, scope.parent)
        ):
            return Request() if self._uses_django else None
        if (given := given_by_admin(parameter.arg, position, function, scope.parent, self._admin)) is not None:
            return given
        if owner and kind == "method" and position == 1:
            return self._given(owner, function.name, parameter.arg)
        return None

    @cached_property
    def _admin(self) -> Admin:
        return Admin(self.classes, self.module)

    def _class_around(self, scope: Scope) -> str | None:
        return f"{self.module.name}.{scope.qualname}" if isinstance(scope.node, ast.ClassDef) else None

    def _kind(self, function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> str:
        origins = {self.module.names.origin(decorator, scope) for decorator in function.decorator_list}
        if "builtins.classmethod" in origins:
            return "classmethod"
        return "staticmethod" if "builtins.staticmethod" in origins else "method"

    def _first(self, owner: str, kind: str) -> Thing | None:
        """`self` and `cls`."""
        if orm := self.classes.orm(owner):
            name = owner.rpartition(".")[2]
            origin = self.project.origin(owner)
            return ModelClass(origin, orm) if kind == "classmethod" else Instance(origin, orm, f"self in {name}")
        if kind == "classmethod":
            return None
        if self.views.is_view(owner):
            return View(owner)
        if self.views.is_form(owner):
            return Form(owner, self.views.form_model(owner))
        if self.project.inherits(owner, django.QUERYSET_TYPES):
            return Queryset(None, "django", "instances", "self in a queryset")
        return Manager(None, "django") if is_manager(owner, self.project) else None

    @cached_property
    def _uses_django(self) -> bool:
        return any(
            binding.origin.startswith(_DJANGO)
            for bindings in self.module.names.top.bindings.values()
            for binding in bindings
        )

    def _given(self, owner: str, method: str, name: str) -> Thing | None:
        """`instance` in `update(self, instance, data)` of a serializer and in `perform_destroy(self, instance)`."""
        if self.views.is_form(owner) and method == "update" and name == "instance":
            return Instance(self.views.form_model(owner), "django", "instance in a serializer")
        if not self.views.is_view(owner):
            return None
        if method == "perform_destroy" and self.views.shows_object(owner):
            return Instance(self.views.view_model(owner), "django", f"{name} in a view")
        return self._given_form(owner, method)

    def _given_form(self, owner: str, method: str) -> Thing | None:
        """`form` in `form_valid(self, form)`, `serializer` in `perform_create(self, serializer)`."""
        if method not in ("form_valid", "form_invalid", "perform_create", "perform_update"):
            return None
        form = self.views.form_of(owner)
        model = self.views.view_model(owner)
        if form is not None:
            return Form(form, self.views.form_model(form) or model)
        if method.startswith("form_") and model and self.views.edits_object(owner):
            return Form("", model)  # a view with `fields`, whose form Django makes
        return None

    def _is_examined(self, name: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """`isinstance` asks what the parameter is: so it may be several things."""
        lines = self.module.source.lines[function.lineno - 1 : function.end_lineno]
        asked = re.compile(rf"\bisinstance\(\s*{re.escape(name)}\b")
        return any("isinstance" in line and asked.search(line) for line in lines)

    # Receivers of signals.

    def _received(self, name: str, function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Instance | None:
        if name not in ("instance", "user"):
            return None
        found = [*self._signals(function, scope)]
        if not found or not all(name in django.SIGNALS[signal] for signal, _ in found):
            return None
        models = {model for _, model in found}
        how = f"{name} in a receiver of {found[0][0].rpartition('.')[2]}"
        return Instance(models.pop() if len(models) == 1 else None, "django", how)

    def _signals(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
    ) -> Iterator[tuple[str, str | None]]:
        """The signals a function receives and the models that send them."""
        for decorator in function.decorator_list:
            if not isinstance(decorator, ast.Call) or not decorator.args:
                continue
            if self._origin(decorator.func, scope) in django.RECEIVERS:
                signals = decorator.args[0]
                for signal in signals.elts if isinstance(signals, ast.List | ast.Tuple) else [signals]:
                    origin = self._origin(signal, scope)
                    if origin in django.SIGNALS:
                        sender = next((word.value for word in decorator.keywords if word.arg == "sender"), None)
                        value = self.module.summarizer.value(sender, scope) if sender is not None else None
                        yield origin, self._sender(value)
        for connection in connections(self.project, self.module, function, scope):
            if connection.signal in django.SIGNALS:
                yield connection.signal, self._sender(connection.sender)

    def _sender(self, sender: Value | None) -> str | None:
        match sender:
            case Constant(value=str(label)):
                return self.classes.labelled(label)
            case Reference(parts=(*_, "AUTH_USER_MODEL")):
                return self.classes.user_model()
            case Reference(origin=origin):
                found = self.classes.named(origin)
                return found.model if found else None
        return None

    # Annotations.

    def annotated(self, node: ast.expr, scope: Scope, how: str) -> Thing | None:
        """What a value with an annotation is.

        Arguments:
            scope: the scope that the annotation stands in.
        """
        match node:
            case ast.Constant(value=str(text)):
                try:
                    return self.annotated(ast.parse(text.strip(), mode="eval").body, scope, how)
                except (SyntaxError, ValueError):
                    return None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self._either([left, right], scope, how)
            case ast.Subscript(value=outer, slice=inner):
                return self._generic(self._origin(outer, scope), inner, scope, how)
            case ast.Name() | ast.Attribute():
                origin = (self.module.names.origin(node, scope) or "").removeprefix(f"{UNBOUND}.")
                found = self.classes.named(origin)
                if found is not None:
                    return Instance(found.model, found.orm, how)
                canonical = self.project.origin(origin)
                if canonical is None:
                    return None
                if canonical in _QUERYSETS or self.project.inherits(canonical, _QUERYSETS):
                    return Queryset(None, "django", "instances", how)
                if self.project.inherits(canonical, django.REQUEST_TYPES):
                    return Request()
                if self.views.is_form(canonical):
                    return Form(canonical, self.views.form_model(canonical))
        return None

    def _generic(self, outer: str | None, inner: ast.expr, scope: Scope, how: str) -> Thing | None:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if outer is None or not parts:
            return None
        if outer in _OPTIONAL:
            return self._either(parts, scope, how)
        first = self.annotated(parts[0], scope, how)
        if outer in _WRAPPERS:
            return first
        if not isinstance(first, Instance):
            return None
        if outer in _LISTS:
            return Items(first)
        if outer in _CLASSES:
            return ModelClass(first.model, first.orm)
        if outer in django.MANAGER_TYPES:
            return Manager(first.model, first.orm)
        return Queryset(first.model, first.orm, "instances", how) if outer in _QUERYSETS else None

    def _either(self, nodes: list[ast.expr], scope: Scope, how: str) -> Thing | None:
        things = [
            self.annotated(node, scope, how)
            for node in nodes
            if not (isinstance(node, ast.Constant) and node.value is None)
        ]
        if not things or any(thing != things[0] for thing in things):
            instances = [thing for thing in things if isinstance(thing, Instance)]
            same = len(instances) == len(things) and len({thing.orm for thing in instances}) == 1
            return Instance(None, instances[0].orm, how) if same and instances else None
        return things[0]

    def _origin(self, node: ast.expr, scope: Scope) -> str | None:
        return self.project.origin(self.module.names.origin(node, scope))


def _written(node: ast.expr) -> str:
    written = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)
    return written if len(written) <= 40 else f"{written[:39]}…"
