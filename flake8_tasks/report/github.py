"""The findings as annotations of a GitHub workflow, and as the summary page of its step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import Span
from flake8_tasks.report import Report, count, encodable
from flake8_tasks.report.text import fixable

# GitHub cuts a summary of more than 1 MiB off whole, so the table ends well before that.
ROWS = 1000


def render(report: Report) -> str:
    """One workflow command for each file that could not be checked and each finding, then a line that sums up.

    GitHub shows only the first few annotations of a step: the failures come first.
    """
    return "".join(f"{line}\n" for line in _commands(report))


def _commands(report: Report) -> Iterator[str]:
    for failure in report.failures:
        place = {"file": report.shown(failure.path), "line": failure.line}
        yield _command({**place, "title": "flake8-tasks"}, f"could not be checked: {failure.message}")
    for found in report.findings:
        place = {"file": report.shown(found.path), **_range(found.span)}
        yield _command({**place, "title": found.code}, found.message)
    yield _summary(report)


def _command(properties: Mapping[str, object], message: str) -> str:
    shown = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::error {shown}::{_data(message)}"


def _range(span: Span) -> Mapping[str, int]:
    """Lines always; columns, the end exclusive, only within one line: GitHub refuses them otherwise."""
    lines = {"line": span.line, "endLine": span.end_line}
    return lines if span.line != span.end_line else {**lines, "col": span.column, "endColumn": span.end_column}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _summary(report: Report) -> str:
    found = "No problems found"
    if report.findings:
        files = len({found.path for found in report.findings})
        found = f"Found {count(len(report.findings), 'problem')} in {count(files, 'file')}"
    failed = f" {count(len(report.failures), 'file')} could not be checked." if report.failures else ""
    return f"flake8-tasks: {found}{fixable(report)}.{failed}"


def markdown(report: Report) -> str:
    """The summary page: a table of the findings, then the files that could not be checked."""
    return "".join(f"{line}\n" for line in _page(report))


def write_step_summary(report: Report, environ: Mapping[str, str]) -> None:
    """Append the page to the file that GITHUB_STEP_SUMMARY names; does nothing where it names none.

    Raises:
        OSError: the file cannot be written.
    """
    path = environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8", newline="\n") as stream:
            stream.write(encodable(markdown(report)))


def _page(report: Report) -> Iterator[str]:
    yield "### flake8-tasks"
    yield ""
    yield _summary(report).removeprefix("flake8-tasks: ")
    if report.findings:
        yield ""
        yield "| Place | Rule | Problem |"
        yield "| --- | --- | --- |"
        yield from (_row(report, found) for found in report.findings[:ROWS])
        if len(report.findings) > ROWS:
            yield ""
            yield f"… and {count(len(report.findings) - ROWS, 'problem')} more."
    if report.failures:
        yield ""
        for failure in report.failures:
            yield f"- `{_cell(report.shown(failure.path))}:{failure.line}`: {_cell(failure.message)}"
    yield ""


def _row(report: Report, found: Diagnostic) -> str:
    url = report.url(found.code)
    rule = f"[{found.code}]({url})" if url else found.code
    place = f"`{_cell(report.shown(found.path))}:{found.span.line}`"
    return f"| {place} | {rule} {_cell(found.name)} | {_cell(found.message)} |"


def _cell(text: str) -> str:
    """Text that cannot end the cell of a table or begin a tag."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())
