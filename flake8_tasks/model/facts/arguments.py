"""The values that a call hands to a task, as far as they are written out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flake8_tasks.edit import Place, Span
from flake8_tasks.model.frameworks.django import NONE_RETURNING
from flake8_tasks.model.module import Frame, Site
from flake8_tasks.model.orm.values import Instance

if TYPE_CHECKING:
    from flake8_tasks.model.facts import CallFact
    from flake8_tasks.model.orm.values import Queryset
    from flake8_tasks.model.reader import Reader

SHORT = 30  # characters of the user's code in a message


@dataclass(frozen=True, eq=False)
class Argument:
    """A value that goes to a task.

    Arguments:
        position: among the positional arguments of the task, from 0; None for a keyword.
        keyword: its name where it is given by name.
        frame: the block it stands in: that of the call, or a comprehension in it.
        key: the key that names it in a `kwargs={…}`.
    """

    node: ast.expr
    position: int | None
    keyword: str | None
    site: Site
    reader: Reader = field(repr=False)
    frame: Frame
    key: ast.expr | None = None

    @property
    def span(self) -> Span:
        return self.site.module.source.span(self.node)

    @property
    def place(self) -> Place:
        return self.site.module.place(self.node)

    @property
    def text(self) -> str:
        """As it is written."""
        return self.site.module.source.segment(self.node)

    @property
    def short(self) -> str:
        """As it is written, on one line and not too long for a message."""
        text = " ".join(self.text.split())
        return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"

    @property
    def operand(self) -> str:
        """As it is written, in parentheses where an attribute of it could not be taken otherwise."""
        plain = isinstance(self.node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        return self.text if plain else f"({self.text})"

    @property
    def stored(self) -> Instance | Queryset | None:
        """The ORM instance or queryset that it is, None for anything else."""
        return self.reader.project.orm.of(self.node, self.frame, self.site.module)

    @property
    def may_be_none(self) -> bool:
        """A row that a call gives where there is one: `Order.objects.first()`."""
        node = self.node.value if isinstance(self.node, ast.Await) else self.node
        match node:
            case ast.Call(func=ast.Attribute(attr=name)):
                return name in NONE_RETURNING
        return False

    @property
    def held(self) -> Iterator[Argument]:
        """The instances in a list or mapping, where they are written; itself where it is known to hold some."""
        match self.node:
            case ast.List(elts=nodes) | ast.Tuple(elts=nodes) | ast.Set(elts=nodes) | ast.Dict(values=nodes):
                for node in nodes:
                    inner = replace(self, node=node)
                    yield from (inner,) if isinstance(inner.stored, Instance) else inner.held
            case _ if self.reader.project.orm.holds(self.node, self.frame, self.site.module):
                yield self


def plain(
    fact: CallFact, positional: Sequence[ast.expr], named: Sequence[ast.keyword], frame: Frame | None = None
) -> Iterator[Argument]:
    """Arguments of a call, up to the first `*arguments`."""
    for position, node in enumerate(positional):
        if isinstance(node, ast.Starred):
            break
        yield Argument(node, position, None, fact.site, fact.reader, frame or fact.frame)
    for keyword in named:
        if keyword.arg:
            yield Argument(keyword.value, None, keyword.arg, fact.site, fact.reader, frame or fact.frame)


def contained(fact: CallFact, positional: ast.expr | None, named: ast.expr | None) -> Iterator[Argument]:
    """What stands in `args=(…)` and `kwargs={…}`."""
    if isinstance(positional, ast.Tuple | ast.List):
        yield from plain(fact, positional.elts, [])
    if isinstance(named, ast.Dict):
        for key, value in zip(named.keys, named.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield Argument(value, None, key.value, fact.site, fact.reader, fact.frame, key)
    elif isinstance(named, ast.Call) and isinstance(named.func, ast.Name) and named.func.id == "dict":
        yield from plain(fact, [], named.keywords)


def items(fact: CallFact, container: ast.expr | None, *, one_each: bool) -> Iterator[Argument]:
    """What `map` (one argument for each call), `starmap` and `chunks` go through."""
    frame = fact.frame
    elements: list[ast.expr] = []
    match container:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            pass
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
            frame, elements = Frame(container, "body", frame.scope.child(container), frame), [element]
    for element in elements:
        if one_each:
            yield Argument(element, 0, None, fact.site, fact.reader, frame)
        elif isinstance(element, ast.Tuple | ast.List):
            yield from plain(fact, element.elts, [], frame)
