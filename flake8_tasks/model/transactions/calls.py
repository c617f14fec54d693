"""The calls of one name that a file holds, and a search for the files that may hold one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.edit import Span
from flake8_tasks.model.module import Module, Site
from flake8_tasks.model.names import Binding, How
from flake8_tasks.model.transactions.openers import blocks
from flake8_tasks.model.transactions.switches import given, needed
from flake8_tasks.model.values import Value, recorded

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

# `name(`, `name (` and `import name as`, but not `def name(`; a word is tried at its beginning only, and once.
_IS_CALLED = rb"(?:\(|[ \\\r\n]+(?:\(|as\b))"
_CALLED = re.compile(rb"\b(?<!def )(\w++)" + _IS_CALLED)
_CALLED_BEYOND_ASCII = re.compile(rb"(?<![\w\x80-\xff])(?<!def )([\w\x80-\xff]++)" + _IS_CALLED)  # takes twice as long


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
        needs: parameters of the function around it that are true whenever the call is reached.
        given: its keywords whose value is a name, or is false (the empty text); `**kwargs` under "**".
    """

    callee: str
    caller: str
    owner: str
    blocks: tuple[Value, ...]
    span: Span
    needs: tuple[str, ...] = ()
    given: tuple[tuple[str, str], ...] = ()


class Texts:
    """The names that many files call or import under another name, to be asked who may call one.

    Arguments:
        word: files that do not hold it are left out.
    """

    def __init__(self, project: Project, paths: Iterable[str], word: bytes = b"") -> None:
        self._project = project
        self._paths: dict[bytes, list[str]] = {}
        for path in paths:
            try:
                data = project.index.data(path)
            except OSError:
                continue
            if word not in data:
                continue
            called = _CALLED if data.isascii() else _CALLED_BEYOND_ASCII
            for name in {*called.findall(data)}:
                self._paths.setdefault(name, []).append(path)

    def calling(self, name: str, owner: str = "", related: frozenset[str] = frozenset()) -> Iterator[str]:
        """The files that may call a function, or a method of a class.

        Arguments:
            owner: the name of the class; files count then that say it, or that are `related`.
        """
        for path in self._paths.get(name.encode(), ()):
            if not owner or path in related or self._says(path, owner.encode()):
                yield path

    def _says(self, path: str, word: bytes) -> bool:
        try:
            return word in self._project.index.data(path)
        except OSError:
            return False


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
                opened, needs = tuple(blocks(site, module)), tuple(sorted(needed(site)))
                yield Call(callee, around.scope.qualname, owner, opened, site.span, needs, given(site.node))


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
