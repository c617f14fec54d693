"""The Celery settings of a project, wherever they stand: Django settings, `app.conf`, config classes and modules.

Nothing is read before somebody asks, and then only the files that make or configure an app and what those name.
Settings for tests do not count.
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.model.answers import remembered
from flake8_tasks.model.index import CONFIGURES
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord, Summary
from flake8_tasks.model.settings.apps import App, Apps, parts_of
from flake8_tasks.model.settings.names import is_test_class, is_test_file
from flake8_tasks.model.settings.sources import Found, Sources
from flake8_tasks.model.values import CallValue, Constant, Item, Mapping, Opaque, Sequence, Value

__all__ = ["App", "Found", "Settings"]

_ATOMIC = "ATOMIC_REQUESTS"


class Settings:
    """What a project says to Celery."""

    def __init__(self, project: Project) -> None:
        self.project = project
        root = str(project.root)
        files = [
            (path, summary)
            for path in project.holding(CONFIGURES)
            if not is_test_file(path, root) and (summary := project.summary(path)) is not None
        ]
        apps = Apps(project, files)
        self.apps: tuple[App, ...] = tuple(apps.all())
        self._sources = Sources(project, files, apps, self.apps)
        self._found: dict[str, list[Found]] = {}
        for found in dict.fromkeys(self._sources.all()):
            self._found.setdefault(found.name, []).append(found)

    @property
    def unknown(self) -> str:
        """Why there may be settings that could not be read; empty where all were."""
        return next(iter(self._sources.unknown), "")

    def get(self, name: str) -> tuple[Found, ...]:
        """Every place that sets a setting, by its new-style name."""
        return tuple(self._found.get(name, ()))

    def of_file(self, path: str) -> tuple[Found, ...]:
        """The settings that one file sets, in the order of the text."""
        mine = [found for places in self._found.values() for found in places if found.path == path]
        return tuple(sorted(mine, key=lambda found: found.span))

    def annotated(self, task_name: str, option: str) -> Value | None:
        """What `task_annotations` sets for a task; `Opaque` where they cannot be read, None where they set nothing."""
        for found in self.get("task_annotations"):
            given = self._annotation(found.value, task_name, option)
            if given is not None:
                return given
        return None

    def _annotation(self, value: Value | None, task_name: str, option: str) -> Value | None:
        value = self.project.constant(value)
        match value:
            case None | Constant(value=None):
                return None
            case Sequence(items=items):
                given = (self._annotation(item, task_name, option) for item in items)
                return next((each for each in given if each is not None), None)
            case Mapping():
                keys = [self.project.constant(key) for key, _ in value.items]
                if any(not isinstance(key, Constant) for key in keys):
                    return Opaque(value.span)
                given_to = {
                    key.value: options
                    for key, (_, options) in zip(keys, value.items, strict=True)
                    if isinstance(key, Constant)
                }
                for name in (task_name, "*"):
                    options = self.project.constant(given_to.get(name))
                    if isinstance(options, Mapping):
                        given_option = options.get(option)
                        if given_option is not None:
                            return given_option
                        if not options.complete:
                            return Opaque(options.span)
                    elif options is not None:
                        return Opaque(options.span)
                return None if value.complete else Opaque(value.span)
        return Opaque(value.span)

    # Django.

    @remembered
    def atomic_requests(self) -> bool:
        """Django opens a transaction for each request: `ATOMIC_REQUESTS` is on in a database of the settings."""
        files = self._sources.django_files
        return any(self._is_atomic(summary) for path in files if (summary := self.project.summary(path)) is not None)

    def _is_atomic(self, summary: Summary) -> bool:
        for value in _databases(summary):
            databases = self.project.constant(value)
            for _, database in databases.items if isinstance(databases, Mapping) else ():
                if self._is_on(self._atomic_of(database)):
                    return True
        for statement in summary.statements:
            match statement.target, statement.value:
                case Item(key="ATOMIC_REQUESTS"), value:
                    given: Value | None = value
                case Item() as target, value if "DATABASES" in parts_of(target):
                    given = self._atomic_of(value)
                case None, CallValue(function=function) as call if "DATABASES" in (
                    names := parts_of(function)
                ) and names[-1] in ("update", "setdefault"):
                    literal = call.arguments[1:] if names[-1] == "setdefault" else ()
                    given = literal[0] if literal else self._atomic_of(call)
                case _:
                    continue
            if self._is_on(given):
                return True
        return False

    def _atomic_of(self, database: Value | None) -> Value | None:
        """What a dict, `dict(…)` or `update(…)` says of it."""
        match self.project.constant(database):
            case Mapping() as written:
                return written.get(_ATOMIC)
            case CallValue() as call:
                given = call.keyword(_ATOMIC)
                for argument in call.arguments:
                    if given is None and isinstance(argument, Mapping):
                        given = argument.get(_ATOMIC)
                return given
        return None

    def _is_on(self, value: Value | None) -> bool:
        """A value is True, or is read from the environment and True where that says nothing."""
        match self.project.constant(value):
            case Constant(value=True):
                return True
            case CallValue(arguments=arguments) as call:
                default = call.keyword("default") or (arguments[1] if len(arguments) > 1 else None)
                return isinstance(default, Constant) and default.value is True
        return False


def _databases(summary: Summary) -> Iterator[Value]:
    for name, records in summary.names.items():
        for record in records:
            if isinstance(record, Assigned) and name == "DATABASES":
                yield record.value
            elif isinstance(record, ClassRecord) and not is_test_class(record.qualname):
                yield from (value for key, value in record.attributes if key == "DATABASES")
