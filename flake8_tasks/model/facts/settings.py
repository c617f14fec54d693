"""What a file sets for Celery, and the schedules it makes."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flake8_tasks.edit import Span
from flake8_tasks.model.facts.call import CallFact
from flake8_tasks.model.module import Module
from flake8_tasks.model.testing import is_for_development
from flake8_tasks.model.texts import around, beginnings
from flake8_tasks.model.values import Constant

if TYPE_CHECKING:
    from flake8_tasks.model.reader import Reader
    from flake8_tasks.model.settings.found import Found


@dataclass(frozen=True, eq=False)
class Schedule(CallFact):
    """A `crontab(…)`."""

    @property
    def shown(self) -> str:
        """As it is written, in one line without comments, and without its arguments where it is long."""
        text = self.text if "\n" not in self.text else ast.unparse(self.call)
        return text if len(text) <= 60 else f"{self.module.source.segment(self.call.func)}(…)"

    def is_text(self, node: ast.expr, text: str) -> bool:
        """An argument is a text, or a name that stands for it."""
        value = self.reader.project.constant(self.module.value(node, self.frame))
        return isinstance(value, Constant) and value.value == text


@dataclass(frozen=True, eq=False)
class Setting:
    """A Celery setting that this file sets."""

    found: Found
    module: Module
    reader: Reader = field(repr=False)

    @property
    def name(self) -> str:
        """Its new-style name."""
        return self.found.name

    @property
    def span(self) -> Span:
        """The key, name or keyword."""
        return self.module.named_span(self.found.span)

    @property
    def beginnings(self) -> tuple[str | None, ...]:
        """How its text begins, or each of its list; None for what cannot be said."""
        return tuple(beginnings(self.reader.project, self.found.value, self.found.path))

    @property
    def others(self) -> tuple[Setting, ...]:
        """The other places near it, in its file or beside that or below, that set the same."""
        folder = os.path.dirname(self.found.path)
        found = self.reader.project.settings.get(self.name)
        near = (one for one in found if one is not self.found and one.path.startswith(folder + os.sep))
        modules = ((one, self.reader.project.module(one.path)) for one in near)
        return tuple(Setting(one, module, self.reader) for one, module in modules if module is not None)

    @property
    def is_for_production(self) -> bool:
        """Its file says that it serves production, whatever others say."""
        return self.module.name.rpartition(".")[2] in ("production", "prod", "live", "deploy", "staging")

    @property
    def is_certain(self) -> bool:
        """It holds wherever its file is used: it stands in no `if`, `try` or `except`, and in no class or file for
        development."""
        project = self.reader.project
        if is_for_development(os.path.relpath(self.found.path, project.root)):
            return False
        for node in around(self.module, self.found.span):
            if isinstance(node, ast.If | ast.Try | ast.ExceptHandler | ast.Match):
                return False
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and is_for_development(node.name):
                return False
        return True


@dataclass(frozen=True, eq=False)
class RootForced:
    """`C_FORCE_ROOT` is set: the worker may run as root although it accepts pickle."""

    node: ast.stmt
    module: Module

    @property
    def span(self) -> Span:
        """The statement."""
        return self.module.source.span(self.node)
