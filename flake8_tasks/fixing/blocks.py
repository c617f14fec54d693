"""Puts statements into blocks and takes them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import libcst as cst

from flake8_tasks.edit import DeleteStatement, InsertStatement, ReplaceStatements
from flake8_tasks.fixing.places import CannotApply, Statement

_LINE_END = re.compile(r"\r\n|\r|\n")
Line = cst.SimpleStatementLine | cst.BaseCompoundStatement
Lines = Sequence[cst.EmptyLine]


class BlockEdits:
    """The statement edits of one file, by the nodes they name.

    `done` collects the edits that were carried out.
    """

    def __init__(self, module: cst.Module) -> None:
        self.newline = module.default_newline
        self.before: dict[cst.CSTNode, list[InsertStatement]] = {}
        self.after: dict[cst.CSTNode, list[InsertStatement]] = {}
        self.first: dict[cst.CSTNode, list[InsertStatement]] = {}
        self.deleted: dict[cst.CSTNode, DeleteStatement] = {}
        self.replaced: dict[cst.CSTNode, tuple[cst.CSTNode, ReplaceStatements]] = {}
        self.done: set[object] = set()

    def name(self, node: cst.CSTNode) -> bool:
        """Whether an edit names this statement (other than to put something into its body)."""
        return any(node in table for table in (self.before, self.after, self.deleted, self.replaced))

    def statements(self, code: str) -> list[Line]:
        """Statements from their source.

        Raises:
            CannotApply: they are none.
        """
        try:
            parsed = cst.parse_module(_LINE_END.sub(self.newline, code.strip("\r\n")))
        except Exception as error:  # libcst raises more than its own errors
            raise CannotApply(f"`{code}` is not a statement") from error
        if not parsed.body or parsed.footer:
            raise CannotApply(f"`{code}` is not a statement")
        first, *others = parsed.body
        return [_with_leading(first, [*parsed.header, *_leading(first)]), *others]

    def written(self, inserts: Sequence[InsertStatement]) -> list[Line]:
        """The statements of several insertions, in order."""
        self.done.update(inserts)
        return [line for edit in inserts for line in self.statements(edit.code)]


def rebuilt_module(original: cst.Module, updated: cst.Module, edits: BlockEdits) -> cst.Module:
    """A module with its edits carried out."""
    body, left = _rebuilt(original.body, updated.body, edits, [])
    footer = [*left, *updated.footer]
    ends = updated.has_trailing_newline and bool(body or footer or updated.header)
    return updated.with_changes(body=body, footer=footer, has_trailing_newline=ends)


def rebuilt_block(
    original: cst.BaseSuite, updated: cst.BaseSuite, edits: BlockEdits, owner: cst.CSTNode
) -> cst.BaseSuite:
    """The block of `owner` with its edits carried out; a one-line block becomes a real one where that is needed."""
    first = edits.first.get(owner, [])
    match original, updated:
        case cst.IndentedBlock(), cst.IndentedBlock():
            body, left = _rebuilt(original.body, updated.body, edits, first, _has_docstring(owner))
            if not body:
                body = [cst.SimpleStatementLine([cst.Pass()])]
            return updated.with_changes(body=body, footer=[*left, *updated.footer])
        case cst.SimpleStatementSuite(), cst.SimpleStatementSuite():
            named = [each for each in original.body if edits.name(each)]
            if not named and not first:
                return updated
            if not first and all(_only_deleted(each, edits) for each in named):
                edits.done.update(edits.deleted[each] for each in named)
                kept = [new for old, new in zip(original.body, updated.body, strict=True) if old not in named]
                return updated.with_changes(body=_closed(kept or [cst.Pass()]))
            body, _ = _rebuilt(
                [cst.SimpleStatementLine(original.body)],
                [cst.SimpleStatementLine(updated.body, trailing_whitespace=updated.trailing_whitespace)],
                edits,
                first,
                _has_docstring(owner),
            )
            return cst.IndentedBlock(body or [cst.SimpleStatementLine([cst.Pass()])])
    raise CannotApply("the block has an unknown shape")


def _has_docstring(owner: cst.CSTNode) -> bool:
    return isinstance(owner, cst.FunctionDef | cst.ClassDef) and owner.get_docstring() is not None


def _only_deleted(node: cst.CSTNode, edits: BlockEdits) -> bool:
    return node in edits.deleted and node not in edits.before and node not in edits.after


def _closed(body: Sequence[cst.BaseSmallStatement]) -> list[cst.BaseSmallStatement]:
    *others, last = body
    return [*others, last.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)]


def _pairs(
    original: Sequence[cst.CSTNode], updated: Sequence[cst.CSTNode], edits: BlockEdits, split_first: bool
) -> Iterator[tuple[cst.CSTNode, Line]]:
    """The statements with their new form; a line of several (`a; b`) is parted where an edit names one of them."""
    for index, (old, new) in enumerate(zip(original, updated, strict=True)):
        if not isinstance(old, cst.SimpleStatementLine) or not isinstance(new, cst.SimpleStatementLine):
            assert isinstance(new, cst.BaseCompoundStatement)
            yield old, new
            continue
        named = [each for each in old.body if edits.name(each)]
        if len(old.body) == 1:
            yield old.body[0], new
        elif named and len(named) < len(old.body) and all(_only_deleted(each, edits) for each in named):
            edits.done.update(edits.deleted[each] for each in named)
            left = [mine for theirs, mine in zip(old.body, new.body, strict=True) if theirs not in named]
            yield old, new.with_changes(body=_closed(left))
        elif named or (split_first and index == 0):
            last = len(old.body) - 1
            for place, (theirs, mine) in enumerate(zip(old.body, new.body, strict=True)):
                yield (
                    theirs,
                    cst.SimpleStatementLine(
                        _closed([mine]),
                        leading_lines=new.leading_lines if place == 0 else (),
                        trailing_whitespace=new.trailing_whitespace if place == last else cst.TrailingWhitespace(),
                    ),
                )
        else:
            yield old, new


def _rebuilt(
    original: Sequence[cst.CSTNode],
    updated: Sequence[cst.CSTNode],
    edits: BlockEdits,
    first: Sequence[InsertStatement],
    docstring: bool = False,
) -> tuple[list[Line], list[cst.EmptyLine]]:
    """The new statements, and lines (comments) that have no statement left to stand before."""
    pairs = list(_pairs(original, updated, edits, docstring and bool(first)))
    result: list[Line] = []
    waiting: Lines = []
    start = 1 if docstring else 0
    index = 0
    if first and len(pairs) == start:
        return [*(new for _, new in pairs), *edits.written(first)], []
    while index < len(pairs):
        old, new = pairs[index]
        leading = _merged(waiting, _leading(new))
        waiting = []
        inserts = edits.written([*(first if index == start else ()), *edits.before.get(old, ())])
        if inserts:
            blank, rest = _split_blank(leading)
            inserts[0] = _with_leading(inserts[0], [*blank, *_leading(inserts[0])])
            leading = [*blank, *rest] if isinstance(new, cst.FunctionDef | cst.ClassDef) else rest
            result.extend(inserts)
        if old in edits.replaced:
            last, edit = edits.replaced[old]
            end = next((place for place in range(index, len(pairs)) if pairs[place][0] is last), None)
            if end is None:
                raise CannotApply("the statements to replace are not in one block")
            result.extend(_replacement(edits, edit, leading, pairs[end][1]))
            index, old = end, pairs[end][0]
        elif old in edits.deleted:
            edits.done.add(edits.deleted[old])
            waiting = leading
        else:
            result.append(_with_leading(new, leading))
        result.extend(edits.written(edits.after.get(old, ())))
        index += 1
    return result, list(waiting) if any(line.comment for line in waiting) else []


def _replacement(edits: BlockEdits, edit: ReplaceStatements, leading: Lines, last: Line) -> list[Line]:
    edits.done.add(edit)
    lines = edits.statements(edit.code)
    lines[0] = _with_leading(lines[0], [*leading, *_leading(lines[0])])
    end = lines[-1]
    if (
        isinstance(last, cst.SimpleStatementLine)
        and isinstance(end, cst.SimpleStatementLine)
        and end.trailing_whitespace.comment is None
        and last.trailing_whitespace.comment is not None
    ):
        lines[-1] = end.with_changes(trailing_whitespace=last.trailing_whitespace)
    return lines


def _leading(line: cst.CSTNode) -> Lines:
    lines: Lines = getattr(line, "leading_lines", ())
    return lines


def _with_leading(line: Line, leading: Lines) -> Line:
    if _leading(line) == leading:
        return line
    changed: Line = line.with_changes(leading_lines=leading)
    return changed


def _split_blank(lines: Lines) -> tuple[Lines, Lines]:
    count = next((index for index, line in enumerate(lines) if line.comment is not None), len(lines))
    return lines[:count], lines[count:]


def _merged(waiting: Lines, leading: Lines) -> Lines:
    """The lines before a deleted statement and those before the next one; blank lines do not add up."""
    if waiting and leading and leading[0].comment is None and waiting[-1].comment is None:
        count = next((place for place, line in enumerate(reversed(waiting)) if line.comment is not None), len(waiting))
        kept, blank = waiting[: len(waiting) - count], waiting[len(waiting) - count :]
        own, rest = _split_blank(leading)
        return [*kept, *(own if len(own) >= len(blank) else blank), *rest]
    return [*waiting, *leading]


def check_statement(node: Statement, where: str) -> None:
    """Whether an insertion can name this node.

    Raises:
        CannotApply: it has no body to put statements into, or `where` is unknown.
    """
    if where not in ("before", "after", "body"):
        raise CannotApply(f"`{where}` is no place for a statement")
    if where == "body" and not isinstance(getattr(node, "body", None), cst.BaseSuite):
        raise CannotApply("the statement has no body")


def tables(edits: BlockEdits) -> Mapping[str, dict[cst.CSTNode, list[InsertStatement]]]:
    """Where insertions are kept, by `InsertStatement.where`."""
    return {"before": edits.before, "after": edits.after, "body": edits.first}
