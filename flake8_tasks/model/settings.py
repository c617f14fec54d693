"""The Celery settings of a project, wherever they stand: Django settings, `app.conf`, config classes and modules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flake8_tasks.edit import Span
from flake8_tasks.model.declarations import Declarations, apps_of
from flake8_tasks.model.frameworks.celery_settings import OLD_SETTINGS, SETTINGS
from flake8_tasks.model.index import SETTINGS as HOLDS_SETTINGS
from flake8_tasks.model.project import Project
from flake8_tasks.model.summary import Assigned, ClassRecord, Statement, Summary
from flake8_tasks.model.testing import is_test_name
from flake8_tasks.model.values import CallValue, Constant, Mapping, Reference, Value

_FLASK_DICTS = frozenset({"CELERY", "CELERY_CONFIG", "celery_config", "CELERY_SETTINGS"})


@dataclass(frozen=True, slots=True)
class Found:
    """One place that sets a Celery setting.

    Arguments:
        name: its new-style name, `task_time_limit`.
        written: as it is written, `CELERY_TASK_TIME_LIMIT`.
        span: the key or name.
    """

    name: str
    written: str
    value: Value
    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class App:
    """A Celery app at module level: its dotted name, the call that makes it, the base class of its tasks."""

    name: str
    call: CallValue
    path: str
    task_cls: Value | None


class Settings:
    """What a project says to Celery."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._declarations = Declarations(project)
        self._unknown: list[str] = []
        self._files = [path for path in project.holding(HOLDS_SETTINGS) if not self._is_test(path)]
        self.apps: tuple[App, ...] = tuple(self._apps())
        self._found: dict[str, list[Found]] = {}
        for found in self._all():
            self._found.setdefault(found.name, []).append(found)

    @property
    def unknown(self) -> str:
        """Why there may be settings that could not be read; empty where all were."""
        return self._unknown[0] if self._unknown else ""

    def get(self, name: str) -> tuple[Found, ...]:
        """Every place that sets a setting, by its new-style name."""
        return tuple(self._found.get(name, ()))

    def of_file(self, path: str) -> tuple[Found, ...]:
        """The settings that one file sets."""
        return tuple(found for places in self._found.values() for found in places if found.path == path)

    def annotated(self, task_name: str, option: str) -> Value | None:
        """What `task_annotations` sets for a task."""
        for found in self.get("task_annotations"):
            value = self.project.constant(found.value)
            if not isinstance(value, Mapping):
                return value
            for key in (task_name, "*"):
                options = self.project.constant(value.get(key))
                if isinstance(options, Mapping) and (given := options.get(option)) is not None:
                    return given
        return None

    @cached_property
    def atomic_requests(self) -> bool:
        """Django opens a transaction for each request."""
        return False

    def _is_test(self, path: str) -> bool:
        inner = os.path.relpath(path, self.project.root).split(os.sep)
        return is_test_name(path) or "tests" in inner[:-1] or inner[-1].startswith("test")

    def _apps(self) -> Iterator[App]:
        for name, call, path in apps_of(self.project, iter(self._files)):
            task_cls = call.keyword("task_cls")
            if task_cls is None and isinstance(call.function, Reference):
                for _, record, _ in self.project.bases(call.function.origin):
                    if record is not None and (task_cls := record.attribute("task_cls")) is not None:
                        break
            for summary in self._summaries(path):
                for statement in summary.statements:
                    match statement.target:
                        case Reference(parts=(*_, "Task"), origin=str(origin)) if origin == f"{name}.Task":
                            task_cls = statement.value
            yield App(name, call, path, task_cls)

    def _summaries(self, path: str) -> Iterator[Summary]:
        summary = self.project.summary(path)
        if summary is not None:
            yield summary

    def _all(self) -> Iterator[Found]:
        for app in self.apps:
            for key, value in app.call.keywords:
                name = {"broker": "broker_url", "backend": "result_backend"}.get(key, key)
                if name in SETTINGS:
                    yield Found(name, key, value, app.path, value.span)
        for path in self._files:
            for summary in self._summaries(path):
                yield from self._module(summary, path)
                for statement in summary.statements:
                    yield from self._statement(statement, path)

    def _module(self, summary: Summary, path: str) -> Iterator[Found]:
        for name, records in summary.names.items():
            for record in records:
                if isinstance(record, Assigned):
                    yield from self._named(name, record.value, path, record.span)
                    if name in _FLASK_DICTS:
                        yield from self._mapping(record.value, path)
                elif isinstance(record, ClassRecord):
                    for key, value in record.attributes:
                        yield from self._named(key, value, path, value.span)

    def _named(self, name: str, value: Value, path: str, span: Span) -> Iterator[Found]:
        known = _new_name(name)
        if known is not None:
            yield Found(known, name, value, path, span)

    def _mapping(self, value: Value | None, path: str) -> Iterator[Found]:
        value = self.project.constant(value)
        if isinstance(value, Mapping):
            for key, item in value.items:
                if isinstance(key, Constant) and isinstance(key.value, str):
                    known = key.value if key.value in SETTINGS else _new_name(key.value)
                    if known is not None:
                        yield Found(known, key.value, item, path, key.span)

    def _statement(self, statement: Statement, path: str) -> Iterator[Found]:
        match statement.target, statement.value:
            case Reference(parts=(*_, "conf", name), span=span), value if name in SETTINGS:
                yield Found(name, name, value, path, span)
            case CallValue(function=Reference(parts=(*_, "conf")), arguments=(Constant(value=str(name), span=span),)), value:
                if name in SETTINGS:
                    yield Found(name, name, value, path, span)
            case None, CallValue(function=Reference(parts=(*_, "conf", "update"))) as call:
                for key, value in call.keywords:
                    if key in SETTINGS:
                        yield Found(key, key, value, path, value.span)
                for argument in call.arguments:
                    yield from self._mapping(argument, path)
            case None, CallValue(function=Reference(parts=(*_, "config_from_envvar"))):
                self._unknown.append("the app reads its settings from an environment variable")


def _new_name(name: str) -> str | None:
    """The new-style name of a setting as Django settings, classes and modules write it."""
    if name in OLD_SETTINGS:
        return OLD_SETTINGS[name]
    if name.startswith("CELERY_") and name[7:].lower() in SETTINGS:
        return name[7:].lower()
    return name if name in SETTINGS and "_" in name else None
