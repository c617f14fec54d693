"""The project around a file: its modules, what their names mean, and what other files say of tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from flake8_tasks.config import Config
from flake8_tasks.model import inference
from flake8_tasks.model.answers import Answers
from flake8_tasks.model.cache import Cache, digest
from flake8_tasks.model.definition import Definition, defined
from flake8_tasks.model.index import TASKS, Index
from flake8_tasks.model.layout import Layout
from flake8_tasks.model.module import Module
from flake8_tasks.model.names import UNBOUND
from flake8_tasks.model.records import Assigned, ClassRecord, Summary
from flake8_tasks.model.source import Source, Unreadable
from flake8_tasks.model.testing import is_test_name
from flake8_tasks.model.values import Reference, Value, pack, unpack

if TYPE_CHECKING:
    from flake8_tasks.model.orm.reading import Orm
    from flake8_tasks.model.settings.found import Settings
    from flake8_tasks.model.tasks.found import Tasks
    from flake8_tasks.model.transactions.callers import Callers
    from flake8_tasks.model.transactions.openers import Openers

_HELD = 1_000_000  # characters of parsed files that are held in memory; a syntax tree takes some thirty bytes for each
_SUMMARIES = 800  # held in memory; each takes some thirty thousand bytes


class Project(Answers):
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
        super().__init__()
        self.root = root
        self.config = config
        own = (*config.task_decorators, *config.dispatchers)
        words = tuple(sorted({name.rpartition(".")[2].encode() for name in own}))
        self.cache = Cache(cache, root, words)
        self.index = Index(root, dict(overlay or {}), words, self.cache, listed, named)
        self.layout = Layout(root, config.src, self.index)
        self._modules: dict[str, Module] = {}
        self._held = 0
        self._under_check = ""
        self._unreadable: dict[str, Unreadable] = {}
        self._summaries: dict[str, Summary | None] = {}

    # The files of the project.

    def find(self, name: str) -> tuple[str, tuple[str, ...]]:
        """The file of the longest module that a dotted name begins with, and what is left; ("", parts) for none."""
        self.asked.add("paths")
        return self.layout.find(name)

    def is_shown(self, name: str) -> bool:
        """The first package of a dotted name is part of the project."""
        self.asked.add("paths")
        return name.partition(".")[0] in self.layout.tops

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
        self.forget_some()
        return self._take(source)

    def _take(self, source: Source) -> Module:
        self.asked.add("paths")  # its name hangs on them
        known = self._modules.pop(source.path, None)
        self._held -= len(known.source.text) if known else 0
        if known is None or not (known.source is source or known.source.text == source.text):
            known = Module(source, *self.layout.module_name(source.path))
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
        for held in (self._modules, self._unreadable, self._summaries):
            held.clear()
        self._held = 0
        self.forget()

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
        name, is_package = self.layout.module_name(path)
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
        return self.remember("definition", name, lambda: defined(self, name))

    def origin(self, name: str | None) -> str | None:
        """The canonical form of a dotted name, None where the project cannot say."""
        found = self.definition(name)
        return found.origin if found else None

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
            is_task = last == "Task" and self.tasks.apps.is_app_name(app)
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
        from flake8_tasks.model.tasks.found import Tasks

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
