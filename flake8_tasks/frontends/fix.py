"""`flake8-tasks fix`: mend what can be mended, and say what was and what was not."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO

from flake8_tasks.diagnostic import Diagnostic, Failure
from flake8_tasks.edit import Fix
from flake8_tasks.fixing.plan import Plan, plan
from flake8_tasks.fixing.write import write_all
from flake8_tasks.frontends.cli import CLEAN, FOUND, WRONG
from flake8_tasks.frontends.request import Request, request
from flake8_tasks.report import Report, count
from flake8_tasks.report.ansi import BOLD, CYAN, GREEN, RED, YELLOW, painted, wants_color
from flake8_tasks.report.snippet import visible


def fix(asked: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    wanted = request(asked)
    failures: dict[str, Failure] = {}

    def check(overlay: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        outcomes = wanted.checked(overlay)
        failures.update({each.path: each.failure for each in outcomes if each.failure is not None})
        return [found for each in outcomes for found in each.findings]

    paths = frozenset(wanted.paths)
    planned = plan(check, wanted.read, unsafe=asked.unsafe_fixes, allowed=paths.__contains__)
    changes = bool(planned.changed)
    if asked.diff:
        _print_diff(wanted, planned, asked)
        said, done = sys.stderr, "Would fix"
    elif wanted.stdin:
        _write_out(planned.changed.get(wanted.stdin, wanted.overlay[wanted.stdin]))
        said, done = sys.stderr, "Fixed"
    else:
        written = write_all(planned.changed, planned.read, planned.together)
        failures.update({failure.path: failure for failure in written.failures})
        changes = bool(written.paths)
        said, done = sys.stdout, "Fixed"
    unwritten = {path for path, failure in failures.items() if path in planned.changed} if not asked.diff else set()
    for line in _lines(planned, [*failures.values()], done, unwritten, color=_colored(asked, said)):
        print(line, file=said)
    if unwritten:
        return WRONG
    return FOUND if changes and (asked.diff or asked.exit_non_zero_on_fix) else CLEAN


def _lines(planned: Plan, failures: Sequence[Failure], done: str, unwritten: set[str], *, color: bool) -> Iterator[str]:
    """What was fixed, what was refused and why, what could not be looked at, and how many of each there are."""
    report = Report(root=os.getcwd())
    fixed = [each for each in planned.fixed if not _paths(each) & unwritten]
    for each in sorted(fixed, key=lambda found: (report.shown(found.path), found.span, found.code)):
        title = each.fix.title if isinstance(each.fix, Fix) else each.message
        yield f"{_place(report, each, color)} {painted(done.lower(), GREEN, color=color)}: {visible(title)}"
    for each, reason in planned.refused:
        words = f"{visible(each.message)}: {visible(reason)}"
        yield f"{_place(report, each, color)} {painted('not fixed', YELLOW, color=color)}: {words}"
    for failure in sorted(failures, key=lambda failure: (report.shown(failure.path), failure.line)):
        place = painted(f"{visible(report.shown(failure.path))}:{failure.line}:", BOLD, color=color)
        yield f"{place} {painted('error:', BOLD, RED, color=color)} {visible(failure.message)}"
    files = len({path for each in fixed for path in _paths(each)} & planned.changed.keys())
    if fixed:
        words = f"{done} {count(len(fixed), 'problem')} in {count(files, 'file')}."
    elif planned.refused or unwritten:
        words = "Nothing was fixed." if done == "Fixed" else "Nothing would be fixed."
    else:
        words = "Nothing to fix."
    yield painted(words, BOLD, color=color)
    if planned.refused:
        yield f"{count(len(planned.refused), 'problem')} could not be fixed."
    if planned.withheld:
        yield f"{count(len(planned.withheld), 'more problem')} could be fixed with `--unsafe-fixes`."


def _place(report: Report, found: Diagnostic, color: bool) -> str:
    place = f"{visible(report.shown(found.path))}:{found.span.line}:{found.span.column}:"
    return f"{painted(place, BOLD, color=color)} {painted(found.code, CYAN, color=color)}"


def _paths(found: Diagnostic) -> set[str]:
    """The files that a finding's fix changes."""
    from flake8_tasks.fixing.overlaps import path_of

    return set(map(path_of, found.fix.edits)) if isinstance(found.fix, Fix) else set()


def _print_diff(wanted: Request, planned: Plan, asked: argparse.Namespace) -> None:
    from flake8_tasks.report import diff

    color = _colored(asked, sys.stdout)
    root = _root_of_diff(planned.changed)
    if root != os.getcwd():
        print(f"The paths of the diff are relative to {root}.", file=sys.stderr)
    for path in sorted(planned.changed):
        text = diff.render(path, wanted.read(path), planned.changed[path], root=root, color=color)
        _write_out(diff.encoded(text))


def _root_of_diff(paths: Iterable[str]) -> str:
    """The working directory, or the folder above it that all the files are in: programs that patch take no `..`."""
    try:
        return os.path.commonpath([os.getcwd(), *map(os.path.dirname, paths)])
    except ValueError:  # on several drives
        return os.getcwd()


def _write_out(data: bytes) -> None:
    """Bytes are written as they are: a text stream would change line ends and refuse other encodings."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _colored(asked: argparse.Namespace, stream: TextIO) -> bool:
    if asked.color == "auto":
        return wants_color(stream, os.environ)
    return bool(asked.color == "always")
