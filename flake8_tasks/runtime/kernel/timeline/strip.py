"""Which lines of the program matter: for each line, whether a fault there breaks the invariant; and the final state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flake8_tasks.runtime.kernel.timeline.words import clean
from flake8_tasks.runtime.proof import Side

_BEFORE, _AFTER = 3, 1
_MOST_OF_A_KIND = 5
_MOST_ROWS = 30


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
    files = []
    for path in sorted(sources):
        whole = whole_file(side, path, sources[path])
        found = [line.number for line in whole if line.finding is not Finding.UNREACHED]
        if found:
            files.append(SourceFile(path, tuple(_trimmed([*_around(whole, found)]))))
    return files


def whole_file(side: Side, path: str, source: str) -> list[SourceLine]:
    """All lines of a file with what was found out about each."""
    return [_found(side, path, number, text) for number, text in enumerate(source.splitlines(), 1)]


def final_state(final: Mapping[str, object]) -> list[Fact]:
    """The state of the world as rows of a small table."""
    return [fact for name, value in final.items() for fact in _facts(clean(name), value)][:_MOST_ROWS]


def _found(side: Side, path: str, number: int, text: str) -> SourceLine:
    line = side.lines.get(f"{path}:{number}")
    if line is None or not line.explored:
        return SourceLine(number, text)
    return SourceLine(number, text, Finding.BREAKS if line.hazards else Finding.HOLDS, line.explored, line.hazards)


def _around(whole: Sequence[SourceLine], found: Sequence[int]) -> Iterator[SourceLine]:
    """The lines around those that were found out about; what is left out in between is one "…"."""
    before = 0
    for line in whole:
        if any(near - _BEFORE <= line.number <= near + _AFTER for near in found):
            if before and line.number - before > 1:
                yield SourceLine(0, "…")
            yield line
            before = line.number


def _trimmed(lines: list[SourceLine]) -> list[SourceLine]:
    """Without blank lines at the begin and at the end."""
    written = [index for index, line in enumerate(lines) if line.text.strip()]
    return lines[written[0] : written[-1] + 1] if written else lines


def _facts(name: str, value: object) -> Iterator[Fact]:
    if isinstance(value, Mapping) and value:
        yield Fact(name)
        yield from _first([Fact(clean(str(key)), _said(inner)) for key, inner in value.items()])
    elif isinstance(value, list) and value:
        yield Fact(name)
        yield from _first([Fact(str(number), _said(inner)) for number, inner in enumerate(value, 1)])
    else:
        yield Fact(name, _said(value))


def _first(facts: Sequence[Fact]) -> Sequence[Fact]:
    left_out = len(facts) - _MOST_OF_A_KIND
    return [*facts[:_MOST_OF_A_KIND], Fact("…", f"{left_out:,} more")] if left_out > 1 else facts


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(str(key))}={_said(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    return "none" if value is None else clean(str(value)) or "''"
