"""Which expressions are ORM instances and querysets, by the flow of data in one function; None is "cannot say"."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_tasks.model.flow import reaching
from flake8_tasks.model.frameworks import django, others, sqlalchemy
from flake8_tasks.model.names import Binding, How, Scope
from flake8_tasks.model.orm.classes import Classes
from flake8_tasks.model.orm.functions import Functions
from flake8_tasks.model.orm.members import Members, made
from flake8_tasks.model.orm.parameters import Parameters
from flake8_tasks.model.orm.shapes import agreed, is_none, item_of, one_of, taken, text
from flake8_tasks.model.orm.values import (
    Awaitable,
    Form,
    Instance,
    Items,
    Manager,
    ModelClass,
    Queryset,
    Select,
    Several,
    Table,
    Thing,
)
from flake8_tasks.model.orm.views import Views

if TYPE_CHECKING:
    from flake8_tasks.model.module import Frame, Module
    from flake8_tasks.model.project import Project

__all__ = ["Instance", "Orm", "Queryset"]

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NEVER = (ast.Constant, ast.JoinedStr, ast.Compare, ast.BinOp, ast.UnaryOp, ast.Dict, ast.Lambda)
# Attributes that are columns of every ORM, so that nobody has to find out what they are taken from.
_COLUMNS = frozenset({"pk", "id", "uuid", "name", "email"})
_AWAITED = frozenset(
    name
    for name in django.SHORTCUTS
    if (last := name.rpartition(".")[2])[0] == "a" and name.replace(f".{last}", f".{last[1:]}") in django.SHORTCUTS
)
_TOO_DEEP = 40


class Orm:
    """The ORM instances of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.classes = Classes(project)
        self.views = Views(self.classes)
        self.members = Members(self.classes, self.views)
        self._open: set[ast.expr] = set()
        self.functions = Functions(self)

    def of(self, node: ast.expr, frame: Frame, module: Module) -> Instance | Queryset | None:
        """The instance or queryset that an expression is, None where it is neither or nobody can say.

        Arguments:
            frame: the block that the expression stands in.
        """
        found = self.read(node, frame.scope, module)
        return found if isinstance(found, Instance | Queryset) else None

    def holds(self, node: ast.expr, frame: Frame, module: Module) -> bool:
        """An expression is a list, tuple or mapping of instances."""
        match self.read(node, frame.scope, module):
            case Items(Instance()) | Table():
                return True
            case Several(items):
                return any(isinstance(item, Instance) for item in items)
        return False

    def is_model(self, name: str | None) -> bool:
        """A dotted name is a model class: of the project, also an abstract one, or of a known library."""
        return self.classes.orm(name) is not None

    def primary_key(self, name: str | None) -> str | None:
        """The attribute that holds a model's primary key: "pk" for Django, None where it is not known."""
        return self.classes.primary_key(name)

    def read(self, node: ast.expr, scope: Scope, module: Module) -> Thing | None:
        """What an expression is to an ORM."""
        if isinstance(node, _NEVER) or node in self._open or len(self._open) > _TOO_DEEP:
            return None
        self._open.add(node)
        try:
            return self.project.remember("orm", node, lambda: self._read(node, scope, module), of=module)
        finally:
            self._open.discard(node)

    def _read(self, node: ast.expr, scope: Scope, module: Module) -> Thing | None:
        match node:
            case ast.Name():
                return self._name(node, scope, module)
            case ast.Attribute(value=owner, attr=attribute):
                if attribute in _COLUMNS or attribute.endswith("_id"):
                    return None
                thing = self.read(owner, scope, module)
                if thing is None and attribute == "objects":
                    thing = self.classes.installed(module.names.origin(owner, scope))
                if thing is None:
                    return self._named(node, scope, module) or self.functions.carried(node, scope, module)
                how = text(node)
                return self.members.attribute(thing, attribute, how) or self.functions.attribute(thing, attribute, how)
            case ast.Call():
                return self._call(node, scope, module)
            case ast.Await(value=value):
                thing = self.read(value, scope, module)
                return thing.result if isinstance(thing, Awaitable) else thing
            case ast.NamedExpr(value=value):
                return self.read(value, scope, module)
            case ast.IfExp(body=body, orelse=orelse):
                return self._agreed([body, orelse], scope, module)
            case ast.BoolOp(op=ast.Or(), values=values):
                return self._agreed(values, scope, module)
            case ast.BoolOp(values=[*_, last]):
                return self.read(last, scope, module)
            case ast.Subscript(value=owner, slice=index):
                return item_of(self.read(owner, scope, module), index, text(node))
            case ast.List(elts=items) | ast.Set(elts=items):
                item = self._agreed(items, scope, module)
                return Items(item) if item is not None else None
            case ast.Tuple(elts=items):
                things = tuple(self.read(item, scope, module) for item in items)
                return Several(things) if any(things) else None
            case ast.ListComp(elt=item) | ast.SetComp(elt=item) | ast.GeneratorExp(elt=item):
                thing = self.read(item, scope.child(node), module)
                return Items(thing) if thing is not None else None
            case ast.DictComp(value=item):
                thing = self.read(item, scope.child(node), module)
                return Table(thing) if isinstance(thing, Instance) else None
        return None

    def _agreed(self, nodes: list[ast.expr], scope: Scope, module: Module) -> Thing | None:
        return agreed([self.read(node, scope, module) for node in nodes if not is_none(node)])

    def _named(self, node: ast.expr, scope: Scope, module: Module) -> ModelClass | None:
        return self.classes.named(module.names.origin(node, scope))

    # Names.

    def _name(self, node: ast.Name, scope: Scope, module: Module) -> Thing | None:
        found = module.names.find(node.id, scope)
        if found is None:
            return self._named(node, scope, module)  # from a star import
        where, bindings = found
        if any(binding.how in (How.IMPORT, How.DEFINITION) for binding in bindings):
            return self._named(node, scope, module)
        things: list[Thing | None] = []
        for binding in reaching(node, scope, where, bindings):
            if binding.how is How.ASSIGNMENT and binding.value is not None and is_none(binding.value):
                continue
            things.append(self._bound(node.id, binding, where, module))
            if things[-1] is None:
                return None
        return agreed(things)

    def _bound(self, name: str, binding: Binding, where: Scope, module: Module) -> Thing | None:
        match binding:
            case Binding(How.PARAMETER, node=ast.arg() as parameter):
                return self.parameters(module).of(parameter, where)
            case Binding(How.ASSIGNMENT, node=statement, value=value):
                thing = self.read(value, where, module) if value is not None else None
                if thing is None and isinstance(statement, ast.AnnAssign):
                    how = f"annotated {text(statement.annotation)}"
                    return self.parameters(module).annotated(statement.annotation, where, how)
                thing = taken(thing, binding.path)
                if isinstance(thing, Instance) and not isinstance(value, ast.Name):
                    return Instance(thing.model, thing.orm, f"assigned from {text(value)}")
                if isinstance(thing, Queryset) and not isinstance(value, ast.Name):
                    return Queryset(thing.model, thing.orm, thing.kind, f"assigned from {text(value)}")
                return thing
            case Binding(How.ITERATION, node=loop, value=ast.expr() as source):
                if where.parent and isinstance(where.node, _COMPREHENSIONS) and loop is where.node.generators[0]:
                    where = where.parent
                how = f"one of {text(source)}"
                return taken(one_of(self.read(source, where, module), how), binding.path)
        return None

    def parameters(self, module: Module) -> Parameters:
        """What the parameters of a file's functions are."""
        return self.project.remember(
            "orm parameters", None, lambda: Parameters(self.classes, self.views, module), of=module
        )

    # Calls.

    def _call(self, node: ast.Call, scope: Scope, module: Module) -> Thing | None:
        how = text(node)
        function = node.func
        if isinstance(function, ast.Attribute):
            if _is_super(function.value):
                first = self._self(scope, module)
                return self.functions.above(first, function.attr, how) if first is not None else None
            owner = self.read(function.value, scope, module)
            if owner is not None:
                thing = self.members.called(owner, function.attr, how)
                return thing or self.functions.called(owner, function.attr, how)
            if found := self._session_call(function.attr, node, scope, module, how):
                return found
        elif isinstance(function, ast.Name):
            maker = self.read(function, scope, module)
            if maker is not None:
                return self.members.constructed(maker, how)
        origin = self.project.origin(module.names.origin(function, scope))
        if origin is None:
            return None
        if origin.startswith("builtins."):
            return self._builtin(origin.removeprefix("builtins."), node, scope, module)
        return self._function(origin, node, scope, module, how)

    def _self(self, scope: Scope, module: Module) -> Thing | None:
        """The first parameter of the method around."""
        for outer in scope.outwards():
            if isinstance(outer.node, ast.FunctionDef | ast.AsyncFunctionDef) and outer.node.args.args:
                return self.parameters(module).of(outer.node.args.args[0], outer)
        return None

    def _function(self, origin: str, node: ast.Call, scope: Scope, module: Module, how: str) -> Thing | None:
        if (word := django.SHORTCUTS.get(origin)) is not None:
            source = self.read(node.args[0], scope, module) if node.args else None
            model = source.model if isinstance(source, ModelClass | Manager | Queryset) else None
            thing = made(word, model, "django", how)
            return Awaitable(thing) if thing and origin in _AWAITED else thing
        if origin in django.MODEL_GETTERS:
            arguments = tuple(module.summarizer.value(argument, scope) for argument in node.args)
            return self.classes.looked_up(origin, arguments)
        if origin in sqlalchemy.SELECTS:
            return self._select(node, scope, module)
        if origin in ("copy.copy", "copy.deepcopy") and node.args:
            return self.read(node.args[0], scope, module)
        if origin in ("typing.cast", "typing_extensions.cast") and len(node.args) == 2:
            return self.parameters(module).annotated(node.args[0], scope, how)
        if (model_class := self.classes.named(origin)) is not None:
            return self.members.constructed(model_class, how)
        if self.views.is_form(origin):
            many = any(keyword.arg == "many" for keyword in node.keywords)
            return Form(origin, self.views.form_model(origin), many)
        return self.functions.returned(origin, how)

    def _builtin(self, name: str, node: ast.Call, scope: Scope, module: Module) -> Thing | None:
        if not node.args:
            return None
        if name == "zip":
            things = tuple(one_of(self.read(argument, scope, module), "") for argument in node.args)
            return Items(Several(things)) if any(things) else None
        if name not in ("list", "tuple", "set", "sorted", "reversed", "iter", "next", "enumerate", "type"):
            return None
        thing = self.read(node.args[0], scope, module)
        if name == "type":
            return ModelClass(thing.model, thing.orm) if isinstance(thing, Instance) else None
        item = one_of(thing, text(node))
        if item is None:
            return None
        if name == "next":
            return item
        return Items(Several((None, item))) if name == "enumerate" else Items(item)

    def _select(self, node: ast.Call, scope: Scope, module: Module) -> Select | None:
        """`select(Event)`."""
        match self.read(node.args[0], scope, module) if len(node.args) == 1 else None:
            case ModelClass(model, "sqlalchemy" | "sqlmodel"):
                return Select(model, "select")
        return None

    def _session_call(self, method: str, node: ast.Call, scope: Scope, module: Module, how: str) -> Thing | None:
        """`session.get(Event, 1)`, whatever the session is: a mapped class as its argument says what comes back."""
        if method == "select":
            return self._select(node, scope, module)
        word = sqlalchemy.SESSION_METHODS.get(method) or ("instance" if method in others.FLASK_GETTERS else None)
        if word is None or not node.args:
            return None
        match word, self.read(node.args[0], scope, module):
            case "query", ModelClass(model, "sqlalchemy" | "sqlmodel" as orm) if len(node.args) == 1:
                return Queryset(model, orm, "instances", how)
            case "instance" | "instance or none", ModelClass(model, "sqlalchemy" | "sqlmodel" as orm):
                return Instance(model, orm, how)
            case "instance", Instance(model, "sqlalchemy" | "sqlmodel" as orm):
                return Instance(model, orm, how)
            case "instance" | "instance or none", Select(model, "select") if method == "scalar" or word == "instance":
                return Instance(model, "sqlalchemy", how)
            case "rows" | "scalars", Select(model, "select"):
                return Select(model, word)
        return None


def _is_super(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="super")):
            return True
    return False
