"""The tasks of a project, by their names."""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord, FunctionRecord, Summary
from flake8_tasks.model.tasks.app_objects import AppObjects
from flake8_tasks.model.tasks.classes import Classes
from flake8_tasks.model.tasks.declarations import Declaration, Declarations, Given
from flake8_tasks.model.tasks.registry import Registry
from flake8_tasks.model.tasks.task import Task
from flake8_tasks.model.values import CallValue, Item, Opaque, Reference, Value


class Tasks:
    """The tasks of a project, found by their dotted names."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.apps = AppObjects(project)
        self.declarations = Declarations(project, self.apps)
        self.classes = Classes(project)
        self.registry = Registry(project, self)

    def find(self, name: str | None) -> Task | None:
        """The task that a dotted name is, None where it is none or nobody can say."""
        if name is None:
            return None
        return self.project.remember("task", name, lambda: self._find(name, 0))

    def _find(self, name: str, depth: int) -> Task | None:
        definition = self.project.definition(name)
        if definition is None or not definition.path or definition.rest or depth > 5:
            return None
        summary = self.project.summary(definition.path)
        if summary is None:
            return None
        match definition.record:
            case FunctionRecord() as record:
                return self.declared(record, summary.module, definition.path)
            case ClassRecord() as record:
                return self.class_task(record, summary, definition.path)
            case Assigned(value=CallValue() as call):
                return self.made(call, summary, definition.path)
            case Assigned(value=Item() as value):
                return self.registry.find(value)
        return None

    @property
    def everywhere(self) -> tuple[Task, ...]:
        """All tasks that functions and classes at the module level are; tests declare none."""
        return self.project.remember("tasks", None, lambda: tuple(self._everywhere()))

    def _everywhere(self) -> Iterator[Task]:
        for path in self.project.task_files():
            summary = self.project.summary(path) if self.project.looks_at(path) else None
            for name, records in summary.names.items() if summary else ():
                if any(isinstance(record, FunctionRecord | ClassRecord) for record in records):
                    task = self.find(f"{summary.module}.{name}") if summary else None
                    if task is not None:
                        yield task

    def declared(self, record: FunctionRecord, module: str, path: str) -> Task | None:
        """The task that a function is by one of its decorators."""
        for decorator in record.decorators:
            found = self.declarations.of(decorator, path)
            if found is not None:
                return Task(self.project, record, found, module, path)
        return None

    def class_task(self, record: ClassRecord, summary: Summary, path: str) -> Task | None:
        """The task that a class is which has or inherits `run`, and is no mere base of others."""
        name = f"{summary.module}.{record.qualname}"
        if not self.classes.is_task_class(name) or self.classes.run(name) is None or self.classes.is_base(name):
            return None
        given = tuple(Given(key, value, "class", path) for key, value in record.keywords)
        return Task(self.project, record, Declaration(Opaque(record.span), given), summary.module, path)

    def running(self, name: str, of: str) -> Task | None:
        """A task that runs the `run` of the class `of`: a class, or one that derives from it."""
        found = (self.find(other) for other in self.classes.running(name, of))
        return next((task for task in found if task is not None), None)

    def made(self, call: CallValue, summary: Summary, path: str) -> Task | None:
        """`x = app.task(f)`, `x = shared_task(...)(f)`, `X = app.register_task(X())`, `x = app.tasks[X.name]`."""
        argument = call.arguments[0] if call.arguments else None
        if isinstance(call.function, Reference) and call.function.parts[-1] == "__getitem__":
            return self.registry.find(call)
        if isinstance(call.function, Reference) and call.function.parts[-1] == "register_task":
            inner = argument.function if isinstance(argument, CallValue) else argument
            if isinstance(inner, Reference) and inner.origin is not None:
                return self._class_behind(inner.origin, summary)
            return None
        if not isinstance(argument, Reference) or argument.origin is None:
            return None
        decorator: Value = call.function if isinstance(call.function, CallValue) else call
        found = self.declarations.of(decorator, path)
        behind = self.project.definition(argument.origin)
        if found is None or behind is None or not isinstance(behind.record, FunctionRecord) or behind.rest:
            return None
        module = self.project.summary(behind.path)
        return Task(self.project, behind.record, found, module.module if module else "", behind.path)

    def _class_behind(self, name: str, summary: Summary) -> Task | None:
        """The class of a name that is bound again by `X = app.register_task(X())`."""
        path, rest = self.project.find(name)
        other = self.project.summary(path) if path else None
        if other is not None and rest:
            for record in other.names.get(rest[0], ()):
                if isinstance(record, ClassRecord):
                    return self.class_task(record, other, path)
        definition = self.project.definition(name)
        if definition is not None and isinstance(definition.record, ClassRecord):
            behind = self.project.summary(definition.path)
            return self.class_task(definition.record, behind, definition.path) if behind else None
        return None
