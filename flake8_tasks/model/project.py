"""The project around a file: its modules, what their names mean, and what other files say of tasks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar, cast, overload

from flake8_tasks.config import Config
from flake8_tasks.files import SUFFIXES
from flake8_tasks.model import inference
from flake8_tasks.model.cache import Cache, digest
from flake8_tasks.model.frameworks.celery import CANONICAL
from flake8_tasks.model.index import TASKS, Index
from flake8_tasks.model.module import Module
from flake8_tasks.model.names import UNBOUND
from flake8_tasks.model.source import Source, Unreadable
from flake8_tasks.model.summary import Assigned, ClassRecord, FunctionRecord, Imported, Record, Summary
from flake8_tasks.model.testing import is_test_name
from flake8_tasks.model.values import CallValue, Constant, Reference, Value, pack, unpack

if TYPE_CHECKING:
    from flake8_tasks.model.orm.reading import Orm
    from flake8_tasks.model.settings.found import Settings
    from flake8_tasks.model.tasks.task import Tasks
    from flake8_tasks.model.transactions.callers import Callers
    from flake8_tasks.model.transactions.openers import Openers

_TOO_DEEP = 20
_DEEPEST = 30  # folders that a module stands in
_HELD = 1_000_000  # characters of parsed files that are held in memory; a syntax tree takes some thirty bytes for each
_ANSWERS = 4_000  # held in memory between two checks; each takes some four thousand bytes
_SUMMARIES = 800  # held in memory; each takes some thirty thousand bytes
T = TypeVar("T")
_Asks = TypeVar("_Asks", bound="_OfProject")


class _OfProject(Protocol):
    @property
    def project(self) -> Project: ...


class remembered(Generic[_Asks, T]):  # spelled as `property` is
    """A property of something in a project, worked out once, with what that asks of other files (see `remember`)."""

    def __init__(self, answer: Callable[[_Asks], T]) -> None:
        self.answer = answer
        self.__doc__ = answer.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = f"{name} and what it asked"

    @overload
    def __get__(self, asked: None, kind: type) -> Self: ...
    @overload
    def __get__(self, asked: _Asks, kind: type) -> T: ...
    def __get__(self, asked: _Asks | None, kind: type) -> T | Self:
        if asked is None:
            return self
        known: tuple[T, frozenset[str]] | None = asked.__dict__.get(self.key)
        if known is None:
            known = asked.__dict__[self.key] = asked.project.answered(lambda: self.answer(asked))
        asked.project.asked |= known[1]
        return known[0]


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


class Project:
    """One project.

    Arguments:
        root: its folder.
        config: what the user has set.
        overlay: absolute path → bytes that stand instead of the file on disk.
        cache: the folder for what is kept between runs, None to keep nothing.
        listed: its Python files, where somebody has searched for them before.
        named: the files that are checked, which belong to it wherever they lie and whatever they are called.
    """

    def __init__(
        self,
        root: Path,
        config: Config,
        *,
        overlay: Mapping[str, bytes] | None = None,
        cache: Path | None = None,
        listed: Sequence[str] | None = None,
        named: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.config = config
        own = (*config.task_decorators, *config.dispatchers)
        words = tuple(sorted({name.rpartition(".")[2].encode() for name in own}))
        self.cache = Cache(cache, root, words)
        self.index = Index(root, dict(overlay or {}), words, self.cache, listed, named)
        self.asked: set[str] = set()
        self._modules: dict[str, Module] = {}
        self._held = 0
        self._under_check = ""
        self._unreadable: dict[str, Unreadable] = {}
        self._summaries: dict[str, Summary | None] = {}
        self._found: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._answers: dict[tuple[str, object], tuple[object, frozenset[str]]] = {}

    # The files of the project.

    @cached_property
    def import_roots(self) -> tuple[str, ...]:
        """Folders that imports start from: the root, `src`, those configured, those above a top-level package."""
        root = str(self.root)
        named = [root, *(os.path.join(root, folder) for folder in ("src", *self.config.src))]
        packages = {os.path.dirname(path) for path in self.index.paths if path.endswith(f"{os.sep}__init__.py")}
        above = {os.path.dirname(folder) for folder in packages} - packages
        return tuple(dict.fromkeys([*named, *sorted(above, key=lambda folder: (folder.count(os.sep), folder))]))

    def module_name(self, path: str) -> tuple[str, bool]:
        """The dotted name by which a file is imported, and whether it is a package."""
        folder = start = os.path.dirname(path)
        while os.path.join(start, "__init__.py") in self.index.known:
            start = os.path.dirname(start)
        default, source, *told = self._named_roots
        if inside := [root for root in told if path.startswith(root + os.sep)]:
            start = max(inside, key=len)
        elif start == folder:  # no package: as a namespace of the root
            start = next((root for root in (source, default) if path.startswith(root + os.sep)), start)
        name = _importable(os.path.relpath(path, start)).replace(os.sep, ".")
        is_package = name == "__init__" or name.endswith(".__init__")
        return (name.removesuffix("__init__").removesuffix(".") if is_package else name), is_package

    @cached_property
    def _named_roots(self) -> tuple[str, ...]:
        root = str(self.root)
        return (root, *(os.path.normpath(os.path.join(root, folder)) for folder in ("src", *self.config.src)))

    def find(self, name: str) -> tuple[str, tuple[str, ...]]:
        """The file of the longest module that a dotted name begins with, and what is left; ("", parts) for none."""
        if name not in self._found:
            parts = tuple(name.split("."))
            self._found[name] = next(self._files_of(parts), ("", parts))
        self.asked.add("paths")
        return self._found[name]

    @cached_property
    def _roots_with(self) -> dict[str, tuple[str, ...]]:
        """The first part of a dotted name → the import roots that have a file or folder of that name."""
        folders: set[str] = set()
        for folder in {os.path.dirname(path) for path in self.index.paths}:
            while folder not in folders and folder != os.path.dirname(folder):
                folders.add(folder)
                folder = os.path.dirname(folder)
        held: dict[str, set[str]] = {}
        for path in (*folders, *map(_importable, self.index.paths)):
            above, name = os.path.split(path)
            held.setdefault(above, set()).add(name)
        found: dict[str, tuple[str, ...]] = {}
        for root in self.import_roots:
            for name in held.get(root.rstrip(os.sep), ()):
                found[name] = (*found.get(name, ()), root)
        return found

    def _files_of(self, parts: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for length in range(min(len(parts), _DEEPEST), 0, -1):
            inner = os.path.join(*parts[:length]) if all(parts[:length]) else ""
            if not inner:
                continue
            for root in self._roots_with.get(parts[0], ()):
                base = os.path.join(root, inner)
                for path in (f"{base}.py", os.path.join(base, "__init__.py"), self._scripts.get(base, "")):
                    if path in self.index.known:
                        yield path, parts[length:]

    @cached_property
    def _scripts(self) -> dict[str, str]:
        """The files that no import finds, by what would be their path without a suffix."""
        return {_importable(path): path for path in self.index.paths if not path.endswith(".py")}

    def looks_at(self, path: str) -> bool:
        """A file is checked at all: it is no test, or tests are wanted."""
        return self.config.include_tests or not is_test_name(path)

    def source(self, path: str) -> Source:
        """A file of the project, read and parsed once.

        Raises:
            OSError: it cannot be read.
            Unreadable: it cannot be parsed.
        """
        if path in self._unreadable:
            raise self._unreadable[path]
        known = self._modules.get(path)
        if known is None:
            data = self.index.data(path)
            self.index.met(path, data)
            try:
                known = self._take(Source.of(path, data))
            except Unreadable as error:
                self._unreadable[path] = error
                raise
        return known.source

    def module(self, path: str) -> Module | None:
        """A file of the project, parsed; None where it cannot be."""
        self.asked.add(f"path:{path}")
        try:
            return self._take(self.source(path))
        except (OSError, Unreadable):
            return None

    def adopt(self, source: Source) -> Module:
        """Take the file that is checked next into the project; it stays in memory until another one is."""
        self._under_check = source.path
        if len(self._answers) > _ANSWERS:
            about = [key for key in self._answers if key[1] is not None]
            for key in about[: len(about) // 2]:  # the oldest; nobody is working on one now
                del self._answers[key]
        return self._take(source)

    def _take(self, source: Source) -> Module:
        self.asked.add("paths")  # its name hangs on them
        known = self._modules.pop(source.path, None)
        self._held -= len(known.source.text) if known else 0
        if known is None or not (known.source is source or known.source.text == source.text):
            known = Module(source, *self.module_name(source.path))
        self._modules[source.path] = known  # the newest is the last
        self._held += len(source.text)
        if self._held > _HELD:
            self._let_go(source.path)
        return known

    def _let_go(self, newest: str) -> None:
        """Forget the files that nobody has asked for longest."""
        for path in [path for path in self._modules if path not in (newest, self._under_check)]:
            module = self._modules.pop(path)
            self._held -= len(module.source.text)
            module.forget()
            if self._held <= _HELD:
                break

    def close(self) -> None:
        """Write what is to be kept, let go of the file it is kept in, and of everything in memory."""
        self.cache.close()
        for module in self._modules.values():
            module.forget()
        for held in (self._modules, self._unreadable, self._summaries, self._found, self._answers):
            held.clear()
        self._held = 0

    def summary(self, path: str) -> Summary | None:
        """What a file shows to the others; from the cache where its content is known there."""
        self.asked.add("paths")  # its name hangs on them
        self.asked.add(f"path:{path}")
        if path not in self._summaries:
            if len(self._summaries) >= _SUMMARIES:
                del self._summaries[next(iter(self._summaries))]
            try:
                self._summaries[path] = self._summary(path)
            except RecursionError:  # nested too deeply: it says nothing to the others
                self._summaries[path] = None
        return self._summaries[path]

    def _summary(self, path: str) -> Summary | None:
        entry = self.index.entry(path)
        if entry is None:
            return None
        name, is_package = self.module_name(path)
        kept = None if path in self._modules else self.cache.get(digest("summary", entry.digest, name, str(is_package)))
        if kept is not None:
            try:
                summary = unpack(kept)
                if isinstance(summary, Summary):
                    return summary
            except (KeyError, TypeError, ValueError):
                pass
        module = self.module(path)
        entry = self.index.entry(path)  # it may have changed since
        if module is None or entry is None:
            return None
        if self.cache.is_on:
            self.cache.put(digest("summary", entry.digest, name, str(is_package)), pack(module.summary))
        return module.summary

    # What names mean.

    def definition(self, name: str | None) -> Definition | None:
        """What a dotted name is, through re-exports and aliases; None where the project cannot say."""
        if name is None:
            return None
        return self.remember("definition", name, lambda: self._definition(name, 0))

    def remember(self, question: str, about: object, answer: Callable[[], T], *, of: Module | None = None) -> T:
        """An answer, worked out once; what it asked of other files counts as asked each time it is used.

        Arguments:
            of: the file that a node, or an answer with nodes in it, belongs to; the answer goes when its tree goes.
        """
        answers = self._answers if of is None else of.answers
        key = (question, about)
        known = answers.get(key)
        if known is None:
            known = answers[key] = self.answered(answer)
        self.asked |= known[1]
        return cast("T", known[0])

    def answered(self, answer: Callable[[], T]) -> tuple[T, frozenset[str]]:
        """An answer, and what it asked of other files."""
        before, self.asked = self.asked, set()
        try:
            return answer(), frozenset(self.asked)
        finally:
            self.asked |= before

    def origin(self, name: str | None) -> str | None:
        """The canonical form of a dotted name, None where the project cannot say."""
        found = self.definition(name)
        return found.origin if found else None

    def _definition(self, name: str, depth: int) -> Definition | None:
        if depth > _TOO_DEEP:
            return None
        path, rest = self.find(name)
        if not path:
            return Definition(CANONICAL.get(name, name))
        summary = self.summary(path)
        if summary is None:
            return None
        if not rest:
            return self._rebound(name, depth) or Definition(summary.module, path)
        found = self._member(summary, path, rest, depth)
        if found is None and (shown := self._rebound(name.removesuffix("." + ".".join(rest)), depth)) is not None:
            return self._definition(".".join([shown.origin, *rest]), depth + 1)
        return found

    def _rebound(self, module: str, depth: int) -> Definition | None:
        """What a package binds to the name of its own submodule: `from .celery import app as celery`."""
        owner, _, last = module.rpartition(".")
        path, rest = self.find(owner) if owner else ("", ())
        summary = self.summary(path) if path and not rest else None
        for record in summary.names.get(last, ()) if summary else ():
            if isinstance(record, Imported) and record.origin != module:
                return self._definition(record.origin, depth + 1)
        return None

    def _member(self, summary: Summary, path: str, rest: tuple[str, ...], depth: int) -> Definition | None:
        first, *inner = rest
        whole = ".".join(rest)
        if whole in summary.inner:
            return Definition(f"{summary.module}.{whole}", path, summary.inner[whole])
        if first == "<locals>" or "<locals>" in inner:
            return Definition(f"{summary.module}.{whole}", path)
        for record in summary.names.get(first, ()):
            match record:
                case Imported(origin):
                    found = self._definition(".".join([origin, *inner]), depth + 1)
                case Assigned(Reference(origin=str(origin))) if origin != f"{summary.module}.{first}":
                    found = self._definition(".".join([origin, *inner]), depth + 1)
                case _:
                    found = Definition(".".join([summary.module, *rest]), path, record, tuple(inner))
            if found is not None:
                return found
        for star in summary.stars:
            if self.find(star)[0]:
                found = self._definition(".".join([star, *rest]), depth + 1)
                if found is not None:
                    return found
        return None

    def is_shown(self, name: str) -> bool:
        """The first package of a dotted name is part of the project."""
        top = name.partition(".")[0]
        self.asked.add("paths")
        return top in self._tops

    @cached_property
    def _tops(self) -> frozenset[str]:
        return frozenset(self.module_name(path)[0].partition(".")[0] for path in self.index.paths)

    def constant(self, value: Value | None) -> Value | None:
        """A value, or what the module-level name that it refers to was assigned once."""
        for _ in range(5):
            if not isinstance(value, Reference) or value.origin is None:
                break
            found = self.definition(value.origin)
            if found is None or found.rest or not isinstance(found.record, Assigned):
                break
            summary = self.summary(found.path)
            if summary is None or len(summary.names.get(found.origin.rpartition(".")[2], ())) != 1:
                break  # another value may win
            value = found.record.value
        return value

    # Classes.

    def bases(self, name: str | None) -> Iterator[tuple[str, ClassRecord | None, str]]:
        """A class and its bases, nearest first: canonical origin, record (None outside the project), path.

        A base that cannot be resolved comes with the origin "".
        """
        yield from self._bases(name, set())

    def _bases(self, name: str | None, seen: set[str]) -> Iterator[tuple[str, ClassRecord | None, str]]:
        found = self.definition(name)
        if found is None or found.origin.startswith(UNBOUND):
            yield "", None, ""
        elif found.path and not found.rest and isinstance(found.record, ClassRecord):
            if found.origin in seen:
                return
            seen.add(found.origin)
            yield found.origin, found.record, found.path
            for base in found.record.bases:
                yield from self._bases(base.origin if isinstance(base, Reference) else None, seen)
        elif found.path:
            app, _, last = found.origin.rpartition(".")
            is_task = last == "Task" and self.tasks.declarations.is_app_name(app)
            yield ("celery.Task" if is_task else ""), None, found.path
        else:
            if found.origin in seen:
                return
            seen.add(found.origin)
            yield found.origin, None, ""
            if inference.may_be_asked(found.origin):
                self.asked.add(f"installed:{found.origin.partition('.')[0]}")
            for outside in inference.bases(found.origin) or ():
                yield from self._bases(outside, seen)

    def inherits(self, name: str | None, origins: frozenset[str] | Mapping[str, object]) -> bool:
        """A class is, or comes from, one of the classes named."""
        return any(origin in origins for origin, _, _ in self.bases(name))

    # The whole project.

    def everywhere(self) -> tuple[str, ...]:
        """All files, for an answer that rests on the content of each."""
        self.asked.add("contents")
        return self.index.paths

    def holding(self, flag: int) -> tuple[str, ...]:
        """The files that may hold something, by their bytes."""
        self.asked.add(f"holding:{flag}")
        return self.index.holding(flag)

    @property
    def settings(self) -> Settings:
        """The Celery settings of the project."""
        from flake8_tasks.model.settings.found import Settings

        return self.remember("settings", None, lambda: Settings(self))

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks of the project."""
        from flake8_tasks.model.tasks.task import Tasks

        return Tasks(self)

    @cached_property
    def orm(self) -> Orm:
        """What is an ORM instance or queryset."""
        from flake8_tasks.model.orm.reading import Orm

        return Orm(self)

    @cached_property
    def callers(self) -> Callers:
        """Who calls which function."""
        from flake8_tasks.model.transactions.callers import Callers

        return Callers(self)

    @cached_property
    def openers(self) -> Openers:
        """What opens a transaction."""
        from flake8_tasks.model.transactions.openers import Openers

        return Openers(self)

    def task_files(self) -> tuple[str, ...]:
        """The files that may declare or dispatch tasks."""
        return self.holding(TASKS)


def _importable(path: str) -> str:
    """A path without its suffix; of a script, which no import finds, one that no module can have."""
    whole, suffix = os.path.splitext(path)
    if suffix in SUFFIXES:
        return whole
    folder, name = os.path.split(path)
    return os.path.join(folder, f"<{name.replace('.', '_')}>")


def constant(value: Value | None) -> object:
    """The literal that a value is, `...` for anything else."""
    return value.value if isinstance(value, Constant) else ...


def called(value: Value | None) -> Value | None:
    """What is called, for a call; else the value itself."""
    return value.function if isinstance(value, CallValue) else value


__all__ = ["Definition", "FunctionRecord", "Project", "called", "constant"]
