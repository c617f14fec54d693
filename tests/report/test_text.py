from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_tasks.diagnostic import Failure
from flake8_tasks.edit import Fix, Safety, Span
from flake8_tasks.report import Report, text
from flake8_tasks.report.snippet import TAB, snippet, visible

Make = Callable[[str, Span], Report]


def test_each_finding_has_its_line_with_a_pointer_and_the_places_that_matter(report: Report) -> None:
    assert text.render(report) == (
        "../elsewhere/more.py:1:5: TSK602 sent: early, 5%\n"
        "  1 | x = send.delay(\n"
        "    |     ^~~~~~~~~~~\n"
        "shop/views.py:3:9: TSK602 sent early\n"
        "  3 |         send.delay(order.pk)\n"
        "    |         ^~~~~~~~~~~~~~~~~~~~\n"
        "shop/views.py:4:9: TSK602 sent early [unsafe fix]\n"
        "  4 |         send.delay(order)\n"
        "    |         ^~~~~~~~~~~~~~~~~\n"
        "shop/views.py:4:20: TSK201 'order' is a model [fix]\n"
        "  4 |         send.delay(order)\n"
        "    |                    ^~~~~\n"
        "  note: shop/tasks.py:2:5: the task\n"
        "shop/broken.py:7: error: syntax error: '(' was never closed\n"
        "\n"
        "Found 4 problems in 2 files (1 fixable with `flake8-tasks fix`, 1 more with `--unsafe-fixes`).\n"
        "1 file could not be checked.\n"
    )


def test_colour_changes_nothing_but_the_colour(report: Report) -> None:
    colored = text.render(report, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == text.render(report)
    assert (
        "\x1b[1mshop/views.py:4:20:\x1b[0m \x1b[1;31mTSK201\x1b[0m 'order' is a model \x1b[36m[fix]\x1b[0m\n" in colored
    )


def test_a_clean_run_says_how_many_files_it_saw() -> None:
    assert text.render(Report(files=1)) == "No problems found in 1 file.\n"
    assert text.render(Report(files=12)) == "No problems found in 12 files.\n"
    assert text.render(Report()) == "No files to check.\n"


def test_files_that_could_not_be_checked_are_not_called_clean() -> None:
    failure = Failure("/work/x.py", 1, "cannot be read")
    assert text.render(Report(failures=(failure,), files=1, root="/work")) == (
        "x.py:1: error: cannot be read\n\n1 file could not be checked.\n"
    )
    assert text.render(Report(failures=(failure, replace(failure, path="/work/y.py")), files=5, root="/work")) == (
        "x.py:1: error: cannot be read\ny.py:1: error: cannot be read\n\n"
        "No problems found in 3 files.\n2 files could not be checked.\n"
    )


@pytest.mark.parametrize(
    ("safeties", "shown"),
    [
        ([], ""),
        ([Safety.SAFE], " (1 fixable with `flake8-tasks fix`)"),
        ([Safety.UNSAFE] * 2, " (2 fixable with `flake8-tasks fix --unsafe-fixes`)"),
    ],
)
def test_the_summary_names_the_command_that_fixes(report: Report, safeties: list[Safety], shown: str) -> None:
    found = replace(report.findings[0], fix=None)
    findings = [replace(found, fix=Fix(safety, "Fix it")) for safety in safeties]
    assert text.fixable(replace(report, findings=(found, *findings))) == shown


def test_a_file_that_cannot_be_read_again_has_no_line(report: Report) -> None:
    alone = Report(findings=report.findings[:1], files=1, root="/work")
    assert text.render(alone) == ("../elsewhere/more.py:1:5: TSK602 sent: early, 5%\n\nFound 1 problem in 1 file.\n")


@pytest.mark.parametrize(
    ("line", "columns", "source", "pointer"),
    [
        pytest.param("f(order)", (3, 8), "f(order)", "  ^~~~~", id="plain"),
        pytest.param("\tf(order)", (4, 9), "    f(order)", "      ^~~~~", id="a tab before"),
        pytest.param("  \tf(x)\t# y", (4, 8), "    f(x)    # y", "    ^~~~", id="tabs go to the next stop"),
        pytest.param("x = '\t'", (5, 8), "x = '   '", "    ^~~~~", id="a tab inside"),
        pytest.param("f('日本', x)", (3, 7), "f('日本', x)", "  ^~~~~~", id="wide characters inside"),
        pytest.param("f('日本', x)", (9, 10), "f('日本', x)", "          ^", id="wide characters before"),
        pytest.param("f('e\u0301', x)", (9, 10), "f('e\u0301', x)", "       ^", id="a combining character before"),
        pytest.param("f('e\u0301')", (3, 7), "f('e\u0301')", "  ^~~", id="a combining character inside"),
        pytest.param("f('\x1b[31m', x)", (3, 10), "f('␛[31m', x)", "  ^~~~~~~", id="an escape code"),
        pytest.param("f('\x7f', x)", (3, 6), "f('␡', x)", "  ^~~", id="a control character"),
        pytest.param("f('\u202e', x)", (7, 8), "f('\ufffd', x)", "      ^", id="a character that reorders"),
        pytest.param("x", (1, 1), "x", "^", id="an empty span"),
        pytest.param("f(order)", (3, 99), "f(order)", "  ^~~~~~", id="a span that ends behind the line"),
        pytest.param("f(x)", (99, 100), "f(x)", "    ^", id="a span that begins behind the line"),
    ],
)
def test_the_pointer_is_under_the_span(line: str, columns: tuple[int, int], source: str, pointer: str) -> None:
    assert snippet(line, Span(1, columns[0], 1, columns[1])) == (source, pointer)


def test_of_many_lines_the_first_is_underlined_to_its_end() -> None:
    assert snippet("x = f(  ", Span(3, 5, 9, 2)) == ("x = f(", "    ^~")


def test_of_a_long_line_the_part_with_the_span_is_shown() -> None:
    line = "x = [" + "1, " * 500 + "order, " + "2, " * 500 + "]"
    column = line.index("order") + 1
    source, pointer = snippet(line, Span(1, column, 1, column + 5), width=60)
    assert len(source) <= 60
    assert source.startswith("…")
    assert source.endswith("…")
    assert source[pointer.index("^") :].startswith("order")
    assert pointer.strip() == "^~~~~"


def test_a_long_span_is_underlined_as_far_as_it_is_shown() -> None:
    source, pointer = snippet("f(" + "x" * 500 + ")", Span(1, 3, 1, 503), width=40)
    assert source == "f(" + "x" * 36 + "…"
    assert pointer == "  ^" + "~" * 35


def cells(shown: str) -> int:
    """How wide a terminal shows a text without tabs."""
    zero = {"Mn", "Me", "Cf"}
    wide = {"W", "F"}
    return sum(
        0 if unicodedata.category(character) in zero else 2 if unicodedata.east_asian_width(character) in wide else 1
        for character in shown
    )


@given(st.text(alphabet="ab \t日é\u0301\u200d\x1b", max_size=30), st.text(alphabet="xy日", min_size=1, max_size=5))
def test_the_pointer_is_as_far_right_and_as_wide_as_what_it_points_at(before: str, target: str) -> None:
    source, pointer = snippet(before + target + " z", Span(1, len(before) + 1, 1, len(before + target) + 1))
    assert source.endswith(target + " z")
    assert len(pointer) - len(pointer.lstrip()) == cells(source) - cells(target + " z")
    assert len(pointer.strip()) == cells(target)


@given(st.text())
def test_nothing_that_is_shown_can_move_the_cursor(anything: str) -> None:
    shown = visible(anything)
    assert len(shown) == len(anything)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown)


def test_paths_and_messages_cannot_break_the_line(line_report: Make) -> None:
    report = line_report("x", Span(1, 1, 1, 2))
    found = replace(report.findings[0], path="/work/a\nb\x1b[2J.py", message="one\ntwo \udce9")
    assert text.render(replace(report, findings=(found,))).splitlines()[0] == "a␊b␛[2J.py:1:1: TSK201 one␊two \ufffd"


def test_the_line_number_has_room(line_report: Make) -> None:
    report = replace(line_report("", Span(1200, 1, 1200, 2)), lines=lambda _path: ["x\n"] * 1200)
    assert text.render(report).splitlines()[1:3] == ["  1200 | x", "       | ^"]


def test_tabs_are_four_wide() -> None:
    assert TAB == 4
