"""The vocabulary of edits: frozen values that say what changes, carried out by `fixing.apply`.

A place is a `Place`: a file and the exact range of the syntax tree node meant, as `Span`
counts it.  `code` is Python source; names in it must be importable where it lands (add an
`AddImport` for each).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Safety(Enum):
    """Whether a fix keeps the program's meaning (`SAFE`) or is what the author most likely wants (`UNSAFE`)."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Span(NamedTuple):
    """A range in a file: lines and columns counted from 1, columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Place(NamedTuple):
    """The node of a file whose range is exactly this span."""

    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class ReplaceExpression:
    """The expression at `at` becomes `code`."""

    at: Place
    code: str


@dataclass(frozen=True, slots=True)
class RenameAttribute:
    """`x.old` at `at` becomes `x.new`."""

    at: Place
    name: str


@dataclass(frozen=True, slots=True)
class SetKeyword:
    """The call at `call` gets `name=code`, replacing an argument of that name.

    A decorator or expression that is not a call (`@app.task`) becomes one.
    """

    call: Place
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class DropKeyword:
    """The call at `call` loses its keyword argument `name`."""

    call: Place
    name: str


@dataclass(frozen=True, slots=True)
class RenameKeyword:
    """The keyword argument `name` of the call at `call` becomes `new`."""

    call: Place
    name: str
    new: str


@dataclass(frozen=True, slots=True)
class InsertParameter:
    """The function at `function` gets a plain first parameter `name`."""

    function: Place
    name: str


@dataclass(frozen=True, slots=True)
class RenameParameter:
    """The parameter `name` of the function at `function` becomes `new`.

    Only the declaration: the body keeps the old name.  An annotation is replaced by
    `annotation`, or dropped where that is None.
    """

    function: Place
    name: str
    new: str
    annotation: str | None = None


@dataclass(frozen=True, slots=True)
class InsertStatement:
    """Statements put `before` or `after` the statement at `at`, or first in its `body` (behind a docstring)."""

    at: Place
    code: str
    where: str = "before"


@dataclass(frozen=True, slots=True)
class DeleteStatement:
    """The statement at `at` goes; a block left empty gets a `pass`."""

    at: Place


@dataclass(frozen=True, slots=True)
class ReplaceStatements:
    """The statements from the one at `first` to the one at `last`, in one block, become `code`."""

    first: Place
    last: Place
    code: str


@dataclass(frozen=True, slots=True)
class NameHandler:
    """`except E:` at `handler` becomes `except E as name:`; bare `except:` `except Exception as name:`."""

    handler: Place
    name: str


@dataclass(frozen=True, slots=True)
class AddImport:
    """`from module import name` (or `import module`) is there afterwards, as the file's other imports are."""

    path: str
    module: str
    name: str | None = None


Edit = (
    ReplaceExpression
    | RenameAttribute
    | SetKeyword
    | DropKeyword
    | RenameKeyword
    | InsertParameter
    | RenameParameter
    | InsertStatement
    | DeleteStatement
    | ReplaceStatements
    | NameHandler
    | AddImport
)


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit group: all of it is done, in every file it names, or nothing."""

    safety: Safety
    title: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rule that has fixes has none here."""

    reason: str
