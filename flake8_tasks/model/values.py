"""Small pictures of expressions that outlive the syntax tree: what other files, and the cache, know of one.

A `Reference` carries the dotted origin of its name where the imports and scopes of its file say one.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from flake8_tasks.edit import Span

Scalar = str | int | float | bool | None
_MOST_BITS = 4096


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; bytes, complex, `...` and integers of a thousand digits are `Opaque`."""

    value: Scalar
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A dotted name: `parts` as written, `origin` absolute, None where the scopes cannot say."""

    parts: tuple[str, ...]
    origin: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of something that is not a name: `make_app().task`."""

    value: Value
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class CallValue:
    """A call; `complete` is False where `*arguments` or `**keywords`, which are `merged`, are passed on."""

    function: Value
    arguments: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    complete: bool
    span: Span
    merged: tuple[Value, ...] = ()

    def keyword(self, name: str) -> Value | None:
        """The value given for a keyword."""
        return next((value for key, value in self.keywords if key == name), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or set display."""

    items: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """A dict display, or `dict(a=1)`; `complete` is False where `**other`, which is `merged`, is merged in."""

    items: tuple[tuple[Value, Value], ...]
    complete: bool
    span: Span
    merged: tuple[Value, ...] = ()

    def get(self, key: Scalar) -> Value | None:
        """The last value for a constant key."""
        found = None
        for name, value in self.items:
            if isinstance(name, Constant) and name.value == key:
                found = value
        return found


@dataclass(frozen=True, slots=True)
class Item:
    """An item by a literal text: `app.config["CELERY"]`; other subscripts are `Opaque`."""

    value: Value
    key: str
    span: Span


@dataclass(frozen=True, slots=True)
class Opaque:
    """An expression of another shape."""

    span: Span


Value = Constant | Reference | Attribute | CallValue | Sequence | Mapping | Item | Opaque

Origin = Callable[[ast.expr], str | None]
Spans = Callable[[ast.AST], Span]


def dotted(node: ast.expr) -> tuple[str, ...] | None:
    """The parts of `a.b.c`, None for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return tuple(reversed(parts))


def picture(node: ast.expr, origin: Origin, span: Spans) -> Value:
    """The picture of an expression, `origin` telling where dotted names come from."""
    if node.__class__ is ast.Name:
        return Reference((node.id,), origin(node), span(node))
    match node:
        case ast.Constant(value=str() | int() | float() | None as value) if not _is_huge(value):
            return Constant(value, span(node))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not _is_huge(value):
            return Constant(-value, span(node))
        case ast.Name() | ast.Attribute():
            if parts := dotted(node):
                return Reference(parts, origin(node), span(node))
            assert isinstance(node, ast.Attribute)
            return Attribute(picture(node.value, origin, span), node.attr, span(node))
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            named = tuple((Constant(k.arg, span(k.value)), picture(k.value, origin, span)) for k in keywords if k.arg)
            merged = tuple(picture(keyword.value, origin, span) for keyword in keywords if not keyword.arg)
            return Mapping(named, not merged, span(node), merged)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            starred = any(isinstance(argument, ast.Starred) for argument in arguments)
            return CallValue(
                picture(function, origin, span),
                tuple(
                    picture(argument, origin, span) for argument in arguments if not isinstance(argument, ast.Starred)
                ),
                tuple((keyword.arg, picture(keyword.value, origin, span)) for keyword in keywords if keyword.arg),
                not starred and all(keyword.arg for keyword in keywords),
                span(node),
                tuple(picture(keyword.value, origin, span) for keyword in keywords if not keyword.arg),
            )
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return Sequence(tuple(picture(item, origin, span) for item in items), span(node))
        case ast.Dict(keys=keys, values=values):
            pairs = tuple(
                (picture(key, origin, span), picture(value, origin, span))
                for key, value in zip(keys, values, strict=True)
                if key
            )
            merged = tuple(picture(value, origin, span) for key, value in zip(keys, values, strict=True) if not key)
            return Mapping(pairs, not merged, span(node), merged)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return Item(picture(value, origin, span), key, span(node))
        case ast.Subscript(value=ast.Attribute(attr="tasks") as registry, slice=ast.Name() | ast.Attribute() as key):
            looks_up = _member(picture(registry, origin, span), "__getitem__")
            return CallValue(looks_up, (picture(key, origin, span),), (), True, span(node))
        case _:
            return Opaque(span(node))


def _member(value: Value, name: str) -> Value:
    if isinstance(value, Reference):
        return Reference((*value.parts, name), f"{value.origin}.{name}" if value.origin else None, value.span)
    return Attribute(value, name, value.span)


def _is_huge(value: Scalar) -> bool:
    """A number that Python does not write in decimal digits, nor JSON therefore."""
    return isinstance(value, int) and value.bit_length() > _MOST_BITS


_KINDS: dict[str, type] = {}
_FIELDS: dict[type, Callable[[Any], tuple[Any, ...]]] = {}
_MARK = "@"  # begins the name of a kind, and no name in a program


def recorded(kind: type) -> type:
    """Let `pack` and `unpack` carry a dataclass, whose fields are values, texts, tuples and dicts of them."""
    _KINDS[_MARK + kind.__name__] = kind
    _FIELDS[kind] = _reader_of(kind.__slots__)  # type: ignore[attr-defined]
    return kind


def _reader_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


for _kind in (Constant, Reference, Attribute, CallValue, Sequence, Mapping, Item, Opaque):
    recorded(_kind)


def _packed(value: Any) -> dict[str, tuple[Any, ...]]:
    kind = value.__class__
    return {_MARK + kind.__name__: _FIELDS[kind](value)}


def _unpacked(found: dict[str, Any]) -> Any:
    for name, fields in found.items():
        if name.startswith(_MARK):
            kind = _KINDS[name]
            return kind(*[_as_tuple(field) if field.__class__ is list else field for field in fields])
    return {name: _as_tuple(value) if value.__class__ is list else value for name, value in found.items()}


def _as_tuple(items: list[Any]) -> tuple[Any, ...]:
    if items and items[0].__class__ is int:  # nothing else begins with a number
        return Span(*items)
    return tuple([_as_tuple(item) if item.__class__ is list else item for item in items])


_ENCODER = json.JSONEncoder(default=_packed, separators=(",", ":"), check_circular=False)
_DECODER = json.JSONDecoder(object_hook=_unpacked)


def pack(value: Any) -> str:
    """A value as JSON: tuples as lists, dicts as they are, dataclasses as objects with one key, their kind."""
    return _ENCODER.encode(value)


def unpack(text: str) -> Any:
    """What `pack` packed.

    Raises:
        KeyError, TypeError, ValueError: it was not packed by `pack`.
    """
    value = _DECODER.decode(text)
    return _as_tuple(value) if value.__class__ is list else value
