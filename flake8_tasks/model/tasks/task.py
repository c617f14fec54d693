"""Tasks: functions and classes that declarations make tasks of, with their options and where they come from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.edit import Place, Span
from flake8_tasks.model import inference
from flake8_tasks.model.answers import remembered
from flake8_tasks.model.frameworks.celery import TASK_BASES
from flake8_tasks.model.frameworks.celery_options import TASK_OPTIONS
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import ClassRecord, FunctionRecord, Parameter
from flake8_tasks.model.tasks.classes import PLAIN_BASES, Run
from flake8_tasks.model.tasks.declarations import Declaration, Given
from flake8_tasks.model.values import Constant, Opaque, Reference, Sequence, Value

if TYPE_CHECKING:
    from flake8_tasks.model.settings.found import App

_NOWHERE = Span(1, 1, 1, 1)
_AFTER_COMMIT = ("on_commit", "addAfterCommitHook")


@dataclass(eq=False)
class Task:
    """One task.

    Arguments:
        record: the function, or the class that has or inherits `run`.
        declaration: the decorator or call that makes it a task.
        module: the dotted name of the module it stands in.
        path: the file.
    """

    project: Project
    record: FunctionRecord | ClassRecord
    declaration: Declaration
    module: str
    path: str

    @property
    def name(self) -> str:
        """The name by which it is called."""
        return self.record.name

    @property
    def origin(self) -> str:
        """Its dotted name in the project."""
        return f"{self.module}.{self.record.qualname}"

    @remembered
    def task_name(self) -> str:
        """The name under which Celery registers it, as far as it is literal."""
        named = self.written("name")
        if named is not None and isinstance(value := self.project.constant(named.value), Constant) and value.value:
            return str(value.value)
        return f"{self.module}.{self.name}"

    @property
    def function(self) -> FunctionRecord | None:
        """What runs: the function, or the `run` that the class has or inherits."""
        if isinstance(self.record, FunctionRecord):
            return self.record
        run = self.run
        return run.method if run is not None else None

    @remembered
    def run(self) -> Run | None:
        """The `run` of a class, None for a function."""
        return self.project.tasks.classes.run(self.origin) if isinstance(self.record, ClassRecord) else None

    @remembered
    def own_method(self) -> str:
        """The method in which a class itself says what runs: `run`, or the one that an inherited `run` calls on `self`.

        Empty where there is none, or several.
        """
        classes = self.project.tasks.classes
        return classes.own_method(self.origin, self.record) if isinstance(self.record, ClassRecord) else ""

    @remembered
    def bound(self) -> bool | None:
        """The first parameter is the task itself; None where that cannot be said."""
        if isinstance(self.record, ClassRecord):
            return True
        given = self.option("bind")
        if given is None:
            return False
        return given.value.value is True if isinstance(given.value, Constant) else None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a dispatch fills: the parameters without the task itself."""
        function = self.function
        if function is None:
            return ()
        return function.parameters[1:] if self.bound else function.parameters

    @property
    def span(self) -> Span:
        """Where the user would mend the whole task: at its decorator, else at its `def`."""
        declared = self.declaration.value.span
        inside = isinstance(self.record, FunctionRecord) and any(
            decorator.span == declared for decorator in self.record.decorators
        )
        return declared if inside else self.definition_span

    @property
    def definition_span(self) -> Span:
        """The `def` or `class`."""
        return self.record.span

    @property
    def head_span(self) -> Span:
        """The `def name` or `class name`, without parameters and body."""
        line, column, *_ = self.record.span
        word = "class" if isinstance(self.record, ClassRecord) else "async def" if self.record.is_async else "def"
        return Span(line, column, line, column + len(word) + 1 + len(self.name))

    @property
    def place(self) -> Place:
        """The decorator, for edits that set an option."""
        return Place(self.path, self.span)

    @property
    def sets_options_in_decorator(self) -> bool:
        """Its own decorator takes options, so that a fix can write one there."""
        own = isinstance(self.record, FunctionRecord) and self.span == self.declaration.value.span
        return own and self.declaration.passes_on

    # Options.

    @remembered
    def _classes(self) -> tuple[tuple[str, str], ...]:
        """The classes it comes from, its own too: dotted names and paths."""
        names = [self.origin] if isinstance(self.record, ClassRecord) else []
        base = self.written("base")
        if base is not None and isinstance(base.value, Reference) and base.value.origin is not None:
            names.append(base.value.origin)
        elif base is None:
            apps = (app.task_cls for app in self._apps())
            names.extend(task_cls.origin for task_cls in apps if isinstance(task_cls, Reference) and task_cls.origin)
        return tuple((origin, path) for name in names for origin, _, path in self.project.bases(name))

    @remembered
    def classes(self) -> frozenset[str]:
        """The dotted names of the classes it comes from."""
        return frozenset(name for name, _ in self._classes)

    @remembered
    def waits_for_commit(self) -> bool:
        """A class of the project that it is made with sends after the commit: `apply_async` there says so."""
        for path, method in self.methods("apply_async", "delay"):
            module = self.project.module(path)
            if module and any(word in module.source.text_at(method.span) for word in _AFTER_COMMIT):
                return True
        return False

    def methods(self, *names: str) -> Iterator[tuple[str, FunctionRecord]]:
        """The methods of some names in the classes of the project that it is made with, each with its file."""
        for origin, path in self._classes:
            definition = self.project.definition(origin) if path else None
            record = definition.record if definition else None
            for name in names if isinstance(record, ClassRecord) else ():
                if isinstance(record, ClassRecord) and (method := record.method(name)) is not None:
                    yield path, method

    @remembered
    def policy_paths(self) -> tuple[str, ...]:
        """The files that may speak of its options: its own, those of its classes, its decorator and its app."""
        makers = [self.project.definition(name) for name in self.makers]
        others = [*(app.path for app in self._apps()), *(maker.path for maker in makers if maker)]
        found = [path for _, path in self._classes]
        return tuple(dict.fromkeys(path for path in (self.path, *found, *others) if path))

    @remembered
    def makers(self) -> tuple[str, ...]:
        """What of the project's code stands between its options and Celery: a decorator, classes of apps."""
        wrapper = self.declaration.wrapper
        classes = [app.call.function.origin for app in self._apps() if isinstance(app.call.function, Reference)]
        return tuple(name for name in dict.fromkeys([wrapper, *classes]) if name)

    def _apps(self) -> Iterator[App]:
        """The apps that it may belong to."""
        for app in self.project.settings.apps:
            if self.declaration.app is None or self._same(app.name, self.declaration.app):
                yield app

    @remembered
    def _layers(self) -> tuple[tuple[tuple[Given, ...], str], ...]:
        """The options, strongest layer first, each with the reason why it may hold more than could be read."""
        return tuple(self._read_layers())

    def _read_layers(self) -> Iterator[tuple[tuple[Given, ...], str]]:
        yield self.declaration.given, self.declaration.unknown
        if isinstance(self.record, ClassRecord):
            yield from self._class_layers(self.origin, "class")
            return
        base = next((given for given in self.declaration.given if given.name == "base"), None)
        if base is not None:
            if isinstance(base.value, Reference):
                yield from self._class_layers(base.value.origin, "base")
            elif not (isinstance(base.value, Constant) and base.value.value is None):
                yield (), "the base class is worked out at run time"
            return
        for app in self._apps():
            if app.task_cls is not None:
                yield from self._class_layers(
                    app.task_cls.origin if isinstance(app.task_cls, Reference) else None, "task_cls"
                )

    def _same(self, app: str, other: str) -> bool:
        return app == other or self.project.origin(app) == self.project.origin(other)

    def _class_layers(self, name: str | None, kind: str) -> Iterator[tuple[tuple[Given, ...], str]]:
        for origin, record, path in self.project.bases(name):
            source = "base" if kind == "class" and origin != self.origin else kind
            if record is not None:
                own = tuple(Given(key, value, source, path) for key, value in reversed(record.attributes))
                hooks = tuple(
                    Given(method.name, Opaque(method.span), source, path)
                    for method in record.methods
                    if method.decorators
                )
                yield (*own, *hooks), ""
            elif origin in TASK_BASES:
                options = TASK_BASES[origin].options
                yield tuple(Given(key, _known(value), source, "") for key, value in options.items()), ""
            elif origin in PLAIN_BASES:
                continue
            elif (attributes := inference.class_attributes(origin)) is not None:
                yield tuple(Given(key, _known(value), source, "") for key, value in attributes), ""
            else:
                yield (), f"the base class {origin or 'of the task'} is not known"

    def written(self, name: str) -> Given | None:
        """An option as the strongest layer that has it says; None where none has it. Settings are not looked at."""
        for given, _ in self._layers:
            for option in given:
                if option.name == name:
                    return option
        return None

    @remembered
    def unknown(self) -> str:
        """Why the task may have options that cannot be read; empty where all are known."""
        return next((reason for _, reason in self._layers if reason), "")

    def option(self, name: str) -> Given | None:
        """An option in force: of the task itself, its classes, `task_annotations` or the settings.

        None where none of them has it.  Where something that could not be read may have it, that answers
        with an `Opaque` value and the source "unknown".
        """
        written = self.written(name)
        if written is not None:
            return written
        if self.unknown or self._may_be_set_by_a_class(name):
            return Given(name, Opaque(_NOWHERE), "unknown", "")
        settings = self.project.settings
        annotated = settings.annotated(self.task_name, name)
        if annotated is not None:
            return Given(name, annotated, "task_annotations", "")
        known = TASK_OPTIONS.get(name)
        if known is not None and known.setting:
            found = settings.get(known.setting)
            if found:
                return Given(name, found[-1].value, "settings", found[-1].path)
        return None

    def _may_be_set_by_a_class(self, name: str) -> bool:
        """A class of the project speaks of an option where it is derived from, or where its instances are made."""
        for path, method in self.methods("__init_subclass__", "__init__"):
            module = self.project.module(path)
            text = module.source.text_at(method.span) if module else "setattr("
            if "setattr(" in text or re.search(rf"\b{re.escape(name)}\b", text):
                return True
        return False

    @remembered
    def autoretries(self) -> bool | None:
        """It retries by itself: `autoretry_for` is in force and names an exception; None where that cannot be said."""
        given = self.option("autoretry_for")
        if given is None:
            return False
        if given.source == "unknown":
            return None
        return names_exceptions(self.project.constant(given.value))

    def is_given(self, name: str) -> bool | None:
        """An option is in force and says something else than False, 0 or None; None where that cannot be said."""
        given = self.option(name)
        if given is None:
            return False
        if given.source == "unknown":
            return None
        value = self.project.constant(given.value)
        return not isinstance(value, Constant) or bool(value.value)

    def literal(self, name: str) -> object:
        """The literal value of an option in force, `...` where it is worked out, None where it is not set."""
        given = self.option(name)
        if given is None:
            return None
        value = self.project.constant(given.value)
        return value.value if isinstance(value, Constant) else ...


def names_exceptions(value: Value | None) -> bool:
    """What `autoretry_for` was given names an exception: it is no `()`, `[]` or None."""
    return not (isinstance(value, Sequence) and not value.items) and not (
        isinstance(value, Constant) and not value.value
    )


def _known(value: object) -> Value:
    return Constant(value, _NOWHERE) if isinstance(value, str | int | float | bool | None) else Opaque(_NOWHERE)


def parameter_of(task: Task, position: int) -> Parameter | None:
    """The parameter that a positional argument of a dispatch fills."""
    plain = [parameter for parameter in task.parameters if parameter.kind == "positional"]
    return plain[position] if position < len(plain) else None


def function_of(node: ast.AST | None) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The node, where it is a function that has a name."""
    return node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None
