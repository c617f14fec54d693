"""Which lines of the program matter: for each line, whether a fault there breaks the invariant; and the final state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from flake8_tasks.runtime.kernel.timeline.words import clean
from flake8_tasks.runtime.proof import Side

_AROUND = 3
_MOST_ROWS = 14


class Finding(StrEnum):
    """What was found out about a line."""

    BREAKS = "a fault here breaks it"
    HOLDS = "a fault here does not"
    UNREACHED = "not reached by a fault"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the program; `number` is 0 for lines that are left out."""

    number: int
    text: str
    finding: Finding = Finding.UNREACHED
    explored: int = 0
    hazards: int = 0


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the program with the lines that are shown."""

    path: str
    lines: tuple[SourceLine, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the final state; a row without a value is a heading."""

    name: str
    value: str = ""


def strip(side: Side, sources: Mapping[str, str]) -> list[SourceFile]:
    """The files in which faults were tried, in the order of their paths.

    Arguments:
        sources: path as in `side.lines` → text.
    """
    numbers: dict[str, dict[int, SourceLine]] = {}
    for place, line in side.lines.items():
        path, _, number = place.rpartition(":")
        texts = sources.get(path, "").splitlines()
        if number.isdecimal() and 0 < int(number) <= len(texts):
            finding = Finding.BREAKS if line.hazards else Finding.HOLDS if line.explored else Finding.UNREACHED
            shown = SourceLine(int(number), texts[int(number) - 1], finding, line.explored, line.hazards)
            numbers.setdefault(path, {})[int(number)] = shown
    return [
        SourceFile(path, tuple(_trimmed([*_lines(sources[path], found)]))) for path, found in sorted(numbers.items())
    ]


def final_state(final: Mapping[str, object]) -> list[Fact]:
    """The state of the world as rows of a small table."""
    facts = [fact for name, value in final.items() for fact in _facts(clean(name), value)]
    left_out = len(facts) - _MOST_ROWS
    return [*facts[:_MOST_ROWS], Fact("…", f"{left_out} more")] if left_out > 0 else facts


def _lines(source: str, found: Mapping[int, SourceLine]) -> Iterator[SourceLine]:
    """The lines around those that were found out about; what is left out in between is one "…"."""
    before = 0
    for number, text in enumerate(source.splitlines(), 1):
        if any(abs(number - near) <= _AROUND for near in found):
            if before and number - before > 1:
                yield SourceLine(0, "…")
            yield found.get(number, SourceLine(number, text))
            before = number


def _trimmed(lines: list[SourceLine]) -> list[SourceLine]:
    """Without blank lines at the begin and at the end."""
    written = [index for index, line in enumerate(lines) if line.text.strip()]
    return lines[written[0] : written[-1] + 1] if written else lines


def _facts(name: str, value: object) -> Iterator[Fact]:
    if isinstance(value, Mapping) and value:
        yield Fact(name)
        yield from (Fact(clean(str(key)), _said(inner)) for key, inner in value.items())
    elif isinstance(value, list) and value:
        yield Fact(name)
        yield from (Fact(str(number), _said(inner)) for number, inner in enumerate(value, 1))
    else:
        yield Fact(name, _said(value))


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(str(key))}={_said(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    return "none" if value is None else clean(str(value)) or "''"
