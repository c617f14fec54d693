"""A task, or a class for tasks, that a file declares."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flake8_tasks.edit import Place, Span
from flake8_tasks.model.facts.retry import Retry
from flake8_tasks.model.frameworks.celery import TASK_BASES
from flake8_tasks.model.idle import is_idle
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.names import Scope
from flake8_tasks.model.records import ClassRecord, FunctionRecord
from flake8_tasks.model.tasks.classes import PLAIN_BASES, node_of
from flake8_tasks.model.tasks.readers import Subject, is_read, may_be_read
from flake8_tasks.model.tasks.spelling import mistake
from flake8_tasks.model.tasks.task import Task, function_of
from flake8_tasks.model.values import Constant, Opaque, Sequence, Value

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project
    from flake8_tasks.model.reader import Reader
    from flake8_tasks.model.tasks.declarations import Given


@dataclass(frozen=True, eq=False)
class Declared:
    """A task that this file declares: the task, and its function's node."""

    task: Task
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    frame: Frame
    module: Module
    reader: Reader = field(repr=False)

    @property
    def span(self) -> Span:
        """Where the user would mend the whole task."""
        return self.task.span

    @property
    def is_template(self) -> bool:
        """Others are made like it: it stands in a decorator of the project, or is a class that is `abstract`."""
        if isinstance(self.task.record, ClassRecord):
            abstract = self.task.record.attribute("abstract")
            return isinstance(abstract, Constant) and abstract.value is True
        outer = self.task.record.qualname.partition(".<locals>")[0]
        around = (function_of(frame.node) for frame in self.frame.outwards())
        takes_arguments = any(
            isinstance(part, ast.arg) for function in around if function for part in ast.iter_child_nodes(function.args)
        )
        if outer == self.task.record.qualname or not takes_arguments:
            return False
        return self.reader.tasks.declarations.is_wrapper(f"{self.module.name}.{outer}")

    @property
    def body(self) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, Frame] | None:
        """What runs, with the frame that it stands in: the function, or the class's own method that is run."""
        if not isinstance(self.node, ast.ClassDef):
            return self.node, self.frame
        inner = Frame(self.node, "body", self.frame.scope.child(self.node), self.frame)
        for child in self.node.body:
            function = function_of(child)
            if function is not None and function.name == self.task.own_method:
                return function, inner
        return None

    @property
    def cannot_hang(self) -> bool:
        """What runs is empty, or computes, prints, logs and raises at most, and no class runs something else."""
        running = (self.body[0], self.body[1].scope, self.module) if self.body is not None else self._inherited
        if running is None or not is_idle(*running, self.project, bound=self.task.bound is True):
            return False
        return all(self._comes_to_the_body(*found) for found in self.task.methods("__call__"))

    @property
    def _inherited(self) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, Scope, Module] | None:
        """The `run` of a base class."""
        run = self.task.run
        module = self.project.module(run.path) if run is not None else None
        function = node_of(module, run.method) if run is not None and module is not None else None
        return (function, module.names.top, module) if function is not None and module is not None else None

    def _comes_to_the_body(self, path: str, method: FunctionRecord) -> bool:
        """A `__call__` calls `run`, or that of the class above."""
        module = self.project.module(path)
        node = node_of(module, method) if module else None
        called = (part.func for part in ast.walk(node) if isinstance(part, ast.Call)) if node else ()
        return any(isinstance(function, ast.Attribute) and function.attr in ("run", "__call__") for function in called)

    @property
    def project(self) -> Project:
        """The project around it."""
        return self.reader.project

    @property
    def path(self) -> str:
        """The file."""
        return self.module.source.path

    def place_of(self, span: Span) -> Place:
        """A place in this file, for edits."""
        return Place(self.path, span)

    def text_of(self, span: Span) -> str:
        """What stands at a place in this file."""
        return self.module.source.text_at(span)

    def keyword_span(self, given: Given) -> Span:
        """From an option's name to the end of its value, for a value of this file."""
        return self.module.named_span(given.value.span)

    @property
    def own_options(self) -> tuple[Given, ...]:
        """The options that this file gives Celery for it, in its decorator or in a decorator made beforehand."""
        return tuple(
            option
            for option in self.task.declaration.given
            if option.path == self.path
            and (option.source == "decorator" or (option.source == "wrapper" and not isinstance(option.value, Opaque)))
        )

    def meant_for(self, option: str) -> str:
        """The wrong name under which its decorator gives an option, empty where there is none."""
        for given in self.own_options:
            found = mistake(given.name)
            if found is not None and found.right == option:
                return given.name
        return ""

    def is_read(self, option: str, *, anywhere: bool) -> bool:
        """Something may read an option as an attribute of the task.

        Arguments:
            anywhere: look in all files with task code, and not only in those of the task, its classes and its app.
        """
        return may_be_read(self.task, option, anywhere=anywhere)

    @property
    def retries(self) -> tuple[Retry, ...]:
        """The calls of Celery's `retry` in its body that retry it."""
        if self.body is None or next(self.task.methods("retry"), None) is not None:
            return ()
        sites = {site.node for site in self.module.inside(*self.body)}
        retries = (fact for fact in self.reader.facts if isinstance(fact, Retry) and fact.call in sites)
        return tuple(retry for retry in retries if retry.of is not None and retry.of.origin == self.task.origin)


@dataclass(frozen=True, eq=False)
class TaskClass:
    """A class that comes from `celery.Task`, with or without `run`: a task, or a base class that carries a policy.

    Arguments:
        record: the class.
        name: its dotted name in the project.
        is_task: it is a `Declared` too.
    """

    record: ClassRecord
    name: str
    is_task: bool
    node: ast.ClassDef
    module: Module
    reader: Reader = field(repr=False)

    @property
    def span(self) -> Span:
        """The class."""
        return self.module.source.span(self.node)

    @property
    def project(self) -> Project:
        """The project around it."""
        return self.reader.project

    @property
    def is_known(self) -> bool:
        """All its base classes could be read, or are known."""
        return all(
            record is not None or origin in TASK_BASES or origin in PLAIN_BASES
            for origin, record, _ in self.project.bases(self.name)
        )

    def option(self, name: str) -> tuple[Value | None, bool]:
        """What the class says of an option, itself or by its base classes, and whether it says it itself."""
        for origin, record, _ in self.project.bases(self.name):
            value = record.attribute(name) if record is not None else None
            if value is not None:
                return self.project.constant(value), origin == self.name
        return None, False

    def own(self, name: str) -> tuple[ast.Name, ast.expr] | None:
        """The target and the value where its own body assigns an option."""
        return next((pair for pair in reversed(self.attributes) if pair[0].id == name), None)

    def named_span(self, assigned: tuple[ast.Name, ast.expr]) -> Span:
        """From the name of an attribute to the end of its value."""
        return self.module.named_span(self.module.source.span(assigned[1]))

    def says(self, name: str) -> bool:
        """An option is there and is something else than False, 0, None or empty."""
        value, _ = self.option(name)
        if isinstance(value, Constant):
            return bool(value.value)
        return value is not None and not (isinstance(value, Sequence) and not value.items)

    @property
    def attributes(self) -> tuple[tuple[ast.Name, ast.expr], ...]:
        """The targets and values of the assignments in its body."""
        return tuple(self._attributes())

    def _attributes(self) -> Iterator[tuple[ast.Name, ast.expr]]:
        for statement in self.node.body:
            match statement:
                case ast.Assign(targets=[ast.Name() as target], value=value):
                    yield target, value
                case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                    yield target, value

    def is_read(self, attribute: str) -> bool:
        """Something in the project's task code may read an attribute of it, or of a class that comes from it."""
        classes = frozenset(origin for origin, _, _ in self.project.bases(self.name))
        return is_read(self.project, attribute, Subject(self.name, classes))
