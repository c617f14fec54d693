"""What the functions and methods of a project return, and what `self` carries in its classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flake8_tasks.model.module import Module
from flake8_tasks.model.names import Binding, How, Scope
from flake8_tasks.model.orm.managers import manager_classes
from flake8_tasks.model.orm.relations import related
from flake8_tasks.model.orm.shapes import agreed, is_none, returned, taken
from flake8_tasks.model.orm.values import Awaitable, Form, Instance, Manager, ModelClass, Queryset, Thing, View
from flake8_tasks.model.records import ClassRecord, FunctionRecord
from flake8_tasks.model.tasks.task import function_of
from flake8_tasks.model.values import Reference

if TYPE_CHECKING:
    from flake8_tasks.model.orm.reading import Orm

_TOO_DEEP = 3
_METHODS = frozenset({"builtins.classmethod", "builtins.staticmethod"})
_PROPERTIES = frozenset({"builtins.property", "functools.cached_property", "django.utils.functional.cached_property"})


class Functions:
    """The functions and methods of one project."""

    def __init__(self, orm: Orm) -> None:
        self.orm = orm
        self.project = orm.project
        self._open: list[str] = []

    def returned(self, origin: str, how: str) -> Thing | None:
        """What a function returns, by its annotation or by all its `return`s."""
        definition = self.project.definition(origin)
        if definition is None or not isinstance(definition.record, FunctionRecord) or definition.rest:
            return None
        module = self.project.module(definition.path)
        if definition.record.decorators or module is None:
            return None
        return self._result(definition.record, module.names.top, module, how)

    def called(self, owner: Thing, method: str, how: str) -> Thing | None:
        """What a method returns that a class of the project defines for a thing."""
        match owner:
            case Instance(model=str(name)) | ModelClass(model=str(name)) | View(name) | Form(name):
                return self._method(name, method, how)
            case Manager(model=str(model), orm="django") | Queryset(str(model), "django", "instances"):
                makers = manager_classes(model, self.project)
                found = [name for name in makers if self.orm.classes.has(name, method)]
                return agreed([self._method(name, method, how, model) for name in found])
        return None

    def above(self, owner: Thing, method: str, how: str) -> Thing | None:
        """What `super().method(…)` returns, from `self`."""
        match owner:
            case Instance(model=str(name)) | ModelClass(model=str(name)) | View(name) | Form(name):
                _, *others = self.project.bases(name)
                if any(record is not None and record.method(method) is not None for _, record, _ in others):
                    return self._method(name, method, how, above=True)
        return self.orm.members.called(owner, method, how, above=True)

    def attribute(self, owner: Thing, name: str, how: str) -> Thing | None:
        """What a property gives that a class of the project defines for a thing, or what a mapped class says of it."""
        match owner:
            case Instance(str(model), "sqlalchemy" | "sqlmodel") if (
                found := self._annotated(model, name)
                or related(model, name, self.orm.classes, f"{name} of {model.rpartition('.')[2]}")
            ) is not None:
                return found
            case Instance(model=str(of)) | View(of) | Form(of):
                return self._method(of, name, how, marks=_PROPERTIES)
        return None

    def _method(
        self,
        owner: str,
        method: str,
        how: str,
        model: str | None = None,
        *,
        above: bool = False,
        marks: frozenset[str] = _METHODS,
    ) -> Thing | None:
        for position, (_, record, path) in enumerate(self.project.bases(owner)):
            if record is None or (above and position == 0):
                continue
            if (function := record.method(method)) is not None:
                return self._of_class(record, function, path, how, model, marks)
            if record.attribute(method) is not None:
                return None
        return None

    def _of_class(
        self,
        owner: ClassRecord,
        function: FunctionRecord,
        path: str,
        how: str,
        model: str | None,
        marks: frozenset[str],
    ) -> Thing | None:
        module = self.project.module(path)
        if module is None or not self._is_marked(function, marks):
            return None
        match module.names.top.bindings.get(owner.qualname):
            case [Binding(node=ast.ClassDef() as node)]:
                return self._result(function, module.names.top.child(node), module, how, model)
        return None

    def _is_marked(self, function: FunctionRecord, marks: frozenset[str]) -> bool:
        """A function has only decorators that are known, and is a property only where one is asked for."""
        if not function.decorators:
            return marks == _METHODS
        return all(
            isinstance(mark, Reference) and self.project.origin(mark.origin) in marks for mark in function.decorators
        )

    def _result(
        self, record: FunctionRecord, where: Scope, module: Module, how: str, model: str | None = None
    ) -> Thing | None:
        """What a function returns.

        Arguments:
            where: the scope it is defined in.
            model: the model of its manager, where it is a method of one that serves several.
        """
        name = f"{module.name}.{record.qualname}"
        if len(self._open) > _TOO_DEEP or name in self._open:
            return None
        self._open.append(name)
        try:
            thing = self._read(record.name, where, module, how, model)
        finally:
            self._open.pop()
        if isinstance(thing, Instance | Queryset):
            thing = replace(thing, how=how)
        return Awaitable(thing) if thing and record.is_async else thing

    def _read(self, name: str, where: Scope, module: Module, how: str, model: str | None) -> Thing | None:
        match where.bindings.get(name):
            case [Binding(node=ast.FunctionDef() | ast.AsyncFunctionDef() as function)]:
                said = None
                if function.returns is not None:
                    said = self.orm.parameters(module).annotated(function.returns, where, how)
                    if said is not None and getattr(said, "model", "") is not None:
                        return said
                values = [value for value in returned(function) if value is not None and not is_none(value)]
                scope = where.child(function)
                things = [_of_model(self.orm.read(each, scope, module), each, scope, module, model) for each in values]
                return agreed(things) or said
        return None

    # What `self` carries.

    def carried(self, node: ast.Attribute, scope: Scope, module: Module) -> Thing | None:
        """`self.name`, where all that its class says and assigns is the same."""
        owner = class_of_self(node.value.id, scope) if isinstance(node.value, ast.Name) else None
        if owner is None:
            return None
        things: list[Thing | None] = []
        for binding in owner.bindings.get(node.attr, ()):
            match binding:
                case Binding(How.ASSIGNMENT, node=ast.AnnAssign(annotation=annotation)):
                    things.append(self.orm.parameters(module).annotated(annotation, owner, f"self.{node.attr}"))
                case Binding(How.ASSIGNMENT, value=ast.Constant(value=None)):
                    continue
                case Binding(How.DEFINITION):
                    name = f"{module.name}.{owner.qualname}"
                    return self._method(name, node.attr, f"self.{node.attr}", marks=_PROPERTIES)
                case _:
                    return None
        assert isinstance(owner.node, ast.ClassDef)
        for child in owner.node.body:
            if (function := function_of(child)) is not None:
                within = owner.child(function)
                for value, path in assigned_to_self(function, node.attr):
                    if value is None or not is_none(value):
                        things.append(taken(self.orm.read(value, within, module), path) if value else None)
        return agreed(things)

    def _annotated(self, model: str, name: str) -> Thing | None:
        """The attribute of a mapped class, by its annotation: `author: Mapped["User"]`."""
        for _, record, path in self.project.bases(model):
            module = self.project.module(path) if record is not None else None
            if record is None or module is None or record.attribute(name) is None:
                continue
            match module.names.top.bindings.get(record.qualname):
                case [Binding(node=ast.ClassDef() as node)]:
                    scope = module.names.top.child(node)
                    match scope.bindings.get(name):
                        case [Binding(node=ast.AnnAssign(annotation=annotation))]:
                            how = f"{name} of {record.name}"
                            return self.orm.parameters(module).annotated(annotation, scope, how)
            return None
        return None


def _of_model(thing: Thing | None, node: ast.expr, scope: Scope, module: Module, model: str | None) -> Thing | None:
    """What comes from `self` in a manager is of the manager's model."""
    if model is None or not isinstance(thing, Instance | Queryset) or thing.model is not None:
        return thing
    root: ast.expr = module.summarizer.settled(node, scope)
    while True:
        match root:
            case (
                ast.Call(func=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Await(value=inner)
            ):
                root = inner
            case _:
                break
    is_own = isinstance(root, ast.Name) and (root.id == "super" or class_of_self(root.id, scope) is not None)
    return replace(thing, model=model) if is_own else thing


def class_of_self(name: str, scope: Scope) -> Scope | None:
    """The class of whose methods the name is the first parameter."""
    for outer in scope.outwards():
        function = function_of(outer.node)
        if function is not None and name in outer.bindings:
            positional = [*function.args.posonlyargs, *function.args.args]
            is_first = bool(positional) and positional[0].arg == name and len(outer.bindings[name]) == 1
            return outer.parent if is_first and outer.parent and isinstance(outer.parent.node, ast.ClassDef) else None
    return None


def assigned_to_self(
    method: ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Iterator[tuple[ast.expr | None, tuple[int, ...]]]:
    """What a method assigns to `self.name`, with the place in it; None for what is no plain assignment."""
    first = next(iter([*method.args.posonlyargs, *method.args.args]), None)
    stores = {
        node
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Store)
        if first is not None and isinstance(node.value, ast.Name) and node.value.id == first.arg
    }
    for node in ast.walk(method) if stores else ():
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=annotated, value=ast.expr() as value):
                targets = [annotated]
            case _:
                continue
        for target in targets:
            if target in stores:
                stores.discard(target)
                yield value, ()
            for place, element in enumerate(target.elts if isinstance(target, ast.Tuple) else ()):
                if element in stores:
                    stores.discard(element)
                    yield value, (place,)
    yield from ((None, ()) for _ in stores)
