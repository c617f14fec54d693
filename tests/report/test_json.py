from __future__ import annotations

import json
from dataclasses import replace

from flake8_tasks.report import Report
from flake8_tasks.report.json import render


def test_the_whole_object_and_nothing_else(report: Report) -> None:
    url = "https://flake8-tasks.readthedocs.io/en/stable/rules"
    late = {
        "code": "TSK602",
        "name": "dispatch-in-transaction",
        "url": f"{url}/transactions/dispatch-in-transaction/",
    }
    assert json.loads(render(report)) == {
        "version": 1,
        "findings": [
            {
                **late,
                "path": "../elsewhere/more.py",
                "line": 1,
                "column": 5,
                "end_line": 3,
                "end_column": 2,
                "message": "sent: early, 5%",
                "fix": None,
                "related": [],
            },
            {
                **late,
                "path": "shop/views.py",
                "line": 3,
                "column": 9,
                "end_line": 3,
                "end_column": 29,
                "message": "sent early",
                "fix": None,
                "related": [],
            },
            {
                **late,
                "path": "shop/views.py",
                "line": 4,
                "column": 9,
                "end_line": 4,
                "end_column": 26,
                "message": "sent early",
                "fix": {"safety": "unsafe", "title": "Send it after the commit"},
                "related": [],
            },
            {
                "code": "TSK201",
                "name": "model-argument",
                "path": "shop/views.py",
                "line": 4,
                "column": 20,
                "end_line": 4,
                "end_column": 25,
                "message": "'order' is a model",
                "url": f"{url}/arguments/model-argument/",
                "fix": {"safety": "safe", "title": "Pass the primary key"},
                "related": [
                    {
                        "path": "shop/tasks.py",
                        "line": 2,
                        "column": 5,
                        "end_line": 2,
                        "end_column": 9,
                        "message": "the task",
                    }
                ],
            },
        ],
        "errors": [{"path": "shop/broken.py", "line": 7, "message": "syntax error: '(' was never closed"}],
    }


def test_the_keys_stand_in_the_order_of_the_documentation(report: Report) -> None:
    whole = json.loads(render(report))
    assert list(whole) == ["version", "findings", "errors"]
    assert list(whole["findings"][3]) == (
        ["code", "name", "path", "line", "column", "end_line", "end_column", "message", "url", "fix", "related"]
    )


def test_an_empty_run_is_an_object_too() -> None:
    assert json.loads(render(Report(files=3))) == {"version": 1, "findings": [], "errors": []}


def test_any_stream_can_take_the_text(report: Report) -> None:
    """ASCII only, and no lone surrogates, which most readers of JSON refuse."""
    found = replace(report.findings[0], path="/work/\udce9/日.py", message="日本")
    rendered = render(replace(report, findings=(found,)))
    assert rendered.isascii()
    assert json.loads(rendered)["findings"][0]["path"] == "\ufffd/日.py"
    assert json.loads(rendered)["findings"][0]["message"] == "日本"


def test_what_is_no_rule_has_no_page(report: Report) -> None:
    crash = replace(report.findings[0], code="TSK000", name="internal-error")
    assert json.loads(render(replace(report, findings=(crash,))))["findings"][0]["url"] == ""
