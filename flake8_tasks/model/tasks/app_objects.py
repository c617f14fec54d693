"""Which objects are Celery apps, under whatever name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flake8_tasks.model.names import UNBOUND
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord, FunctionRecord
from flake8_tasks.model.values import CallValue, Reference, Value

_APPS = frozenset({"celery.current_app", "celery._state.current_app", "celery.app.default_app"})
_APP_FACTORIES = frozenset({"celery.app.app_or_default", "celery.current_app._get_current_object"})
APP_NAMES = frozenset({"app", "celery", "celery_app"})


class AppObjects:
    """The Celery apps of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def is_app(self, value: Value) -> bool:
        """A value is a Celery app."""
        match value:
            case Reference(origin=str(origin)):
                return self.is_app_name(origin)
            case CallValue(function=Reference(origin=str(origin))):
                return self._makes_apps(origin)
        return False

    def is_app_name(self, name: str) -> bool:
        """A dotted name is a Celery app."""
        return self.project.remember("app", name, lambda: self._is_app_name(name))

    def _is_app_name(self, name: str) -> bool:
        definition = self.project.definition(name)
        if definition is None or (not definition.path and definition.origin not in _APPS):
            return self._looks_like_an_app(name)
        if definition.origin in _APPS:
            return True
        if definition.rest:
            return False
        match definition.record:
            case Assigned(value=CallValue(function=Reference(origin=str(origin))) as call):
                return self._makes_apps(origin) or self._sounds_like_an_app(call)
        return False

    def _sounds_like_an_app(self, call: CallValue) -> bool:
        """`Proxy(get_celery_app)`, `celery_class("shop")`: a call that cannot be looked into and speaks of Celery."""
        match call.function, call.arguments:
            case Reference(parts=(*_, "Proxy" | "LocalProxy" | "SimpleLazyObject")), (Reference(parts=parts), *_):
                return "celery" in parts[-1].lower()
            case Reference(parts=parts, origin=origin), _ if "celery" in parts[-1].lower():
                found = self.project.definition(origin)
                return found is None or not isinstance(found.record, FunctionRecord | ClassRecord)
        return False

    def _makes_apps(self, name: str) -> bool:
        definition = self.project.definition(name)
        if definition is None:
            return False
        if definition.origin in _APP_FACTORIES:
            return True
        if isinstance(definition.record, FunctionRecord):
            return any(
                (isinstance(value, CallValue) and self.is_app(value))
                or (isinstance(value, Reference) and self.is_app(value))
                for value in definition.record.returns
            )
        return any(not path and _is_app_class(origin) for origin, _, path in self.project.bases(name))

    def _looks_like_an_app(self, name: str) -> bool:
        """An app by its name alone, where its file is not there to be read."""
        *modules, last = name.split(".")
        if last not in APP_NAMES and not last.endswith("_celery") and not last.startswith("celery_"):
            return False
        if modules == [UNBOUND]:
            return True
        return (
            bool(modules)
            and modules[0] not in ("celery", "flask")
            and (last != "app" or any("celery" in module or "task" in module for module in modules))
        )

    def of(self, paths: Iterable[str]) -> Iterator[tuple[str, CallValue, str]]:
        """The apps made at module level in some files: dotted name, the call that makes it, path."""
        for path in paths:
            summary = self.project.summary(path)
            if summary is None:
                continue
            for name, records in summary.names.items():
                for record in records:
                    match record:
                        case Assigned(value=CallValue() as call) if self.is_app(call):
                            yield f"{summary.module}.{name}", call, path


def _is_app_class(origin: str) -> bool:
    """A class outside the project is Celery's app class, or by its name a subclass of it."""
    return origin == "celery.Celery" or (origin.endswith("Celery") and not origin.startswith((UNBOUND, "celery.")))
