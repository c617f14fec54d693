"""The Celery apps of a project, at module level and made in factories, and the base class that each gives its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_tasks.model.project import Project
from flake8_tasks.model.records import ClassRecord, FunctionRecord, Statement, Summary
from flake8_tasks.model.tasks.app_objects import AppObjects
from flake8_tasks.model.values import Attribute, CallValue, Constant, Item, Reference, Value


@dataclass(frozen=True, slots=True)
class App:
    """A Celery app.

    Arguments:
        name: its dotted name; one that a factory makes and nothing keeps at module level has `<locals>` in it.
        call: what makes it: `Celery(…)`, a subclass, or a factory of the project.
        task_cls: the base class of its tasks; a name in a text is a `Reference` too.
    """

    name: str
    call: CallValue
    path: str
    task_cls: Value | None


def parts_of(value: Value | None) -> tuple[str, ...]:
    """The names along an expression, `()` for a call: `Celery("x").conf.update` → Celery, (), conf, update."""
    match value:
        case Reference(parts=parts):
            return parts
        case Attribute(value=owner, name=name):
            return (*parts_of(owner), name)
        case Item(value=owner, key=key):
            return (*parts_of(owner), key)
        case CallValue(function=function):
            return (*parts_of(function), "()")
    return ()


class Apps:
    """The apps that some files make.

    Arguments:
        files: path and summary of each file that may make or configure an app.
    """

    def __init__(self, project: Project, files: Sequence[tuple[str, Summary]]) -> None:
        self.project = project
        self.files = files
        self.objects = AppObjects(project)

    def all(self) -> Iterator[App]:
        """Every app; those at module level first."""
        factories: set[str] = set()
        for name, call, path in self.objects.of(path for path, _ in self.files):
            maker = self.project.definition(call.function.origin) if isinstance(call.function, Reference) else None
            if maker is not None and isinstance(maker.record, FunctionRecord):
                factories.add(maker.origin)
            yield App(name, call, path, self._task_cls(name, call))
        for path, summary in self.files:
            for statement in summary.statements:
                around = f"{summary.module}.{statement.function}"
                if not statement.function or around in factories or not self.makes_app(statement.value):
                    continue
                assert isinstance(statement.value, CallValue)
                name = f"{around}.<locals>.{'.'.join(parts_of(statement.target)) or '<app>'}"
                yield App(name, statement.value, path, self._task_cls(name, statement.value, around))

    def makes_app(self, value: Value) -> bool:
        """A call makes an app."""
        return isinstance(value, CallValue) and self.objects.is_app(value)

    def is_app_like(self, owner: Value | None) -> bool:
        """What stands before `.conf` is an app: by what it is, or by its name where that cannot be said."""
        if isinstance(owner, Reference) and owner.origin is not None and self.objects.is_app_name(owner.origin):
            return True
        parts = parts_of(owner)
        if any("celery" in part.lower() for part in parts):
            return True
        return bool(parts) and (parts[-1] in ("app", "self", "cls", "current_app", "application", "sender", "instance"))

    def _task_cls(self, name: str, call: CallValue, around: str = "") -> Value | None:
        """The base class of an app's tasks: given to the app, set on it, or set where it is made."""
        found = call.keyword("task_cls")
        places = {around} if around else set()
        if isinstance(call.function, Reference):
            maker = self.project.definition(call.function.origin)
            match maker.record if maker else None:
                case FunctionRecord():
                    assert maker is not None
                    places.add(maker.origin)
                case ClassRecord():
                    for origin, record, _ in self.project.bases(call.function.origin):
                        if record is not None:
                            found = found or record.attribute("task_cls")
                            places.update(f"{origin}.{method.name}" for method in record.methods)
        for _, summary in self.files:
            for statement in summary.statements:
                found = self._set_by(statement, f"{summary.module}.{statement.function}", name, places) or found
        return self._class_behind(found)

    def _set_by(self, statement: Statement, around: str, name: str, places: set[str]) -> Value | None:
        match statement.target, statement.value:
            case Reference(parts=(*_, "Task"), origin=origin), value:
                owner = origin.removesuffix(".Task") if origin else None
                if owner is None:  # a local name: of the app that is made there, or of one that is passed in
                    return value if around in places or not self._makes_apps_there(around) else None
                return value if self._same(owner, name) else None
            case _, CallValue() as call if around in places:
                return call.keyword("task_cls")
        return None

    def _makes_apps_there(self, around: str) -> bool:
        return any(
            f"{summary.module}.{statement.function}" == around and self.makes_app(statement.value)
            for _, summary in self.files
            for statement in summary.statements
        )

    def _same(self, name: str, other: str) -> bool:
        return name == other or (self.project.origin(name) or name) == (self.project.origin(other) or other)

    def _class_behind(self, value: Value | None) -> Value | None:
        """The class that a text names or a function of the project returns, as a `Reference`."""
        match value:
            case Constant(value=str(text)):
                dotted = text.replace(":", ".")
                return Reference(tuple(dotted.split(".")), dotted, value.span)
            case Constant(value=None):
                return None
            case CallValue(function=Reference(origin=str(origin))):
                maker = self.project.definition(origin)
                if maker is not None and isinstance(maker.record, FunctionRecord):
                    for returned in maker.record.returns:
                        if isinstance(returned, Reference) and returned.origin is not None:
                            return returned
        return value
