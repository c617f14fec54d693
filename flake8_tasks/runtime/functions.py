"""Finds the functions of a module, however they are wrapped."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from functools import cached_property, partial, partialmethod
from types import FunctionType, MethodType
from typing import cast


def functions(values: Iterable[object], module: str, seen: set[int] | None = None) -> Iterator[FunctionType]:
    """The functions behind what a module's names stand for: decorated ones, methods of its classes, properties.

    Arguments:
        values: what the names stand for.
        module: its name; classes of other modules are left out.
        seen: what was looked at already.
    """
    seen = set() if seen is None else seen
    # Asks `type` and not `isinstance`: names of a program may stand for something that is made when it is asked.
    for value in values:
        while value is not None and id(value) not in seen:
            seen.add(id(value))
            kind = type(value)
            if issubclass(kind, FunctionType):
                yield cast(FunctionType, value)
            elif issubclass(kind, type):
                if vars(value).get("__module__") == module:
                    yield from functions(vars(value).values(), module, seen)
                break
            elif issubclass(kind, property):
                yield from functions([getattr(value, name) for name in ("fget", "fset", "fdel")], module, seen)
            if issubclass(kind, staticmethod | classmethod | MethodType):
                value = cast(MethodType, value).__func__
            elif issubclass(kind, partial | partialmethod | cached_property):
                value = cast(partial[object], value).func
            else:
                value = inspect.getattr_static(value, "__wrapped__", None)
