"""Fixes taken: passes, groups, refusals, encodings.  The rules here are small ones over real syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import (
    AddImport,
    Edit,
    Fix,
    InsertParameter,
    InsertStatement,
    Place,
    Refusal,
    RenameAttribute,
    ReplaceExpression,
    Safety,
    SetKeyword,
    Span,
)
from flake8_tasks.fixing.plan import Plan, plan
from flake8_tasks.model.source import Source

Rule = Callable[[Source], Iterator[tuple[ast.AST, tuple[Edit, ...] | Refusal | None]]]


def planned(
    files: Mapping[str, bytes],
    *rules: Rule,
    unsafe: bool = False,
    safety: Safety = Safety.SAFE,
    allowed: Callable[[str], bool] = lambda path: True,
) -> Plan:
    """What the planner makes of these rules over these files."""

    def check(overlay: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        return [
            Diagnostic(
                f"TSK00{number}", "rule", path, source.span(node), rule.__name__,
                Fix(safety, "mend", found) if isinstance(found, tuple) else found,
            )
            for path, data in files.items()
            for source in [Source.of(path, overlay.get(path, data))]
            for number, rule in enumerate(rules)
            for node, found in rule(source)
        ]  # fmt: skip

    return plan(check, files.__getitem__, unsafe=unsafe, allowed=allowed)


def place(source: Source, node: ast.AST) -> Place:
    return Place(source.path, source.span(node))


def calls(source: Source, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def limited(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
    """`f()` wants `k=1`."""
    for call in calls(source, "f"):
        if not any(each.arg == "k" for each in call.keywords):
            yield call, (SetKeyword(place(source, call), "k", "1"),)


def test_nested_fixes_are_taken_in_several_passes_and_all_counted() -> None:
    result = planned({"/a.py": b"f(f(f()))\nf()\n"}, limited)
    assert result.changed == {"/a.py": b"f(f(f(k=1), k=1), k=1)\nf(k=1)\n"}
    assert len(result.fixed) == 4
    assert result.refused == ()
    assert result.read == {"/a.py": b"f(f(f()))\nf()\n"}


def test_nothing_is_planned_where_nothing_is_found() -> None:
    assert planned({"/a.py": b"f(k=1)\n"}, limited) == Plan()


def test_an_unsafe_fix_is_withheld_unless_asked_for() -> None:
    files = {"/a.py": b"f()\n"}
    result = planned(files, limited, safety=Safety.UNSAFE)
    assert (result.changed, result.refused, len(result.withheld)) == ({}, (), 1)
    assert planned(files, limited, safety=Safety.UNSAFE, unsafe=True).changed == {"/a.py": b"f(k=1)\n"}


def test_a_refusal_of_the_rule_is_reported() -> None:
    def never(source: Source) -> Iterator[tuple[ast.AST, Refusal]]:
        for call in calls(source, "f"):
            yield call, Refusal("its result is used")

    result = planned({"/a.py": b"f()\n"}, never)
    assert [(each.span.line, reason) for each, reason in result.refused] == [(1, "its result is used")]


def grouped(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
    """Every `f(x)` of /a.py becomes `f(x.pk)` together with the definition in /b.py."""
    if source.path == "/a.py":
        todo = [call for call in calls(source, "f") if isinstance(call.args[0], ast.Name)]
        edits = [ReplaceExpression(place(source, call.args[0]), "x.pk") for call in todo]
        there = Source.of("/b.py", b"def f(x):\n    pass\n")
        definition = place(there, there.tree.body[0])
        for call in todo:
            yield call, (*edits, InsertStatement(definition, "x = load(x)", "body"))


GROUP = {"/a.py": b"f(x)\nf(x)\n", "/b.py": b"def f(x):\n    pass\n"}


def test_one_group_over_two_files_that_two_findings_share_is_done_once_and_counts_twice() -> None:
    result = planned(GROUP, grouped)
    assert result.changed == {"/a.py": b"f(x.pk)\nf(x.pk)\n", "/b.py": b"def f(x):\n    x = load(x)\n    pass\n"}
    assert len(result.fixed) == 2
    assert result.together == (frozenset({"/a.py", "/b.py"}),)


def test_a_group_that_reaches_outside_is_refused_as_a_whole() -> None:
    result = planned(GROUP, grouped, allowed=lambda path: path == "/a.py")
    assert result.changed == {}
    assert [reason for _, reason in result.refused] == ["reaches /b.py, which is outside the paths given"] * 2


def test_a_group_that_fails_in_one_file_changes_no_other_and_other_fixes_go_on() -> None:
    files = {**GROUP, "/b.py": b"def f(x, y):\n    pass\n", "/c.py": b"f()\n"}

    def elsewhere(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        if source.path == "/c.py":
            yield from limited(source)

    def misplaced(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        for node, edits in grouped(source):
            yield node, (*edits, SetKeyword(Place("/b.py", source.span(node)), "k", "1"))

    result = planned(files, misplaced, elsewhere)
    assert result.changed == {"/c.py": b"f(k=1)\n"}
    assert [reason for _, reason in result.refused] == [
        "/b.py: line 1: no expression has exactly this place",
        "/b.py: line 2: no expression has exactly this place",
    ]


def test_two_fixes_that_share_an_edit_are_taken_together() -> None:
    def bound(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        function = source.tree.body[0]
        for call in calls(source, "wait"):
            yield (
                call,
                (
                    InsertParameter(place(source, function), "self"),
                    ReplaceExpression(place(source, call), "self.go()"),
                ),
            )

    result = planned({"/a.py": b"def f(a):\n    wait()\n    wait()\n"}, bound)
    assert result.changed == {"/a.py": b"def f(self, a):\n    self.go()\n    self.go()\n"}
    assert len(result.fixed) == 2


def rename(old: str, new: str) -> Rule:
    def rule(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and node.attr == old:
                yield node, (RenameAttribute(place(source, node), new),)

    return rule


def test_fixes_that_undo_each_other_end_and_are_told() -> None:
    result = planned({"/a.py": b"x.old\n"}, rename("old", "new"), rename("new", "old"))
    assert result.changed == {"/a.py": b"x.new\n"}
    assert [(each.code, reason) for each, reason in result.refused] == [
        ("TSK001", "its fix would undo another one (TSK001)")
    ]


def test_a_fix_that_would_be_repeated_without_end_is_not_taken() -> None:
    def growing(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        yield source.tree.body[0], (InsertStatement(place(source, source.tree.body[0]), "x = 1"),)

    result = planned({"/a.py": b"y\nf()\n"}, growing, limited)
    assert result.changed == {"/a.py": b"y\nf(k=1)\n"}
    assert [reason for _, reason in result.refused] == ["its fix would have to be repeated without end"]


def test_a_fix_that_grows_in_another_shape_each_time_ends_too() -> None:
    def growing(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        count = len(source.tree.body)
        yield source.tree.body[0], (InsertStatement(place(source, source.tree.body[0]), f"x{count} = 1"),)

    result = planned({"/a.py": b"y\n"}, growing)
    assert ["come to an end" in reason for _, reason in result.refused] == [True]
    assert len(result.fixed) == 50


@pytest.mark.parametrize("edits", [(), (ReplaceExpression(Place("/a.py", Span(1, 1, 1, 4)), "f()"),)])
def test_a_fix_that_changes_nothing_is_refused(edits: tuple[Edit, ...]) -> None:
    def idle(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        yield source.tree.body[0], edits

    result = planned({"/a.py": b"f()\n"}, idle)
    assert result.changed == {}
    assert [reason for _, reason in result.refused] == ["its fix changes nothing"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbff('\xc3\xa9', f())\n",
        b"# coding: latin-1\nx = '\xe9'; f('\xe9')\n",
        b"# coding: cp1252\r\nx = '\x80'\r\nf()\r\n",
        b"f()\r\n\ty = 1".replace(b"\t", b""),
        b"\x0cf()\n\x0c\n\tf()".replace(b"\tf", b"f"),
        b"if x:\n\tf()\n",
        b"#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nf()\n",
    ],
)
def test_encoding_mark_and_line_ends_are_kept(data: bytes) -> None:
    result = planned({"/a.py": data}, limited)
    assert b"k=1" in result.changed["/a.py"]
    assert result.changed["/a.py"].replace(b", k=1", b"").replace(b"k=1", b"") == data


def test_code_that_the_encoding_of_the_file_lacks_is_refused() -> None:
    def euro(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        for call in calls(source, "f"):
            if not call.args:
                yield call, (ReplaceExpression(place(source, call), "f('€')"),)

    result = planned({"/a.py": b"# coding: latin-1\nf()\n"}, euro)
    assert result.changed == {}
    assert "the new code cannot be written in iso-8859-1: '€'" in result.refused[0][1]


def test_a_file_that_cannot_be_read_is_a_reason() -> None:
    def diagnostics(overlay: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        span = Source.of("/a.py", b"f()").span(ast.parse("f()").body[0])
        return [Diagnostic("TSK001", "rule", "/a.py", span, "m", Fix(Safety.SAFE, "t", (AddImport("/b.py", "os"),)))]

    def read(path: str) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    result = plan(diagnostics, read, unsafe=False, allowed=lambda path: True)
    assert [reason for _, reason in result.refused] == ["/b.py: Permission denied"]


def test_fixes_that_collide_only_when_applied_are_taken_one_after_the_other() -> None:
    def same_name(source: Source) -> Iterator[tuple[ast.AST, tuple[Edit, ...]]]:
        if "from a import n" not in source.text and "from b import n" not in source.text:
            for node, module in zip(source.tree.body, ("a", "b"), strict=True):
                yield node, (AddImport(source.path, module, "n"),)

    result = planned({"/a.py": b"f()\ng()\n"}, same_name)
    assert result.changed == {"/a.py": b"from a import n\n\nf()\ng()\n"}
    assert len(result.fixed) == 1
