"""Every place of a project that uses a task: what a fix of its signature has to change together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from flake8_tasks.edit import Place
from flake8_tasks.model.facts import Dispatch
from flake8_tasks.model.facts.arguments import Argument
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.names import Scope
from flake8_tasks.model.project import Project
from flake8_tasks.model.reader import Reader
from flake8_tasks.model.tasks.task import Task
from flake8_tasks.model.values import Constant


@dataclass(frozen=True, slots=True)
class Use:
    """One place where values go to a task: a dispatch, a signature or a direct call.

    Arguments:
        arguments: the values, as far as they are written out.
        unclear: why not all of them are, empty where all are.
    """

    place: Place
    module: Module
    call: ast.Call
    arguments: tuple[Argument, ...]
    unclear: str = ""
    dispatch: Dispatch | None = None

    def argument(self, position: int, name: str) -> Argument | None:
        """The value for a parameter, given by position or by name."""
        for argument in self.arguments:
            if argument.keyword == name or argument.position == position:
                return argument
        return None


@dataclass(slots=True)
class Uses:
    """All uses of a task.

    Arguments:
        uses: those that could be read.
        obstacle: the first one that could not be read, as a sentence without its period; empty for none.
    """

    uses: list[Use] = field(default_factory=list)
    obstacle: str = ""


def uses_of(task: Task, project: Project) -> Uses:
    """Find the uses of a task in all files of its project, tests too."""
    found = Uses()
    if (named := task.written("name")) is not None and not isinstance(project.constant(named.value), Constant):
        found.obstacle = "its name is worked out, so that nobody can say what is sent by it"
    words = (task.name.encode(), task.task_name.encode())
    for path in project.everywhere():
        try:
            data = project.index.data(path)
        except OSError:
            continue
        if not any(word in data for word in words):
            continue
        module = project.module(path)
        if module is None:
            found.obstacle = found.obstacle or f"{_short(path, project)} names the task and cannot be parsed"
            continue
        for use in _Search(task, module, project).found():
            if isinstance(use, str):
                found.obstacle = found.obstacle or use
            else:
                found.uses.append(use)
    return found


def _short(path: str, project: Project) -> str:
    return path.removeprefix(f"{project.root}").lstrip("/\\")


class _Search:
    """The uses of a task in one file."""

    def __init__(self, task: Task, module: Module, project: Project) -> None:
        self.task = task
        self.module = module
        self.project = project
        self.reader = Reader(module, project)

    def found(self) -> Iterator[Use | str]:
        """The uses; a text for one that cannot be read."""
        for node, frame in _names(self.module):
            if isinstance(node, ast.Constant):
                if node.value == self.task.task_name and not self._names_itself(node):
                    yield self._at(node, "calls it by name")
                continue
            parent = self.module.parents.get(node)
            origin = self.module.origin(node, frame)
            if origin is None or self.project.origin(origin) != self.task.origin:
                yield from self._by_itself(node, parent, frame)
                continue
            if isinstance(parent, ast.Attribute):
                yield from self._attribute(parent, frame)
            elif isinstance(parent, ast.Call) and parent.func is node:
                yield self._called(parent, frame, "calls it")
            elif not isinstance(parent, ast.ImportFrom | ast.Import | ast.keyword) or isinstance(parent, ast.keyword):
                yield self._at(node, "hands it on")

    def _names_itself(self, node: ast.Constant) -> bool:
        parent = self.module.parents.get(node)
        return isinstance(parent, ast.keyword) and parent.arg == "name"

    def _by_itself(self, node: ast.expr, parent: ast.AST | None, frame: Frame) -> Iterator[Use]:
        """`self.delay(…)` in the body of the task."""
        call = self.module.parents.get(parent) if isinstance(parent, ast.Attribute) else None
        if isinstance(call, ast.Call) and call.func is parent and self.reader.own(node, frame):
            dispatch = self.reader.dispatches.of(call, frame)
            if dispatch is not None and dispatch.target is not None and dispatch.target.origin == self.task.origin:
                yield self._dispatched(dispatch)

    def _attribute(self, attribute: ast.Attribute, frame: Frame) -> Iterator[Use | str]:
        parent = self.module.parents.get(attribute)
        is_called = isinstance(parent, ast.Call) and parent.func is attribute
        if is_called and isinstance(parent, ast.Call):
            dispatch = self.reader.dispatches.of(parent, frame)
            if dispatch is not None:
                yield self._dispatched(dispatch)
                return
            if attribute.attr in ("run", "apply", "retry"):
                yield self._at(parent, f"uses its `{attribute.attr}`")
            return
        if attribute.attr in ("delay", "apply_async", "s", "si", "delay_on_commit", "apply_async_on_commit", "run"):
            yield from self._partial(attribute, parent, frame)

    def _partial(self, attribute: ast.Attribute, parent: ast.AST | None, frame: Frame) -> Iterator[Use | str]:
        """`partial(task.delay, event)` is a call that waits; anything else hands the method on."""
        if (
            isinstance(parent, ast.Call)
            and attribute.attr in ("delay", "run", "delay_on_commit")
            and parent.args[:1] == [attribute]
            and self.project.origin(self.module.origin(parent.func, frame)) == "functools.partial"
        ):
            yield self._called(parent, frame, "calls it", skip=1)
        else:
            yield self._at(attribute, f"hands its `{attribute.attr}` on")

    def _dispatched(self, dispatch: Dispatch) -> Use:
        unclear = ""
        if dispatch.passes_unknown or not dispatch.is_written_out:
            unclear = self._at(dispatch.call, "passes arguments that are not written out")
        elif not dispatch.sends and not self._is_sent_at_once(dispatch):
            unclear = self._at(dispatch.call, "makes a signature that may get more arguments")
        return Use(dispatch.place, self.module, dispatch.call, dispatch.arguments, unclear, dispatch)

    def _is_sent_at_once(self, dispatch: Dispatch) -> bool:
        if dispatch.method == "si":
            return True
        outer = self.module.parents.get(dispatch.call)
        call = self.module.parents.get(outer) if isinstance(outer, ast.Attribute) else None
        return (
            isinstance(call, ast.Call) and not call.args and isinstance(outer, ast.Attribute) and outer.attr == "delay"
        )

    def _called(self, call: ast.Call, frame: Frame, what: str, skip: int = 0) -> Use:
        site = Site(call, frame, self.module)
        starred = any(isinstance(argument, ast.Starred) for argument in call.args) or any(
            keyword.arg is None for keyword in call.keywords
        )
        arguments = [
            *(Argument(node, at, None, site, self.reader, frame) for at, node in enumerate(call.args[skip:])),
            *(Argument(keyword.value, None, keyword.arg, site, self.reader, frame) for keyword in call.keywords),
        ]
        unclear = self._at(call, f"{what} with arguments that are not written out") if starred else ""
        return Use(site.place, self.module, call, tuple(arguments), unclear)

    def _at(self, node: ast.AST, what: str) -> str:
        return f"{_short(self.module.source.path, self.project)}:{self.module.source.span(node).line} {what}"


def _names(module: Module) -> Iterator[tuple[ast.Name | ast.Attribute | ast.Constant, Frame]]:
    """Every dotted name and text of a file, with the scope it stands in; fills `module.parents`."""
    stack: list[tuple[ast.AST, Frame]] = [(module.source.tree, module.top)]
    while stack:
        node, frame = stack.pop()
        if isinstance(node, ast.Name | ast.Attribute) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            yield node, frame
        for child in ast.iter_child_nodes(node):
            module.parents[child] = node
            stack.append((child, _inner(node, child, frame)))


def _inner(node: ast.AST, child: ast.AST, frame: Frame) -> Frame:
    """The frame of a child: that of the function, class or comprehension whose body it is part of."""
    is_body = isinstance(child, ast.stmt)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        decorators = node.decorator_list
        if not is_body or child in decorators:
            return frame
    elif isinstance(node, ast.Lambda):
        if child is not node.body:
            return frame
    elif not isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return frame
    scope: Scope = frame.scope.child(node)
    return Frame(node, "body", scope, frame)
