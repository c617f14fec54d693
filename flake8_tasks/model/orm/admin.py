"""What Django's admin hands to the methods of its classes and to actions."""

from __future__ import annotations

import ast

from flake8_tasks.model.frameworks import django
from flake8_tasks.model.module import Module
from flake8_tasks.model.names import Scope
from flake8_tasks.model.orm.classes import Classes
from flake8_tasks.model.orm.values import Instance, Queryset

_AFTER_REQUEST = 2  # self or modeladmin, request, and then what it is about
_WITH_OBJECT = frozenset({"save_model", "delete_model", "response_add", "response_change"})


def given_by_admin(
    parameter: str, position: int, function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, asked: Admin
) -> Instance | Queryset | None:
    """The `queryset` of an action or of `delete_queryset`, the `obj` of `save_model`.

    Arguments:
        scope: the scope in which the function is defined.
    """
    if position != _AFTER_REQUEST or parameter not in ("queryset", "obj"):
        return None
    model: str | None = None
    if isinstance(scope.node, ast.ClassDef):
        if not asked.is_admin(f"{asked.module.name}.{scope.qualname}"):
            return None
        model = asked.model_of(scope)
    elif not asked.is_action(function, scope):
        return None
    if parameter == "queryset":
        return Queryset(model, "django", "instances", "queryset in the admin")
    return Instance(model, "django", "obj in the admin") if function.name in _WITH_OBJECT else None


class Admin:
    """The admin classes of one file."""

    def __init__(self, classes: Classes, module: Module) -> None:
        self.classes = classes
        self.module = module
        self.project = classes.project

    def is_admin(self, name: str) -> bool:
        return self.project.inherits(name, django.ADMIN_BASES)

    def is_action(self, function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> bool:
        """A function is marked as an action, or a class of its file lists it."""
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self.project.origin(self.module.names.origin(called, scope)) in django.ADMIN_ACTIONS:
                return True
        return any(
            isinstance(each, ast.Name) and each.id == function.name
            for node in self.module.source.tree.body
            if isinstance(node, ast.ClassDef) and self.is_admin(f"{self.module.name}.{node.name}")
            for statement in node.body
            for each in _actions(statement)
        )

    def model_of(self, scope: Scope) -> str | None:
        """The one model that `@admin.register(Order)` names."""
        assert isinstance(scope.node, ast.ClassDef)
        for decorator in scope.node.decorator_list:
            match decorator:
                case ast.Call(func=function, args=[argument]):
                    if self._origin(function) in django.ADMIN_REGISTERS:
                        found = self.classes.named(self._origin(argument))
                        return found.model if found else None
        return None

    def _origin(self, node: ast.expr) -> str | None:
        return self.project.origin(self.module.names.origin(node, self.module.names.top))


def _actions(statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign(targets=[ast.Name(id="actions")], value=ast.List(elts=items) | ast.Tuple(elts=items)):
            return items
    return []
