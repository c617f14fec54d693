"""The calls of one name that a file holds, and a search for the files that may hold one."""

from __future__ import annotations

import ast
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.edit import Span
from flake8_tasks.model.module import Module, Site
from flake8_tasks.model.names import Binding, How
from flake8_tasks.model.transactions.openers import blocks
from flake8_tasks.model.values import Value, recorded

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project


@recorded
@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, as its file alone tells it.

    Arguments:
        callee: the dotted origin of what is called; `self.name` and `super.name` for a method of the same object,
            `module.Class().name` for one of an object made there.
        caller: the qualname of the function around it, empty at module level.
        owner: the qualname of the class around that function, empty for none.
        blocks: pictures of the `with` items and decorators around it, innermost first.
    """

    callee: str
    caller: str
    owner: str
    blocks: tuple[Value, ...]
    span: Span


class Texts:
    """The bytes of many files as one, to be searched for a name at once."""

    def __init__(self, project: Project, paths: Iterator[str]) -> None:
        self.paths: list[str] = []
        self._starts: list[int] = []
        parts: list[bytes] = []
        length = 0
        for path in paths:
            try:
                data = project.index.data(path)
            except OSError:
                continue
            self.paths.append(path)
            self._starts.append(length)
            parts.append(data)
            length += len(data) + 1
        self._starts.append(length)
        self._all = b"\0".join(parts)

    def calling(self, name: str, owner: str = "", related: frozenset[str] = frozenset()) -> Iterator[str]:
        """The files that may call a function, or a method of a class.

        Arguments:
            owner: the name of the class; files count then that say it, or that are `related`.
        """
        word, text, whose = name.encode(), self._all, owner.encode()
        at = text.find(word)
        while at != -1:
            end = at + len(word)
            before, after = text[max(0, at - 4) : at], text[end : end + 4]
            whole = not (before[-1:].isalnum() or before[-1:] == b"_")
            if whole and before != b"def " and after.lstrip(b" \\\r\n")[:1] in (b"(", b"a"):
                file = bisect(self._starts, at) - 1
                start, end = self._starts[file], self._starts[file + 1]
                if not whose or self.paths[file] in related or text.find(whose, start, end) != -1:
                    yield self.paths[file]
            at = text.find(word, end)


def calls_in(module: Module, name: str) -> Iterator[Call]:
    """The calls of a name in a file, whatever it means there."""
    words = {name, *_aliases(module, name)}
    lines = [number for number, line in enumerate(module.source.lines, 1) if any(word in line for word in words)]
    for function, frame in module.functions:
        end = function.end_lineno or function.lineno
        if not any(function.lineno <= line <= end for line in lines):
            continue
        for site in module.walk(function, frame):
            around = site.frame.function
            if not isinstance(site.node, ast.Call) or around is None or around.part != "body":
                continue
            callee = _callee(site.node.func, site, module, name)
            if callee is not None:
                owner = frame.scope.qualname if isinstance(frame.node, ast.ClassDef) else ""
                yield Call(callee, around.scope.qualname, owner, tuple(blocks(site, module)), site.span)


def _aliases(module: Module, name: str) -> Iterator[str]:
    """Other names under which a file imports one."""
    if f"{name} as " in module.source.text:
        for node in ast.walk(module.source.tree):
            if isinstance(node, ast.alias) and node.asname and node.name == name:
                yield node.asname


def _callee(function: ast.expr, site: Site, module: Module, name: str) -> str | None:
    match function:
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr) if attr == name:
            return f"self.{name}"
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attr) if attr == name:
            return f"super.{name}"
        case ast.Attribute(value=ast.Call(func=ast.Name() | ast.Attribute() as maker), attr=attr) if attr == name:
            made = module.origin(maker, site.frame)
            return f"{made}().{name}" if made else None
        case ast.Attribute(value=ast.Name() as receiver, attr=attr) if attr == name:
            origin = module.origin(function, site.frame)
            return origin or _made(receiver, site, module, name)
        case ast.Attribute(attr=attr) if attr == name:
            return module.origin(function, site.frame)
        case ast.Name():
            origin = module.origin(function, site.frame)
            return origin if origin is not None and origin.rpartition(".")[2] == name else None
    return None


def _made(receiver: ast.Name, site: Site, module: Module, name: str) -> str | None:
    """`service = Service(…)` and nothing else, then `service.name(…)`."""
    found = module.names.find(receiver.id, site.frame.scope)
    match found[1] if found else []:
        case [Binding(How.ASSIGNMENT, value=ast.Call(func=ast.Name() | ast.Attribute() as maker), path=())]:
            made = module.origin(maker, site.frame)
            return f"{made}().{name}" if made else None
    return None
