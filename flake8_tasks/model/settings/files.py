"""Which files hold a project's Django settings, and what such a file and Flask's config assign."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from flake8_tasks.edit import Span
from flake8_tasks.model.index import SETTINGS
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord, Summary
from flake8_tasks.model.settings.apps import parts_of
from flake8_tasks.model.settings.names import is_settings_file, is_test_class, is_test_file
from flake8_tasks.model.values import CallValue, Constant, Item, Mapping, Value


def django_files(project: Project, summaries: Sequence[Summary]) -> tuple[str, ...]:
    """The files that may be, or be part of, the Django settings: by their paths, or by DJANGO_SETTINGS_MODULE.

    Arguments:
        summaries: of the files that may name the module.
    """
    root = str(project.root)
    plausible = {path for path in project.holding(SETTINGS) if is_settings_file(path, root)}
    asked = (project.find(name) for summary in summaries for name in _named(summary))
    named = {path for path, rest in asked if path and not rest}
    return tuple(path for path in sorted(plausible | named) if not is_test_file(path, root))


def has_settings_file(project: Project) -> bool:
    """There is a `settings.py`, although it may say nothing of Celery."""
    project.asked.add("paths")
    return any(os.path.basename(path) == "settings.py" for path in project.index.paths)


def _named(summary: Summary) -> Iterator[str]:
    for statement in summary.statements:
        match statement.target, statement.value:
            case Item(key="DJANGO_SETTINGS_MODULE"), Constant(value=str(name)):
                yield name
            case _, CallValue(arguments=(Constant(value="DJANGO_SETTINGS_MODULE"), Constant(value=str(name)))):
                yield name


def values_in(summary: Summary | None) -> Iterator[tuple[str, Value, Span]]:
    """Names and what they are assigned, in a module, its classes and a Flask config; `name.key` for an item."""
    if summary is None:
        return
    for name, records in summary.names.items():
        for record in records:
            if isinstance(record, Assigned):
                yield name, record.value, record.span
            elif isinstance(record, ClassRecord) and not is_test_class(record.qualname):
                for key, value in record.attributes:
                    yield key, value, value.span
    for statement in summary.statements:
        match statement.target, statement.value:
            case Item(value=owner, key=key, span=span), value if parts_of(owner)[-1:] == ("config",):
                yield key, value, span
            case Item(value=owner, key=key, span=span), value if parts_of(owner):
                yield f"{parts_of(owner)[-1]}.{key}", value, span
            case None, CallValue(function=function) as call if parts_of(function)[-2:] in (
                ("config", "from_mapping"),
                ("config", "update"),
            ):
                for key, value in call.keywords:
                    yield key, value, value.span
                for argument in call.arguments:
                    for name_value in argument.items if isinstance(argument, Mapping) else ():
                        if isinstance(name_value[0], Constant):
                            yield str(name_value[0].value), name_value[1], name_value[0].span
