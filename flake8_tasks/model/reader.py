"""Reads the facts of one file: which of its calls, functions and assignments mean something for tasks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from flake8_tasks.edit import Place
from flake8_tasks.model.dispatches import Dispatches
from flake8_tasks.model.facts import Declared, Dispatch, Fact, Retry, RootForced, Schedule, Setting, TaskClass, Wait
from flake8_tasks.model.facts.shared import shared_options
from flake8_tasks.model.flow import reaching
from flake8_tasks.model.frameworks.celery import (
    DISPATCH,
    SENT_BY_CALL,
    WAITS,
)
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.names import Binding, How
from flake8_tasks.model.project import Project
from flake8_tasks.model.results import Results
from flake8_tasks.model.tasks.task import Task, function_of
from flake8_tasks.model.transactions.around import Transactions
from flake8_tasks.model.values import CallValue

_SEND = DISPATCH | {"()"}
_CRONTAB = frozenset({"crontab"})
_WORKFLOWS = frozenset(name.rpartition(".")[2] for name in SENT_BY_CALL)
_TOO_DEEP = 6


class Reader:
    """The facts of one file."""

    def __init__(self, module: Module, project: Project) -> None:
        self.module = module
        self.project = project
        self.tasks = project.tasks
        self._around: dict[ast.AST, Task | None] = {}
        self._said: dict[frozenset[str], bool] = {}
        module.readers.append(self)

    def forget(self) -> None:
        """Let go of the facts, which refer to it; they come again when they are asked for."""
        for name in ("transactions", "results", "dispatches", "facts"):
            self.__dict__.pop(name, None)
        self._around.clear()

    @cached_property
    def transactions(self) -> Transactions:
        """What it knows of open transactions."""
        return Transactions(self.project, self.module)

    @cached_property
    def results(self) -> Results:
        """What it knows of results."""
        return Results(self)

    @cached_property
    def dispatches(self) -> Dispatches:
        """What it knows of dispatches."""
        return Dispatches(self)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact of the file, settings first, then in the order of the text."""
        found: list[Fact] = [
            Setting(setting, self.module, self) for setting in self.project.settings.of_file(self.module.source.path)
        ]
        if "C_FORCE_ROOT" in self.module.source.text:
            found.extend(RootForced(node, self.module) for node in self._forcing_root())
        found.extend(shared_options(self.module, self))
        for site in self.module.sites:
            found.extend(self._facts(site))
        return tuple(found)

    def _forcing_root(self) -> Iterator[ast.stmt]:
        """`platforms.C_FORCE_ROOT = True`, `os.environ["C_FORCE_ROOT"] = "1"`, `os.environ.setdefault(…)`."""
        top = self.module.top
        for node in ast.walk(self.module.source.tree):
            match node:
                case ast.Assign(targets=[ast.Attribute(attr="C_FORCE_ROOT", value=owner)], value=value):
                    if self.origin(owner, top) == "celery.platforms" and not _is_false(value):
                        yield node
                case ast.Assign(targets=[ast.Subscript(value=owner, slice=ast.Constant("C_FORCE_ROOT"))], value=value):
                    if self.origin(owner, top) == "os.environ" and not _is_false(value):
                        yield node
                case ast.Expr(
                    value=ast.Call(
                        func=ast.Attribute(value=owner, attr="setdefault" | "putenv"),
                        args=[ast.Constant("C_FORCE_ROOT"), value],
                    )
                ):
                    if self.origin(owner, top) in ("os", "os.environ") and not _is_false(value):
                        yield node

    def _facts(self, site: Site) -> Iterator[Fact]:
        node = site.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            task = self.task_of(node, site.frame)
            if task is not None:
                yield Declared(task, node, site.frame, self.module, self)
            if isinstance(node, ast.ClassDef) and node.bases:
                yield from self._task_class(node, site.frame, is_task=task is not None)
            return
        assert isinstance(node, ast.Call)
        if site.frame.scope.parent is None and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
            yield from self._made(node, node.args[0], site.frame)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        dispatch = self.dispatches.of(node, site.frame)
        if dispatch is not None:
            yield dispatch
        elif name in WAITS and isinstance(node.func, ast.Attribute):
            wait = self._wait(node, node.func, site)
            if wait is not None:
                yield wait
        elif name == "retry" and isinstance(node.func, ast.Attribute):
            task = self._retried(node.func.value, site.frame)
            if task is not None:
                yield Retry(site, self, task)
        elif self.may_be_called(node.func, site.frame, _CRONTAB) and (
            self.origin(node.func, site.frame) == "celery.schedules.crontab"
        ):
            yield Schedule(site, self)

    def _made(self, call: ast.Call, argument: ast.Name, frame: Frame) -> Iterator[Declared]:
        """`work = app.task(time_limit=5)(function)`."""
        match self.module.names.top.bindings.get(argument.id):
            case [Binding(How.DEFINITION, node=ast.FunctionDef() | ast.AsyncFunctionDef() as function)]:
                value = self.module.value(call, frame)
                made = isinstance(value, CallValue) and self.tasks.made(
                    value, self.module.summary, self.module.source.path
                )
                if made:
                    yield Declared(made, function, self.module.top, self.module, self)

    def origin(self, node: ast.expr, frame: Frame) -> str | None:
        """The canonical origin of a dotted name."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        return self.project.origin(self.module.origin(node, frame))

    def may_be_called(self, function: ast.expr, frame: Frame, names: frozenset[str]) -> bool:
        """What is called has one of some last names, here or where it is imported from: asks no other file."""
        if not isinstance(function, ast.Name | ast.Attribute):
            return False
        if (function.attr if isinstance(function, ast.Attribute) else function.id) in names:
            return True
        if not self._says_one_of(names):
            return False
        origin = self.module.origin(function, frame)
        return origin is not None and origin.rpartition(".")[2] in names

    def _says_one_of(self, names: frozenset[str]) -> bool:
        """One of some names stands in the file at all, in an import too."""
        if names not in self._said:
            self._said[names] = any(name in self.module.source.text for name in names)
        return self._said[names]

    # Tasks.

    def task_of(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, frame: Frame) -> Task | None:
        """The task that a definition, standing in `frame`, is."""
        if node not in self._around:
            self._around[node] = self._task_of(node, frame)
        return self._around[node]

    def _task_of(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, frame: Frame) -> Task | None:
        path = self.module.source.path
        if isinstance(node, ast.ClassDef):
            if not node.bases or not self.tasks.classes.is_task_class(self._name(node, frame)):
                return None
            return self.tasks.class_task(
                self.module.summarizer.class_record(node, frame.scope), self.module.summary, path
            )
        if node.decorator_list:
            record = self.module.summarizer.function_record(node, frame.scope)
            return self.tasks.declared(record, self.module.name, path)
        return None

    def _task_class(self, node: ast.ClassDef, frame: Frame, *, is_task: bool) -> Iterator[TaskClass]:
        name = self._name(node, frame)
        if self.tasks.classes.is_task_class(name):
            record = self.module.summarizer.class_record(node, frame.scope)
            yield TaskClass(record, name, is_task, node, self.module, self)

    def _name(self, node: ast.ClassDef, frame: Frame) -> str:
        return f"{self.module.name}.{frame.scope.child(node).qualname}"

    def task_around(self, frame: Frame) -> Task | None:
        """The task whose body a frame belongs to, directly."""
        around = frame.function
        function = function_of(around.node) if around is not None and around.part == "body" else None
        if around is None or function is None or around.parent is None:
            return None
        task = self.task_of(function, around.parent)
        if task is None and isinstance(around.parent.node, ast.ClassDef):
            outer = around.parent
            of_class = self.task_of(around.parent.node, outer.parent or self.module.top)
            task = of_class if of_class is not None and of_class.own_method == function.name else None
        return task

    def own(self, node: ast.expr, frame: Frame) -> Task | None:
        """The bound task in whose body a name is its first parameter: `self`."""
        task, around = self.task_around(frame), frame.function
        function = function_of(around.node) if around is not None else None
        if task is None or not task.bound or function is None:
            return None
        first = next(iter((*function.args.posonlyargs, *function.args.args)), None)
        return task if first is not None and isinstance(node, ast.Name) and node.id == first.arg else None

    def tasks_reaching(self, frame: Frame) -> tuple[tuple[Task, Place | None], ...]:
        """The tasks in which a frame runs: its own, or those of the project that call its function."""
        own = self.task_around(frame)
        if own is not None:
            return ((own, None),)
        around = frame.function
        function = function_of(around.node) if around is not None and around.part == "body" else None
        if around is None or function is None:
            return ()
        if function.name == "run" and around.parent is not None and isinstance(around.parent.node, ast.ClassDef):
            name = self._name(around.parent.node, around.parent.parent or self.module.top)
            running = self.tasks.running(name, name) if self.tasks.classes.is_task_class(name) else None
            if running is not None:
                return ((running, None),)
        found = self.project.callers.tasks_calling(self.module, around)
        return tuple(found)

    def settled(self, node: ast.Name, frame: Frame) -> ast.expr | None:
        """The one expression that a name was assigned where it is used, None where it may have another."""
        found = self.module.names.find(node.id, frame.scope)
        if found is None:
            return None
        match reaching(node, frame.scope, *found):
            case [Binding(How.ASSIGNMENT, value=ast.expr() as value, path=())]:
                return value
        return None

    # Waits and retries.

    def _wait(self, node: ast.Call, function: ast.Attribute, site: Site) -> Wait | None:
        found = self.results.of(function.value, site.frame)
        if found is None:
            return None
        dispatch = found if isinstance(found, Dispatch) else None
        return Wait(site, self, function.attr, function.value, dispatch)

    def _retried(self, receiver: ast.expr, frame: Frame) -> Task | None:
        """The task that `receiver.retry` retries."""
        task = self.task_around(frame)
        if (own := self.own(receiver, frame)) is not None:
            return own
        origin = self.origin(receiver, frame)
        if origin == "celery.current_task":
            return task
        found = self.tasks.find(self.module.origin(receiver, frame)) if origin else None
        return found


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (False, None, "", 0)


__all__ = ["Reader"]
