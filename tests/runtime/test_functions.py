"""Functions of a module are found behind whatever its names stand for."""

from __future__ import annotations

import functools
from datetime import datetime
from types import ModuleType

import pytest

from flake8_tasks.runtime.functions import functions


def found(text: str) -> list[str]:
    module = ModuleType("shop.tasks")
    exec(compile(text, "tasks.py", "exec"), vars(module))
    return [function.__code__.co_name for function in functions(vars(module).values(), "shop.tasks")]


def test_functions_and_methods_of_every_kind() -> None:
    text = """
import functools

class Order:
    def save(self): ...
    @classmethod
    def of(cls): ...
    @staticmethod
    def none(): ...
    @property
    def total(self): ...
    @total.setter
    def total(self, value): ...
    @functools.cached_property
    def lines(self): ...
    pay = functools.partialmethod(save)
    class Line:
        def first(self): ...

@functools.lru_cache
def price(): ...

twice = functools.partial(price, 2)
same = price
bound = Order().save
"""
    assert found(text) == ["save", "of", "none", "total", "total", "lines", "first", "price"]


def test_classes_of_others_are_left_out() -> None:
    class Other:
        def method(self) -> None:
            """Not in the module that is asked about."""

    assert list(functions([Other, datetime, int, functools.partial, 3, None], "shop.tasks")) == []


def test_what_is_made_only_when_it_is_asked_is_not_asked() -> None:
    class Lazy:
        def __getattribute__(self, name: str) -> object:
            pytest.fail(f"asked for {name}")

    assert list(functions([Lazy()], "shop.tasks")) == []
