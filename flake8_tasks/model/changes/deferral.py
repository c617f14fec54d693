"""How a dispatch is made to wait for the commit: which of the ways is open to it, and the edits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from textwrap import indent
from typing import TYPE_CHECKING

from flake8_tasks.edit import AddImport, Edit, Refusal, RenameAttribute, ReplaceExpression
from flake8_tasks.model.changes.requirements import oldest_celery
from flake8_tasks.model.frameworks.celery import DEFERRED_DISPATCH, TASK_BASES
from flake8_tasks.model.names import How
from flake8_tasks.model.values import Reference

if TYPE_CHECKING:
    from flake8_tasks.model.facts import Dispatch
    from flake8_tasks.model.project import Project
    from flake8_tasks.model.source import Source
    from flake8_tasks.model.tasks.task import Task
    from flake8_tasks.model.transactions.around import Transaction

_SINCE = (5, 4)  # the version of Celery with DjangoTask
_DJANGO = (b"DJANGO_SETTINGS_MODULE", b"django.conf")


def wait_for_commit(dispatch: Dispatch, transaction: Transaction) -> tuple[Edit, ...] | Refusal:
    """The edits that let a dispatch wait for the end of the transaction around it."""
    if transaction.kind == "session":
        return Refusal("Django's `on_commit` does not wait for a transaction of this kind: send it behind the block")
    if dispatch.is_used:
        return Refusal("its value is used, and a dispatch that waits for the commit has none")
    if any(isinstance(node, ast.Await | ast.Yield | ast.YieldFrom) for node in ast.walk(dispatch.call)):
        return Refusal("its arguments wait for something else")
    for frame in dispatch.frame.here():
        match frame.node:
            case ast.Try(body=[ast.Expr(value=call)], handlers=[_, *_]) if call is dispatch.call:
                return Refusal("the `except` around it would not see what sending raises")
    using = transaction.using
    if not isinstance(using, str | None):
        return Refusal("the database of the transaction is not known here")
    function = dispatch.call.func
    task = dispatch.target if dispatch.through == "task" else None
    if using is None and task is not None and isinstance(function, ast.Attribute) and has_on_commit_methods(task):
        return (RenameAttribute(dispatch.module.place(function), f"{function.attr}_on_commit"),)
    return _on_commit(dispatch, using)


def _on_commit(dispatch: Dispatch, using: str | None) -> tuple[Edit, ...] | Refusal:
    source = dispatch.module.source
    needed = [("django.db", "transaction")]
    if dispatch.call.args or dispatch.call.keywords:
        needed.insert(0, ("functools", "partial"))
    imports: list[Edit] = []
    for module, name in needed:
        found = dispatch.module.names.find(name, dispatch.frame.scope)
        if found is None or found[0].parent is None:
            imports.append(AddImport(source.path, module, name))
        elif not all(each.how is How.IMPORT and each.origin == f"{module}.{name}" for each in found[1]):
            return Refusal(f"`{name}` means something else here")
    return (ReplaceExpression(dispatch.place, _on_commit_call(dispatch.call, source, using)), *imports)


def _on_commit_call(call: ast.Call, source: Source, using: str | None) -> str:
    """`transaction.on_commit(…)`, with the arguments on as many lines as they had, or on more where one would be too
    long; lines after the first are indented from where the statement stands.
    """
    is_text = any(map(_is_text_of_lines, ast.walk(call)))  # its line ends stay as they are

    def code(node: ast.AST) -> str:
        return source.segment(node) if is_text else source.segment(node).replace("\r\n", "\n")

    function, arguments = code(call.func), [code(node) for node in (*call.args, *call.keywords)]
    outer = [f"using={using}"] if using else []
    inner = f"partial({', '.join((function, *arguments))})" if arguments else function
    whole = f"transaction.on_commit({', '.join((inner, *outer))})"
    span, first = source.span(call), source.lines[call.lineno - 1].rstrip()
    margin = first[: len(first) - len(first.lstrip())]
    unit = "\t" if margin.startswith("\t") else "    "
    is_one = call.lineno == call.end_lineno
    behind = first[span.end_column - 1 :]
    if is_text or (is_one and ("#" in behind or span.column - 1 + len(whole + behind) <= source.width)):
        return whole
    body = code(call).removeprefix(f"{function}(\n")
    *lines, last = body.split("\n")
    if not arguments:
        inner = _nearer(function, margin)
    elif is_one and len(margin + unit + inner) < source.width:
        pass
    elif lines and last.strip() == ")" and not body.startswith(function) and not _is_joined(lines, arguments):
        first = indent(f"{_nearer(function, margin)},", unit)
        inner = "\n".join(("partial(", first, *_all_nearer(lines, margin), ")"))
    else:
        inner = _over_lines("partial", [_nearer(text, margin) for text in (function, *arguments)], unit)
    return _over_lines("transaction.on_commit", [inner, *outer], unit)


def _is_joined(lines: list[str], arguments: list[str]) -> bool:
    """All the arguments stand on one line of their own, and no comment does."""
    return len(arguments) > 1 and [line.strip() for line in lines] == [", ".join(arguments)]


def _over_lines(function: str, arguments: list[str], unit: str) -> str:
    inner = "".join(indent(f"{argument},\n", unit) for argument in arguments)
    return f"{function}(\n{inner})"


def _nearer(text: str, margin: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join((first, *_all_nearer(rest, margin)))


def _all_nearer(lines: list[str], margin: str) -> Iterator[str]:
    """Lines without the indentation of the statement."""
    return (line.removeprefix(margin) for line in lines)


def _is_text_of_lines(node: ast.AST) -> bool:
    """A string over several lines, whose indentation is part of it."""
    return isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno


def has_on_commit_methods(task: Task) -> bool:
    """A task certainly has `delay_on_commit`.

    That is so where Celery gives Django's task class to its tasks: the app is made with Django's settings, neither the
    task nor the app names another class (or it names one that comes from `DjangoTask`), and Celery is 5.4 or newer:
    the project uses these methods already, or no requirement or lock file of it admits an older version.
    """
    if task.classes:
        if not any(TASK_BASES[name].methods & DEFERRED_DISPATCH for name in task.classes if name in TASK_BASES):
            return False
    elif task.written("base") is not None:
        return False
    return task.project.remember("on commit methods", None, lambda: _is_new_django_project(task.project))


def _is_new_django_project(project: Project) -> bool:
    apps = project.settings.apps
    if any(app.task_cls is not None and not isinstance(app.task_cls, Reference) for app in apps):
        return False
    if not apps or not all(any(word in _data(project, app.path) for word in _DJANGO) for app in apps):
        return False
    if any(_uses_them(_data(project, path)) for path in project.task_files()):
        return True
    project.asked.add("requirements")
    oldest = oldest_celery(project.root)
    return oldest is None or oldest >= _SINCE


def _uses_them(data: bytes) -> bool:
    return any(f".{name}(".encode() in data for name in DEFERRED_DISPATCH)


def _data(project: Project, path: str) -> bytes:
    try:
        return project.index.data(path)
    except OSError:
        return b""
