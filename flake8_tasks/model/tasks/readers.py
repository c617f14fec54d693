"""Who reads an attribute of a task, since an option that Celery does not know may be one of the project's; and who
changes a dict of options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.model.module import Module
from flake8_tasks.model.names import How
from flake8_tasks.model.records import ClassRecord, FunctionRecord

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project
    from flake8_tasks.model.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Subject:
    """A task or a class of tasks whose attribute is asked for.

    Arguments:
        name: its dotted name.
        classes: the dotted names of its classes, a class's own among them.
    """

    name: str
    classes: frozenset[str]

    @property
    def is_class(self) -> bool:
        """It is a class."""
        return self.name in self.classes

    def may_be(self, task: Task) -> bool:
        """It is the task, or the task comes from it."""
        return self.name in task.classes if self.is_class else self.name == task.origin


def is_read(project: Project, name: str, of: Subject, paths: Iterable[str] | None = None) -> bool:
    """Something in these files (in all that hold task code) may read an attribute `name` of a task.

    Arguments:
        of: the task, or the class of tasks.
    """
    return any(_is_read_in(project, name, of, path) for path in (project.task_files() if paths is None else paths))


def may_be_read(task: Task, option: str, *, anywhere: bool) -> bool:
    """Something may read an option as an attribute of a task.

    Arguments:
        anywhere: look in all files with task code, and not only in those of the task, its classes and its app.
    """
    if any(_is_named_in(task, name, option) for name in task.makers):
        return True  # a decorator of the project, or the class of the app, keeps it
    subject = Subject(task.origin, task.classes)
    return is_read(task.project, option, subject, None if anywhere else task.policy_paths)


def _is_named_in(task: Task, maker: str, option: str) -> bool:
    """The name of an option stands, as a word, in a function or class of the project, and not only to be set there."""
    found = task.project.definition(maker)
    module = task.project.module(found.path) if found is not None and found.path else None
    if found is None or module is None or not isinstance(found.record, FunctionRecord | ClassRecord):
        return False
    around = found.record.span
    sets = {
        given.value.span
        for given in task.declaration.given
        if given.name == option and given.path == found.path and around[:2] <= given.value.span[:2] < around[2:]
    }
    return len(re.findall(rf"\b{re.escape(option)}\b", module.source.text_at(around))) > len(sets)


def is_changed(module: Module, name: str) -> bool:
    """Something in a file changes the dict that a name at its module level stands for."""
    for node in ast.walk(module.source.tree):
        match node:
            case ast.Subscript(value=ast.Name(id=owner), ctx=ast.Store() | ast.Del()) if owner == name:
                return True
            case ast.Attribute(value=ast.Name(id=owner), attr="update" | "setdefault" | "pop" | "popitem" | "clear"):
                if owner == name:
                    return True
    return False


def _is_read_in(project: Project, name: str, of: Subject, path: str) -> bool:
    return project.remember("reads attribute", (name, of, path), lambda: _search(project, name, of, path))


def _search(project: Project, name: str, of: Subject, path: str) -> bool:
    project.asked.add(f"path:{path}")
    try:
        if name.encode() not in project.index.data(path):
            return False
    except OSError:
        return False
    module = project.module(path)
    return module is not None and any(
        _reads(project, module, name, of, node, around) for node, around in _nodes(module)
    )


def _nodes(module: Module) -> Iterator[tuple[ast.AST, ast.stmt]]:
    """Every node of a file and the statement at module level that it stands in."""
    for statement in module.source.tree.body:
        for node in ast.walk(statement):
            yield node, statement


def _reads(project: Project, module: Module, name: str, of: Subject, node: ast.AST, around: ast.stmt) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[owner, ast.Constant(value=str(read)), *_]):
            return read == name and _may_be(project, module, of, owner, around)
        case ast.Attribute(attr=attribute, ctx=ast.Load(), value=owner) if attribute == name:
            return _may_be(project, module, of, owner, around)
    return False


def _may_be(project: Project, module: Module, of: Subject, owner: ast.expr, around: ast.stmt) -> bool:
    """An expression may be the task."""
    match owner:
        case ast.Attribute(attr="request" | "conf") | ast.Name(id="request"):
            return False
        case ast.Name(id="self" | "cls") if isinstance(around, ast.ClassDef):
            return _may_be_of_class(project, of, f"{module.name}.{around.name}", bool(around.bases))
        case ast.Name(id=name):
            if isinstance(around, ast.FunctionDef) and around.args.args and around.args.args[0].arg == name:
                task = project.tasks.find(f"{module.name}.{around.name}")
                return task is None or of.may_be(task)  # the first parameter of another task is that task
            bindings = module.names.top.bindings.get(name, [])
            if bindings and around not in (binding.node for binding in bindings):
                task = project.tasks.find(module.names.origin(owner, module.names.top))
                is_import = any(binding.how is How.IMPORT for binding in bindings)
                return not is_import if task is None else of.may_be(task)
    return True


def _may_be_of_class(project: Project, of: Subject, name: str, has_bases: bool) -> bool:
    """An instance of a class may be the task: the class is one of its own, comes from it, or is a mixin."""
    known = {origin for origin, _, _ in project.bases(name)}
    return not has_bases or "" in known or name in of.classes or (of.is_class and of.name in known)
