"""A run and a verdict as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from flake8_tasks.runtime.kernel.timeline.folding import Row, folded
from flake8_tasks.runtime.kernel.timeline.words import cells, clean, counted, cut, listed, moment, words
from flake8_tasks.runtime.proof import Proof, Shown, Side

WIDTH = 100
_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"
_TROUBLE = frozenset({"raised", "deadlock", "starvation", "stuck", "endless", "killed", "node-down", "hard-limit"})
_LANE_WIDTH, _TASK_WIDTH = 16, 24


class Paint(Protocol):
    """Colours a text, or leaves it as it is."""

    def __call__(self, text: str, *codes: str) -> str: ...


def plain(text: str, *codes: str) -> str:
    """No colour."""
    return text


def timeline(shown: Shown, *, paint: Paint = plain, width: int = WIDTH, examples: int = 3) -> str:
    """One line for each event, the fault marked with ✗, and what came of it as the last line.

    Arguments:
        paint: gets a text and ANSI codes.
        width: cells of the terminal; longer lines are cut with ….
        examples: how many of a kind are shown in a run that is too long to be shown whole.
    """
    rows = [row for row in folded(shown.events, examples=examples) if row.event.kind != "violation"]
    return "\n".join([*_lines(rows, paint, width), _outcome(shown, paint, width)])


def verdict(proof: Proof, *, paint: Paint = plain) -> str:
    """What was tried and what came of it, in a few lines."""
    lines = [
        paint(f"{proof.code} {proof.name}", _BOLD)
        + (paint(": proved", _GREEN) if proof.holds else paint(": NOT proved", _RED, _BOLD)),
        f"  invariant  {clean(proof.invariant)}",
        *_side("bad", proof.bad, paint),
        *_side("good", proof.good, paint),
        f"  faults     {', '.join(proof.faults) or 'none'}{_budget(proof)}",
        *_further(proof, paint),
        f"  seconds    {proof.seconds:.2f}",
    ]
    return "\n".join(lines)


def _lines(rows: Sequence[Row], paint: Paint, width: int) -> Iterator[str]:
    times = [moment(row.event.time) for row in rows]
    lanes = [cut(clean(row.event.lane), _LANE_WIDTH) for row in rows]
    tasks = [cut(clean(row.event.task), _TASK_WIDTH) for row in rows]
    time_width, lane_width, task_width = (max(map(cells, column), default=0) for column in (times, lanes, tasks))
    before = ""
    for row, time, lane, task in zip(rows, times, lanes, tasks, strict=True):
        mark = "✗" if row.event.kind == "fault" else "!" if row.event.kind in _TROUBLE else " "
        when = " " * (time_width - cells(time)) + time if time != before else " " * time_width
        before = time
        head = f"{mark} {when}  {_filled(lane, lane_width)}  {_filled(task, task_width)}  "
        more = _more(row) if row.more else ""
        said = cut(words(row.event), max(12, width - cells(head) - cells(more)))
        yield _painted(row, (head + said).rstrip(), paint) + (paint(more, _DIM) if more else "")


def _filled(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _more(row: Row) -> str:
    until = f" until {moment(row.last)}" if moment(row.last) != moment(row.event.time) else ""
    return f" … {row.more:,} more like it{until}"


def _painted(row: Row, line: str, paint: Paint) -> str:
    if row.event.kind == "fault":
        return paint(line, _RED, _BOLD)
    return paint(line, _YELLOW) if row.event.kind in _TROUBLE else line


def _outcome(shown: Shown, paint: Paint, width: int) -> str:
    if shown.violation:
        return paint(cut(f"! broken: {clean(shown.violation)}", width), _RED, _BOLD)
    return paint("  the invariant holds", _GREEN)


def _side(name: str, side: Side, paint: Paint) -> Iterator[str]:
    found = f"hazard in {side.hazards:,} of {counted(side.explored, 'schedule')}"
    explored = f"explored {side.explored:,} of {side.known:,}"
    yield f"  {name:<9}  {paint(found, _BOLD)} ({explored}{'' if side.explored == side.known else ' known'})"
    for violation, times in side.violations.items():
        yield f"             {counted(times, 'schedule')}: {clean(violation)}"


def _budget(proof: Proof) -> str:
    most = listed(counted(count, kind) for kind, count in proof.budget.items() if count)
    return f"; in one run at most {most}" if most else ""


def _further(proof: Proof, paint: Paint) -> Iterator[str]:
    names = ("further", "")
    for index, further in enumerate(proof.further):
        found = f"{further.hazards:,} of {counted(further.explored, 'schedule')}"
        says = f"good breaks under {further.fault}" if further.hazards else f"good holds under {further.fault}"
        line = f"  {names[min(index, 1)]:<9}  {says}: {found}"
        yield paint(f"{line}: {clean(further.violation)}", _YELLOW) if further.hazards else line
