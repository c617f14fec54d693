from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import Span
from flake8_tasks.report import Report, statistics
from flake8_tasks.report.ansi import painted, wants_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "on_terminal", "in_pipe"),
    [
        ({}, True, False),
        ({"TERM": "xterm-256color"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_the_environment_decides_on_colour_before_the_stream(
    environ: dict[str, str], on_terminal: bool, in_pipe: bool
) -> None:
    assert wants_color(Terminal(), environ) is on_terminal
    assert wants_color(io.StringIO(), environ) is in_pipe


def test_nothing_is_painted_without_colour_or_text() -> None:
    assert painted("x", "31", color=False) == "x"
    assert painted("", "31") == ""
    assert painted("x", "1", "31") == "\x1b[1;31mx\x1b[0m"


def test_findings_come_by_path_then_line_then_column_then_code() -> None:
    places = [("b.py", 1, 1, "A"), ("a.py", 10, 1, "A"), ("a.py", 2, 9, "A"), ("a.py", 2, 3, "B"), ("a.py", 2, 3, "A")]
    findings = [
        Diagnostic(code, "n", f"/p/{path}", Span(line, column, line + (code == "A"), 1), "m")
        for path, line, column, code in places
    ]
    ordered = Report(findings=tuple(findings), root="/p").findings
    assert list(ordered) == findings[::-1]


def test_paths_are_shown_relative_to_the_root_with_slashes(tmp_path: Path) -> None:
    report = Report(root=str(tmp_path / "work"))
    assert report.shown(str(tmp_path / "work" / "shop" / "x.py")) == "shop/x.py"
    assert report.shown(str(tmp_path / "other" / "x.py")) == "../other/x.py"
    assert report.shown("shop/x.py") == "shop/x.py"


def test_a_line_outside_of_a_file_is_empty() -> None:
    report = Report(lines=lambda _path: ["one\r\n", "two"])
    assert [report.line("/x.py", number) for number in (-1, 0, 1, 2, 3)] == ["", "", "one", "two", ""]
    assert Report().line("/x.py", 1) == ""


def test_in_a_workflow_the_checkout_is_the_root_where_it_holds_the_folder(report: Report) -> None:
    inside = replace(report, root="/work/shop")
    assert inside.in_checkout({"GITHUB_WORKSPACE": "/work"}).root == "/work"
    assert inside.in_checkout({"GITHUB_WORKSPACE": "/work/shop"}).root == "/work/shop"
    assert inside.in_checkout({"GITHUB_WORKSPACE": "/other"}).root == "/work/shop"
    assert inside.in_checkout({"GITHUB_WORKSPACE": "/work/sh"}).root == "/work/shop"
    assert inside.in_checkout({"GITHUB_WORKSPACE": ""}).root == "/work/shop"
    assert inside.in_checkout({}).root == "/work/shop"


def test_statistics_count_each_rule_the_most_frequent_first(report: Report) -> None:
    assert statistics.render(report) == "3  TSK602  dispatch-in-transaction\n1  TSK201  model-argument\n"
    many = Diagnostic("TSK201", "model-argument", "/work/x.py", Span(1, 1, 1, 2), "m")
    assert statistics.render(replace(report, findings=(*report.findings, *[many] * 9))) == (
        "10  TSK201  model-argument\n 3  TSK602  dispatch-in-transaction\n"
    )
    assert statistics.render(Report()) == ""
