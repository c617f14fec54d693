"""What an expression can be to an ORM: an instance, a queryset, and the steps on the way to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instance:
    """One row as an object.

    Arguments:
        model: the dotted name of its class, None where it certainly is a row of a class that is not known.
        orm: "django", "sqlalchemy", "sqlmodel", "peewee" or "mongoengine".
        how: why we think so, in a few words.
    """

    model: str | None
    orm: str
    how: str


@dataclass(frozen=True, slots=True)
class Queryset:
    """A query that is not run yet.

    Arguments:
        kind: "instances", or the method that made plain values of them: "values", "values_list", "dates" …
    """

    model: str | None
    orm: str
    kind: str
    how: str


@dataclass(frozen=True, slots=True)
class ModelClass:
    """A model itself."""

    model: str | None
    orm: str


@dataclass(frozen=True, slots=True)
class Manager:
    """`Event.objects`, `order.lines`: what makes querysets.

    Arguments:
        certain: False for an attribute that must be a manager if it has a queryset's methods: a reverse relation.
    """

    model: str | None
    orm: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Items:
    """A list or iterator of things."""

    item: Thing


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose values are instances."""

    item: Instance


@dataclass(frozen=True, slots=True)
class Several:
    """A tuple; None for what is nothing to an ORM."""

    items: tuple[Thing | None, ...]


@dataclass(frozen=True, slots=True)
class Awaitable:
    """What `await` makes a thing of."""

    result: Thing


@dataclass(frozen=True, slots=True)
class Select:
    """`select(Event)`, and what a session makes of it: "select", "rows" or "scalars"."""

    model: str | None
    stage: str


@dataclass(frozen=True, slots=True)
class Form:
    """A form or serializer over a model; `many` for those that hold a list."""

    name: str
    model: str | None
    many: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A Django request."""


@dataclass(frozen=True, slots=True)
class View:
    """`self` in a class of views."""

    name: str


Thing = (
    Instance | Queryset | ModelClass | Manager | Items | Table | Several | Awaitable | Select | Form | Request | View
)
