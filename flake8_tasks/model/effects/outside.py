"""Which calls talk to the outside: requests, mails and messages, also through clients and functions of the project."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flake8_tasks.model.effects.failures import is_contained, is_silenced
from flake8_tasks.model.flow import reaching
from flake8_tasks.model.frameworks.http import (
    CLASSES,
    FACTORIES,
    FACTORY_EXCEPTIONS,
    FACTORY_MESSAGES,
    FUNCTIONS,
    RECIPIENT_KINDS,
    RESOURCE_MODULES,
    USER_MAILS,
)
from flake8_tasks.model.frameworks.http import Effect as Known
from flake8_tasks.model.names import Binding, How, Scope
from flake8_tasks.model.orm.functions import assigned_to_self, class_of_self
from flake8_tasks.model.orm.shapes import returned, text
from flake8_tasks.model.orm.values import Instance
from flake8_tasks.model.records import Assigned, ClassRecord, FunctionRecord
from flake8_tasks.model.values import CallValue, Reference

if TYPE_CHECKING:
    from flake8_tasks.model.definition import Definition
    from flake8_tasks.model.module import Frame, Module
    from flake8_tasks.model.orm.reading import Orm
    from flake8_tasks.model.project import Project

_FUNCTIONS_DEEP = 2
_CLASS_NAMES = frozenset(CLASSES)
_FUNCTION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Outward:
    """A call that leaves the process.

    Arguments:
        kind: "request", or "mail" for what goes to a recipient: mails, texts, pushes, chat messages.
        what: the function or method that does it: "requests.post", "client.send".
        through: the function of the project that makes the call, empty where it stands in the text itself.
        contained: a failure does not leave that function, or the call is asked not to fail.
    """

    kind: str
    what: str
    through: str = ""
    contained: bool = False


@dataclass(frozen=True, slots=True)
class _Client:
    known: Known
    makes_all: bool = False  # every method of it is a request


class Outside:
    """The calls of one project that talk to the outside."""

    def __init__(self, project: Project, orm: Orm) -> None:
        self.project = project
        self.orm = orm
        self._open: set[object] = set()

    def of(self, call: ast.Call, frame: Frame, module: Module) -> Outward | None:
        """What a call does outside, None where it does nothing there or nobody can say."""
        found = self.project.remember("outside", call, lambda: self._of(call, frame.scope, module, 0), of=module)
        return replace(found, contained=True) if found is not None and is_silenced(call) else found

    def _of(self, call: ast.Call, scope: Scope, module: Module, depth: int) -> Outward | None:
        function = call.func
        origin = self.project.origin(module.names.origin(function, scope))
        if origin is not None and (found := _listed(origin, text(function))):
            return found
        if isinstance(function, ast.Attribute):
            if function.attr in USER_MAILS and isinstance(self.orm.read(function.value, scope, module), Instance):
                return Outward("mail", text(function))
            if found := self._of_client(function, scope, module):
                return found
        if depth < _FUNCTIONS_DEEP:
            return self._through(call, origin, scope, module, depth)
        return None

    # Clients.

    def _of_client(self, function: ast.Attribute, scope: Scope, module: Module) -> Outward | None:
        owner: ast.expr = function
        method = ""
        while isinstance(owner, ast.Attribute):
            method = f"{owner.attr}.{method}" if method else owner.attr
            owner = owner.value
            client = self._client(owner, scope, module)
            if client is None:
                continue
            if client.makes_all:
                if method in FACTORY_EXCEPTIONS or "." in method or method[:1].isupper():
                    return None  # `s3.Bucket("a")` is only a handle
                kind = FACTORY_MESSAGES.get(method, client.known.kind)
            elif method in client.known.methods:
                kind = client.known.kind
            else:
                return None
            return Outward(_kind(kind), text(function))
        return None

    def _client(self, node: ast.expr, scope: Scope, module: Module) -> _Client | None:
        if node in self._open:
            return None
        self._open.add(node)
        try:
            match node:
                case ast.Call(func=ast.Attribute(value=owner, attr=attribute)) if attribute[:1].isupper() and (
                    (resource := self._client(owner, scope, module)) is not None and resource.makes_all
                ):
                    return resource
                case ast.Call(func=function):
                    return self._class(self.project.origin(module.names.origin(function, scope)))
                case ast.Name():
                    return self._named_client(node, scope, module)
                case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                    around = class_of_self(name, scope)
                    if around is not None:
                        return self._attribute(around, attribute, module)
                    return self._global_client(module.names.origin(node, scope))
                case ast.Await(value=value) | ast.NamedExpr(value=value):
                    return self._client(value, scope, module)
        finally:
            self._open.discard(node)
        return None

    def _named_client(self, node: ast.Name, scope: Scope, module: Module) -> _Client | None:
        found = module.names.find(node.id, scope)
        if found is None:
            return None
        where, bindings = found
        if any(binding.how is How.IMPORT for binding in bindings):
            return self._global_client(module.names.origin(node, scope))
        clients: list[_Client | None] = []
        for binding in reaching(node, scope, where, bindings):
            match binding:
                case Binding(How.ASSIGNMENT | How.WITH, value=ast.expr() as value, path=()):
                    if not (isinstance(value, ast.Constant) and value.value is None):
                        clients.append(self._client(value, where, module))
                case Binding(How.PARAMETER, node=ast.arg(annotation=ast.expr() as annotation)) if where.parent:
                    clients.append(self._class(self.project.origin(module.names.origin(annotation, where.parent))))
                case _:
                    return None
        return clients[0] if clients and all(client == clients[0] for client in clients) else None

    def _global_client(self, origin: str | None) -> _Client | None:
        """A client that a file of the project has made at its first level."""
        definition = self.project.definition(origin)
        match definition.record if definition and not definition.rest else None:
            case Assigned(value=CallValue(function=Reference(origin=str(maker)))):
                return self._class(self.project.origin(maker))
        return None

    def _attribute(self, owner: Scope, name: str, module: Module) -> _Client | None:
        """`self.name`: by the class body, a property, or all the assignments in methods."""
        assert isinstance(owner.node, ast.ClassDef)
        clients: list[_Client | None] = []
        for binding in owner.bindings.get(name, ()):
            match binding:
                case Binding(How.ASSIGNMENT, value=ast.expr() as value):
                    if not (isinstance(value, ast.Constant) and value.value is None):
                        clients.append(self._client(value, owner, module))
                case Binding(How.DEFINITION, node=ast.FunctionDef() as method):
                    decorators = {text(decorator).rpartition(".")[2] for decorator in method.decorator_list}
                    if not decorators & {"property", "cached_property"}:
                        return None
                    made = [value for value in returned(method) if value is not None]
                    clients.extend(self._client(value, owner.child(method), module) for value in made)
        for function in owner.node.body:
            if isinstance(function, _FUNCTION_NODES):
                values = (value for value, path in assigned_to_self(function, name) if value is not None and not path)
                clients.extend(self._client(value, owner.child(function), module) for value in values)
        return clients[0] if clients and all(client == clients[0] for client in clients) else None

    def _class(self, origin: str | None) -> _Client | None:
        if origin is None:
            return None
        if origin in FACTORIES:
            return _Client(FACTORIES[origin], makes_all=True)
        if origin in CLASSES:
            return _Client(CLASSES[origin])
        definition = self.project.definition(origin)
        if definition is None or not isinstance(definition.record, ClassRecord) or definition.rest:
            return None
        own = [base for base, _, _ in self.project.bases(origin) if base in _CLASS_NAMES]
        return _Client(CLASSES[own[0]]) if own else None

    # Functions of the project.

    def _through(self, call: ast.Call, origin: str | None, scope: Scope, module: Module, depth: int) -> Outward | None:
        definition = self._method_of_self(call.func, scope, module) or self.project.definition(origin)
        if definition is None or not definition.path:
            return None
        names: tuple[str, ...]
        match definition.record:
            case FunctionRecord() as record if not definition.rest:
                names = (record.name,)
            case ClassRecord() as owner if len(definition.rest) == 1 and owner.method(definition.rest[0]):
                names = (owner.qualname, definition.rest[0])
            case _:
                return None
        key = (definition.path, names)
        if key in self._open:
            return None
        self._open.add(key)
        try:
            found = self.project.remember(
                "outside of a function", (*key, depth), lambda: self._body(definition.path, names, depth)
            )
        finally:
            self._open.discard(key)
        return Outward(found.kind, found.what, text(call.func), found.contained) if found else None

    def _method_of_self(self, function: ast.expr, scope: Scope, module: Module) -> Definition | None:
        """`self.send()`: the method in the nearest class of the lineage that has one."""
        if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
            return None
        owner = class_of_self(function.value.id, scope)
        if owner is None:
            return None
        for base, record, _ in self.project.bases(f"{module.name}.{owner.qualname}"):
            if not base:
                return None
            if record is not None and record.method(function.attr):
                return self.project.definition(f"{base}.{function.attr}")
        return None

    def _body(self, path: str, names: tuple[str, ...], depth: int) -> Outward | None:
        """The first call in a function that talks to the outside."""
        module = self.project.module(path)
        if module is None:
            return None
        frame = module.top
        node: ast.AST | None = None
        for name in names:
            if node is not None:
                assert isinstance(node, ast.ClassDef)
                frame = type(frame)(node, "body", frame.scope.child(node), frame)
            found = [binding.node for binding in frame.scope.bindings.get(name, ())]
            node = found[-1] if found else None
            if not isinstance(node, (*_FUNCTION_NODES, ast.ClassDef)):
                return None
        if not isinstance(node, _FUNCTION_NODES):
            return None
        for site in module.inside(node, frame):
            if isinstance(site.node, ast.Call):
                outward = self._of(site.node, site.frame.scope, module, depth + 1)
                if outward is not None:
                    contained = outward.contained or is_silenced(site.node) or is_contained(site.frame, node)
                    return replace(outward, contained=contained)
        return None


def _listed(origin: str, what: str) -> Outward | None:
    known = FUNCTIONS.get(origin)
    if known is not None:
        return Outward(_kind(known.kind), what)
    module, _, rest = origin.partition(".")
    if rest.rpartition(".")[2] in RESOURCE_MODULES.get(module, ()) and rest.count("."):
        return Outward("request", what)
    return None


def _kind(kind: str) -> str:
    return "mail" if kind in RECIPIENT_KINDS else kind
