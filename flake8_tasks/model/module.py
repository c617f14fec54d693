"""One parsed file and the walk over those of its functions that may hold task code.

The walk goes only into functions with a telling word in their text: most of a file is never visited.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Protocol

from flake8_tasks.edit import Place, Span
from flake8_tasks.model.names import Names, Scope, ScopeNode
from flake8_tasks.model.records import Summary
from flake8_tasks.model.source import Source
from flake8_tasks.model.summary import Summarizer
from flake8_tasks.model.values import Value

_METHODS = (
    *("delay", "apply_async", "apply", "delay_on_commit", "apply_async_on_commit", "s", "si", "signature", "subtask"),
    *("map", "starmap", "chunks", "retry", "get", "wait", "join", "join_native", "collect", "get_leaf", "send_task"),
    *("conf", "task", "tasks", "begin", "begin_nested"),
)
_WORDS = (
    *("atomic", "shared_task", "crontab", "chain", "group", "chord", "signature", "send_task", "task", "Task"),
    *("celery", "serializer"),
)
_TELLING = (*(f".{word}" for word in _METHODS), *_WORDS)
_CELERY = re.compile("elery(?<=[Cc]elery)")  # begins with plain text, which is found fast
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.alias)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(eq=False, slots=True)
class Frame:
    """A block around a node: a function, loop, `with`, `try` or comprehension, and which part of it.

    Arguments:
        part: "body", "orelse", "finally", "handler" (node is the `except` clause then) or "head".
    """

    node: ast.AST
    part: str
    scope: Scope
    parent: Frame | None

    def outwards(self) -> Iterator[Frame]:
        """This frame and those around it."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent

    def here(self) -> Iterator[Frame]:
        """The frames outwards up to and with the nearest function, lambda or class."""
        for frame in self.outwards():
            yield frame
            if isinstance(frame.node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
                return

    @property
    def function(self) -> Frame | None:
        """The nearest function or lambda."""
        for frame in self.outwards():
            if isinstance(frame.node, (*_FUNCTIONS, ast.Lambda)):
                return frame
        return None


@dataclass(eq=False, slots=True)
class Site:
    """A node the walk met, with the blocks around it."""

    node: ast.AST
    frame: Frame
    module: Module

    @property
    def span(self) -> Span:
        return self.module.source.span(self.node)

    @property
    def place(self) -> Place:
        """Where an edit finds it."""
        return Place(self.module.source.path, self.span)

    @property
    def parent(self) -> ast.AST | None:
        """The node directly around it."""
        return self.module.parents.get(self.node)


class Forgetful(Protocol):
    """What keeps something that can be worked out again."""

    def forget(self) -> None:
        """Let go of it."""


@dataclass(eq=False)
class Module:
    """One file of a project, parsed.

    Arguments:
        name: the dotted name by which other files of the project import it.
        answers: what the project remembers of its nodes.
        readers: what reads it, and is forgotten with it.
    """

    source: Source
    name: str
    is_package: bool
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict, repr=False)
    answers: dict[tuple[str, object], tuple[object, frozenset[str]]] = field(default_factory=dict, repr=False)
    readers: list[Forgetful] = field(default_factory=list, repr=False)
    _walked: dict[ast.AST, list[Site]] = field(default_factory=dict, repr=False)

    def forget(self) -> None:
        """Let go of what was worked out; it comes again when it is asked for.

        Sites, scopes and readers refer to the file and the file to them: memory would come back only with a search
        for garbage, which takes long where there are many syntax trees.
        """
        if "names" in self.__dict__:
            self.names.forget()
        for name in self.__dict__.keys() - self.__dataclass_fields__.keys():
            del self.__dict__[name]
        for reader in self.readers:
            reader.forget()
        self.readers.clear()
        self.answers.clear()
        self._walked.clear()

    @cached_property
    def names(self) -> Names:
        """Where its names come from."""
        return Names(self.source.tree, self.name, self.is_package, walrus=self._walrus)

    @property
    def _walrus(self) -> list[int]:
        if ":=" not in self.source.text:
            return []
        return [number for number, line in enumerate(self.source.lines, 1) if ":=" in line]

    @cached_property
    def summarizer(self) -> Summarizer:
        """What makes its records."""
        return Summarizer(self.source, self.names)

    @cached_property
    def summary(self) -> Summary:
        """What it shows to the others."""
        return self.summarizer.summary()

    @property
    def top(self) -> Frame:
        """The frame of the module level."""
        return Frame(self.source.tree, "body", self.names.top, None)

    def origin(self, node: ast.expr, frame: Frame) -> str | None:
        """The dotted origin of a name as seen from a frame."""
        return self.names.origin(node, frame.scope)

    def value(self, node: ast.expr, frame: Frame) -> Value:
        """The picture of an expression as seen from a frame."""
        return self.summarizer.value(node, frame.scope)

    def place(self, node: ast.AST) -> Place:
        """Where an edit finds a node."""
        return Place(self.source.path, self.source.span(node))

    @cached_property
    def _named(self) -> dict[Span, Span]:
        """The span of the value of each keyword, class attribute or key of a dict → that with its name."""
        found: dict[Span, Span] = {}
        for node in ast.walk(self.source.tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if key is not None:
                        span = self.source.span(value)
                        found[span] = Span(*self.source.span(key)[:2], *span[2:])
            elif isinstance(node, ast.keyword | ast.Assign | ast.AnnAssign) and node.value is not None:
                found[self.source.span(node.value)] = self.source.span(node)
        return found

    def named_span(self, span: Span) -> Span:
        """From the name of a keyword or variable to the end of its value, which stands at `span`."""
        return self._named.get(span, span)

    @cached_property
    def telling_lines(self) -> list[bool]:
        """For each line, counted from 0, whether a telling word stands in it."""
        text = self.source.text
        found = [False] * len(self.source.lines)
        ends = [*accumulate(map(len, self.source.lines))]
        for word in _TELLING:
            at = text.find(word)
            while at != -1:
                end = at + len(word)
                before, after = text[max(0, at - 1) : at], text[end : end + 1]
                if not (after.isalnum() or after == "_" or (word[0] != "." and (before.isalnum() or before == "_"))):
                    found[bisect_right(ends, at)] = True
                at = text.find(word, end)
        for match in _CELERY.finditer(text):
            found[bisect_right(ends, match.start())] = True
        return found

    @cached_property
    def functions(self) -> list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Frame]]:
        """The functions and methods at module and class level, with the frame that they stand in."""
        found: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Frame]] = []
        stack: list[tuple[ast.AST, Frame]] = [(node, self.top) for node in reversed(self.source.tree.body)]
        while stack:
            node, frame = stack.pop()
            if isinstance(node, _FUNCTIONS):
                found.append((node, frame))
            elif isinstance(node, ast.ClassDef):
                frame = Frame(node, "body", frame.scope.child(node), frame)
                stack.extend((child, frame) for child in reversed(node.body))
            elif isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler | ast.For | ast.While):
                statements = (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))
                stack.extend((child, frame) for child in reversed(list(statements)))
        return found

    @cached_property
    def sites(self) -> list[Site]:
        """Calls, functions and classes in everything that may hold task code, in the order of the text."""
        found: list[Site] = []
        stack: list[tuple[ast.AST, Frame]] = [(node, self.top) for node in reversed(self.source.tree.body)]
        while stack:
            node, frame = stack.pop()
            if isinstance(node, ast.ClassDef):
                found.append(Site(node, frame, self))
                frame = Frame(node, "body", frame.scope.child(node), frame)
                stack.extend((child, frame) for child in reversed([*node.body, *node.decorator_list]))
            elif self._is_telling(node):
                found.extend(self.walk(node, frame))
            elif isinstance(node, _FUNCTIONS) and node.decorator_list:
                found.append(Site(node, frame, self))  # a decorator under another name may make a task of it
        return found

    def _is_telling(self, node: ast.AST) -> bool:
        first = min((decorator.lineno for decorator in getattr(node, "decorator_list", ())), default=node.lineno)  # type: ignore[attr-defined]
        return any(self.telling_lines[first - 1 : node.end_lineno])  # type: ignore[attr-defined]

    def walk(self, root: ast.AST, frame: Frame) -> list[Site]:
        """Calls, functions and classes in a node that stands in `frame`, in the order of the text."""
        if root not in self._walked:
            found = [*_walk(root, frame, self)]
            found.sort(key=lambda site: (site.node.lineno, site.node.col_offset))  # type: ignore[attr-defined]
            self._walked[root] = found
        return self._walked[root]

    def inside(self, function: ast.AST, frame: Frame) -> list[Site]:
        """The sites in a function that itself stands in `frame`, without those of functions nested in it."""
        return [
            site
            for site in self.walk(function, frame)
            if (around := site.frame.function) is not None and around.node is function and around.part == "body"
        ]


def _walk(root: ast.AST, frame: Frame, module: Module) -> Iterator[Site]:
    parents = module.parents
    stack: list[tuple[ast.AST, Frame]] = [(root, frame)]
    while stack:
        node, frame = stack.pop()
        kind = node.__class__
        if kind is ast.Call:
            yield Site(node, frame, module)
        blocks = _BLOCKS.get(kind)
        if blocks is None:
            for name in node._fields:
                child = getattr(node, name, None)
                if child.__class__ is list:
                    for item in child:
                        if isinstance(item, ast.AST):
                            parents[item] = node
                            if not isinstance(item, _LEAVES):
                                stack.append((item, frame))
                elif isinstance(child, ast.AST):
                    parents[child] = node
                    if not isinstance(child, _LEAVES):
                        stack.append((child, frame))
            continue
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield Site(node, frame, module)
        inner = _scope_in(node, frame)
        for name, part in blocks.items():
            child = getattr(node, name, None)
            around = frame if part == "" else Frame(node, part, frame.scope if part == "head" else inner, frame)
            for item in child if isinstance(child, list) else [child]:
                if isinstance(item, ast.AST):
                    parents[item] = node
                    stack.append((item, around))


def _scope_in(node: ast.AST, frame: Frame) -> Scope:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda, *_COMPREHENSIONS)):
        scope: ScopeNode = node
        return frame.scope.child(scope)
    return frame.scope


_FUNCTION = {"decorator_list": "", "args": "", "returns": "", "body": "body"}
_LOOP = {"iter": "", "test": "", "target": "", "body": "body", "orelse": "orelse"}
_COMPREHENSION = {"elt": "body", "key": "body", "value": "body", "generators": "body"}
# Node → its fields and the part that they are; "" stands outside the block.
_BLOCKS: dict[type, dict[str, str]] = {
    ast.FunctionDef: _FUNCTION,
    ast.AsyncFunctionDef: _FUNCTION,
    ast.Lambda: {"args": "", "body": "body"},
    ast.ClassDef: {"decorator_list": "", "bases": "", "keywords": "", "body": "body"},
    ast.For: _LOOP,
    ast.AsyncFor: _LOOP,
    ast.While: _LOOP,
    ast.If: {"test": "", "body": "body", "orelse": "orelse"},
    ast.With: {"items": "", "body": "body"},
    ast.AsyncWith: {"items": "", "body": "body"},
    ast.Try: {"body": "body", "handlers": "", "orelse": "orelse", "finalbody": "finally"},
    ast.TryStar: {"body": "body", "handlers": "", "orelse": "orelse", "finalbody": "finally"},
    ast.ExceptHandler: {"type": "", "body": "handler"},
    ast.ListComp: _COMPREHENSION,
    ast.SetComp: _COMPREHENSION,
    ast.DictComp: _COMPREHENSION,
    ast.GeneratorExp: _COMPREHENSION,
}
