"""SARIF logs, held against a JSON schema.

`SCHEMA` is written from the standard and stricter than the official one: it knows only what we write.  To hold
the logs against the official schema as well, name its file in the environment variable SARIF_SCHEMA.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flake8_tasks.diagnostic import Failure
from flake8_tasks.edit import Span
from flake8_tasks.report import Report
from flake8_tasks.report.sarif import render


def closed(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    assert set(properties) == {*required.split(), *optional.split()}
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def some(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, **more}


NAME = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer", "minimum": 1}
INDEX = {"type": "integer", "minimum": 0}
URI = {"type": "string", "pattern": "^(file:///|https://|[^:/])[!-~]*$"}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = closed("text", text=NAME)
REGION = closed(
    "startLine", "startColumn endLine endColumn", startLine=NUMBER, startColumn=NUMBER, endLine=NUMBER, endColumn=NUMBER
)
PLACE = closed(
    "artifactLocation region",
    artifactLocation=closed("uri", "uriBaseId", uri=URI, uriBaseId={"const": "%SRCROOT%"}),
    region=REGION,
)
RULE = closed(
    "id name shortDescription fullDescription helpUri help defaultConfiguration properties",
    id=NAME,
    name=NAME,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    helpUri={"type": "string", "format": "uri"},
    help=closed("text markdown", text=NAME, markdown=NAME),
    defaultConfiguration=closed("level enabled", level=LEVEL, enabled={"type": "boolean"}),
    properties=closed("tags", tags=some(NAME, uniqueItems=True)),
)
RESULT = closed(
    "ruleId level message locations partialFingerprints",
    "ruleIndex relatedLocations",
    ruleId=NAME,
    ruleIndex=INDEX,
    level=LEVEL,
    message=MESSAGE,
    locations=some(closed("physicalLocation", physicalLocation=PLACE), maxItems=1),
    relatedLocations=some(
        closed("id physicalLocation message", id=INDEX, physicalLocation=PLACE, message=MESSAGE), uniqueItems=True
    ),
    partialFingerprints={"type": "object", "additionalProperties": NAME, "minProperties": 1},
)
NOTIFICATION = closed(
    "level message locations",
    level=LEVEL,
    message=MESSAGE,
    locations=some(closed("physicalLocation", physicalLocation=PLACE)),
)
DRIVER = closed(
    "name version semanticVersion informationUri rules",
    name=NAME,
    version=NAME,
    semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
    informationUri={"type": "string", "format": "uri"},
    rules={"type": "array", "items": RULE, "uniqueItems": True},
)
RUN = closed(
    "tool invocations columnKind results",
    "originalUriBaseIds",
    tool=closed("driver", driver=DRIVER),
    invocations=some(
        closed(
            "executionSuccessful",
            "toolExecutionNotifications",
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications=some(NOTIFICATION),
        )
    ),
    originalUriBaseIds=closed(
        "%SRCROOT%", **{"%SRCROOT%": closed("uri", uri={"type": "string", "pattern": "^file://(/[!-~]*)?/$"})}
    ),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
)
SCHEMA = closed(
    "$schema version runs",
    **{"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": some(RUN, maxItems=1)},
)
OFFICIAL = os.environ.get("SARIF_SCHEMA")


def log(report: Report) -> dict[str, Any]:
    """The run of a log that is valid."""
    whole = json.loads(render(report))
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).validate(whole)
    if OFFICIAL:
        official = json.loads(Path(OFFICIAL).read_text(encoding="utf-8"))
        jsonschema.validators.validator_for(official)(official, format_checker=checker).validate(whole)
    run = whole["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(result["ruleId"] == rules[result["ruleIndex"]] for result in run["results"] if "ruleIndex" in result)
    return dict(run)


def test_a_full_report_is_valid(report: Report) -> None:
    run = log(report)
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["TSK201", "TSK602"]
    assert [result["ruleId"] for result in run["results"]] == ["TSK602", "TSK602", "TSK602", "TSK201"]


def test_an_empty_report_is_valid() -> None:
    run = log(Report())
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True}]
    assert "originalUriBaseIds" not in run


def test_a_rule_says_what_why_and_where_to_read_on(report: Report) -> None:
    url = "https://flake8-tasks.readthedocs.io/en/stable/rules/arguments/model-argument/"
    rule, late = log(report)["tool"]["driver"]["rules"]
    assert rule == {
        "id": "TSK201",
        "name": "model-argument",
        "shortDescription": {"text": "A model instance is passed to a task."},
        "fullDescription": {"text": "The worker sees an *old* copy of it."},
        "helpUri": url,
        "help": {
            "text": f"The worker sees an *old* copy of it.\n\n{url}",
            "markdown": (
                "The worker sees an *old* copy of it.\n\n"
                "Flagged:\n\n```python\nsend.delay(order)\n```\n\n"
                "Better:\n\n```python\nsend.delay(order.pk)\n```\n\n"
                "**When to ignore it:** The copy is what you want.\n\n"
                f"[TSK201 model-argument]({url})\n"
            ),
        },
        "defaultConfiguration": {"level": "warning", "enabled": True},
        "properties": {"tags": ["background-tasks", "arguments"]},
    }
    assert late["defaultConfiguration"]["enabled"] is False
    assert late["properties"]["tags"] == ["background-tasks", "transactions", "opt-in"]
    assert late["fullDescription"] == {"text": "A task is sent before the commit."}


def test_a_result_has_its_place_and_the_places_that_matter(report: Report) -> None:
    result = log(report)["results"][3]
    assert result["message"] == {"text": "'order' is a model"}
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "shop/views.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 4, "startColumn": 20, "endLine": 4, "endColumn": 25},
            }
        }
    ]
    assert result["relatedLocations"] == [
        {
            "id": 0,
            "physicalLocation": {
                "artifactLocation": {"uri": "shop/tasks.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 9},
            },
            "message": {"text": "the task"},
        }
    ]


def test_a_file_that_could_not_be_checked_makes_the_run_unsuccessful(report: Report) -> None:
    assert log(report)["invocations"] == [
        {
            "executionSuccessful": False,
            "toolExecutionNotifications": [
                {
                    "level": "error",
                    "message": {"text": "syntax error: '(' was never closed"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "shop/broken.py", "uriBaseId": "%SRCROOT%"},
                                "region": {"startLine": 7},
                            }
                        }
                    ],
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("path", "artifact"),
    [
        ("/work/a b/c#d.py", {"uri": "a%20b/c%23d.py", "uriBaseId": "%SRCROOT%"}),
        ("/work/50%.py", {"uri": "50%25.py", "uriBaseId": "%SRCROOT%"}),
        ("/work/a:b.py", {"uri": "a%3Ab.py", "uriBaseId": "%SRCROOT%"}),
        ("/work/é/日.py", {"uri": "%C3%A9/%E6%97%A5.py", "uriBaseId": "%SRCROOT%"}),
        ("/work/\udce9.py", {"uri": "%E9.py", "uriBaseId": "%SRCROOT%"}),
        ("/work/..x/y.py", {"uri": "..x/y.py", "uriBaseId": "%SRCROOT%"}),
        ("/else where/x.py", {"uri": "file:///else%20where/x.py"}),
    ],
)
def test_paths_are_uris_below_the_root_or_absolute(report: Report, path: str, artifact: dict[str, str]) -> None:
    found = replace(report.findings[0], path=path)
    run = log(replace(report, findings=(found,)))
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == artifact


def test_the_root_ends_with_a_slash(report: Report) -> None:
    assert log(report)["originalUriBaseIds"] == {"%SRCROOT%": {"uri": "file:///work/"}}
    assert log(replace(report, root="/"))["originalUriBaseIds"] == {"%SRCROOT%": {"uri": "file:///"}}
    assert log(replace(report, root="/a b"))["originalUriBaseIds"] == {"%SRCROOT%": {"uri": "file:///a%20b/"}}


def fingerprints(report: Report, text: str, code: str = "TSK602") -> list[str]:
    """The fingerprints of a finding in each line of a text that sends something."""
    lines = text.splitlines()
    findings = tuple(
        replace(report.findings[0], code=code, path="/work/x.py", span=Span(number, 1, number, 2))
        for number, line in enumerate(lines, 1)
        if "send" in line
    )
    run = log(replace(report, findings=findings, lines=lambda _path: lines))
    return [result["partialFingerprints"]["flake8-tasks/v1"] for result in run["results"]]


def test_a_fingerprint_outlives_changes_around_the_line(report: Report) -> None:
    before = fingerprints(report, "send(1)\nsend(2)\nsend(1)\n")
    assert len(set(before)) == 3
    assert fingerprints(report, "import x\n\n\nif x:\n    send(1)\n    send(2)\n\n    send(1)\n") == before
    assert fingerprints(report, "send(2)\nsend(1)\nsend(1)\n") == [before[1], before[0], before[2]]


def test_a_fingerprint_changes_with_the_line_and_with_the_rule(report: Report) -> None:
    one = fingerprints(report, "send(1)\n")
    assert fingerprints(report, "send(9)\n") != one
    assert fingerprints(report, "send(1)\n", code="TSK201") != one
    assert fingerprints(report, "send(1)\n") == one


def test_what_is_no_rule_is_an_error_without_an_index(report: Report) -> None:
    crash = replace(report.findings[0], code="TSK000", name="internal-error")
    result = log(replace(report, findings=(crash,)))["results"][0]
    assert result["level"] == "error"
    assert "ruleIndex" not in result


def test_any_stream_can_take_the_text(report: Report) -> None:
    failure = Failure("/work/\udce9.py", 1, "cannot read \udce9.py: 日本")
    rendered = render(replace(report, failures=(failure,)))
    assert rendered.isascii()
    assert "\\udce9" not in rendered
