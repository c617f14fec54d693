"""`noqa` comments, held against flake8 itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import Span
from flake8_tasks.suppress import Unused, remaining, unused

# A flake8 plugin that reports each of the codes in each line of a file, so that what flake8 leaves out of its
# output is exactly what it silences.
PLUGIN = """
class EveryLine:
    name = "every-line"
    version = "1"

    def __init__(self, tree, lines):
        self.lines = lines

    def run(self):
        for line in range(1, len(self.lines) + 1):
            for code in {codes!r}:
                yield line, 0, f"{{code}} here", type(self)
"""
CODES = ("TSK101", "TSK102", "TSK201", "XSK101")

COMMENTS = [
    "# noqa",
    "#noqa",
    "#  noqa",
    "# NOQA",
    "# NoQa",
    "# noqa ",
    "# noqa:",
    "# noqa: ",
    "# noqa : TSK101",
    "# noqa:TSK101",
    "# noqa: TSK101",
    "# noqa:  TSK101",
    "# noqa:\tTSK101",
    "# noqa: tsk101",
    "# NOQA: TSK101",
    "# noqa: TSK",
    "# noqa: TSK1",
    "# noqa: TSK10",
    "# noqa: TSK1011",
    "# noqa: T1",
    "# noqa: TSK101,TSK201",
    "# noqa: TSK101, TSK201",
    "# noqa: TSK101 TSK201",
    "# noqa: TSK101 , ,TSK201",
    "# noqa: TSK101TSK201",
    "# noqa: TSK101;TSK201",
    "# noqa: E501,TSK201",
    "# noqa: E501",
    "# noqa: TSK101 because the broker is local",
    "# noqa: TSK101 - E501 is for others",
    "# noqa: TSK101 see JIRA1234",
    "# noqa: because of TSK101",
    "# noqa - TSK101",
    "# noqa TSK101",
    "# noqa=TSK101",
    "# noqa:TSK-101",
    "# noqa: 101",
    "# noqa: unknown-task-option",
    "# noqa: E501 # noqa: TSK101",
    "# noqa # noqa: TSK101",
    "# type: ignore # noqa: TSK101",
    "# see # noqa: TSK101",
    "# noqaa",
    "# nonoqa",
    "# no qa",
    "# noqa\u00a0: TSK101",
    "# noqa:\u00a0TSK101",
    "# noqa: T\u017fK101",
    "# pylint: disable=all",
    "# flake8: TSK101",
]
SHAPES = [
    "x = 1  {comment}\ny = 2\n",
    "x = [\n    1,  {comment}\n    2,\n]\ny = 2\n",
    "x = [  {comment}\n    1,\n]\n",
    "x = [\n    1,\n]  {comment}\ny = 2\n",
    'x = """\n{comment}\nlast"""\ny = 2\n',
    'x = """\nfirst\n"""  {comment}\ny = 2\n',
    'x = "{comment}"\ny = 2\n',
    "x = 1 + \\\n    2  {comment}\ny = 2\n",
    "{comment}\nx = 1\n",
    "x = [\n    {comment}\n    1,\n]\n",
    "if x:  {comment}\n    y = 1\n    z = 2\n",
    "def f(\n    a,  {comment}\n    b,\n):\n    '''One.\n\n    Two.\n    '''\n    return a\n",
    "@decorate(\n    a=1,  {comment}\n)\ndef f():\n    pass\n",
    "x = 1; y = 2  {comment}\n",
    "x = 1\n\n    {comment}\n\n\ny = 2\n",
    "x = f'''\n{{x}} {comment}\n'''\ny = 2\n",
    "x = 1  {comment}",
    "\n\n\nx = 1\n\x0c\ny = 2  {comment}\n",
    "if x:\n\ty = 1  {comment}\n\tz = [\n\t]\nw = 1\n",
]
WHOLE_FILE = [
    "# flake8: noqa",
    "#flake8: noqa",
    "# flake8:noqa",
    "# flake8=noqa",
    "# FLAKE8: NOQA",
    "# flake8 : noqa",
    "# flake8: noqa: TSK101",
    "# flake8: noqa: E501",
    "# flake8: noqa because",
    "    # flake8: noqa",
    "# see # flake8: noqa",
    "# flake8: noqaa",
    "# ruff: noqa",
    "# flake8:\tnoqa",
]


def found(line: int, code: str) -> Diagnostic:
    return Diagnostic(code, "name", "/x.py", Span(line, 1, line, 2), "message")


def every_line(text: str) -> list[Diagnostic]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    lines += not text.endswith(("\n", "\r"))
    return [found(line, code) for line in range(1, lines + 1) for code in CODES]


class Flake8:
    """Real flake8 with the plugin, over any number of files in one process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "every_line.py").write_text(PLUGIN.format(codes=CODES), encoding="utf-8")
        (folder / "flake8.ini").write_text(
            "[flake8:local-plugins]\nextension =\n"
            "    TSK = every_line:EveryLine\n    XSK = every_line:EveryLine\npaths = .\n"
            "[flake8]\nselect = TSK,XSK\njobs = 1\nformat = %(path)s|%(row)d|%(code)s\n",
            encoding="utf-8",
        )
        (folder / "files").mkdir()

    def __call__(self, texts: list[str]) -> list[set[tuple[int, str]]]:
        """For each text, the lines and codes that flake8 reports."""
        for number, text in enumerate(texts):
            (self.folder / "files" / f"{number}.py").write_bytes(text.encode())
        command = [sys.executable, "-m", "flake8", "--config", "flake8.ini", "files"]
        run = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8", check=False)
        assert run.stderr == ""
        reported: list[set[tuple[int, str]]] = [set() for _ in texts]
        for line in run.stdout.splitlines():
            path, row, code = line.split("|")
            reported[int(Path(path).stem)].add((int(row), code))
        for path in (self.folder / "files").iterdir():
            path.unlink()
        return reported


@pytest.fixture(scope="module")
def flake8(tmp_path_factory: pytest.TempPathFactory) -> Flake8:
    return Flake8(tmp_path_factory.mktemp("flake8"))


def agree(flake8: Flake8, texts: list[str]) -> None:
    for text, reported in zip(texts, flake8(texts), strict=True):
        assert {(left.span.line, left.code) for left in remaining(text, every_line(text))} == reported, text


def test_every_spelling_silences_what_flake8_silences(flake8: Flake8) -> None:
    agree(flake8, [shape.format(comment=comment) for shape in SHAPES[:3] for comment in COMMENTS])


def test_a_comment_in_every_place_silences_what_flake8_silences(flake8: Flake8) -> None:
    comments = ["# noqa", "# noqa: TSK101", "# noqa: TSK1 why", "# noqa: TSK201 # noqa: TSK101"]
    agree(flake8, [shape.format(comment=comment) for shape in SHAPES for comment in comments])


def test_line_ends_do_not_matter_to_either(flake8: Flake8) -> None:
    texts = [shape.format(comment="# noqa: TSK101") for shape in SHAPES]
    agree(flake8, [text.replace("\n", end) for text in texts for end in ("\r\n", "\r")])


def test_a_comment_for_the_whole_file_silences_what_flake8_silences(flake8: Flake8) -> None:
    shapes = ["x = 1\n{comment}\ny = 2\n", "x = 1  {comment}\ny = 2\n", 'x = """\n{comment}\n"""\n']
    agree(flake8, [shape.format(comment=comment) for shape in shapes for comment in WHOLE_FILE])


@settings(max_examples=6, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["x = 1", "x = [", "]", "'''", "y = (1,", "2)", "if x:", "    z = 3", "\\", ""]),
                st.sampled_from(["", "", "  # noqa", "  # noqa: TSK101", "  # noqa: E1,TSK2 why", "  # other"]),
            ),
            max_size=8,
        ),
        min_size=100,
        max_size=100,
    )
)
def test_programs_put_together_at_random_are_read_as_flake8_reads_them(
    flake8: Flake8, programs: list[list[tuple[str, str]]]
) -> None:
    texts = ["".join(f"{code}{comment}\n" for code, comment in program) for program in programs]
    agree(flake8, [text for text in texts if text and parses(text)])


def parses(text: str) -> bool:
    try:
        compile(text, "x.py", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def test_where_the_tokenizer_fails_each_line_stands_for_itself() -> None:
    text = "x = (  # noqa: TSK101\n  1\n"
    assert remaining(text, [found(1, "TSK101"), found(2, "TSK101")]) == [found(2, "TSK101")]


def test_a_finding_outside_of_the_file_is_not_silenced() -> None:
    assert remaining("x = 1  # noqa\n", [found(7, "TSK101")]) == [found(7, "TSK101")]


def test_a_code_that_silences_nothing_is_unused_where_it_stands() -> None:
    text = "x = 1  # noqa: E501, TSK101,TSK201\n"
    assert list(unused(text, [found(1, "TSK101")], CODES)) == [Unused(Span(1, 29, 1, 35), "TSK201")]


def test_a_comment_behind_a_text_of_many_lines_is_used_by_a_finding_in_any_of_them() -> None:
    text = "x = '''\n    1,\n'''  # noqa: TSK101\n"
    assert list(unused(text, [found(1, "TSK101")], CODES)) == []
    assert list(unused(text + "y = 1\n", [found(4, "TSK101")], CODES)) == [Unused(Span(3, 14, 3, 20), "TSK101")]


def test_a_comment_in_brackets_is_unused_by_a_finding_in_another_line_of_them() -> None:
    text = "x = [\n    1,\n]  # noqa: TSK101\n"
    assert list(unused(text, [found(1, "TSK101")], CODES)) == [Unused(Span(3, 12, 3, 18), "TSK101")]


def test_the_second_comment_of_a_line_is_unused_as_flake8_does_not_read_it() -> None:
    text = "x = 1  # noqa: TSK101 # noqa: TSK201\n"
    assert list(unused(text, [found(1, "TSK101"), found(1, "TSK201")], CODES)) == [Unused(Span(1, 31, 1, 37), "TSK201")]


def test_a_code_in_the_wrong_case_is_unused_as_flake8_does_not_match_it() -> None:
    assert list(unused("x = 1  # noqa: tsk101\n", [found(1, "TSK101")], CODES)) == [
        Unused(Span(1, 16, 1, 22), "tsk101")
    ]


def test_a_prefix_is_used_by_any_code_of_it() -> None:
    assert list(unused("x = 1  # noqa: TSK1\n", [found(1, "TSK102")], CODES)) == []
    assert [place.code for place in unused("x = 1  # noqa: TSK1\n", [found(1, "TSK201")], CODES)] == ["TSK1"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = 1  # noqa\n", id="no codes"),
        pytest.param("x = 1  # noqa\nsend()  # TSK101\n", id="no codes, with a code in another comment"),
        pytest.param("x = 1  # noqa: E501\n", id="codes of others"),
        pytest.param("x = 1  # noqa: TSK999\n", id="codes that were not looked for"),
        pytest.param("x = 1  # noqa because of TSK101\n", id="a code that is no part of it"),
        pytest.param('x = "# noqa: TSK101"\n', id="in a string"),
        pytest.param("# flake8: noqa\nx = 1  # noqa: TSK101\n", id="in a file that flake8 skips"),
    ],
)
def test_nothing_is_said_about_comments(text: str) -> None:
    assert list(unused(text, [], CODES)) == []
