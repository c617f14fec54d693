"""What the files of a project hold, told by their bytes: which could declare tasks or configure Celery."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flake8_tasks import files
from flake8_tasks.model import inference
from flake8_tasks.model.cache import Cache, digest
from flake8_tasks.model.changes.requirements import texts

TASKS, TRANSACTIONS, SETTINGS, CONFIGURES, REQUESTS, CONNECTS = 1, 2, 4, 8, 16, 32

_APP = (b"config_from_", b"task_cls", b"Celery(", b"add_defaults", b"celeryd_init", b"celeryd_after_setup")
# Each begins with plain text, which is found fast, or is tried only where that is.
_APP_SET = (re.compile(rb"\.conf(?:\[|,|\.(?:update|setdefault|\w+\s*=[^=]))"), re.compile(rb"\.Task\s*=[^=]"))
_APP_CALL = re.compile(rb"celery\w*\(")
_APP_MADE = re.compile(rb"(?m)^\w+(?:\s*:[^=\n]+)?\s*=\s*[\w.]*celery\w*\(")
_RACY = 2_000_000_000  # a file changed less than this long ago, in ns, may change again within one tick of its clock


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: what its bytes may hold (a sum of the flags above) and the digest of its content."""

    flags: int
    digest: str


def flags_of(data: bytes, words: tuple[bytes, ...]) -> int:
    """What the bytes of a file may hold."""
    found = TASKS if files.may_hold_task_code(data, words) else 0
    if b"request" in data:
        found |= REQUESTS
    if b"atomic" in data or b"ATOMIC" in data or b".begin" in data or (found & REQUESTS and b".tm:" in data):
        found |= TRANSACTIONS
    if (found & TASKS and (b"elery" in data or b"CELERY" in data)) or (
        found & TRANSACTIONS and b"ATOMIC_REQUESTS" in data
    ):
        found |= SETTINGS
    if b"DJANGO_SETTINGS_MODULE" in data or (found & (TASKS | SETTINGS) and _has_app(data)):
        found |= CONFIGURES
    if b".connect(" in data and b"ignal" in data:
        found |= CONNECTS
    return found


def _has_app(data: bytes) -> bool:
    return (
        any(word in data for word in _APP)
        or any(pattern.search(data) for pattern in _APP_SET)
        or (_APP_CALL.search(data) is not None and _APP_MADE.search(data) is not None)
    )


class Index:
    """The files of one project.

    Arguments:
        root: the project's folder.
        overlay: absolute path → bytes that stand instead of the file on disk.
        words: more words by which a file may hold task code: the user's own decorators and dispatchers.
        listed: the project's Python files, where somebody has searched for them before.
        named: the files that are checked, which a search may leave out: git ignores one, or it is called `worker`.
    """

    def __init__(
        self,
        root: Path,
        overlay: Mapping[str, bytes],
        words: tuple[bytes, ...],
        cache: Cache,
        listed: Sequence[str] | None = None,
        named: Sequence[str] = (),
    ) -> None:
        self.root = root
        self._listed = listed
        self._named = named
        self.overlay = overlay
        self.words = words
        self.cache = cache
        self._entries: dict[str, Entry] = {}
        self._holding: dict[int, tuple[str, ...]] = {}
        self._states: dict[int, str] = {}

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every Python file of the project, absolute, sorted."""
        listed = files.python_files(self.root) if self._listed is None else self._listed
        return tuple(sorted({*listed, *self.overlay, *self._named}))

    @cached_property
    def known(self) -> frozenset[str]:
        """The same, to look one up."""
        return frozenset(self.paths)

    def data(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            OSError: it cannot be read.
        """
        if path in self.overlay:
            return self.overlay[path]
        with open(path, "rb") as file:
            return file.read()

    @cached_property
    def _kept(self) -> dict[str, tuple[str, int, str]]:
        return self.cache.files()

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Path → what it holds, for every file that can be read."""
        fresh: list[tuple[str, str, int, str]] = []
        now = time.time_ns()
        for path in self.paths:
            if path in self._entries:
                continue
            try:
                if path in self.overlay:
                    self._entries[path] = self._of(self.overlay[path])
                    continue
                status = os.stat(path)
                kept = self._kept.get(path)
                stamp = f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"
                if kept is not None and kept[0] == stamp:
                    self._entries[path] = Entry(kept[1], kept[2])
                    continue
                entry = self._entries[path] = self._of(self.data(path))
            except OSError:
                continue
            if now - status.st_mtime_ns > _RACY:
                fresh.append((path, stamp, entry.flags, entry.digest))
        self.cache.keep_files(fresh)
        return self._entries

    def entry(self, path: str) -> Entry | None:
        """What one file holds, None where it cannot be read."""
        if path not in self._entries:
            return self.entries.get(path)
        return self._entries[path]

    def met(self, path: str, data: bytes) -> Entry:
        """What a file holds whose content somebody has read: it may have changed since its entry was made."""
        known = self._entries.get(path)
        if known is None or known.digest != digest(data):
            known = self._entries[path] = self._of(data)
        return known

    def _of(self, data: bytes) -> Entry:
        return Entry(flags_of(data, self.words), digest(data))

    def holding(self, flag: int) -> tuple[str, ...]:
        """The files that may hold something."""
        if flag not in self._holding:
            self._holding[flag] = tuple(path for path, entry in sorted(self.entries.items()) if entry.flags & flag)
        return self._holding[flag]

    def state(self, question: str) -> str:
        """A digest that changes when the answer to a question may have changed.

        Arguments:
            question: `path:` and a path, `holding:` and a flag, `installed:` and a package, `paths`, `contents`, or
                `requirements`.
        """
        kind, _, value = question.partition(":")
        if kind == "path":
            entry = self.entry(value)
            return entry.digest if entry else ""
        if kind == "holding":
            return self._digest_holding(int(value))
        if kind == "installed":
            return inference.state(value)
        if kind == "contents":
            return self._digest_contents
        if kind == "requirements":
            return self._digest_requirements
        return self._digest_paths

    @cached_property
    def _digest_paths(self) -> str:
        return digest("\n".join(self.paths))

    @cached_property
    def _digest_contents(self) -> str:
        return digest(*(f"{path}\n{entry.digest}" for path, entry in sorted(self.entries.items())))

    @cached_property
    def _digest_requirements(self) -> str:
        return digest(*texts(self.root))

    def _digest_holding(self, flag: int) -> str:
        if flag not in self._states:
            self._states[flag] = digest(*(f"{path}\n{self.entries[path].digest}" for path in self.holding(flag)))
        return self._states[flag]
