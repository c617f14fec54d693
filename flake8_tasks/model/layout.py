"""Which file is which module: the folders that imports start from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from flake8_tasks.files import SUFFIXES
from flake8_tasks.model.index import Index

_DEEPEST = 30  # folders that a module stands in


class Layout:
    """Where the modules of a project lie.

    Arguments:
        root: its folder.
        src: the folders that its configuration names as those that imports start from.
        index: its files.
    """

    def __init__(self, root: Path, src: Sequence[str], index: Index) -> None:
        self.root, self.src, self.index = str(root), src, index
        self._found: dict[str, tuple[str, tuple[str, ...]]] = {}

    @cached_property
    def import_roots(self) -> tuple[str, ...]:
        """Folders that imports start from: the root, `src`, those configured, those above a top-level package."""
        named = [self.root, *(os.path.join(self.root, folder) for folder in ("src", *self.src))]
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
        return (self.root, *(os.path.normpath(os.path.join(self.root, folder)) for folder in ("src", *self.src)))

    def find(self, name: str) -> tuple[str, tuple[str, ...]]:
        """The file of the longest module that a dotted name begins with, and what is left; ("", parts) for none."""
        if name not in self._found:
            parts = tuple(name.split("."))
            self._found[name] = next(self._files_of(parts), ("", parts))
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

    @cached_property
    def tops(self) -> frozenset[str]:
        """The first part of each module's name."""
        return frozenset(self.module_name(path)[0].partition(".")[0] for path in self.index.paths)


def _importable(path: str) -> str:
    """A path without its suffix; of a script, which no import finds, one that no module can have."""
    whole, suffix = os.path.splitext(path)
    if suffix in SUFFIXES:
        return whole
    folder, name = os.path.split(path)
    return os.path.join(folder, f"<{name.replace('.', '_')}>")
