"""Edits at random places of files that nobody here wrote: the standard library and its own tests."""

from __future__ import annotations

import ast
import io
import sysconfig
import tokenize
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from flake8_tasks.edit import (
    AddImport,
    DeleteStatement,
    Edit,
    InsertParameter,
    InsertStatement,
    NameHandler,
    Place,
    RenameAttribute,
    ReplaceExpression,
    SetKeyword,
    Span,
)
from flake8_tasks.fixing.apply import CannotApply, apply
from flake8_tasks.fixing.places import Places
from flake8_tasks.model.source import Source

LIBRARY = Path(sysconfig.get_path("stdlib"))
NAMES = ["textwrap", "tabnanny", "_weakrefset", "sched", "json/decoder", "queue", "concurrent/futures/thread"]
FILES = [LIBRARY / f"{name}.py" for name in NAMES]
CODE = ["a", "a.b", "-a", "a + b", "a ** b", "a < b", "not a", "a or b", "a if b else c", "lambda: a", "(a, b)", "a, b"]
CODE += ["(yield)", "(a := b)", "[a]", "1", "'x'", "await_(a)", "a | b", "a @ b"]
ROOM = settings(deadline=None, max_examples=12)


@lru_cache(maxsize=16)
def opened(file: Path) -> Source:
    return Source.of(str(file), file.read_bytes())


def outside_of_strings(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, but not those inside f-strings."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.JoinedStr):
            yield from outside_of_strings(child)


@lru_cache(maxsize=16)
def nodes(file: Path) -> list[ast.AST]:
    return list(outside_of_strings(opened(file).tree))


def edited_lines(before: str, after: str, span: Span) -> list[str]:
    """The lines of `after` that stand where the span was; the others are as they were."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    tail = len(old) - span.end_line
    assert new[: span.line - 1] == old[: span.line - 1]
    assert tail == 0 or new[-tail:] == old[-tail:]
    return new[span.line - 1 : len(new) - tail]


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_expression_statement_and_handler_is_found_by_its_own_place(file: Path) -> None:
    source = opened(file)
    module = cst.parse_module(source.text)
    places = Places(source, module)
    for node in nodes(file):
        match node:
            case ast.Slice() | ast.Starred() | ast.Tuple(ctx=ast.Store()):
                continue
            case ast.Tuple() if not source.segment(node).startswith("("):
                continue
            case ast.expr():
                found = module.code_for_node(places.expression(source.span(node)))
                assert ast.dump(ast.parse(f"({found})", mode="eval").body) == ast.dump(as_loaded(node))
            case ast.stmt():
                found_statement = places.statement(source.span(node))
                assert isinstance(found_statement, cst.BaseCompoundStatement) == hasattr(node, "body")
            case ast.excepthandler():
                assert places.span(places.handler(source.span(node))).line == node.lineno


def as_loaded(node: ast.expr) -> ast.expr:
    """The same expression, read instead of assigned to."""
    return ast.parse(f"({ast.unparse(node)})", mode="eval").body


@ROOM
@given(st.sampled_from(FILES), st.data())
def test_a_keyword_is_set_at_any_call(file: Path, data: st.DataObject) -> None:
    source = opened(file)
    call = data.draw(st.sampled_from([node for node in nodes(file) if isinstance(node, ast.Call)]))
    span = source.span(call)
    after = apply(str(file), source.text, [SetKeyword(Place(str(file), span), "tsk_new", "1")])
    assert "tsk_new=1" in "".join(edited_lines(source.text, after, span))
    expected = ast.dump(ast.keyword("tsk_new", ast.Constant(1)))
    assert ast.dump(ast.parse(after)).count(expected) == 1


def single_edits(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Every edit that fits a node."""
    place = Place(source.path, source.span(node))
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield InsertParameter(place, "tsk_new")
            yield InsertStatement(place, "tsk_new()", "body")
        case ast.stmt():
            yield InsertStatement(place, "tsk_new()", "before")
            yield InsertStatement(place, "tsk_new()", "after")
            yield DeleteStatement(place)
        case ast.Call():
            yield SetKeyword(place, "tsk_new", "a or b")
        case ast.Attribute():
            yield RenameAttribute(place, "tsk_new")
        case ast.ExceptHandler():
            yield NameHandler(place, "tsk_new")
        case ast.expr(ctx=ast.Load()) | ast.BinOp() | ast.Compare() | ast.BoolOp() | ast.Constant():
            yield ReplaceExpression(place, "tsk_new if a else b")
        case _:
            pass


def comments(text: str) -> list[str]:
    return [
        each.string for each in tokenize.generate_tokens(io.StringIO(text).readline) if each.type == tokenize.COMMENT
    ]


@ROOM
@given(st.sampled_from(FILES), st.data())
def test_many_edits_at_once_give_a_valid_file_with_all_its_comments(file: Path, data: st.DataObject) -> None:
    source = opened(file)
    chosen = data.draw(st.lists(st.sampled_from(nodes(file)), min_size=1, max_size=8, unique_by=id))
    edits = [edit for node in chosen if hasattr(node, "lineno") for edit in list(single_edits(source, node))[:1]]
    edits.append(AddImport(str(file), "functools", "partial"))
    try:
        after = apply(str(file), source.text, edits)
    except CannotApply as error:
        event(error.reason.partition(": ")[2] or error.reason)
        return
    ast.parse(after)
    assert sorted(comments(source.text)) == sorted(comments(after))


@ROOM
@given(st.sampled_from(FILES), st.data())
def test_one_edit_changes_only_its_own_lines(file: Path, data: st.DataObject) -> None:
    source = opened(file)
    node = data.draw(st.sampled_from([each for each in nodes(file) if isinstance(each, ast.expr | ast.excepthandler)]))
    for edit in single_edits(source, node):
        try:
            after = apply(str(file), source.text, [edit])
        except CannotApply as error:
            event(error.reason)
            continue
        assert "tsk_new" in "".join(edited_lines(source.text, after, source.span(node))) or after == source.text


def expected_dump(source: Source, span: Span, code: str) -> str:
    """The tree of a file after a replacement, by the plainest way there is: text in parentheses."""
    lines = source.text.splitlines(keepends=True)
    head = "".join(lines[: span.line - 1]) + lines[span.line - 1][: span.column - 1]
    tail = lines[span.end_line - 1][span.end_column - 1 :] + "".join(lines[span.end_line :])
    return ast.dump(ast.parse(f"{head}({code}){tail}"))


@ROOM
@given(
    st.sampled_from(FILES),
    st.sampled_from(CODE),
    st.data(),
)
def test_a_replaced_expression_means_what_it_would_in_parentheses(file: Path, code: str, data: st.DataObject) -> None:
    source = opened(file)
    kinds = (ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.Compare, ast.Constant, ast.Subscript, ast.UnaryOp)
    found = [
        node
        for node in nodes(file)
        if isinstance(node, kinds) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ]
    node = data.draw(st.sampled_from(found))
    span = source.span(node)
    try:
        after = apply(str(file), source.text, [ReplaceExpression(Place(str(file), span), code)])
    except CannotApply as error:
        event(error.reason)
        return
    assert ast.dump(ast.parse(after)) == expected_dump(source, span, code)
