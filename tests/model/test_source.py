"""One file: encodings, lines and columns as the syntax tree counts them."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_tasks.model.source import Source, Unreadable, decode


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = 1\n", "x = 1\n"),
        ("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), "# -*- coding: latin-1 -*-\nx = 'é'\n"),
        (b"\xef\xbb\xbfx = 1\r\n", "x = 1\r\n"),
    ],
)
def test_the_encoding_is_what_the_file_says(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"x = 1\ny = '\xe9'\n", 2, "utf-8"),
        (b"# coding: nonsense\n", 1, "unknown encoding"),
        (b"# coding: hex\n", 1, "'hex' is not a text encoding"),
        (b"# coding: undefined\n", 1, "undefined encoding"),
        (b"\xef\xbb\xbf# coding: latin-1\n", 1, "its byte order mark says utf-8, its first lines another encoding"),
        (b"def (:\n", 1, "syntax error"),
        (b"x = 1\n\x00\n", 1, "null"),
        (b"(" * 10_000 + b")" * 10_000, 1, "syntax error"),
    ],
)
def test_what_cannot_be_read_says_why_and_where(data: bytes, line: int, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        Source.of("x.py", data)
    assert words in caught.value.message
    assert caught.value.line >= line


def test_columns_are_counted_in_characters() -> None:
    source = Source.of("x.py", 'x = "é"; a.delay(1)\n'.encode())
    call = source.tree.body[1]
    assert source.span(call) == (1, 10, 1, 20)
    assert source.segment(call) == "a.delay(1)"


def test_a_form_feed_ends_no_line() -> None:
    source = Source.of("x.py", b"x = 1\n\x0cy = (2,\r\n  3)\n")
    assert source.lines == ["x = 1\n", "\x0cy = (2,\r\n", "  3)\n"]
    assert source.segment(source.tree.body[1]) == "y = (2,\r\n  3)"


@given(st.text(alphabet="aé\U0001d538 \t", min_size=1), st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_node_is_cut_out_exactly(word: str, end: str) -> None:
    """Whatever stands before it on its line, and whatever ends the lines."""
    source = Source.of("x.py", f"z = {word!r}{end}y = [{word!r}, name]{end}".encode())
    names = [node for node in ast.walk(source.tree) if isinstance(node, ast.Name)]
    assert [source.segment(node) for node in names] == [node.id for node in names]


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("f(\n    a=1,\n    b=2,  # they ask for it\n)\n", True),
        ("f(\n    # they ask for it\n    b=2,\n)\n", True),
        ("f(\n    b=2)  # they ask for it\n", True),
        ("f(\n    b=2,  # noqa: E501\n)\n", False),
        ("f(\n    a=1,  # they ask for it\n    b=2,\n)\n", False),
        ("# they ask for it\nf(b=2)\n", False),
        ("f(b=2)  # they ask for it\n", False),
        ("f(\n    b=2,\n    # they ask for it\n)\n", False),
    ],
)
def test_what_a_comment_beside_it_explains(text: str, explained: bool) -> None:
    source = Source.of("shop.py", text.encode())
    keyword = next(node for node in ast.walk(source.tree) if isinstance(node, ast.keyword) and node.arg == "b")
    assert source.is_explained(source.span(keyword)) is explained
