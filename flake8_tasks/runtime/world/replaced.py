"""What a program's libraries do with the world outside, replaced for a while: also in those that it imports later."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, TracebackType
from typing import Any, Self

Function = Callable[..., Any]


class NotModelled(RuntimeError):
    """The program does something that the world has no model of."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Methods that a library's module has others for, while this counts.

    Arguments:
        module: its name.
        methods: for the module: owner, name and new function of each method.
    """

    module: str
    methods: Callable[[ModuleType], Iterator[tuple[Any, str, Function]]]


class Replaced:
    """Replaces as a context manager: now where the module is imported already, else right after its import."""

    def __init__(self, replacements: Iterable[Replacement]) -> None:
        self._replacements = tuple(replacements)
        self._kept: list[tuple[Any, str, Function]] = []

    def __enter__(self) -> Self:
        for replacement in self._replacements:
            if module := sys.modules.get(replacement.module):
                self._replace(replacement, module)
        sys.meta_path.insert(0, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.meta_path.remove(self)
        while self._kept:
            setattr(*self._kept.pop())

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`: a module that waits to be replaced is loaded as ever, then replaced."""
        awaited = [replacement for replacement in self._replacements if replacement.module == name]
        spec = PathFinder.find_spec(name, path, target) if awaited else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            if self in sys.meta_path:
                for replacement in awaited:
                    self._replace(replacement, module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _replace(self, replacement: Replacement, module: ModuleType) -> None:
        for owner, name, function in replacement.methods(module):
            self._kept.append((owner, name, vars(owner)[name]))
            setattr(owner, name, function)
