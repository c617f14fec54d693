"""Which expressions are results of tasks, so that `get` on them waits for a worker."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from types import EllipsisType
from typing import TYPE_CHECKING

from flake8_tasks.model.flow import reaching
from flake8_tasks.model.frameworks.celery import APP_RESULTS, RESULT_TYPES
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.names import Binding, How
from flake8_tasks.model.tasks.task import function_of
from flake8_tasks.model.values import Reference

if TYPE_CHECKING:
    from flake8_tasks.model.facts import Dispatch
    from flake8_tasks.model.reader import Reader

_TOO_DEEP = 6
_RESTORE = frozenset({f"{name}.restore" for name in RESULT_TYPES})
_RELATIVES = frozenset({"parent"})


class Results:
    """The results in one file."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @property
    def module(self) -> Module:
        return self.reader.module

    def of(self, node: ast.expr, frame: Frame, depth: int = 0) -> Dispatch | bool | None:
        """The dispatch whose result an expression is, True for a result of an unknown one, None for no result."""
        if depth > _TOO_DEEP:
            return None
        match node:
            case ast.Call():
                return self._called(node, frame, depth)
            case ast.NamedExpr(value=value) | ast.Await(value=value):
                return self.of(value, frame, depth + 1)
            case ast.IfExp(body=body, orelse=orelse):
                return self._all([body, orelse], frame, depth)
            case ast.Name():
                return self._named(node, frame, depth)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                return self._attribute(name, frame, depth)
            case ast.Attribute(value=inner, attr=name) if name in _RELATIVES:
                return True if self.of(inner, frame, depth + 1) else None
            case ast.Subscript(value=ast.Attribute(value=inner, attr="children" | "results")):
                return True if self.of(inner, frame, depth + 1) else None
            case ast.Subscript(value=inner):
                return self.element(inner, frame, depth + 1)
        return None

    def _called(self, node: ast.Call, frame: Frame, depth: int) -> Dispatch | bool | None:
        dispatch = self.reader.dispatches.of(node, frame)
        if dispatch is not None:
            return dispatch if dispatch.sends and not dispatch.is_deferred else None
        origin = self.reader.origin(node.func, frame)
        if origin in RESULT_TYPES:
            return origin != "celery.result.EagerResult" or None
        if origin in _RESTORE:
            return True
        if not isinstance(node.func, ast.Attribute):
            return None
        receiver, method = node.func.value, node.func.attr
        if method == "apply":
            return self._applied(receiver, frame)
        if method in APP_RESULTS:
            owner = self.module.value(receiver, frame)
            if isinstance(owner, Reference) and self.reader.tasks.find(owner.origin) is not None:
                return True
            return True if self.reader.own(receiver, frame) or self.reader.tasks.apps.is_app(owner) else None
        return None

    def _applied(self, receiver: ast.expr, frame: Frame) -> bool | None:
        """`task.apply(…)`: an EagerResult, whose `get` raises in a worker all the same."""
        origin = self.module.origin(receiver, frame)
        if self.reader.tasks.find(origin) is not None or self.reader.dispatches.signature(receiver, frame):
            return True
        return None

    def _all(self, nodes: Iterable[ast.expr], frame: Frame, depth: int) -> Dispatch | bool | None:
        """A result, where all of some expressions are; None as a value of one does not count."""
        wanted = [node for node in nodes if not (isinstance(node, ast.Constant) and node.value is None)]
        answers = [self.of(node, frame, depth + 1) for node in wanted]
        return answers[0] if answers and all(answers) else None

    def _named(self, node: ast.Name, frame: Frame, depth: int) -> Dispatch | bool | None:
        found = self.module.names.find(node.id, frame.scope)
        if found is None:
            return None
        answers = [self._bound(binding, frame, depth) for binding in reaching(node, frame.scope, *found)]
        counted = [answer for answer in answers if not isinstance(answer, EllipsisType)]
        return counted[0] if counted and all(counted) else None

    def _bound(self, binding: Binding, frame: Frame, depth: int) -> Dispatch | bool | EllipsisType | None:
        """The result that a binding gives a name; `...` where it gives None."""
        match binding:
            case Binding(How.ASSIGNMENT, value=ast.Constant(value=None)):
                return ...
            case Binding(How.ASSIGNMENT, value=ast.expr() as value, path=()):
                return self.of(value, frame, depth + 1)
            case Binding(How.ASSIGNMENT, value=ast.Tuple(elts=elements), path=(place,)) if place < len(elements):
                return self.of(elements[place], frame, depth + 1)
            case Binding(How.ITERATION, value=ast.expr() as value, path=()):
                return self.element(value, frame, depth + 1)
            case Binding(
                How.ITERATION,
                value=ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[])
                | ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]),
                path=(1,),
            ):
                return self.element(inner, frame, depth + 1)
            case Binding(How.PARAMETER, node=ast.arg(annotation=ast.expr() as annotation)):
                origin = self.reader.origin(annotation, frame)
                return True if origin in RESULT_TYPES and origin != "celery.result.EagerResult" else None
        return None

    def _attribute(self, name: str, frame: Frame, depth: int) -> Dispatch | bool | None:
        """`self.name`, where all that its class assigns to it are results."""
        around = next((outer for outer in frame.outwards() if isinstance(outer.node, ast.ClassDef)), frame.function)
        values: list[tuple[ast.expr, Frame]] = []
        for child, where in self._functions(around, frame):
            for statement in ast.walk(child):
                match statement:
                    case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr)], value=value):
                        assigned: ast.expr | None = value
                    case ast.AnnAssign(
                        target=ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr), value=annotated
                    ):
                        assigned = annotated
                    case _:
                        continue
                nothing = isinstance(assigned, ast.Constant) and assigned.value is None
                if attr == name and assigned is not None and not nothing:
                    values.append((assigned, where))
        answers = [self.of(value, where, depth + 1) for value, where in values]
        return answers[0] if answers and all(answers) else None

    def _functions(self, around: Frame | None, frame: Frame) -> list[tuple[ast.AST, Frame]]:
        """The functions in whose bodies an attribute may be assigned, each with its own frame."""
        if around is None:
            return []
        if not isinstance(around.node, ast.ClassDef):
            return [(around.node, frame)]
        found: list[tuple[ast.AST, Frame]] = []
        for child in around.node.body:
            function = function_of(child)
            if function is not None:
                found.append((function, Frame(function, "body", around.scope.child(function), around)))
        return found

    def element(self, node: ast.expr, frame: Frame, depth: int = 0) -> Dispatch | bool | None:
        """The result that an element of a collection is."""
        if depth > _TOO_DEEP:
            return None
        match node:
            case ast.ListComp(elt=element) | ast.SetComp(elt=element) | ast.GeneratorExp(elt=element):
                inner = Frame(node, "body", frame.scope.child(node), frame)
                return self.of(element, inner, depth + 1)
            case ast.DictComp(value=element):
                return self.of(element, Frame(node, "body", frame.scope.child(node), frame), depth + 1)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self._all(elements, frame, depth)
            case ast.Dict(values=elements):
                return self._all(elements, frame, depth)
            case ast.Call(func=ast.Attribute(value=inner, attr="values"), args=[]):
                return self.element(inner, frame, depth + 1)
            case ast.Call(func=ast.Name(id="list" | "tuple" | "reversed" | "sorted" | "tqdm"), args=[inner]):
                return self.element(inner, frame, depth + 1)
            case ast.Attribute(value=inner, attr="results" | "children"):
                return True if self.of(inner, frame, depth + 1) else None
            case ast.Name():
                value = self.reader.settled(node, frame)
                if isinstance(value, ast.List) and not value.elts:
                    return self._appended(node, frame, depth)
                if isinstance(value, ast.Dict) and not value.values:
                    return self._put(node, frame, depth)
                if value is not None:
                    return self.element(value, frame, depth + 1)
        return None

    def _appended(self, node: ast.Name, frame: Frame, depth: int) -> Dispatch | bool | None:
        """What is appended to a list that began empty, where all of it are results."""
        around = frame.function
        answers: list[Dispatch | bool | None] = []
        if around is None or function_of(around.node) is None:
            return None
        for site in self.module.inside(around.node, around.parent or around):
            match site.node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[element]):
                    if name == node.id:
                        answers.append(self.of(element, site.frame, depth + 1))
        return answers[0] if answers and all(answers) else None

    def _put(self, node: ast.Name, frame: Frame, depth: int) -> Dispatch | bool | None:
        """What is put into a dict that began empty, where all of it are results."""
        around = frame.function
        values = [
            statement.value
            for statement in (ast.walk(around.node) if around else ())
            if isinstance(statement, ast.Assign)
            and any(
                isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == node.id
                for target in statement.targets
            )
        ]
        return self._all(values, frame, depth) if values else None
