"""Hands something else to a task's parameter: every call of the task, and the task itself, in one group of edits."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from flake8_tasks.edit import (
    AddImport,
    Edit,
    InsertStatement,
    Place,
    Refusal,
    RenameKeyword,
    RenameParameter,
    ReplaceExpression,
)
from flake8_tasks.model.changes.uses import Use, uses_of
from flake8_tasks.model.facts import Dispatch
from flake8_tasks.model.facts.arguments import Argument
from flake8_tasks.model.module import Module
from flake8_tasks.model.names import How, Scope
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Imported, Parameter
from flake8_tasks.model.tasks.task import Task, parameter_of

Function = ast.FunctionDef | ast.AsyncFunctionDef

_FAR = 400  # modules looked at before an import cycle is taken for possible


@dataclass(frozen=True, slots=True)
class Handover:
    """What is to change.

    Arguments:
        suffix: what the parameter's new name ends in: `event` becomes `event_pk`.
        instead: the code that goes to the task for an argument, or why it cannot.
        reload: the statement that the body begins with, from the local name, the model's name and the new parameter.
    """

    suffix: str
    instead: Callable[[Argument], str | Refusal]
    reload: str


def hand_over(
    dispatch: Dispatch, argument: Argument, model: str | None, change: Handover
) -> tuple[Edit, ...] | Refusal:
    """The edits that hand over something else than a stored object, at every call of the task.

    Arguments:
        model: the canonical dotted name of the model's class.
    """
    task, project = dispatch.target, dispatch.reader.project
    if task is None:
        return Refusal("the task behind the call is not known")
    if model is None:
        return Refusal("the model's class is not known")
    if task.run is not None and task.run.owner != task.origin:
        return Refusal("the task's `run` comes from a base class")
    parameter = _parameter(task, argument)
    if isinstance(parameter, Refusal):
        return parameter
    module = project.module(task.path)
    function = task.function
    if module is None or function is None:
        return Refusal("the task's file cannot be read")
    found_function = next((each for each in module.functions if module.source.span(each[0]) == function.span), None)
    if found_function is None:
        return Refusal("the task's function is not at the first level of its file")
    node, frame = found_function
    scope = frame.scope.child(node)
    new = f"{parameter.name}{change.suffix}"
    if taken := _taken(task, node, scope, new):
        return Refusal(taken)
    loading = _loading(model, node, scope, module, task, project)
    if isinstance(loading, Refusal):
        return loading
    name, at, where = loading
    edits: list[Edit] = [
        RenameParameter(Place(task.path, function.span), parameter.name, new),
        InsertStatement(at, change.reload.format(name=parameter.name, model=name.local, parameter=new), where),
    ]
    if name.module:
        edits.append(AddImport(task.path, name.module, name.local))
    position = task.parameters.index(parameter)
    found = uses_of(task, project)
    if found.obstacle:
        return Refusal(found.obstacle)
    for use in found.uses:
        changed = _changed(use, position, parameter, new, change)
        if isinstance(changed, Refusal):
            return changed
        edits.extend(changed)
    return tuple(edits)


def _parameter(task: Task, argument: Argument) -> Parameter | Refusal:
    parameter = (
        parameter_of(task, argument.position)
        if argument.position is not None
        else next((each for each in task.parameters if each.name == argument.keyword), None)
    )
    if parameter is None or parameter.kind not in ("positional", "keyword"):
        return Refusal("the task takes it by `*args` or `**kwargs`")
    if parameter.has_default:
        return Refusal(f"the task's parameter `{parameter.name}` has a default")
    if task.bound is None:
        return Refusal("whether the task is bound is not known")
    return parameter


def _taken(task: Task, node: Function, scope: Scope, new: str) -> str:
    """Why the parameter cannot have its new name, or the body not begin with a new value of the old."""
    if any(parameter.name == new for parameter in task.parameters):
        return f"the task has a parameter `{new}` already"
    if new in scope.bindings:
        return f"the task's body has a name `{new}` already"
    for inner in ast.walk(node):
        match inner:
            case ast.Call(func=ast.Attribute(attr="retry"), args=arguments, keywords=keywords):
                if arguments or any(keyword.arg in ("args", "kwargs", None) for keyword in keywords):
                    return "the task retries with arguments of its own"
    return ""


def _loading(
    model: str, node: Function, scope: Scope, module: Module, task: Task, project: Project
) -> tuple[LocalName, Place, str] | Refusal:
    """What a model is called in a task's body, and where a row can be loaded: first of all, or behind its imports
    where the model comes with them.
    """
    statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
    imports = [*takewhile(lambda each: isinstance(each, ast.Import | ast.ImportFrom), statements)]
    for local, bindings in scope.bindings.items():
        if all(each.node in imports and project.origin(each.origin) == model for each in bindings):
            return LocalName(local, ""), module.place(imports[-1]), "after"
    name = name_in(module, model, task, project)
    if isinstance(name, LocalName) and name.local in scope.bindings:
        return Refusal(f"`{name.local}` is something else in the task's body")
    return name if isinstance(name, Refusal) else (name, module.place(node), "body")


@dataclass(frozen=True, slots=True)
class LocalName:
    """What a model is called in the task's file, and the module to import it from, empty where it is there already."""

    local: str
    module: str


def name_in(module: Module, model: str, task: Task, project: Project) -> LocalName | Refusal:
    """What a model is called in a task's file, or may be after an import."""
    conditional = {node for each in module.source.tree.body if isinstance(each, ast.If) for node in ast.walk(each)}
    others = set()
    for name, bindings in module.names.top.bindings.items():
        for binding in bindings:
            if binding.how is not How.IMPORT or project.origin(binding.origin) != model:
                others.add(name)
            elif binding.node not in conditional:  # `if TYPE_CHECKING:`
                return LocalName(name, "")
    owner, _, local = model.rpartition(".")
    if owner == module.name and local in others:
        return LocalName(local, "")
    if local in others:
        return Refusal(f"`{local}` is something else in the task's file")
    path, rest = project.find(model)
    if not path or len(rest) != 1:
        return Refusal("the model's class cannot be imported by name")
    if _imports(path, task.path, project):
        return Refusal(f"importing {owner} where the task is would be an import cycle")
    return LocalName(local, owner)


def _imports(path: str, other: str, project: Project) -> bool:
    """A file imports another, directly or through others (yes also where that is too far to tell)."""
    seen, pending = {path}, [path]
    while pending:
        summary = project.summary(pending.pop())
        for name in _imported(summary.names.values() if summary else ()):
            target = project.find(name)[0]
            if target == other or len(seen) > _FAR:
                return True
            if target and target not in seen:
                seen.add(target)
                pending.append(target)
    return False


def _imported(records: object) -> Iterator[str]:
    for bound in records:  # type: ignore[attr-defined]
        yield from (record.origin for record in bound if isinstance(record, Imported))


def _changed(use: Use, position: int, parameter: Parameter, new: str, change: Handover) -> tuple[Edit, ...] | Refusal:
    if use.unclear:
        return Refusal(use.unclear)
    where = f"{use.module.name}, line {use.place.span.line}"
    argument = use.argument(position, parameter.name)
    if argument is None:
        return Refusal(f"a call in {where}, gives no `{parameter.name}`")
    code = change.instead(argument)
    if isinstance(code, Refusal):
        return Refusal(f"in {where}, {code.reason}")
    edits: list[Edit] = [ReplaceExpression(argument.place, code)]
    if argument.key is not None:
        edits.append(ReplaceExpression(use.module.place(argument.key), f'"{new}"'))
    elif argument.keyword is not None:
        edits.append(RenameKeyword(use.place, argument.keyword, new))
    return tuple(edits)


__all__ = ["Handover", "LocalName", "hand_over", "name_in"]
