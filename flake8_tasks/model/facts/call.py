"""A call that means something for tasks, and what every such call can be asked."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flake8_tasks.edit import Place, Span
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.tasks.task import Task

if TYPE_CHECKING:
    from flake8_tasks.model.reader import Reader


@dataclass(frozen=True, eq=False)
class CallFact:
    """A call with a meaning."""

    site: Site
    reader: Reader = field(repr=False)

    @property
    def call(self) -> ast.Call:
        """The call."""
        assert isinstance(self.site.node, ast.Call)
        return self.site.node

    @property
    def module(self) -> Module:
        """The file."""
        return self.site.module

    @property
    def frame(self) -> Frame:
        """The block around it."""
        return self.site.frame

    @property
    def span(self) -> Span:
        """The whole call."""
        return self.site.span

    @property
    def text(self) -> str:
        """As it is written."""
        return self.module.source.segment(self.call)

    @property
    def place(self) -> Place:
        """The whole call, for edits."""
        return self.site.place

    @property
    def task(self) -> Task | None:
        """The task in whose body it stands, directly and not in a function or lambda inside it."""
        return self.reader.task_around(self.frame)

    @property
    def keywords(self) -> dict[str, ast.expr]:
        """The keyword arguments of the call."""
        return {keyword.arg: keyword.value for keyword in self.call.keywords if keyword.arg}

    @property
    def passes_unknown(self) -> bool:
        """`*arguments` or `**keywords` are passed on."""
        return any(isinstance(argument, ast.Starred) for argument in self.call.args) or any(
            keyword.arg is None for keyword in self.call.keywords
        )

    @property
    def in_loop(self) -> bool:
        """It stands in a loop or comprehension of its function."""
        loops = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        return any(isinstance(frame.node, loops) and frame.part == "body" for frame in self.frame.here())

    @property
    def is_used(self) -> bool:
        """Something is done with its value."""
        return not isinstance(self.site.parent, ast.Expr)

    @property
    def statement(self) -> ast.stmt | None:
        """The statement that it stands in."""
        node: ast.AST | None = self.call
        while node is not None and not isinstance(node, ast.stmt):
            node = self.module.parents.get(node)
        return node
