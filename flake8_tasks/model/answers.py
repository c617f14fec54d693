"""Answers that are worked out once, with what each has asked of other files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar, cast, overload

if TYPE_CHECKING:
    from flake8_tasks.model.module import Module

_HELD = 4_000  # in memory between two checks; each takes some four thousand bytes
T = TypeVar("T")
_Asks = TypeVar("_Asks", bound="_OfProject")


class _OfProject(Protocol):
    @property
    def project(self) -> Answers: ...


class remembered(Generic[_Asks, T]):  # spelled as `property` is
    """A property of something in a project, worked out once, with what that asks of other files (see `remember`)."""

    def __init__(self, answer: Callable[[_Asks], T]) -> None:
        self.answer = answer
        self.__doc__ = answer.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = f"{name} and what it asked"

    @overload
    def __get__(self, asked: None, kind: type) -> Self: ...
    @overload
    def __get__(self, asked: _Asks, kind: type) -> T: ...
    def __get__(self, asked: _Asks | None, kind: type) -> T | Self:
        if asked is None:
            return self
        known: tuple[T, frozenset[str]] | None = asked.__dict__.get(self.key)
        if known is None:
            known = asked.__dict__[self.key] = asked.project.answered(lambda: self.answer(asked))
        asked.project.asked |= known[1]
        return known[0]


class Answers:
    """Of one project; `asked` is what the answer that is worked out now has asked so far."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self._answers: dict[tuple[str, object], tuple[object, frozenset[str]]] = {}

    def remember(self, question: str, about: object, answer: Callable[[], T], *, of: Module | None = None) -> T:
        """An answer, worked out once; what it asked of other files counts as asked each time it is used.

        Arguments:
            of: the file that a node, or an answer with nodes in it, belongs to; the answer goes when its tree goes.
        """
        answers = self._answers if of is None else of.answers
        key = (question, about)
        known = answers.get(key)
        if known is None:
            known = answers[key] = self.answered(answer)
        self.asked |= known[1]
        return cast("T", known[0])

    def answered(self, answer: Callable[[], T]) -> tuple[T, frozenset[str]]:
        """An answer, and what it asked of other files."""
        before, self.asked = self.asked, set()
        try:
            return answer(), frozenset(self.asked)
        finally:
            self.asked |= before

    def forget_some(self) -> None:
        """Let go of the oldest where there are too many; not while one is worked out."""
        if len(self._answers) > _HELD:
            about = [key for key in self._answers if key[1] is not None]
            for key in about[: len(about) // 2]:
                del self._answers[key]

    def forget(self) -> None:
        """Let go of all."""
        self._answers.clear()
