"""Who calls a function of the project, and in which transaction: asked of other files, one name at a time.

Only calls that certainly reach the function count: by its name, by `self` or `super()`, through its class or an object
made there.  An equal method name on an object nobody knows is no call of it, and calls in tests are none at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flake8_tasks.edit import Place
from flake8_tasks.model.cache import digest
from flake8_tasks.model.index import REQUESTS, TASKS, TRANSACTIONS
from flake8_tasks.model.module import Frame, Module
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import ClassRecord, FunctionRecord
from flake8_tasks.model.tasks.task import Task
from flake8_tasks.model.testing import is_test_folder, is_test_module
from flake8_tasks.model.transactions.calls import Call, Texts, calls_in
from flake8_tasks.model.transactions.openers import Opened
from flake8_tasks.model.transactions.switches import handed_on
from flake8_tasks.model.transactions.views import is_view, may_write
from flake8_tasks.model.values import CallValue, Reference, Value, pack, unpack

_TOO_DEEP = 4
_TOO_MANY = 60  # functions on the way up to a transaction
_ALLOWS_WAITS = "celery.result.allow_join_result"
# What a decorator does that lets the function run later.
_DEFERS = ("on_commit", "delay", "apply_async", "Thread", "submit", "enqueue", "call_later", "call_soon")


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
        """The calls of a function or method, from files that hold task code or transactions or views, without tests."""
        return self.project.remember("callers", (module, qualname), lambda: tuple(self._of(module, qualname)))

    def everywhere(self, module: str, qualname: str) -> Iterator[CallSite]:
        """The same from every file, tests too; slow."""
        texts = Texts(self.project, self.project.everywhere(), qualname.rpartition(".")[2].encode())
        for path in self._calling(texts, module, qualname):
            yield from self._in(path, module, qualname, tests=True)

    @cached_property
    def _texts(self) -> Texts:
        paths = (path for path in self._files() if not is_test_folder(path, str(self.project.root)))
        return Texts(self.project, paths)

    def _files(self) -> dict[str, None]:
        """The files whose calls may matter: they hold task code or transactions, or answer requests that are one."""
        return self.project.remember("files of calls", None, self._read_files)

    def _read_files(self) -> dict[str, None]:
        flags = (TRANSACTIONS, TASKS, *((REQUESTS,) if self.project.settings.atomic_requests else ()))
        return dict.fromkeys(path for flag in flags for path in self.project.holding(flag))

    def _of(self, module: str, qualname: str) -> Iterator[CallSite]:
        self._files()  # what the answer rests on
        for path in self._calling(self._texts, module, qualname):
            yield from self._in(path, module, qualname)

    def _calling(self, texts: Texts, module: str, qualname: str) -> Iterator[str]:
        owner, _, name = qualname.rpartition(".")
        if not owner or owner.endswith("<locals>"):
            return texts.calling(name)
        related = frozenset(path for _, _, path in self.project.bases(f"{module}.{owner}"))
        return texts.calling(name, owner.rpartition(".")[2], related)

    def _in(self, path: str, module: str, qualname: str, *, tests: bool = False) -> Iterator[CallSite]:
        owner, _, name = qualname.rpartition(".")
        if owner.endswith("<locals>"):
            owner = ""
        other, _ = self.project.layout.module_name(path)
        for call in self._calls(path, name, tests):
            if self._reaches(call, other, f"{module}.{owner}" if owner else "", name, f"{module}.{qualname}"):
                yield CallSite(call, path, other)

    def _reaches(self, call: Call, module: str, owner: str, name: str, target: str) -> bool:
        """A call is certain to reach the function `target`, a method of the class `owner` or a plain function."""
        kind, _, method = call.callee.rpartition(".")
        if kind in ("self", "super"):
            own = f"{module}.{call.owner}"
            if not owner or not call.owner:
                return False
            if self._defines(own, method, above=kind == "super") == owner:
                return True
            caller = call.caller.rpartition(".")[2]  # a method of a base class calls what its subclass defines
            return kind == "self" and own != owner and self._defines(owner, caller) == own
        if kind.endswith("()"):
            return bool(owner) and self._defines(kind[:-2], method) == owner
        if call.callee == target:
            return True
        definition = self.project.definition(call.callee)
        if definition is None:
            return False
        if owner and isinstance(definition.record, ClassRecord) and definition.rest == (name,):
            return self._defines(definition.origin.removesuffix(f".{name}"), name) == owner
        return definition.origin == target

    def _defines(self, name: str, method: str, *, above: bool = False) -> str:
        """The class that a method comes from, seen from a class; empty where that cannot be said."""
        for position, (origin, record, _) in enumerate(self.project.bases(name)):
            if position == 0 and above:
                continue
            if record is not None and (record.method(method) or record.attribute(method)):
                return origin
        return ""

    def _calls(self, path: str, name: str, tests: bool) -> tuple[Call, ...]:
        entry = self.project.index.entry(path)
        if entry is None:
            return ()
        key = digest("calls of", entry.digest, path, self.project.layout.module_name(path)[0], name, str(tests))
        kept = self.project.cache.get(key)
        if kept is not None:
            try:
                recalled = unpack(kept)
                if isinstance(recalled, tuple) and all(isinstance(call, Call) for call in recalled):
                    return recalled
            except (KeyError, TypeError, ValueError):
                pass
        module = self.project.module(path)
        counts = module is not None and (tests or not is_test_module(module.source))
        found = tuple(calls_in(module, name)) if module is not None and counts else ()
        if self.project.cache.is_on:
            self.project.cache.put(key, pack(found))
        return found

    def tasks_calling(self, module: Module, frame: Frame) -> list[tuple[Task, Place | None]]:
        """The tasks that call the function of a frame, directly or through others, with the place where they do."""
        found: dict[str, tuple[Task, Place | None]] = {}
        seen = {(module.name, frame.scope.qualname)}
        pending = [(module.name, frame.scope.qualname, 0)]
        while pending:
            where, qualname, depth = pending.pop(0)
            if not self._runs_when_called(where, qualname):
                continue
            for site in self.of(where, qualname):
                if (site.module, site.call.caller) in seen or not site.call.caller or self._may_wait(site.call):
                    continue
                seen.add((site.module, site.call.caller))
                task = self._task(site) or self._inheriting(site, f"{module.name}.{frame.scope.qualname}")
                if task is not None:
                    found.setdefault(task.origin, (task, site.place))
                elif depth < _TOO_DEEP:
                    pending.append((site.module, site.call.caller, depth + 1))
        return list(found.values())

    def _may_wait(self, call: Call) -> bool:
        return any(
            isinstance(block, CallValue)
            and isinstance(block.function, Reference)
            and self.project.origin(block.function.origin) == _ALLOWS_WAITS
            for block in call.blocks
        )

    def _task(self, site: CallSite) -> Task | None:
        qualname = site.call.caller
        if site.call.owner and qualname == f"{site.call.owner}.run":
            qualname = site.call.owner
        return self.project.tasks.find(f"{site.module}.{qualname}")

    def _inheriting(self, site: CallSite, function: str) -> Task | None:
        """A task that inherits the `run` in which a call stands, and `function` too where that is a method below it."""
        of = f"{site.module}.{site.call.owner}"
        if not site.call.owner or site.call.caller != f"{site.call.owner}.run":
            return None
        if not self.project.tasks.classes.is_task_class(of):
            return None
        owner = function.rpartition(".")[0]
        inherits = any(origin == of for origin, _, _ in self.project.bases(owner))
        return self.project.tasks.running(owner if inherits else of, of)

    def opens_transaction(
        self, module: str, qualname: str, needs: frozenset[str] = frozenset()
    ) -> tuple[CallSite, Opened] | None:
        """A call that reaches a function in a transaction of the caller, or of a caller of it; the nearest.

        Arguments:
            needs: parameters of the function; a call that gives something false for one does not get there.
        """
        return self.project.remember("opens", (module, qualname, needs), lambda: self._opens(module, qualname, needs))

    def _opens(self, module: str, qualname: str, needs: frozenset[str]) -> tuple[CallSite, Opened] | None:
        seen = {(module, qualname, needs)}
        pending = [(module, qualname, needs, 0)]
        while pending and len(seen) < _TOO_MANY:
            where, name, needs, depth = pending.pop(0)
            if not self._runs_when_called(where, name):
                continue
            for site in self.of(where, name):
                above = handed_on(needs, dict(site.call.given))
                if above is None:
                    continue
                found = self.project.openers.first(site.call.blocks)
                if found is not None:
                    return site, found[1]
                if is_view(self.project, site.module, site.call.caller) and self._writes(site, module, qualname):
                    return site, Opened("request")
                key = (site.module, site.call.caller, above.union(site.call.needs))
                if key in seen or not site.call.caller or depth >= _TOO_DEEP or self._task(site) is not None:
                    continue
                seen.add(key)
                pending.append((*key, depth + 1))
        return None

    def _writes(self, site: CallSite, module: str, qualname: str) -> bool:
        """A view writes before a call, or the function behind it does."""
        view = self.project.module(site.path)
        if view is not None and may_write(view, site.call.caller, site.call.span):
            return True
        behind = self.project.module(self.project.find(module)[0])
        return behind is not None and may_write(behind, qualname)

    def _runs_when_called(self, module: str, qualname: str) -> bool:
        """Calling a function runs its body at once, whatever its decorators are."""
        definition = self.project.definition(f"{module}.{qualname}")
        record = definition.record if definition else None
        if definition is not None and isinstance(record, ClassRecord) and len(definition.rest) == 1:
            record = record.method(definition.rest[0])
        return not isinstance(record, FunctionRecord) or not any(map(self._defers, record.decorators))

    def _defers(self, decorator: Value) -> bool:
        """A decorator of the project, or one of the configured helpers, lets the function run later."""
        function = decorator.function if isinstance(decorator, CallValue) else decorator
        definition = self.project.definition(function.origin) if isinstance(function, Reference) else None
        if definition is None:
            return False
        if definition.origin in self.project.config.on_commit_helpers:
            return True
        if not definition.path or not isinstance(definition.record, FunctionRecord | ClassRecord):
            return False
        module = self.project.module(definition.path)
        text = module.source.text_at(definition.record.span) if module else ""
        makes_a_task = self.project.tasks.declarations.of(decorator, definition.path) is not None
        return not makes_a_task and any(word in text for word in _DEFERS)
