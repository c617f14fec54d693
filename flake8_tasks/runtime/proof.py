"""A proof as data: what `prove --json` prints, what `proofs/` keeps, and what the timelines draw."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields

from flake8_tasks.runtime.kernel.trace import Event


@dataclass(frozen=True, slots=True)
class Shown:
    """One run that is shown to people.

    Arguments:
        schedule: what replays it.
        faults: what broke in it: "refused: update_data#1 before request GET https://…".
        violation: how the invariant is broken; empty where it holds.
        events: in the order in which they happened.
        final: the state of the world afterwards, by its name: rows, mails, charges.
    """

    schedule: tuple[int, ...]
    faults: tuple[str, ...]
    violation: str
    events: tuple[Event, ...]
    final: Mapping[str, object]

    @classmethod
    def from_json(cls, document: object) -> Shown:
        """Raises: ValueError: it is something else; the message names the key."""
        return _shown(_Part(document, ""))

    def to_json(self) -> dict[str, object]:
        return {
            "schedule": list(self.schedule),
            "faults": list(self.faults),
            "violation": self.violation,
            "events": [list(event) for event in self.events],
            "final": dict(self.final),
        }


@dataclass(frozen=True, slots=True)
class Line:
    """What was found out about one line of the program.

    Arguments:
        explored: how many schedules have a fault there.
        hazards: how many of them break the invariant.
    """

    explored: int
    hazards: int


@dataclass(frozen=True, slots=True)
class Side:
    """One program of a proof, explored: the rule's `bad` or its `good`.

    Arguments:
        explored: how many schedules were run.
        known: how many are known to exist; more than explored where a limit ended the search.
        hazards: in how many of them the invariant is broken.
        violations: how it is broken, and in how many schedules so.
        shortest: the shortest run that breaks it.
        lines: by the line of the program, "people/tasks.py:9".
        shown: a run in which nothing breaks, to be shown where there is no shortest.
    """

    explored: int
    known: int
    hazards: int
    violations: Mapping[str, int]
    shortest: Shown | None
    lines: Mapping[str, Line]
    shown: Shown | None = None

    @property
    def drawn(self) -> Shown | None:
        """The run that people see."""
        return self.shortest or self.shown

    def to_json(self) -> dict[str, object]:
        document: dict[str, object] = {
            "explored": self.explored,
            "known": self.known,
            "hazards": self.hazards,
            "violations": dict(self.violations),
            "shortest": self.shortest and self.shortest.to_json(),
            "lines": {place: asdict(line) for place, line in self.lines.items()},
        }
        return document | ({"shown": self.shown.to_json()} if self.shown else {})


@dataclass(frozen=True, slots=True)
class Further:
    """What `good` does under a fault that the proof is not about; `violation` is empty where it holds."""

    fault: str
    explored: int
    hazards: int
    violation: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found out about one rule.

    Arguments:
        code: "TSK601".
        name: of the rule: "save-before-request".
        holds: the invariant breaks in some schedule of `bad` and in none of `good`, all of them explored.
        invariant: in words.
        faults: the kinds of fault that were tried.
        budget: how many choices of each kind could go another way in one run.
        further: other faults, tried on `good` alone.
        trace: the fingerprint of `bad.shortest`.
        seconds: how long it took.
    """

    code: str
    name: str
    holds: bool
    invariant: str
    faults: tuple[str, ...]
    budget: Mapping[str, int]
    bad: Side
    good: Side
    further: tuple[Further, ...]
    trace: str
    seconds: float

    @classmethod
    def from_json(cls, document: object) -> Proof:
        """Raises: ValueError: it is something else; the message names the key."""
        part = _Part(document, "")
        part.only(field.name for field in fields(cls))
        return cls(
            code=part["code"].text(),
            name=part["name"].text(),
            holds=part["holds"].truth(),
            invariant=part["invariant"].text(),
            faults=tuple(fault.text() for fault in part["faults"].each()),
            budget={kind: left.count() for kind, left in part["budget"].items()},
            bad=_side(part["bad"]),
            good=_side(part["good"]),
            further=tuple(_further(further) for further in part["further"].each()),
            trace=part["trace"].text(),
            seconds=part["seconds"].number(),
        )

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "name": self.name,
            "holds": self.holds,
            "invariant": self.invariant,
            "faults": list(self.faults),
            "budget": dict(self.budget),
            "bad": self.bad.to_json(),
            "good": self.good.to_json(),
            "further": [asdict(further) for further in self.further],
            "trace": self.trace,
            "seconds": self.seconds,
        }


class _Part:
    """A part of a JSON document that knows where it stands."""

    def __init__(self, value: object, path: str) -> None:
        self._value = value
        self._path = path

    def __getitem__(self, key: str) -> _Part:
        mapping = self._mapping()
        if key not in mapping:
            raise ValueError(f"proof: {self._below(key)} is missing")
        return _Part(mapping[key], self._below(key))

    def __contains__(self, key: str) -> bool:
        return key in self._mapping()

    def only(self, keys: Iterator[str]) -> None:
        for key in self._mapping().keys() - set(keys):
            raise ValueError(f"proof: {self._below(key)} is no part of a proof")

    def items(self) -> Iterator[tuple[str, _Part]]:
        return ((key, _Part(value, self._below(key))) for key, value in self._mapping().items())

    def each(self) -> Iterator[_Part]:
        if not isinstance(self._value, list):
            raise self._wrong("a list")
        return (_Part(value, f"{self._path}[{index}]") for index, value in enumerate(self._value))

    def mapping(self) -> Mapping[str, object]:
        return dict(self._mapping())

    def absent(self) -> bool:
        return self._value is None

    def text(self) -> str:
        if not isinstance(self._value, str):
            raise self._wrong("a string")
        return self._value

    def truth(self) -> bool:
        if not isinstance(self._value, bool):
            raise self._wrong("true or false")
        return self._value

    def count(self) -> int:
        if not isinstance(self._value, int) or isinstance(self._value, bool) or self._value < 0:
            raise self._wrong("a whole number from 0 on")
        return self._value

    def number(self) -> float:
        value = self._value
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
            raise self._wrong("a number from 0 on")
        return value

    def event(self) -> Event:
        values = list(self.each())
        if len(values) != len(Event._fields):
            raise self._wrong(f"a list of {len(Event._fields)}")
        return Event(values[0].number(), *(value.text() for value in values[1:]))

    def _mapping(self) -> Mapping[str, object]:
        if not isinstance(self._value, Mapping) or not all(isinstance(key, str) for key in self._value):
            raise self._wrong("an object")
        return self._value

    def _below(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _wrong(self, expected: str) -> ValueError:
        return ValueError(f"proof: {self._path or 'the document'} is not {expected}")


def _shown(part: _Part) -> Shown:
    part.only(field.name for field in fields(Shown))
    return Shown(
        schedule=tuple(taken.count() for taken in part["schedule"].each()),
        faults=tuple(fault.text() for fault in part["faults"].each()),
        violation=part["violation"].text(),
        events=tuple(event.event() for event in part["events"].each()),
        final=part["final"].mapping(),
    )


def _side(part: _Part) -> Side:
    part.only(field.name for field in fields(Side))
    return Side(
        explored=part["explored"].count(),
        known=part["known"].count(),
        hazards=part["hazards"].count(),
        violations={violation: times.count() for violation, times in part["violations"].items()},
        shortest=None if part["shortest"].absent() else _shown(part["shortest"]),
        lines={place: _line(line) for place, line in part["lines"].items()},
        shown=_shown(part["shown"]) if "shown" in part else None,
    )


def _line(part: _Part) -> Line:
    part.only(field.name for field in fields(Line))
    return Line(part["explored"].count(), part["hazards"].count())


def _further(part: _Part) -> Further:
    part.only(field.name for field in fields(Further))
    return Further(part["fault"].text(), part["explored"].count(), part["hazards"].count(), part["violation"].text())
