"""Which classes are tasks: those that have a `run` and are registered, or that nothing else is made from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from flake8_tasks.model.frameworks.celery import TASK_BASES
from flake8_tasks.model.module import Module
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord, FunctionRecord, Summary
from flake8_tasks.model.values import CallValue, Reference, Value

# Base classes that have no options and no `run`.
PLAIN_BASES = ("builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol")


class Run(NamedTuple):
    """The `run` of a class: the class that defines it, the method, and its file."""

    owner: str
    method: FunctionRecord
    path: str


@dataclass
class _Uses:
    """What the project does with its classes.

    Arguments:
        registered: the dotted names of those given to `register_task`.
        derived: the dotted name of a class → those of the classes that name it as a base.
        makers: the dotted names of those that other tasks are made with: `base=`, `task_cls=`.
    """

    registered: set[str] = field(default_factory=set)
    derived: dict[str, list[str]] = field(default_factory=dict)
    makers: set[str] = field(default_factory=set)


class Classes:
    """The classes of a project that are tasks, or that tasks are made from; tests say nothing of them."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def is_task_class(self, name: str) -> bool:
        """A class comes from celery.Task, or from the `Task` of an app."""
        return self.project.remember("task class", name, lambda: self._is_task_class(name))

    def _is_task_class(self, name: str) -> bool:
        return any(
            origin in TASK_BASES or (record is not None and any(map(self._is_task_of_app, record.bases)))
            for origin, record, _ in self.project.bases(name)
        )

    def _is_task_of_app(self, base: Value) -> bool:
        match base:
            case Reference(parts=(*_, _, "Task"), origin=str(origin)):
                return self.project.tasks.apps.is_app_name(origin.rpartition(".")[0])
        return False

    def run(self, name: str) -> Run | None:
        """The `run` that a class has or inherits, None where it has none or a class that nobody knows may have it."""
        for origin, record, path in self.project.bases(name):
            if record is not None and (method := record.method("run")) is not None:
                return Run(origin, method, path)
            if record is None and origin not in TASK_BASES and origin not in PLAIN_BASES:
                return None
        return None

    def own_method(self, name: str, record: ClassRecord) -> str:
        """The method in which a class itself says what runs: `run`, or the one that an inherited `run` calls on `self`.

        Empty where there is none, or several.
        """
        run = self.run(name)
        if run is None or run.owner == name:
            return "run" if run is not None else ""
        module = self.project.module(run.path)
        called = called_on_self(module, run.method) if module is not None else frozenset()
        own = [method.name for method in record.methods if method.name in called]
        return own[0] if len(own) == 1 else ""

    def is_base(self, name: str) -> bool:
        """A class is there for others: it is never registered, and other classes or tasks are made from it."""
        uses = self._uses
        return name not in uses.registered and (name in uses.derived or name in uses.makers)

    def below(self, name: str) -> Iterator[str]:
        """A class and all that derive from it."""
        seen, pending = {name}, [name]
        while pending:
            yield (last := pending.pop(0))
            new = [other for other in self._uses.derived.get(last, ()) if other not in seen]
            seen.update(new)
            pending.extend(new)

    def running(self, name: str, of: str) -> Iterator[str]:
        """The classes that a class and those below it are, whose `run` is that of the class `of`."""
        for other in self.below(name):
            run = self.run(other)
            if run is not None and run.owner == of and not self.is_base(other):
                yield other

    @property
    def _uses(self) -> _Uses:
        return self.project.remember("uses of classes", None, self._read)

    def _read(self) -> _Uses:
        uses = _Uses()
        for path in self.project.task_files():
            summary = self.project.summary(path) if self.project.looks_at(path) else None
            if summary is not None:
                self._read_file(summary, uses)
        return uses

    def _read_file(self, summary: Summary, uses: _Uses) -> None:
        for record in (*summary.inner.values(), *(record for records in summary.names.values() for record in records)):
            match record:
                case ClassRecord(bases=bases, decorators=decorators):
                    name = f"{summary.module}.{record.qualname}"
                    for origin in map(self._origin, bases):
                        if origin is not None:
                            uses.derived.setdefault(origin, []).append(name)
                    if any(_registers(decorator) for decorator in decorators):
                        uses.registered.add(name)
                case FunctionRecord(decorators=decorators):
                    for decorator in decorators:
                        self._read_call(decorator, uses)
                case Assigned(value=value):
                    self._read_call(value, uses)
        for statement in summary.statements:
            self._read_call(statement.value, uses)

    def _read_call(self, value: Value, uses: _Uses) -> None:
        if not isinstance(value, CallValue):
            return
        if _registers(value.function) and value.arguments:
            argument = value.arguments[0]
            origin = self._origin(argument.function if isinstance(argument, CallValue) else argument)
            if origin is not None:
                uses.registered.add(origin)
        for option in ("base", "task_cls"):
            origin = self._origin(value.keyword(option))
            if origin is not None:
                uses.makers.add(origin)

    def _origin(self, value: Value | None) -> str | None:
        return self.project.origin(value.origin) if isinstance(value, Reference) else None


def node_of(module: Module, method: FunctionRecord) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The node of a method, also of a class that a function makes."""
    for node in ast.walk(module.source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and module.source.span(node) == method.span:
            return node
    return None


def called_on_self(module: Module, method: FunctionRecord) -> frozenset[str]:
    """The names of the methods that a method calls on its first parameter, in the text that it runs itself."""
    first = method.parameters[0].name if method.parameters else ""
    found = ((node, frame) for node, frame in module.functions if module.source.span(node) == method.span)
    return frozenset(
        site.node.func.attr
        for node, frame in found
        for site in module.inside(node, frame)
        if isinstance(site.node, ast.Call)
        and isinstance(site.node.func, ast.Attribute)
        and isinstance(site.node.func.value, ast.Name)
        and site.node.func.value.id == first
    )


def _registers(function: Value) -> bool:
    """`app.register_task`, `app.tasks.register`."""
    match function:
        case Reference(parts=(*_, "register_task") | (*_, "tasks", "register")):
            return True
    return False
