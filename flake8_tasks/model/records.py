"""What one file shows to the others: its names, functions, classes and the statements that configure an app.

A record holds no syntax tree, and goes into the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from flake8_tasks.edit import Span
from flake8_tasks.model.values import Value, recorded


@recorded
@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `kind` is "positional", "keyword", "arguments" (`*args`) or "keywords" (`**kwargs`)."""

    name: str
    kind: str
    has_default: bool
    annotation: Value | None
    span: Span


@recorded
@dataclass(frozen=True, slots=True)
class FunctionRecord:
    """A function or method: its head, and of its body what makes it a factory or a decorator of tasks.

    Arguments:
        qualname: as Python gives it.
        span: the whole definition from `def` on.
        returns: what it returns, a local name replaced by the one value it has.
        inner: decorators of the functions in it, and calls in it that make tasks or change dicts; `d["key"] = value` is
            the call `d.__setitem__("key", value)`.
    """

    qualname: str
    span: Span
    parameters: tuple[Parameter, ...]
    decorators: tuple[Value, ...]
    is_async: bool
    returns: tuple[Value, ...]
    inner: tuple[Value, ...]

    @property
    def name(self) -> str:
        return self.qualname.rpartition(".")[2]


@recorded
@dataclass(frozen=True, slots=True)
class ClassRecord:
    """A class: bases, class keywords (`class A(B, name="x")`), attributes with all their values, methods."""

    qualname: str
    span: Span
    bases: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    decorators: tuple[Value, ...]
    attributes: tuple[tuple[str, Value], ...]
    methods: tuple[FunctionRecord, ...]

    @property
    def name(self) -> str:
        return self.qualname.rpartition(".")[2]

    def attribute(self, name: str) -> Value | None:
        """The last value of a class attribute."""
        return next((value for key, value in reversed(self.attributes) if key == name), None)

    def method(self, name: str) -> FunctionRecord | None:
        """The method of that name."""
        return next((method for method in self.methods if method.name == name), None)


@recorded
@dataclass(frozen=True, slots=True)
class Imported:
    """A name that an import binds."""

    origin: str


@recorded
@dataclass(frozen=True, slots=True)
class Assigned:
    """A name that an assignment binds."""

    value: Value
    span: Span


@recorded
@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may make or configure an app, or register a task: a call or an assignment.

    What is assigned to is an attribute, an item or a local name.

    Arguments:
        target: what is assigned to; None for a bare or returned call, which is `value`.  `app.conf[key] = value`,
            where the key is no literal, is the call `app.conf.__setitem__(key, value)`.
        function: the qualname of the function or class it stands in, empty at module level.
    """

    target: Value | None
    value: Value
    function: str


Record = FunctionRecord | ClassRecord | Imported | Assigned


@recorded
@dataclass(frozen=True, slots=True)
class Summary:
    """One file, seen from the others.

    Arguments:
        names: module-level name → what binds it, in the order of the text.
        stars: modules imported with `*`.
        inner: qualname → classes in functions and classes that have to do with Celery.
    """

    module: str
    names: dict[str, tuple[Record, ...]]
    stars: tuple[str, ...]
    statements: tuple[Statement, ...]
    inner: dict[str, ClassRecord]
