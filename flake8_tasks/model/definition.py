"""What a dotted name means, through re-exports, aliases and stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.model.frameworks.celery import CANONICAL
from flake8_tasks.model.records import Assigned, Imported, Record, Summary
from flake8_tasks.model.values import Reference

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

_TOO_DEEP = 20


@dataclass(frozen=True, slots=True)
class Definition:
    """What a dotted name is.

    Arguments:
        origin: its one canonical name, whichever way it was imported.
        path: the file of the project that defines it, empty outside the project.
        record: what is defined there; None for a module and outside the project.
        rest: what is left of the name inside the record: a method or attribute.
    """

    origin: str
    path: str = ""
    record: Record | None = None
    rest: tuple[str, ...] = ()


def defined(project: Project, name: str, depth: int = 0) -> Definition | None:
    """What a dotted name is; None where the project cannot say."""
    if depth > _TOO_DEEP:
        return None
    path, rest = project.find(name)
    if not path:
        return Definition(CANONICAL.get(name, name))
    summary = project.summary(path)
    if summary is None:
        return None
    if not rest:
        return _rebound(project, name, depth) or Definition(summary.module, path)
    found = _member(project, summary, path, rest, depth)
    if found is None and (shown := _rebound(project, name.removesuffix("." + ".".join(rest)), depth)) is not None:
        return defined(project, ".".join([shown.origin, *rest]), depth + 1)
    return found


def _rebound(project: Project, module: str, depth: int) -> Definition | None:
    """What a package binds to the name of its own submodule: `from .celery import app as celery`."""
    owner, _, last = module.rpartition(".")
    path, rest = project.find(owner) if owner else ("", ())
    summary = project.summary(path) if path and not rest else None
    for record in summary.names.get(last, ()) if summary else ():
        if isinstance(record, Imported) and record.origin != module:
            return defined(project, record.origin, depth + 1)
    return None


def _member(project: Project, summary: Summary, path: str, rest: tuple[str, ...], depth: int) -> Definition | None:
    first, *inner = rest
    whole = ".".join(rest)
    if whole in summary.inner:
        return Definition(f"{summary.module}.{whole}", path, summary.inner[whole])
    if first == "<locals>" or "<locals>" in inner:
        return Definition(f"{summary.module}.{whole}", path)
    records = summary.names.get(first, ())
    for record in records:
        match record:
            case Assigned(Reference(origin="builtins.object")) if len(records) > 1:
                continue  # for type checkers: `if TYPE_CHECKING: Base = object`
            case Imported(origin):
                found = defined(project, ".".join([origin, *inner]), depth + 1)
            case Assigned(Reference(origin=str(origin))) if origin != f"{summary.module}.{first}":
                found = defined(project, ".".join([origin, *inner]), depth + 1)
            case _:
                found = Definition(".".join([summary.module, *rest]), path, record, tuple(inner))
        if found is not None:
            return found
    for star in summary.stars:
        if project.find(star)[0]:
            found = defined(project, ".".join([star, *rest]), depth + 1)
            if found is not None:
                return found
    return None
