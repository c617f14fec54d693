"""Makes the records of one file, from that file alone."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from flake8_tasks.model.names import Binding, How, Names, Scope
from flake8_tasks.model.records import (
    Assigned,
    ClassRecord,
    FunctionRecord,
    Imported,
    Parameter,
    Record,
    Statement,
    Summary,
)
from flake8_tasks.model.values import Attribute, CallValue, Opaque, Reference, Value, picture

if TYPE_CHECKING:
    from flake8_tasks.model.source import Source

_CONFIGURES = re.compile(
    r"\bconf[.\[,]|config_from_|\.Task\s*=(?!=)|[Cc]elery\w*\(|task_cls|add_defaults|DJANGO_SETTINGS_MODULE|ATOMIC_REQUESTS"
    r"|register_task\(|\btasks\.register\("
    r"|\.config(?:\[|\.update|\.from_mapping)|(?:globals|locals|vars)\(\)|CELERY\w*(?:\[|\.update)"
    r"|^[ \t]+class\s+\w+\([\w.]*Task\b|^[ \t]+class\s+\w*[Cc]elery",
    re.MULTILINE,
)
_MAKES_TASKS = re.compile("[Tt]ask|Celery")
_WRAPS = re.compile(r"[Tt]ask|Celery|\breturn\b|\.setdefault\(|\.update\(|\*\*|@|[\"']\]\s*=")
# Parts of the words above, of which a line has one where the pattern can match: searched for first, for speed.
_CONFIGURES_HINTS = (
    *("conf.", "conf[", "conf,", "config_from_", "elery", "CELERY", "Task", "task_cls"),
    *("globals()", "locals()", "vars()", "ATOMIC_REQUESTS", "DJANGO_SETTINGS_MODULE", "add_defaults"),
    *("register_task(", "tasks.register("),
)
_MAKES_TASKS_HINTS = ("ask", "Celery")
_WRAPS_HINTS = ("ask", "Celery", "return", ".setdefault(", ".update(", "**", "@", '"]', "']")


class Summarizer:
    """The records of one file."""

    def __init__(self, source: Source, names: Names) -> None:
        self.source = source
        self.names = names
        self._inner: dict[str, ClassRecord] = {}

    def value(self, node: ast.expr, scope: Scope) -> Value:
        """The picture of an expression in a scope."""
        return picture(node, lambda name: self.names.origin(name, scope), self.source.span)

    def summary(self) -> Summary:
        """The whole file."""
        top = self.names.top
        records: dict[str, tuple[Record, ...]] = {}
        for name, bindings in top.bindings.items():
            found = tuple(record for binding in bindings for record in self._records(binding, top))
            if found:
                records[name] = found
        statements = tuple(self._statements())
        return Summary(self.names.module, records, tuple(self.names.stars), statements, self._inner)

    def _records(self, binding: Binding, scope: Scope) -> Iterator[Record]:
        match binding:
            case Binding(How.IMPORT):
                yield Imported(binding.origin)
            case Binding(How.DEFINITION, node=ast.ClassDef() as node):
                yield self.class_record(node, scope)
            case Binding(How.DEFINITION, node=ast.FunctionDef() | ast.AsyncFunctionDef() as node):
                yield self.function_record(node, scope)
            case Binding(How.ASSIGNMENT, node=node, value=ast.expr() as value, path=()):
                yield Assigned(self.value(value, scope), self.source.span(node))
            case Binding(How.OTHER, node=ast.AugAssign() as node):
                yield Assigned(Opaque(self.source.span(node.value)), self.source.span(node))

    def class_record(self, node: ast.ClassDef, scope: Scope) -> ClassRecord:
        """A class that stands in `scope`."""
        inner = scope.child(node)
        attributes: list[tuple[str, Value]] = []
        methods: list[FunctionRecord] = []
        for name, bindings in inner.bindings.items():
            for record in (record for binding in bindings for record in self._records(binding, inner)):
                if isinstance(record, FunctionRecord):
                    methods.append(record)
                elif isinstance(record, Assigned):
                    attributes.append((name, record.value))
        return ClassRecord(
            inner.qualname,
            self.source.span(node),
            tuple(self.value(base, scope) for base in node.bases if not isinstance(base, ast.Starred)),
            tuple((keyword.arg, self.value(keyword.value, scope)) for keyword in node.keywords if keyword.arg),
            tuple(self.value(decorator, scope) for decorator in node.decorator_list),
            tuple(attributes),
            tuple(methods),
        )

    def function_record(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> FunctionRecord:
        """A function that stands in `scope`."""
        inner = scope.child(node)
        returns: list[Value] = []
        makes: list[Value] = []
        if _mentions(node, self._makes_tasks, decorated=False):
            self._read_body(node, inner, returns, makes)
            if node.args.kwarg and len(inner.bindings[node.args.kwarg.arg]) > 1:  # its options become another dict
                span = self.source.span(node.args.kwarg)
                changed = Reference((node.args.kwarg.arg, "update"), None, span)
                makes.append(CallValue(changed, (), (), True, span))
        return FunctionRecord(
            inner.qualname,
            self.source.span(node),
            tuple(self._parameters(node.args, scope)),
            tuple(self.value(decorator, scope) for decorator in node.decorator_list),
            isinstance(node, ast.AsyncFunctionDef),
            tuple(returns),
            tuple(makes),
        )

    @cached_property
    def _makes_tasks(self) -> list[int]:
        return self._lines_with(_MAKES_TASKS, _MAKES_TASKS_HINTS)

    @cached_property
    def _wraps(self) -> list[int]:
        return self._lines_with(_WRAPS, _WRAPS_HINTS)

    @cached_property
    def _configures(self) -> list[int]:
        return self._lines_with(_CONFIGURES, _CONFIGURES_HINTS)

    def _lines_with(self, words: re.Pattern[str], hints: tuple[str, ...]) -> list[int]:
        text = self.source.text
        hints = tuple(hint for hint in hints if hint in text)
        if not hints:
            return []
        found = []
        for number, line in enumerate(self.source.lines, 1):
            for hint in hints:
                if hint in line:
                    if words.search(line):
                        found.append(number)
                    break
        return found

    def _read_body(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        scope: Scope,
        returns: list[Value],
        makes: list[Value],
    ) -> None:
        stack: list[tuple[ast.AST, Scope]] = [(child, scope) for child in reversed(node.body)]
        while stack:
            child, where = stack.pop()
            if isinstance(child, ast.stmt) and not _mentions(child, self._wraps):
                continue
            match child:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    makes.extend(self.value(decorator, where) for decorator in child.decorator_list)
                    where = where.child(child)
                case ast.ClassDef() | ast.Lambda():
                    where = where.child(child)
                case ast.Return(value=ast.expr() as value) if where is scope:
                    returns.append(self.value(self.settled(value, where), where))
                case ast.Call() if _may_make_a_task(child):
                    makes.append(self.value(child, where))
                case ast.Assign(
                    targets=[ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant() as key) as target],
                    value=value,
                ):
                    span = self.source.span(target)
                    item = Reference((owner, "__setitem__"), None, span)
                    makes.append(CallValue(item, (self.value(key, where), self.value(value, where)), (), True, span))
            stack.extend((grandchild, where) for grandchild in reversed(list(ast.iter_child_nodes(child))))

    def settled(self, node: ast.expr, scope: Scope) -> ast.expr:
        """A local name's one value, else the expression as it is."""
        if isinstance(node, ast.Name):
            match scope.bindings.get(node.id):
                case [Binding(How.ASSIGNMENT, value=ast.expr() as value, path=())]:
                    return value
        return node

    def _parameters(self, arguments: ast.arguments, scope: Scope) -> Iterator[Parameter]:
        positional = [*arguments.posonlyargs, *arguments.args]
        without = len(positional) - len(arguments.defaults)
        for position, parameter in enumerate(positional):
            yield self._parameter(parameter, "positional", position >= without, scope)
        if arguments.vararg:
            yield self._parameter(arguments.vararg, "arguments", True, scope)
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            yield self._parameter(parameter, "keyword", default is not None, scope)
        if arguments.kwarg:
            yield self._parameter(arguments.kwarg, "keywords", True, scope)

    def _parameter(self, node: ast.arg, kind: str, has_default: bool, scope: Scope) -> Parameter:
        annotation = self.value(node.annotation, scope) if node.annotation else None
        return Parameter(node.arg, kind, has_default, annotation, self.source.span(node))

    def _statements(self) -> Iterator[Statement]:
        lines = self._configures
        stack: list[tuple[ast.AST, Scope, str]] = []
        if lines:
            stack.extend((node, self.names.top, "") for node in reversed(self.source.tree.body))
        while stack:
            node, scope, function = stack.pop()
            if isinstance(node, ast.stmt) and not _mentions(node, lines):
                if isinstance(node, ast.ClassDef) and function:
                    self._keep_inner(node, scope)
                continue
            match node:
                case ast.Expr(value=ast.Call() as call) | ast.Return(value=ast.Call() as call):
                    yield Statement(None, self.value(call, scope), function)
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        yield from self._assigned(target, value, scope, function)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    yield from self._assigned(target, value, scope, function)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    if isinstance(node, ast.ClassDef) and function:
                        self._keep_inner(node, scope)
                    scope = scope.child(node)
                    stack.extend((child, scope, scope.qualname) for child in reversed(node.body))
                case ast.stmt() | ast.ExceptHandler() | ast.match_case():
                    children = (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))
                    stack.extend((child, scope, function) for child in reversed(list(children)))

    def _assigned(self, target: ast.expr, value: ast.expr, scope: Scope, function: str) -> Iterator[Statement]:
        match target:
            case ast.Subscript(value=ast.Attribute(attr="conf") as conf, slice=key) if not isinstance(
                key, ast.Constant
            ):
                item = Attribute(self.value(conf, scope), "__setitem__", self.source.span(target))
                arguments = (self.value(key, scope), self.value(value, scope))
                yield Statement(None, CallValue(item, arguments, (), True, item.span), function)
            case ast.Attribute() | ast.Subscript():
                yield Statement(self.value(target, scope), self.value(value, scope), function)
            case ast.Name() if function and isinstance(value, ast.Call):
                yield Statement(self.value(target, scope), self.value(value, scope), function)

    def _keep_inner(self, node: ast.ClassDef, scope: Scope) -> None:
        """Keep a class in a function or class: a base class for tasks, or settings.

        `celery.Task`, where `celery` is a local name, is taken for Celery's own.
        """
        if not any("Task" in ast.unparse(base) for base in node.bases) and "elery" not in node.name:
            return
        found = self.class_record(node, scope)
        bases = tuple(
            self._task_class(base, pictured, scope) for base, pictured in zip(node.bases, found.bases, strict=False)
        )
        self._inner[found.qualname] = replace(found, bases=bases)

    def _task_class(self, base: ast.expr, pictured: Value, scope: Scope) -> Value:
        match pictured, self.settled(base, scope):
            case Reference(parts, None, span), ast.Attribute(attr="Task"):
                return Reference(parts, "celery.Task", span)
        return pictured


def _mentions(node: ast.stmt, lines: list[int], *, decorated: bool = True) -> bool:
    """One of the lines, in ascending order, is a line of a statement or, when `decorated`, of its decorators."""
    assert node.end_lineno is not None
    decorators: list[ast.expr] = getattr(node, "decorator_list", []) if decorated else []
    at = bisect_left(lines, decorators[0].lineno if decorators else node.lineno)
    return at < len(lines) and lines[at] <= node.end_lineno


def _may_make_a_task(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    passes_on = any(keyword.arg is None for keyword in call.keywords)
    return passes_on or "task" in name or name in ("Celery", "setdefault", "update")
