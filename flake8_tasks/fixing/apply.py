"""Carries out the edits of one file in one libcst pass, over the places of the text as it was."""

from __future__ import annotations

import ast
import io
import keyword
import sys
import tokenize
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import libcst as cst

from flake8_tasks.edit import (
    AddImport,
    DeleteStatement,
    DropKeyword,
    Edit,
    InsertParameter,
    InsertStatement,
    NameHandler,
    RenameAttribute,
    RenameKeyword,
    RenameParameter,
    ReplaceExpression,
    ReplaceStatements,
    SetKeyword,
)
from flake8_tasks.fixing.arguments import CallEdit, edit_call, edit_parameters, expression, over_lines
from flake8_tasks.fixing.blocks import BlockEdits, check_statement, rebuilt_block, rebuilt_module, tables
from flake8_tasks.fixing.conflicts import refuse_conflicts
from flake8_tasks.fixing.formfeeds import FormFeeds
from flake8_tasks.fixing.imports import with_import
from flake8_tasks.fixing.places import CannotApply, Handler, Places
from flake8_tasks.fixing.precedence import fitted
from flake8_tasks.model.source import Source, Unreadable, parse

__all__ = ["CannotApply", "apply"]


def apply(path: str, text: str, edits: Sequence[Edit]) -> str:
    """The text of a file after all these edits.

    Arguments:
        path: absolute; it tells which imports are the project's own.
        text: without a byte order mark, with its line ends.
        edits: of this file; an edit that is there twice is done once.

    Raises:
        CannotApply: a place matches no node, two edits collide, a comment would be lost, or the
            result would not be valid Python.
    """
    edits = list(dict.fromkeys(edits))
    if not edits:
        return text
    for edit in edits:
        _refuse_bad_names(edit)
    try:
        original, feeds, module, places = _read(path, text)
        edits = [feeds.hidden(edit) for edit in edits]
        refuse_conflicts(edits, places)
        result = feeds.shown(_carried_out(path, module, places, edits))
    except Unreadable as error:
        raise CannotApply(f"line {error.line}: {error.message}") from error
    except cst.ParserSyntaxError as error:
        raise CannotApply(f"line {error.raw_line}: libcst cannot parse the file") from error
    except cst.CSTValidationError as error:
        raise CannotApply(f"the result would not be valid Python: {error}") from error
    except RecursionError:
        raise CannotApply("the file is nested too deeply") from None
    _refuse_broken(original, result)
    if _comments(text) - _comments(result):
        raise CannotApply("a comment would be lost")
    return result


@lru_cache(maxsize=4)  # of a few files many combinations of edits are tried
def _read(path: str, text: str) -> tuple[Source, FormFeeds, cst.Module, Places]:
    original = Source(path, text, parse(text))
    _refuse_bottomless(original.tree)
    feeds = FormFeeds(original)
    module = cst.parse_module(feeds.source.text)
    if module.code != feeds.source.text:
        lone = ": they end in carriage returns" if "\r" in text.replace("\r\n", "") else ""
        raise CannotApply(f"the fixer cannot keep its lines as they are{lone}")
    return original, feeds, module, Places(feeds.source, module)


def _carried_out(path: str, module: cst.Module, places: Places, edits: Sequence[Edit]) -> str:
    carrier = _Carrier(module, places, edits)
    changed = module.visit(carrier)
    assert isinstance(changed, cst.Module)
    for edit in edits:
        if isinstance(edit, AddImport):
            changed = with_import(changed, path, edit.module, edit.name)
        elif edit not in carrier.blocks.done:
            raise CannotApply("a statement to change does not stand in a block")
    return changed.code


class _Carrier(cst.CSTTransformer):
    """Carries out the edits of a node where libcst leaves it, and those of a statement where it leaves the block."""

    def __init__(self, module: cst.Module, places: Places, edits: Sequence[Edit]) -> None:
        super().__init__()
        self.blocks = BlockEdits(module)
        self._module = module
        self._places = places
        self._expressions: dict[cst.CSTNode, list[ReplaceExpression | RenameAttribute | CallEdit]] = {}
        self._functions: dict[cst.CSTNode, list[InsertParameter | RenameParameter]] = {}
        self._handlers: dict[cst.CSTNode, NameHandler] = {}
        self._parents: list[cst.CSTNode] = []
        self._lines: list[int] = []
        for edit in edits:
            self._find(edit)
        self._lines.sort()

    def _find(self, edit: Edit) -> None:
        places = self._places
        match edit:
            case ReplaceExpression(at=at) | RenameAttribute(at=at):
                self._expressions.setdefault(self._named(places.expression(at.span)), []).append(edit)
            case SetKeyword(call=at) | DropKeyword(call=at) | RenameKeyword(call=at):
                self._expressions.setdefault(self._named(places.expression(at.span)), []).append(edit)
            case InsertParameter(function=at) | RenameParameter(function=at):
                self._functions.setdefault(self._named(places.function(at.span)), []).append(edit)
            case NameHandler(handler=at):
                self._handlers[self._named(places.handler(at.span))] = edit
            case InsertStatement(at=at, where=where):
                node = places.statement(at.span)
                check_statement(node, where)
                tables(self.blocks)[where].setdefault(self._named(node), []).append(edit)
            case DeleteStatement(at=at):
                self.blocks.deleted[self._named(places.statement(at.span))] = edit
            case ReplaceStatements(first=first, last=last):
                end = self._named(places.statement(last.span))
                self.blocks.replaced[self._named(places.statement(first.span))] = (end, edit)
            case AddImport():
                pass

    def _named(self, node: cst.CSTNode) -> cst.CSTNode:
        self._lines.append(self._places.span(node).line)
        return node

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.BaseCompoundStatement | cst.SimpleStatementLine):
            span = self._places.lines(node)
            index = bisect_left(self._lines, span.line)
            if index == len(self._lines) or self._lines[index] > span.end_line:
                return False
        self._parents.append(node)
        return True

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        if not self._parents or self._parents[-1] is not original_node:
            return updated_node
        self._parents.pop()
        match original_node, updated_node:
            case cst.Module(), cst.Module():
                return rebuilt_module(original_node, updated_node, self.blocks)
            case cst.BaseSuite(), cst.BaseSuite():
                return rebuilt_block(original_node, updated_node, self.blocks, self._parents[-1])
            case cst.FunctionDef(), cst.FunctionDef():
                return self._function(original_node, updated_node)
            case _, cst.ExceptHandler() | cst.ExceptStarHandler():
                edit = self._handlers.get(original_node)
                return updated_node if edit is None else self._handler(updated_node, edit)
            case cst.BaseExpression(), cst.BaseExpression():
                return self._expression(original_node, updated_node)
        return updated_node

    def _function(self, original: cst.FunctionDef, updated: cst.FunctionDef) -> cst.FunctionDef:
        edits = self._functions.get(original, [])
        for edit in sorted(edits, key=lambda each: isinstance(each, InsertParameter)):
            updated = edit_parameters(updated, edit)
        self.blocks.done.update(edits)
        return updated

    def _handler(self, handler: Handler, edit: NameHandler) -> Handler:
        self.blocks.done.add(edit)
        if handler.name is not None:
            if isinstance(handler.name.name, cst.Name) and handler.name.name.value == edit.name:
                return handler
            raise CannotApply("the except clause has another name")
        changes: dict[str, object] = {"name": cst.AsName(cst.Name(edit.name))}
        if handler.type is None:
            changes |= {"type": cst.Name("Exception"), "whitespace_after_except": cst.SimpleWhitespace(" ")}
        return handler.with_changes(**changes)

    def _expression(self, original: cst.BaseExpression, updated: cst.BaseExpression) -> cst.BaseExpression:
        edits = self._expressions.get(original, [])
        # A name to take or give away is settled before new keywords come, a rename before the call is made.
        for edit in sorted(edits, key=lambda each: isinstance(each, SetKeyword)):
            match edit:
                case ReplaceExpression(code=code):
                    updated = self._replaced(original, expression(code))
                case RenameAttribute(name=name):
                    if not isinstance(updated, cst.Attribute):
                        raise CannotApply("the expression is no attribute")
                    updated = updated.with_changes(attr=updated.attr.with_changes(value=name))
                case _:
                    updated = edit_call(updated, edit)
        self.blocks.done.update(edits)
        if isinstance(updated, cst.Call) and any(isinstance(edit, SetKeyword) for edit in edits):
            return self._parted(original, updated)
        return updated

    def _parted(self, original: cst.BaseExpression, call: cst.Call) -> cst.Call:
        """The call over several lines where its new keywords make one too long and no comment may be tied to a line."""
        span, source, code = self._places.span(original), self._places.source, self._module.code_for_node
        lines = [line.rstrip() for line in source.lines[span.line - 1 : span.end_line]]
        before, behind = lines[0][: span.column - 1], lines[-1][span.end_column - 1 :]
        margin = before[: len(before) - len(before.lstrip())]
        first, *rest = code(call).splitlines()
        width = max(map(len, (before + first, *(margin + line for line in rest))))
        if width <= max(source.width, *map(len, lines)) or "#" in code(call) + behind:
            return call
        if any(bracket in before for bracket in "([{") or any("\n" in code(arg.value) for arg in call.args):
            return call
        return over_lines(call, margin, self._module.default_indent)

    def _replaced(self, original: cst.BaseExpression, new: cst.BaseExpression) -> cst.BaseExpression:
        outer, closing = list(original.lpar), list(original.rpar)
        if isinstance(original, cst.Tuple | cst.GeneratorExp) and outer:
            outer, closing = outer[:-1], closing[1:]  # the innermost pair is its own
        if outer:
            return new.with_changes(lpar=[*outer, *new.lpar], rpar=[*new.rpar, *closing])
        return fitted(new, self._parents[-1], original)


def _refuse_bottomless(tree: ast.Module) -> None:
    """libcst goes a few calls deep for each level of a tree, and takes minutes until it finds that it cannot.

    Raises:
        RecursionError: the tree has more levels than Python has calls.
    """
    level: list[ast.AST] = [tree]
    for _ in range(sys.getrecursionlimit()):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise RecursionError


def _refuse_bad_names(edit: Edit) -> None:
    names: list[str | None] = []
    match edit:
        case RenameAttribute(name=name) | SetKeyword(name=name) | InsertParameter(name=name) | NameHandler(name=name):
            names = [name]
        case RenameKeyword(new=name) | RenameParameter(new=name):
            names = [name]
        case AddImport(module=module, name=name):
            names = [*filter(None, module.split("."))] or ["."]
            names += [name] if name is not None else []
            if module.strip(".") == "" and module and name is not None:
                names = [name]
            if module.startswith(".") and name is None:
                raise CannotApply(f"`import {module}` is not Python")
        case _:
            pass
    for each in names:
        if each is not None and (not each.isidentifier() or keyword.iskeyword(each)):
            raise CannotApply(f"`{each}` is not a name")


def _refuse_broken(source: Source, result: str) -> None:
    """What the parser accepts can still be wrong: a keyword given twice shows only in the compiler."""
    problem = _problem(source.path, result)
    if problem and (problem.startswith("syntax error") or _problem(source.path, source.text) is None):
        raise CannotApply(f"the result would not be valid Python: {problem}")


def _problem(path: str, text: str) -> str | None:
    try:
        tree = parse(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, path, "exec", dont_inherit=True)
    except Unreadable as error:
        return error.message if error.message.startswith("syntax error") else f"syntax error: {error.message}"
    except SyntaxError as error:
        return error.msg
    except (ValueError, RecursionError) as error:
        return str(error)
    return None


def _comments(text: str) -> Counter[str]:
    """The comments, as often as they are there."""
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
        return Counter(token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)
    except (tokenize.TokenError, SyntaxError) as error:
        raise CannotApply(f"the comments cannot be read: {error}") from error
