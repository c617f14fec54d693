"""The findings as JSON, the interface for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flake8_tasks.diagnostic import Diagnostic, Related
from flake8_tasks.edit import Fix, Span
from flake8_tasks.report import Report, encodable

VERSION = 1


def render(report: Report) -> str:
    """One JSON object; `version` changes when something in it goes away or changes its meaning.

    In a path that is not UTF-8, U+FFFD stands for the bytes that are not: most readers refuse lone surrogates.
    """
    whole = {
        "version": VERSION,
        "findings": [_finding(report, found) for found in report.findings],
        "errors": [
            {"path": _path(report, failure.path), "line": failure.line, "message": encodable(failure.message)}
            for failure in report.failures
        ],
    }
    return json.dumps(whole, indent=2) + "\n"


def _finding(report: Report, found: Diagnostic) -> Mapping[str, object]:
    fix = found.fix if isinstance(found.fix, Fix) else None
    return {
        "code": found.code,
        "name": found.name,
        "path": _path(report, found.path),
        **_span(found.span),
        "message": encodable(found.message),
        "url": report.url(found.code),
        "fix": {"safety": fix.safety.value, "title": fix.title} if fix else None,
        "related": [_related(report, related) for related in found.related],
    }


def _related(report: Report, related: Related) -> Mapping[str, object]:
    return {"path": _path(report, related.path), **_span(related.span), "message": encodable(related.message)}


def _span(span: Span) -> Mapping[str, int]:
    return {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}


def _path(report: Report, path: str) -> str:
    return encodable(report.shown(path))
