from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flake8_tasks.diagnostic import Failure
from flake8_tasks.edit import Span
from flake8_tasks.report import Report, github


def test_failures_come_first_then_the_findings_then_a_line_that_sums_up(report: Report) -> None:
    assert github.render(report) == (
        "::error file=shop/broken.py,line=7,title=flake8-tasks::could not be checked: syntax error: "
        "'(' was never closed\n"
        "::error file=../elsewhere/more.py,line=1,endLine=3,title=TSK602::sent: early, 5%25\n"
        "::error file=shop/views.py,line=3,endLine=3,col=9,endColumn=29,title=TSK602::sent early\n"
        "::error file=shop/views.py,line=4,endLine=4,col=9,endColumn=26,title=TSK602::sent early\n"
        "::error file=shop/views.py,line=4,endLine=4,col=20,endColumn=25,title=TSK201::'order' is a model\n"
        "flake8-tasks: Found 4 problems in 2 files (1 fixable with `flake8-tasks fix`, 1 more with "
        "`--unsafe-fixes`). 1 file could not be checked.\n"
    )


def test_a_clean_run_has_no_annotation() -> None:
    assert github.render(Report(files=3)) == "flake8-tasks: No problems found.\n"


def test_a_span_of_several_lines_has_no_columns(report: Report) -> None:
    """The columns of an annotation are refused unless it begins and ends in the same line."""
    found = replace(report.findings[0], path="/work/x.py", span=Span(3, 5, 4, 2), message="m")
    assert github.render(replace(report, findings=(found,), failures=())).startswith(
        "::error file=x.py,line=3,endLine=4,title=TSK602::m\n"
    )


def test_what_would_end_a_property_or_the_command_is_escaped(report: Report) -> None:
    found = replace(
        report.findings[0], path="/work/a,b:c%d\n.py", span=Span(1, 1, 1, 2), message="50%: a,b\r\n::error::x"
    )
    first, *rest = github.render(replace(report, findings=(found,), failures=())).splitlines()
    assert first == (
        "::error file=a%2Cb%3Ac%25d%0A.py,line=1,endLine=1,col=1,endColumn=2,title=TSK602::50%25: a,b%0D%0A::error::x"
    )
    assert len(rest) == 1


def test_an_escape_in_the_text_stays_as_it_is_written(report: Report) -> None:
    found = replace(report.findings[0], message="%0A")
    assert "::%250A\n" in github.render(replace(report, findings=(found,)))


def test_the_page_is_a_table_with_links_to_the_rules(report: Report) -> None:
    url = "https://flake8-tasks.readthedocs.io/en/stable/rules"
    late = f"[TSK602]({url}/transactions/dispatch-in-transaction/) dispatch-in-transaction"
    assert github.markdown(report) == (
        "### flake8-tasks\n"
        "\n"
        "Found 4 problems in 2 files (1 fixable with `flake8-tasks fix`, 1 more with `--unsafe-fixes`)."
        " 1 file could not be checked.\n"
        "\n"
        "| Place | Rule | Problem |\n"
        "| --- | --- | --- |\n"
        f"| `../elsewhere/more.py:1` | {late} | sent: early, 5% |\n"
        f"| `shop/views.py:3` | {late} | sent early |\n"
        f"| `shop/views.py:4` | {late} | sent early |\n"
        f"| `shop/views.py:4` | [TSK201]({url}/arguments/model-argument/) model-argument | 'order' is a model |\n"
        "\n"
        "- `shop/broken.py:7`: syntax error: '(' was never closed\n"
        "\n"
    )


def test_the_page_of_a_clean_run_is_short(report: Report) -> None:
    assert github.markdown(Report(files=3)) == "### flake8-tasks\n\nNo problems found.\n\n"
    assert github.markdown(replace(report, findings=())) == (
        "### flake8-tasks\n\nNo problems found. 1 file could not be checked.\n\n"
        "- `shop/broken.py:7`: syntax error: '(' was never closed\n\n"
    )


def test_nothing_in_a_message_ends_its_cell(report: Report) -> None:
    found = replace(report.findings[0], message="a | b\n<script> & c")
    page = github.markdown(replace(report, findings=(found,)))
    assert "| a \\| b &lt;script> &amp; c |\n" in page


def test_what_is_no_rule_has_no_link(report: Report) -> None:
    crash = replace(report.findings[0], code="TSK000", name="internal-error")
    assert "| TSK000 internal-error |" in github.markdown(replace(report, findings=(crash,)))


def test_a_long_table_ends_and_says_how_much_is_missing(report: Report) -> None:
    findings = tuple(replace(report.findings[0], span=Span(line, 1, line, 2)) for line in range(1, 1003))
    page = github.markdown(replace(report, findings=findings, failures=()))
    assert page.count("\n| `") == 1000
    assert page.endswith("\n\n… and 2 problems more.\n\n")


def test_the_page_is_appended_where_github_says(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"before\n")
    failed = replace(report, failures=(Failure("/work/\udce9.py", 1, "日本"),))
    github.write_step_summary(failed, {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.read_bytes().startswith(b"before\n### flake8-tasks\n")
    assert "- `\ufffd.py:1`: 日本\n" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("environ", [{}, {"GITHUB_STEP_SUMMARY": ""}])
def test_without_a_summary_file_nothing_is_written(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    github.write_step_summary(report, environ)
    assert list(tmp_path.iterdir()) == []


def test_a_summary_file_that_cannot_be_written_is_an_error_of_the_system(report: Report, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="summary"):
        github.write_step_summary(report, {"GITHUB_STEP_SUMMARY": str(tmp_path / "missing" / "summary.md")})
