"""Who calls a function of the project, and in which transaction: asked of other files, one name at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_tasks.edit import Place, Span
from flake8_tasks.model.cache import digest
from flake8_tasks.model.index import TASKS, TRANSACTIONS
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.project import Project
from flake8_tasks.model.tasks import Task
from flake8_tasks.model.transactions import lexical
from flake8_tasks.model.values import pack, recorded, unpack

_TOO_DEEP = 4


@recorded
@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, as its file alone tells it.

    Arguments:
        callee: the dotted origin of what is called; `self.name` for a method of the same object.
        caller: the qualname of the function around it, empty at module level.
        owner: the qualname of the class around that function, empty for none.
        using: the database of the transaction opened around the call: "" for the default one, None for no transaction.
    """

    callee: str
    caller: str
    owner: str
    using: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call and the file it stands in."""

    call: Call
    path: str
    module: str

    @property
    def place(self) -> Place:
        return Place(self.path, self.call.span)


class Callers:
    """The calls between the functions of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def of(self, module: str, qualname: str) -> tuple[CallSite, ...]:
        """The calls of a function or method, from files that hold task code or transactions."""
        return self.project.remember("callers", (module, qualname), lambda: tuple(self._of(module, qualname)))

    def _of(self, module: str, qualname: str) -> Iterator[CallSite]:
        owner, _, name = qualname.rpartition(".")
        target = f"{module}.{qualname}"
        for path in self._mentioning(name):
            other, _ = self.project.module_name(path)
            for call in self._calls(path, name):
                if call.callee == f"self.{name}":
                    if owner and call.owner and self._overlap(f"{other}.{call.owner}", f"{module}.{owner}"):
                        yield CallSite(call, path, other)
                elif call.callee == target or self.project.origin(call.callee) == target:
                    yield CallSite(call, path, other)

    def _mentioning(self, name: str) -> Iterator[str]:
        word = name.encode()
        paths = dict.fromkeys([*self.project.holding(TRANSACTIONS), *self.project.holding(TASKS)])
        for path in paths:
            try:
                if word in self.project.index.data(path):
                    yield path
            except OSError:
                continue

    def _overlap(self, caller: str, owner: str) -> bool:
        """`self` in a method of one class may be an object whose method the other defines."""
        return caller == owner or any(origin == owner for origin, _, _ in self.project.bases(caller))

    def _calls(self, path: str, name: str) -> tuple[Call, ...]:
        entry = self.project.index.entry(path)
        if entry is None:
            return ()
        key = digest("calls", entry.digest, self.project.module_name(path)[0], name)
        kept = self.project.cache.get(key)
        if kept is not None:
            try:
                found: tuple[Call, ...] = unpack(kept)
                return found
            except (KeyError, TypeError, ValueError):
                pass
        module = self.project.module(path)
        found = tuple(_calls_in(module, name)) if module else ()
        self.project.cache.put(key, pack(found))
        return found

    def tasks_calling(
        self, module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame
    ) -> list[tuple[Task, Place | None]]:
        """The tasks that call a function, directly or through other functions, each with the place of its call."""
        found: dict[str, tuple[Task, Place | None]] = {}
        seen = {(module.name, frame.scope.qualname)}
        pending = [(module.name, frame.scope.qualname, 0)]
        while pending:
            where, qualname, depth = pending.pop()
            for site in self.of(where, qualname):
                if (site.module, site.call.caller) in seen or not site.call.caller:
                    continue
                seen.add((site.module, site.call.caller))
                task = self._task(site)
                if task is not None:
                    found.setdefault(task.origin, (task, site.place))
                elif depth < _TOO_DEEP:
                    pending.append((site.module, site.call.caller, depth + 1))
        return list(found.values())

    def _task(self, site: CallSite) -> Task | None:
        qualname = site.call.caller
        if site.call.owner and qualname == f"{site.call.owner}.run":
            qualname = site.call.owner
        return self.project.tasks.find(f"{site.module}.{qualname}")

    def opens_transaction(self, module: str, qualname: str) -> CallSite | None:
        """A call that reaches a function inside a transaction of the caller, or of a caller of it."""
        return self.project.remember(
            "opens", (module, qualname), lambda: self._opens(module, qualname, frozenset(), 0)
        )

    def _opens(self, module: str, qualname: str, seen: frozenset[tuple[str, str]], depth: int) -> CallSite | None:
        if depth > _TOO_DEEP or (module, qualname) in seen:
            return None
        sites = self.of(module, qualname)
        for site in sites:
            if site.call.using is not None:
                return site
        for site in sites:
            if site.call.caller and "<locals>" not in site.call.caller and self._task(site) is None:
                above = self._opens(site.module, site.call.caller, seen | {(module, qualname)}, depth + 1)
                if above is not None:
                    return above
        return None


def _calls_in(module: Module, name: str) -> Iterator[Call]:
    lines = [number for number, line in enumerate(module.source.lines, 1) if name in line]
    for function, frame in module.functions:
        end = function.end_lineno or function.lineno
        if not any(function.lineno <= line <= end for line in lines):
            continue
        for site in module.walk(function, frame):
            node = site.node
            if not isinstance(node, ast.Call):
                continue
            match node.func:
                case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr) if attr == name:
                    callee: str | None = f"self.{name}"
                case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attr) if attr == name:
                    callee = f"self.{name}"
                case ast.Attribute(attr=attr) if attr == name:
                    callee = module.origin(node.func, site.frame)
                case ast.Name():
                    callee = module.origin(node.func, site.frame)
                    if callee is not None and callee.rpartition(".")[2] != name:
                        callee = None
                case _:
                    callee = None
            around = site.frame.function
            if callee is None or around is None or around.part != "body":
                continue
            owner = frame.scope.qualname if isinstance(frame.node, ast.ClassDef) else ""
            opened = lexical(site, module)
            using = None if opened is None else (opened.using_text or "")
            yield Call(callee, around.scope.qualname, owner, using, site.span)
