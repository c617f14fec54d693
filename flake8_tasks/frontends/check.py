"""`flake8-tasks check`: find problems and say them in the format that was asked for."""

from __future__ import annotations

import argparse
import os
import sys

from flake8_tasks.frontends.cli import CLEAN, FOUND
from flake8_tasks.frontends.known import Baselines
from flake8_tasks.frontends.request import Request, request
from flake8_tasks.kept import Outcome
from flake8_tasks.report import Report
from flake8_tasks.rules import all_rules


def check(asked: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    wanted = request(asked)
    if asked.output_file:
        # Before the work, so that nobody waits for a report that cannot be written.
        open(asked.output_file, "a", encoding="utf-8").close()
    baselines = Baselines(wanted, to_write=asked.write_baseline)
    outcomes = wanted.checked()
    if asked.write_baseline:
        baselines.write_anew(outcomes)
        return CLEAN
    report = reported(wanted, baselines.without_known(outcomes))
    if asked.output_file:
        _write(asked.output_file, _rendered(asked, report, colored=asked.color == "always"))
    else:
        print(_rendered(asked, report, colored=colored(asked)), end="")
    if asked.statistics:
        from flake8_tasks.report import statistics

        # Behind JSON it would not be JSON any more.
        readable = asked.output_format in ("text", "github") and not asked.output_file
        print(statistics.render(report), end="", file=sys.stdout if readable else sys.stderr)
    return FOUND if (report.findings or report.failures) and not asked.exit_zero else CLEAN


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        error.filename = path  # a full disk is told without a name
        raise


def reported(wanted: Request, outcomes: list[Outcome]) -> Report:
    """What a run came to, with what the formats need to say it."""
    return Report(
        findings=tuple(found for outcome in outcomes for found in outcome.findings),
        failures=tuple(outcome.failure for outcome in outcomes if outcome.failure is not None),
        rules=all_rules(),
        files=len(outcomes),
        root=os.getcwd(),
        lines=wanted.lines,
    )


def colored(asked: argparse.Namespace) -> bool:
    """Whether to write in colour on stdout."""
    from flake8_tasks.report.ansi import wants_color

    if asked.color == "auto":
        return sys.stdout is not None and wants_color(sys.stdout, os.environ)
    return bool(asked.color == "always")


def _rendered(asked: argparse.Namespace, report: Report, *, colored: bool) -> str:
    match asked.output_format:
        case "json":
            from flake8_tasks.report import json

            return json.render(report)
        case "sarif":
            from flake8_tasks.report import sarif

            return sarif.render(report)
        case "github":
            from flake8_tasks.report import github

            placed = report.in_checkout(os.environ)
            github.write_step_summary(placed, os.environ)
            return github.render(placed)
        case _:
            from flake8_tasks.report import text

            return text.render(report, color=colored, encoding="utf-8" if asked.output_file else sys.stdout.encoding)
