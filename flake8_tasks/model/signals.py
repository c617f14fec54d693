"""Which functions `connect` of a signal is given, in whatever file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from flake8_tasks.model.frameworks.django import SIGNAL_TYPES, SIGNALS
from flake8_tasks.model.index import CONNECTS
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.names import Scope
from flake8_tasks.model.records import Assigned
from flake8_tasks.model.values import CallValue, Reference, Value

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project


class Connection(NamedTuple):
    """A signal that a function receives, and the sender that it is limited to."""

    signal: str
    sender: Value | None


def connections(
    project: Project, module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
) -> tuple[Connection, ...]:
    """The signals that a function is connected to, by a call of `connect`.

    Arguments:
        module: its file.
        scope: what it stands in.
    """
    found = project.remember("connections", None, lambda: _read(project))
    return found.get(f"{module.name}.{scope.child(function).qualname}", ())


def _read(project: Project) -> dict[str, tuple[Connection, ...]]:
    found: dict[str, tuple[Connection, ...]] = {}
    for path in project.holding(CONNECTS):
        module = project.module(path) if project.looks_at(path) else None
        for receiver, connection in _connected(project, module) if module else ():
            found[receiver] = (*found.get(receiver, ()), connection)
    return found


def _connected(project: Project, module: Module) -> Iterator[tuple[str, Connection]]:
    for statement in module.source.tree.body:
        for site in module.walk(statement, module.top):
            match site.node:
                case ast.Call(func=ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr="connect")) as call:
                    signal = _signal(project, module.origin(owner, site.frame))
                    given = {keyword.arg: keyword.value for keyword in call.keywords}
                    receiver = call.args[0] if call.args else given.get("receiver")
                    origin = _origin(project, module, receiver, site.frame)
                    if signal is not None and origin is not None:
                        sender = call.args[1] if len(call.args) > 1 else given.get("sender")
                        yield origin, Connection(signal, module.value(sender, site.frame) if sender else None)


def _origin(project: Project, module: Module, node: ast.expr | None, frame: Frame) -> str | None:
    return project.origin(module.origin(node, frame)) if isinstance(node, ast.Name | ast.Attribute) else None


def _signal(project: Project, name: str | None) -> str | None:
    """The dotted name of a signal of Django's or of the project; None for what may be none."""
    found = project.definition(name)
    if found is None:
        return None
    match found.record:
        case None if found.origin in SIGNALS or (found.origin.startswith("django.") and ".signals." in found.origin):
            return found.origin
        case Assigned(value=CallValue(function=Reference(origin=maker))) if not found.rest:
            return found.origin if project.origin(maker) in SIGNAL_TYPES else None
    return None
