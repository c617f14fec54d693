"""What an app reads its settings from, followed to the modules, classes and dicts where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flake8_tasks.edit import Span
from flake8_tasks.model.answers import remembered
from flake8_tasks.model.definition import Definition
from flake8_tasks.model.frameworks.celery_settings import SETTINGS
from flake8_tasks.model.index import SETTINGS as HOLDS_SETTINGS
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord, FunctionRecord, Imported, Statement, Summary
from flake8_tasks.model.settings.apps import App, Apps, parts_of
from flake8_tasks.model.settings.files import django_files, has_settings_file, values_in
from flake8_tasks.model.settings.names import CELERY, PLAIN, Spelling, is_private, is_test_class, is_test_file
from flake8_tasks.model.tasks.readers import is_changed
from flake8_tasks.model.values import CallValue, Constant, Item, Mapping, Opaque, Reference, Value
from flake8_tasks.model.values import Sequence as Items

_DJANGO: Final = "django.conf.settings"
_SHORT: Final = {"broker": "broker_url", "backend": "result_backend"}
# Outside bases of classes of settings that set nothing themselves.
_HARMLESS: Final = (
    "builtins",
    "typing",
    "typing_extensions",
    "abc",
    "enum",
    "pydantic",
    "pydantic_settings",
    "configurations",
)
_TOO_DEEP = 8


@dataclass(frozen=True, slots=True)
class Found:
    """One place that sets a Celery setting.

    Arguments:
        name: its new-style name, `task_time_limit`.
        written: as it is written, `CELERY_TASK_TIME_LIMIT`.
        span: the key, the name or the assignment.
    """

    name: str
    written: str
    value: Value
    path: str
    span: Span


class Sources:
    """Reads every source of settings of a project's apps.

    Arguments:
        files: path and summary of each file that may make or configure an app.
    """

    def __init__(self, project: Project, files: Sequence[tuple[str, Summary]], apps: Apps, made: Sequence[App]) -> None:
        self.project = project
        self.files = files
        self.apps = apps
        self.made = made
        self.unknown: list[str] = []
        self._seen: set[tuple[str, Spelling, str]] = set()

    def all(self) -> Iterator[Found]:
        """Every place that sets a setting, and `unknown` filled with what could not be read."""
        for app in self.made:
            yield from self._constructor(app.call, app.path)
        for path, summary in self.files:
            for statement in summary.statements:
                yield from self._statement(statement, path, summary)
        if not self.made:
            yield from self._django(CELERY)
        for path in self.project.holding(HOLDS_SETTINGS):
            if path.endswith("celeryconfig.py") and not self._is_test(path):
                yield from self._module(path, PLAIN)

    def _is_test(self, path: str) -> bool:
        return is_test_file(path, str(self.project.root))

    # The app and what is called on it.

    def _constructor(self, call: CallValue, path: str) -> Iterator[Found]:
        """`Celery(…)` or a subclass; a factory's own parameters are not settings."""
        maker = self.project.definition(call.function.origin) if isinstance(call.function, Reference) else None
        if maker is None or isinstance(maker.record, FunctionRecord):
            return
        if not maker.path and maker.origin.endswith("Celery") and maker.origin != "celery.Celery":
            self.unknown.append(f"the app's class {maker.origin} is not in the project")
            yield from self._flask("CELERY")
        yield from self._keywords(call, path)

    def _keywords(self, call: CallValue, path: str) -> Iterator[Found]:
        for key, value in call.keywords:
            name = _SHORT.get(key, key)
            if name in SETTINGS:
                yield Found(name, key, value, path, value.span)
            elif key == "changes":
                yield from self._object(value, PLAIN, path)
            elif key == "config_source":
                yield from self._object(value, self._spelling(call.keyword("namespace")), path)
        for value in call.merged:
            yield from self._object(value, PLAIN, path)

    def _spelling(self, namespace: Value | None) -> Spelling:
        match self.project.constant(namespace):
            case Constant(value=str(text)) if text:
                return Spelling(f"{text}_")
            case None | Constant():
                return PLAIN
        self.unknown.append("the namespace of the settings is worked out at run time")
        return CELERY

    def _statement(self, statement: Statement, path: str, summary: Summary) -> Iterator[Found]:
        match statement.target, statement.value:
            case Reference(parts=(*_, "conf", name), span=span, origin=origin) as target, value:
                if self._configures(Reference(target.parts[:-2], _owner(origin, 2), span), statement, summary):
                    yield from self._named(name, value, path, span, PLAIN)
            case Item(value=Reference(parts=(*_, "conf")) as conf, key=name, span=span), value:
                if self._configures(Reference(conf.parts[:-1], _owner(conf.origin, 1), span), statement, summary):
                    yield from self._named(name, value, path, span, PLAIN)
            case _, CallValue(function=function) as call:
                yield from self._call(call, parts_of(function), statement, path, summary)

    def _call(
        self, call: CallValue, parts: tuple[str, ...], statement: Statement, path: str, summary: Summary
    ) -> Iterator[Found]:
        first = call.arguments[0] if call.arguments else None
        match parts:
            case (*_, "config_from_object"):
                namespace = call.keyword("namespace") or (call.arguments[3] if len(call.arguments) > 3 else None)
                yield from self._object(first or call.keyword("obj"), self._spelling(namespace), path)
            case (*_, "config_from_envvar"):
                self.unknown.append("an app reads its settings from an environment variable")
            case (*_, "add_defaults"):
                yield from self._object(first or call.keyword("fun"), PLAIN, path)
            case (*owner, "conf", "update" | "setdefault" | "__setitem__" as method):
                if not self._configures(Reference(tuple(owner), None, call.span), statement, summary):
                    return
                if method != "update":
                    yield from self._item(call.arguments, path)
                    return
                yield from self._keywords(call, path)
                for argument in call.arguments:
                    yield from self._object(argument, PLAIN, path)
            case ("setattr",) if parts_of(first)[-1:] == ("conf",):
                if self._configures(Reference(parts_of(first)[:-1], None, call.span), statement, summary):
                    yield from self._item(call.arguments[1:], path)
            case ("super", "()", "__init__"):
                owner_class = f"{summary.module}.{statement.function.rpartition('.')[0]}"
                if self.project.inherits(owner_class, frozenset({"celery.Celery"})):
                    for key, value in call.keywords:
                        if _SHORT.get(key, key) in SETTINGS:
                            yield Found(_SHORT.get(key, key), key, value, path, value.span)
            case _ if statement.function and self.apps.makes_app(call):
                if not any(app.call is call for app in self.made):
                    yield from self._constructor(call, path)

    def _configures(self, owner: Reference, statement: Statement, summary: Summary) -> bool:
        """What stands before `.conf` is an app, or `conf` alone is what a signal of Celery hands to its receiver."""
        if owner.parts:
            return self.apps.is_app_like(owner)
        receivers = (one for one in summary.names.get(statement.function, ()) if isinstance(one, FunctionRecord))
        signals = (
            decorator.function if isinstance(decorator, CallValue) else decorator
            for receiver in receivers
            for decorator in receiver.decorators
        )
        return any(isinstance(one, Reference) and (one.origin or "").startswith("celery.signals.") for one in signals)

    def _item(self, arguments: Sequence[Value], path: str) -> Iterator[Found]:
        """A key and its value, given to `conf.setdefault`, `setattr(conf, …)` or `conf[key] = value`."""
        match arguments:
            case [Constant(value=str(name), span=span), value]:
                yield from self._named(name, value, path, span, PLAIN)
            case _:
                self.unknown.append("the names of settings are worked out at run time")

    # Objects that hold settings.

    def _object(self, value: Value | None, spelling: Spelling, path: str, depth: int = 0) -> Iterator[Found]:
        """The settings in what `config_from_object` or `conf.update` is given."""
        if depth > _TOO_DEEP:
            return
        match value:
            case Mapping():
                yield from self._mapping(value, spelling, path, depth)
            case Constant(value=str(text)):
                yield from self._dotted(text.replace(":", "."), value, spelling, path, depth)
            case Reference(origin=str(origin)):
                yield from self._dotted(origin, value, spelling, path, depth)
            case Items(items=items):
                for item in items:
                    yield from self._object(item, spelling, path, depth + 1)
            case Item(value=owner, key=key) if parts_of(owner)[-1:] == ("config",):
                yield from self._flask(key)
            case CallValue(function=function, arguments=(Constant(value=str(key)), *_)) if parts_of(function)[-2:] == (
                "config",
                "get",
            ):
                yield from self._flask(key)
            case Reference(parts=(*_, "config")):
                yield from self._flask("")
            case CallValue(function=Reference(origin=str(origin))):
                found = self.project.definition(origin)
                if found is not None and isinstance(found.record, ClassRecord) and not found.rest:
                    yield from self._class(found, spelling)
                elif found is not None and isinstance(found.record, FunctionRecord) and len(found.record.returns) == 1:
                    yield from self._object(found.record.returns[0], spelling, found.path, depth + 1)
                else:
                    self._unread(parts_of(value))
            case _:
                self._unread(parts_of(value))

    def _unread(self, parts: tuple[str, ...]) -> None:
        named = ".".join(part for part in parts if part != "()")
        self.unknown.append(
            f"the settings in {named} could not be read" if named else "settings are worked out at run time"
        )

    def _dotted(self, name: str, value: Value, spelling: Spelling, path: str, depth: int) -> Iterator[Found]:
        found = self.project.definition(name)
        origin = found.origin if found else name
        if origin == _DJANGO:
            yield from self._django(spelling)
        elif origin.startswith(f"{_DJANGO}."):
            yield from self._key_of(self.django_files, origin.removeprefix(f"{_DJANGO}."), required=True)
        elif found is not None and found.path and found.record is None and not found.rest:
            yield from self._module(found.path, spelling)
        elif found is not None and isinstance(found.record, ClassRecord):
            inner = found.record.attribute(found.rest[0]) if len(found.rest) == 1 else None
            if not found.rest:
                yield from self._class(found, spelling)
            else:
                yield from self._object(inner, spelling, found.path, depth + 1)
        elif found is not None and isinstance(found.record, Assigned) and not found.rest:
            module = self.project.module(found.path) if isinstance(found.record.value, Mapping) else None
            if module is not None and is_changed(module, found.origin.rpartition(".")[2]):
                self._unread(tuple(name.split(".")))
            yield from self._object(found.record.value, spelling, found.path, depth + 1)
        elif parts_of(value)[-1:] == ("config",):
            yield from self._flask("")
        else:
            self._unread(tuple(name.split(".")))

    def _mapping(self, value: Mapping, spelling: Spelling, path: str, depth: int = 0) -> Iterator[Found]:
        for key, item in value.items:
            if isinstance(key, Constant) and isinstance(key.value, str):
                yield from self._named(key.value, item, path, key.span, spelling)
        for other in value.merged:
            yield from self._object(other, spelling, path, depth + 1)

    def _named(self, written: str, value: Value, path: str, span: Span, spelling: Spelling) -> Iterator[Found]:
        name = spelling.name(written)
        if name is not None:
            yield Found(name, written, value, path, span)

    def _module(self, path: str, spelling: Spelling, *, classes: bool = False) -> Iterator[Found]:
        """The settings of a module and of those it imports with `*`; in its classes too, for Django settings."""
        if (path, spelling, "") in self._seen:
            return
        self._seen.add((path, spelling, ""))
        summary = self.project.summary(path)
        if summary is None:
            self.unknown.append(f"{path} could not be read")
            return
        for name, records in summary.names.items():
            for record in records:
                match record:
                    case Assigned(value=value, span=span):
                        yield from self._named(name, value, path, span, spelling)
                    case Imported(origin=origin) if spelling.name(name):
                        behind = self.project.definition(origin)
                        if behind is not None and isinstance(behind.record, Assigned) and not behind.rest:
                            place = behind.record
                            yield from self._named(name, place.value, behind.path, place.span, spelling)
                    case ClassRecord(qualname=qualname) if classes and not is_test_class(qualname):
                        yield from self._attributes(record, path, spelling)
        for statement in summary.statements:
            if parts_of(statement.value)[:2] in (("globals", "()"), ("locals", "()"), ("vars", "()")):
                self.unknown.append("a settings module changes its own globals()")
        for star in summary.stars:
            behind_path, rest = self.project.find(star)
            if behind_path and not rest:
                if not self._is_test(behind_path):
                    yield from self._module(behind_path, spelling, classes=classes)
            elif not is_private(star) and star != "django.conf.global_settings":
                self.unknown.append(f"the settings in {star} are not in the project")

    def _class(self, found: Definition, spelling: Spelling) -> Iterator[Found]:
        """The settings of a class and its bases."""
        for origin, record, path in self.project.bases(found.origin):
            if record is not None and path:
                if (path, spelling, record.qualname) not in self._seen:
                    self._seen.add((path, spelling, record.qualname))
                    yield from self._attributes(record, path, spelling)
            elif origin.partition(".")[0] not in _HARMLESS:
                self.unknown.append(f"the base class {origin or 'of the settings'} could not be read")

    def _attributes(self, record: ClassRecord, path: str, spelling: Spelling) -> Iterator[Found]:
        for name, value in record.attributes:
            yield from self._named(name, value, path, value.span, spelling)
        for method in record.methods:
            if method.decorators:
                yield from self._named(method.name, Opaque(method.span), path, method.span, spelling)

    # Django.

    def _django(self, spelling: Spelling) -> Iterator[Found]:
        for path in self.django_files:
            yield from self._module(path, spelling, classes=True)
        if self.made and not self.django_files and not has_settings_file(self.project):
            self.unknown.append("no Django settings were found in the project")

    @remembered
    def django_files(self) -> tuple[str, ...]:
        """The files that may be, or be part of, the Django settings."""
        return django_files(self.project, [summary for _, summary in self.files])

    # Flask.

    def _flask(self, key: str) -> Iterator[Found]:
        """The settings in a Flask app's config, or in one dict of it.

        Arguments:
            key: which dict; empty for the config itself, of which Flask takes the names in capitals.
        """
        files = tuple(dict.fromkeys([*self.django_files, *(path for path, _ in self.files)]))
        found = list(self._key_of(files, key) if key else self._capitals(files))
        yield from found
        if not found:
            self.unknown.append("no settings for the Flask app were found in the project")

    def _capitals(self, files: Sequence[str]) -> Iterator[Found]:
        for path in files:
            for name, value, span in values_in(self.project.summary(path)):
                if name.isupper():
                    yield from self._named(name, value, path, span, PLAIN)

    def _key_of(self, files: Sequence[str], key: str, *, required: bool = False) -> Iterator[Found]:
        """What stands in the dicts of one name: `CELERY = {…}`."""
        some = False
        for path in files:
            for name, value, span in values_in(self.project.summary(path)):
                if name == key:
                    some = True
                    settled = self.project.constant(value)
                    if isinstance(settled, Mapping):
                        yield from self._mapping(_without_itself(settled), PLAIN, path)
                    else:
                        self.unknown.append(f"the settings in {key} could not be read")
                elif name.startswith(f"{key}."):
                    yield from self._named(name.removeprefix(f"{key}."), value, path, span, PLAIN)
        if required and not some:
            self.unknown.append(f"the settings in {key} could not be read")


def _owner(origin: str | None, steps: int) -> str | None:
    return origin.rsplit(".", steps)[0] if origin else None


def _without_itself(value: Mapping) -> Mapping:
    """A dict of one name as it is, `{**Config.CELERY, …}` taken as whole: the other dict of that name is read too."""
    return Mapping(value.items, True, value.span)
