"""Finds the libcst node that stands exactly at a place which was taken from the `ast` tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from flake8_tasks.edit import Span
from flake8_tasks.model.source import Source

Statement = cst.BaseSmallStatement | cst.BaseCompoundStatement
Handler = cst.ExceptHandler | cst.ExceptStarHandler


class CannotApply(Exception):
    """An edit that cannot be carried out as it was meant; nothing is changed then."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def span_of(place: CodeRange) -> Span:
    """libcst's range (columns from 0) as ours (columns from 1)."""
    return Span(place.start.line, place.start.column + 1, place.end.line, place.end.column + 1)


class Places:
    """The nodes of one module by where the `ast` tree has them.

    The two trees disagree in a few ranges: libcst leaves the parentheses of tuples and generator
    expressions out, and ends a block behind a closing semicolon.
    """

    def __init__(self, source: Source, module: cst.Module) -> None:
        self.source = source
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        self.ranges = wrapper.resolve(PositionProvider)
        self._expressions: dict[Span, cst.BaseExpression] = {}
        self._statements: dict[Span, Statement] = {}
        self._compound: dict[tuple[int, int, int], cst.BaseCompoundStatement] = {}
        self._handlers: dict[tuple[int, int], Handler] = {}
        for node in self.ranges:
            match node:
                case cst.BaseExpression():
                    self._expressions[self._expression_span(node)] = node
                    if isinstance(node, cst.Call):
                        self._bare_generator(node)
                case cst.BaseSmallStatement():
                    self._statements[self.span(node)] = node
                case cst.BaseCompoundStatement():
                    span = self.span(node)
                    self._compound[span.line, span.column, span.end_line] = node
                case cst.ExceptHandler() | cst.ExceptStarHandler():
                    span = self.span(node)
                    self._handlers[span.line, span.column] = node
        self._in_strings = {source.span(node) for node in _in_format_strings(source.tree)}

    def span(self, node: cst.CSTNode) -> Span:
        """Where libcst has a node."""
        return span_of(self.ranges[node])

    def lines(self, statement: cst.CSTNode) -> Span:
        """Where a statement stands with its decorators."""
        span = self.span(statement)
        if isinstance(statement, cst.FunctionDef | cst.ClassDef) and statement.decorators:
            first = self.span(statement.decorators[0])
            return Span(first.line, first.column, span.end_line, span.end_column)
        return span

    def expression(self, span: Span) -> cst.BaseExpression:
        """The expression at a span.

        Raises:
            CannotApply: there is none, or it stands in an f-string (whose places Python before 3.12 gets wrong).
        """
        if span in self._in_strings:
            raise CannotApply(f"line {span.line}: the place is inside an f-string")
        node = self._expressions.get(span)
        if node is None:
            raise CannotApply(f"line {span.line}: no expression has exactly this place")
        return node

    def statement(self, span: Span) -> Statement:
        """The statement at a span.

        Raises:
            CannotApply: there is none.
        """
        node = self._statements.get(span) or self._compound.get((span.line, span.column, span.end_line))
        if node is None:
            raise CannotApply(f"line {span.line}: no statement has exactly this place")
        return node

    def function(self, span: Span) -> cst.FunctionDef:
        """The function definition at a span.

        Raises:
            CannotApply: there is none.
        """
        node = self.statement(span)
        if not isinstance(node, cst.FunctionDef):
            raise CannotApply(f"line {span.line}: no function has exactly this place")
        return node

    def handler(self, span: Span) -> Handler:
        """The `except` clause at a span.

        Raises:
            CannotApply: there is none.
        """
        node = self._handlers.get((span.line, span.column))
        if node is None or self.span(node).end_line != span.end_line:
            raise CannotApply(f"line {span.line}: no except clause has exactly this place")
        return node

    def _expression_span(self, node: cst.BaseExpression) -> Span:
        if isinstance(node, cst.Tuple | cst.GeneratorExp) and node.lpar:
            start, end = self.span(node.lpar[-1]), self.span(node.rpar[0])
            return Span(start.line, start.column, end.end_line, end.end_column)
        return self.span(node)

    def _bare_generator(self, call: cst.Call) -> None:
        """`f(x for x in y)`: the call's parentheses are the generator's too."""
        if len(call.args) == 1 and isinstance(generator := call.args[0].value, cst.GeneratorExp) and not generator.lpar:
            before, whole = self.span(call.whitespace_before_args), self.span(call)
            span = Span(before.line, before.column - 1, whole.end_line, whole.end_column)
            self._expressions[span] = generator


def _in_format_strings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if type(node).__name__ in ("JoinedStr", "TemplateStr"):
            for child in ast.iter_child_nodes(node):
                for inner in ast.walk(child):
                    if isinstance(inner, ast.expr) and not isinstance(
                        inner, ast.Constant | ast.JoinedStr | ast.FormattedValue
                    ):
                        yield inner
