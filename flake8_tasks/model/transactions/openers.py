"""What opens a transaction: `atomic`, sessions that begin, and the project's own context managers and decorators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from flake8_tasks.model.effects.paths import block_of
from flake8_tasks.model.frameworks.django import ATOMIC
from flake8_tasks.model.frameworks.pyramid import MANAGER_ATTRIBUTE, MANAGERS
from flake8_tasks.model.index import TRANSACTIONS
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.records import Assigned, ClassRecord, FunctionRecord
from flake8_tasks.model.tasks.task import function_of
from flake8_tasks.model.transactions.requests import CONTEXT_MANAGERS, is_request
from flake8_tasks.model.transactions.sessions import is_session, made_by
from flake8_tasks.model.transactions.views import writes
from flake8_tasks.model.values import CallValue, Constant, Reference, Value

if TYPE_CHECKING:
    from flake8_tasks.model.definition import Definition
    from flake8_tasks.model.project import Project

_METHOD_DECORATOR = "django.utils.decorators.method_decorator"
_EXIT_STACKS = frozenset({"contextlib.ExitStack", "contextlib.AsyncExitStack"})
_ENTERS, _LEAVES = ("enter_context", "enter_async_context"), ("close", "aclose", "pop_all")
_BEGINS = ("begin", "begin_nested")
_REQUESTS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "trace"})
_TOO_DEEP = 4


@dataclass(frozen=True, slots=True)
class Opened:
    """A transaction that something opens.

    Arguments:
        kind: "atomic" or "session" (SQLAlchemy, or a manager of the `transaction` package).
        using: the database alias as it is written, None for the default database.
        is_here: `using` means something in the file that opens it.
    """

    kind: str
    using: Value | None = None
    is_here: bool = True


def blocks(site: Site, module: Module) -> Iterator[Value]:
    """Pictures of the `with` items and decorators around a call in its own function, innermost first.

    They are made from the file alone; `Openers.of` says which of them open a transaction.
    """
    entered: list[_Entered] = []
    for frame in site.frame.here():
        node = frame.node
        entered.extend(reversed([*_entered(frame, site)]))
        if isinstance(node, ast.With | ast.AsyncWith) and frame.part == "body":
            for item in reversed(node.items):
                yield from _of_stack(item, frame, module, entered)
                for value in _pictured(item.context_expr, frame, module):
                    if not _is_for_reading(value) or writes(node, frame, module):
                        yield value
        function = function_of(node)
        if function is not None and frame.part == "body" and frame.parent is not None:
            for decorator in function.decorator_list:
                yield from _pictured(decorator, frame.parent, module)
            if isinstance(frame.parent.node, ast.ClassDef):
                yield from _of_class(function.name, frame.parent, module)


class _Entered(NamedTuple):
    """`stack.enter_context(…)`, or with no context `stack.close()`."""

    stack: str
    context: ast.expr | None
    frame: Frame


def _entered(frame: Frame, site: Site) -> Iterator[_Entered]:
    """What stacks enter in a block before a call there."""
    for statement in block_of(frame):
        if statement.lineno >= site.span.line:
            return
        match getattr(statement, "value", None):
            case (
                ast.Call(func=ast.Attribute(value=ast.Name(id=stack), attr=method), args=arguments)
                | ast.Await(value=ast.Call(func=ast.Attribute(value=ast.Name(id=stack), attr=method), args=arguments))
            ):
                if method in _ENTERS and arguments:
                    yield _Entered(stack, arguments[0], frame)
                elif method in _LEAVES:
                    yield _Entered(stack, None, frame)


def _of_stack(item: ast.withitem, frame: Frame, module: Module, entered: list[_Entered]) -> Iterator[Value]:
    """What `with ExitStack() as stack` has entered where the call is, last first."""
    match item:
        case ast.withitem(context_expr=ast.Call(func=made), optional_vars=ast.Name(id=name)):
            if module.origin(made, frame) in _EXIT_STACKS:
                for stack, context, where in entered:
                    if stack == name and context is None:
                        return
                    if stack == name and context is not None:
                        yield from _pictured(context, where, module)


def _of_class(method: str, frame: Frame, module: Module) -> Iterator[Value]:
    """`@method_decorator(atomic, name="dispatch")` on the class of a method."""
    assert isinstance(frame.node, ast.ClassDef)
    outside = frame.parent or module.top
    for decorator in frame.node.decorator_list:
        if isinstance(decorator, ast.Call) and module.origin(decorator.func, outside) == _METHOD_DECORATOR:
            for keyword in decorator.keywords:
                match keyword:
                    case ast.keyword(arg="name", value=ast.Constant(value=str(name))) if name == method or (
                        name == "dispatch" and method in _REQUESTS
                    ):
                        yield from _pictured(decorator, outside, module)


def _pictured(node: ast.expr, frame: Frame, module: Module) -> Iterator[Value]:
    call = node if isinstance(node, ast.Call) else None
    if call is not None and call.args and module.origin(call.func, frame) == _METHOD_DECORATOR:
        inner = call.args[0]
        for each in inner.elts if isinstance(inner, ast.List | ast.Tuple) else [inner]:
            yield from _pictured(each, frame, module)
        return
    match node:
        case (
            ast.Call(func=ast.Attribute(value=receiver, attr=("begin" | "begin_nested") as name))
            | ast.Attribute(value=receiver, attr="tm" as name)
        ):
            if maker := made_by(receiver, frame, module):
                yield Reference((name,), f"{maker}.{name}", module.source.span(node))
                return
    value = module.value(node, frame)
    if _origin(value) is not None:
        yield value


def _origin(value: Value) -> str | None:
    """The dotted origin of what is called or named."""
    function = value.function if isinstance(value, CallValue) else value
    return function.origin if isinstance(function, Reference) else None


def _is_for_reading(value: Value) -> bool:
    """A transaction that is opened for reading too: with `request.tm` and the like there is no other way."""
    origin = _origin(value) or ""
    return origin in MANAGERS or origin.endswith(f".{MANAGER_ATTRIBUTE}")


class Openers:
    """What the `with` items and decorators of a project open."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def first(self, values: Iterator[Value] | tuple[Value, ...]) -> tuple[Value, Opened] | None:
        """The first of some pictures that opens a transaction."""
        for value in values:
            opened = self.of(value)
            if opened is not None:
                return value, opened
        return None

    def of(self, value: Value, depth: int = 0) -> Opened | None:
        """The transaction that a `with` item or decorator opens."""
        origin = _origin(value)
        owner, _, method = (origin or "").rpartition(".")
        if method in _BEGINS and is_session(owner, self.project):
            return Opened("session")
        if method == MANAGER_ATTRIBUTE and is_request(owner, self.project):
            return Opened("session")
        definition = self.project.definition(origin)
        if definition is None or depth > _TOO_DEEP:
            return None
        if definition.origin in ATOMIC:
            return Opened("atomic", _using(value) if isinstance(value, CallValue) else None)
        if definition.origin in MANAGERS:
            return Opened("session")
        if not definition.path:
            return None
        match definition.record:
            case Assigned(value=CallValue() as assigned) if not definition.rest:
                found = self._assigned(assigned, depth)
                return replace(found, is_here=False) if found else None
            case ClassRecord() if not definition.rest:
                return Opened("atomic") if self.project.inherits(definition.origin, ATOMIC) else None
            case FunctionRecord() | ClassRecord():
                found = self.project.remember("opener", definition.origin, lambda: self._function(definition, depth))
                return _given(found, value) if found else None
        return None

    def _assigned(self, value: CallValue, depth: int) -> Opened | None:
        """`reporting = transaction.atomic(using="reporting")`, `partial(transaction.atomic, …)`."""
        if self.project.origin(_origin(value)) == "functools.partial" and value.arguments:
            value = CallValue(value.arguments[0], value.arguments[1:], value.keywords, value.complete, value.span)
        return self.of(value, depth + 1)

    def _function(self, definition: Definition, depth: int) -> Opened | None:
        """A function of the project that is a context manager or a decorator and opens a transaction."""
        if definition.path not in self.project.holding(TRANSACTIONS):
            return None
        module = self.project.module(definition.path)
        for node, frame in module.functions if module else ():
            scope = frame.scope.child(node)
            if f"{module.name if module else ''}.{scope.qualname}" == definition.origin and module is not None:
                inner = Frame(node, "body", scope, frame)
                marks = {self.project.origin(module.origin(decorator, frame)) for decorator in node.decorator_list}
                if marks & CONTEXT_MANAGERS:
                    return self._around(node, inner, module, ast.Yield, frozenset(), depth)
                return self._decorates(node, inner, module, depth)
        return None

    def _decorates(self, node: ast.AST, frame: Frame, module: Module, depth: int) -> Opened | None:
        """`def wrapper(…): with atomic(): return function(…)`, or `return atomic(function)`."""
        parameters = _parameters(node)
        for child in _own(node):
            function = function_of(child)
            if function is not None:
                inner = Frame(function, "body", frame.scope.child(function), frame)
                own = _parameters(function)
                found = self._around(function, inner, module, ast.Call, parameters, depth)
                if found is None and own:
                    for grandchild in _own(function):
                        deepest = function_of(grandchild)
                        if deepest is not None:
                            last = Frame(deepest, "body", inner.scope.child(deepest), inner)
                            found = found or self._around(deepest, last, module, ast.Call, own, depth)
                if found is not None:
                    return found
            match child:
                case ast.Return(value=ast.Call(args=[*_, ast.Name(id=name)]) as call) if name in parameters:
                    around = call.func.func if isinstance(call.func, ast.Call) else call.func
                    if self.project.origin(module.origin(around, frame)) in ATOMIC:
                        using = _using(module.value(call.func, frame)) if isinstance(call.func, ast.Call) else None
                        return Opened("atomic", using, is_here=False)
        return None

    def _around(
        self, function: ast.AST, frame: Frame, module: Module, wanted: type, names: frozenset[str], depth: int
    ) -> Opened | None:
        """The transaction around the `yield` of a context manager, or around the call of a decorated function."""
        for child in _own(function):
            if not isinstance(child, ast.With | ast.AsyncWith):
                continue
            reached = (inner for statement in child.body for inner in (statement, *_own(statement)))
            if not any(isinstance(inner, wanted) and (not names or _calls(inner, names)) for inner in reached):
                continue
            for item in child.items:
                for value in _pictured(item.context_expr, frame, module):
                    found = self.of(value, depth + 1)
                    if found is not None:
                        return replace(found, is_here=False)
        return None


def _calls(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _parameters(node: ast.AST) -> frozenset[str]:
    function = function_of(node)
    return frozenset(parameter.arg for parameter in function.args.args) if function else frozenset()


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes in a function, without those in functions nested in it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from _own(child)


def _using(call: Value) -> Value | None:
    """The database that a call of `atomic` names, None for the default one."""
    if not isinstance(call, CallValue):
        return None
    first = call.arguments[0] if call.arguments else None
    using = call.keyword("using") or first
    return None if isinstance(using, Constant) and using.value in (None, "default") else using


def _given(found: Opened, value: Value) -> Opened:
    """What a context manager opens, its own parameter replaced by what this use passes for it."""
    if isinstance(found.using, Reference) and found.using.origin is None and isinstance(value, CallValue):
        passed = value.keyword(found.using.parts[0]) or (value.arguments[0] if value.arguments else None)
        if passed is not None:
            return replace(found, using=passed, is_here=True)
    return found
