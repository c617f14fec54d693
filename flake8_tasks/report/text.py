"""The findings for people: the place, the message, the line of source and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import Fix, Safety, Span
from flake8_tasks.report import Report, count
from flake8_tasks.report.ansi import BLUE, BOLD, CYAN, GREEN, RED, painted
from flake8_tasks.report.snippet import snippet, visible

MARKS = {Safety.SAFE: "[fix]", Safety.UNSAFE: "[unsafe fix]"}


def render(report: Report, *, color: bool = False, encoding: str = "utf-8") -> str:
    """Each finding with its line, then the files that could not be checked, then a summary.

    Arguments:
        encoding: what it will be written in, which decides how wide a line is.
    """
    return "".join(f"{line}\n" for line in _lines(report, color, encoding))


def _lines(report: Report, color: bool, encoding: str) -> Iterator[str]:
    for found in report.findings:
        yield from _finding(report, found, color, encoding)
    for failure in report.failures:
        place = painted(f"{visible(report.shown(failure.path))}:{failure.line}:", BOLD, color=color)
        yield f"{place} {painted('error:', BOLD, RED, color=color)} {visible(failure.message)}"
    if report.findings or report.failures:
        yield ""
    yield from _summary(report, color)


def _finding(report: Report, found: Diagnostic, color: bool, encoding: str) -> Iterator[str]:
    place = painted(_place(report, found.path, found.span), BOLD, color=color)
    code = painted(found.code, BOLD, RED, color=color)
    mark = f" {painted(MARKS[found.fix.safety], CYAN, color=color)}" if isinstance(found.fix, Fix) else ""
    yield f"{place} {code} {visible(found.message)}{mark}"
    line = report.line(found.path, found.span.line)
    if line.strip():
        source, pointer = snippet(line, found.span, encoding=encoding)
        gutter = str(found.span.line)
        bar = painted("|", BLUE, color=color)
        yield f"  {painted(gutter, BLUE, color=color)} {bar} {source}"
        yield f"  {' ' * len(gutter)} {bar} {painted(pointer, BOLD, RED, color=color)}"
    for related in found.related:
        note = painted("note:", BOLD, BLUE, color=color)
        yield f"  {note} {_place(report, related.path, related.span)} {visible(related.message)}"


def _place(report: Report, path: str, span: Span) -> str:
    return f"{visible(report.shown(path))}:{span.line}:{span.column}:"


def _summary(report: Report, color: bool) -> Iterator[str]:
    if report.findings:
        files = len({found.path for found in report.findings})
        found = f"Found {count(len(report.findings), 'problem')} in {count(files, 'file')}"
        yield painted(found, BOLD, RED, color=color) + fixable(report) + "."
    elif report.files > len(report.failures):
        checked = count(report.files - len(report.failures), "file")
        yield painted(f"No problems found in {checked}.", BOLD, GREEN, color=color)
    elif not report.failures:
        yield "No files to check."
    if report.failures:
        failed = f"{count(len(report.failures), 'file')} could not be checked."
        yield painted(failed, BOLD, RED, color=color)


def fixable(report: Report) -> str:
    """What `flake8-tasks fix` would do, in brackets behind a number of findings; empty where it does nothing."""
    fixes = [found.fix.safety for found in report.findings if isinstance(found.fix, Fix)]
    safe, unsafe = fixes.count(Safety.SAFE), fixes.count(Safety.UNSAFE)
    match safe, unsafe:
        case 0, 0:
            return ""
        case _, 0:
            return f" ({safe} fixable with `flake8-tasks fix`)"
        case 0, _:
            return f" ({unsafe} fixable with `flake8-tasks fix --unsafe-fixes`)"
        case _:
            return f" ({safe} fixable with `flake8-tasks fix`, {unsafe} more with `--unsafe-fixes`)"
