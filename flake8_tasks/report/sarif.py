"""The findings as SARIF 2.1.0, for GitHub code scanning and editors."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from flake8_tasks import __version__
from flake8_tasks.diagnostic import Diagnostic, Failure
from flake8_tasks.edit import Span
from flake8_tasks.report import Report, encodable
from flake8_tasks.rule import DOCUMENTATION, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "flake8-tasks/v1"

Object = Mapping[str, object]


def render(report: Report) -> str:
    """One SARIF log with one run."""
    indexes = {rule.code: index for index, rule in enumerate(report.rules)}
    run: dict[str, object] = {
        "tool": {
            "driver": {
                "name": "flake8-tasks",
                "version": __version__,
                "semanticVersion": __version__,
                "informationUri": DOCUMENTATION.partition("/en/")[0],
                "rules": [_rule(rule) for rule in report.rules],
            }
        },
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": _results(report, indexes),
    }
    if report.root:
        run["originalUriBaseIds"] = {ROOT: {"uri": _folder(report.root)}}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> Object:
    why = rule.why or rule.summary
    tags = ["background-tasks", rule.family, *([] if rule.default else ["opt-in"])]
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": why},
        "helpUri": rule.url,
        "help": {"text": f"{why}\n\n{rule.url}", "markdown": _help(rule, why)},
        "defaultConfiguration": {"level": "warning", "enabled": rule.default},
        "properties": {"tags": tags},
    }


def _help(rule: Rule, why: str) -> str:
    ignore = f"**When to ignore it:** {rule.ignore_when}\n\n" if rule.ignore_when else ""
    bad = f"Flagged:\n\n```python\n{rule.bad}```\n\n"
    good = f"Better:\n\n```python\n{rule.good}```\n\n"
    return f"{why}\n\n{bad}{good}{ignore}[{rule.code} {rule.name}]({rule.url})\n"


def _invocation(report: Report) -> Object:
    """Whether everything could be checked, and what could not."""
    invocation: dict[str, object] = {"executionSuccessful": not report.failures}
    if report.failures:
        invocation["toolExecutionNotifications"] = [_notification(report, failure) for failure in report.failures]
    return invocation


def _notification(report: Report, failure: Failure) -> Object:
    place = {"artifactLocation": _artifact(report, failure.path), "region": {"startLine": max(failure.line, 1)}}
    return {
        "level": "error",
        "message": {"text": encodable(failure.message)},
        "locations": [{"physicalLocation": place}],
    }


def _results(report: Report, indexes: Mapping[str, int]) -> Sequence[Object]:
    seen: Counter[tuple[str, str, str]] = Counter()
    results = []
    for found in report.findings:
        line = " ".join(report.line(found.path, found.span.line).split())
        same = (found.path, found.code, line)
        results.append(_result(report, found, indexes, _fingerprint(found.code, line, seen[same])))
        seen[same] += 1
    return results


def _fingerprint(code: str, line: str, ordinal: int) -> str:
    """What stays the same while code above and below the finding changes.

    Arguments:
        line: the source line, its whitespace evened out.
        ordinal: how many findings of the rule are before this one in equal lines of the file.
    """
    return hashlib.sha256(f"{code}\0{line}\0{ordinal}".encode("utf-8", "replace")).hexdigest()[:32]


def _result(report: Report, found: Diagnostic, indexes: Mapping[str, int], fingerprint: str) -> Object:
    result: dict[str, object] = {
        "ruleId": found.code,
        "level": "warning" if found.code in indexes else "error",
        "message": {"text": encodable(found.message)},
        "locations": [{"physicalLocation": _place(report, found.path, found.span)}],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    if found.code in indexes:
        result["ruleIndex"] = indexes[found.code]
    if found.related:
        result["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": _place(report, related.path, related.span),
                "message": {"text": encodable(related.message)},
            }
            for number, related in enumerate(found.related)
        ]
    return result


def _place(report: Report, path: str, span: Span) -> Object:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"artifactLocation": _artifact(report, path), "region": region}


def _artifact(report: Report, path: str) -> Object:
    """A file below the root relative to it, another by its absolute URI."""
    shown = report.shown(path)
    if shown.startswith("../") or os.path.isabs(shown):
        return {"uri": _uri(path)}
    return {"uri": quote(os.fsencode(shown)), "uriBaseId": ROOT}


def _uri(path: str) -> str:
    return Path(os.path.abspath(path)).as_uri()


def _folder(path: str) -> str:
    uri = _uri(path)
    return uri if uri.endswith("/") else f"{uri}/"
