"""What a file may give to the tasks of other files: the options in its decorators and dicts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flake8_tasks.edit import Span
from flake8_tasks.model.module import Module
from flake8_tasks.model.names import Binding
from flake8_tasks.model.tasks.readers import may_be_read
from flake8_tasks.model.tasks.task import Task
from flake8_tasks.model.values import CallValue, Constant, Mapping, Value

if TYPE_CHECKING:
    from flake8_tasks.model.reader import Reader


@dataclass(frozen=True, eq=False)
class SharedOption:
    """A keyword, or a key of a dict, that may be an option of the tasks of other files.

    Arguments:
        maker: the dotted name of the decorator that may give it, empty for a dict.
    """

    name: str
    value: Value
    maker: str
    module: Module
    reader: Reader = field(repr=False)

    @property
    def span(self) -> Span:
        """From its name to the end of its value."""
        return self.module.named_span(self.value.span)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that Celery gets it for."""
        path, tasks = self.module.source.path, self.reader.tasks
        if self.maker and not tasks.declarations.is_wrapper(self.maker):
            return ()
        return tuple(
            task
            for task in tasks.everywhere
            if any(
                (given.name, given.path, given.value) == (self.name, path, self.value)
                for given in task.declaration.given
            )
        )

    def may_be_read(self, *, anywhere: bool) -> bool:
        """Something may read it as an attribute of one of the tasks, or one has options that cannot be read."""
        return any(task.unknown or may_be_read(task, self.name, anywhere=anywhere) for task in self.tasks)


def shared_options(module: Module, reader: Reader) -> Iterator[SharedOption]:
    """What the assignments at the module level of a file, and the functions that may make tasks, write out."""
    for name, bindings in module.names.top.bindings.items():
        for value in (value for binding in bindings for value in _values(binding, module)):
            maker = "" if isinstance(value, Mapping) else f"{module.name}.{name}"
            for option, given in _options(value):
                yield SharedOption(option, given, maker, module, reader)


def _values(binding: Binding, module: Module) -> Iterator[Value]:
    match binding.node, binding.value:
        case (ast.FunctionDef() | ast.ClassDef()) as node, _:
            for function in node.body if isinstance(node, ast.ClassDef) else [node]:
                lines = module.source.lines[function.lineno - 1 : function.end_lineno]
                if isinstance(function, ast.FunctionDef) and any("task(" in line for line in lines):
                    record = module.summarizer.function_record(function, module.names.top)
                    yield from (*record.returns, *record.inner)
        case ast.Assign() | ast.AnnAssign(), (ast.Call() | ast.Dict()) as assigned:
            yield module.value(assigned, module.top)


def _options(value: Value) -> Iterator[tuple[str, Value]]:
    match value:
        case CallValue():
            yield from value.keywords
            for inner in (value.function, *value.arguments, *value.merged):
                yield from _options(inner)
        case Mapping():
            yield from ((str(key.value), option) for key, option in value.items if isinstance(key, Constant))
