"""How a task that waits for another is made to hand over to it instead: the shapes that allow it, and the edits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.edit import (
    AddImport,
    Edit,
    InsertParameter,
    Place,
    Refusal,
    ReplaceExpression,
    ReplaceStatements,
    SetKeyword,
)
from flake8_tasks.model.frameworks.celery_options import POSITIONS
from flake8_tasks.model.names import How
from flake8_tasks.model.records import FunctionRecord

if TYPE_CHECKING:
    from flake8_tasks.model.facts import Dispatch, Wait
    from flake8_tasks.model.tasks.task import Task

# Options of `apply_async` that a signature carries as they are.
_CARRIED = frozenset(
    {
        *("countdown", "eta", "expires", "queue", "routing_key", "exchange", "priority", "serializer", "compression"),
        *("time_limit", "soft_time_limit", "headers"),
    }
)
# Arguments of a wait that say only how to wait.
_HOW_TO_WAIT = frozenset({"timeout", "interval", "no_ack", "follow_parents", "disable_sync_subtasks"})
_ENDS = ("get", "wait")


@dataclass(frozen=True, slots=True)
class _Straight:
    """Statements that do nothing but send tasks and wait for them, one after the other, up to a `return`."""

    first: ast.stmt
    last: ast.Return
    signatures: tuple[str, ...]


def hand_over(wait: Wait) -> tuple[Edit, ...] | Refusal | None:
    """The edits by which a task is replaced by what it waits for; None where the wait has no such shape."""
    task = wait.task
    function = wait.frame.function
    if task is None or function is None or not isinstance(function.node, ast.FunctionDef):
        return None
    straight = _straight(wait, function.node)
    if straight is None:
        return None
    refusal = _reason_against(wait, task, function.node)
    if refusal is not None:
        return refusal
    name = function.node.args.args[0].arg if task.bound and function.node.args.args else "self"
    edits: list[Edit] = []
    what = straight.signatures[0]
    if len(straight.signatures) > 1:
        what = f"chain({', '.join(straight.signatures)})"
        found = wait.module.names.find("chain", wait.frame.scope)
        if found is not None and found[0].parent is not None:
            if not all(each.how is How.IMPORT and each.origin == "celery.chain" for each in found[1]):
                return Refusal("`chain` means something else here")
        else:
            edits.append(AddImport(wait.module.source.path, "celery", "chain"))
    code = f"{name}.replace({what})"
    first, last = wait.module.place(straight.first), wait.module.place(straight.last)
    if straight.first is straight.last and straight.last.value is not None:
        edits.insert(0, ReplaceExpression(wait.module.place(straight.last.value), code))
    else:
        edits.insert(0, ReplaceStatements(first, last, f"return {code}"))
    if not task.bound:
        edits.append(SetKeyword(task.place, "bind", "True"))
        edits.append(InsertParameter(Place(task.path, task.definition_span), "self"))
    return tuple(edits)


# The shapes.


def _straight(wait: Wait, function: ast.FunctionDef) -> _Straight | None:
    statement = wait.statement
    block = _block(wait, statement)
    if statement is None or block is None:
        return None
    start = block.index(statement)
    end = next((number for number in range(start, len(block)) if isinstance(block[number], ast.Return)), None)
    last = block[end] if end is not None else None
    if end is None or not isinstance(last, ast.Return) or last.value is None:
        return None
    return _Backwards(wait, function, block).read(end, last, start)


def _block(wait: Wait, statement: ast.stmt | None) -> list[ast.stmt] | None:
    """The statements of the block that a statement stands in."""
    outer = wait.module.parents.get(statement) if statement is not None else None
    for _, value in ast.iter_fields(outer) if outer is not None else ():
        if isinstance(value, list) and statement in value:
            return value
    return None


class _Backwards:
    """Reads a block from a `return` upwards: what is returned, what that waits for, what was passed to it."""

    def __init__(self, wait: Wait, function: ast.FunctionDef, block: list[ast.stmt]) -> None:
        self.wait = wait
        self.function = function
        self.block = block
        self.at = 0

    def read(self, end: int, last: ast.Return, start: int) -> _Straight | None:
        self.at = end
        found: list[str] = []
        value: ast.expr | None = last.value
        while value is not None:
            call = self.assigned(value)
            if not isinstance(call, ast.Call) or not _only_waits(call):
                return None
            assert isinstance(call.func, ast.Attribute)
            dispatch = self.wait.reader.dispatches.of(self.assigned(call.func.value), self.wait.frame)
            if dispatch is None or not dispatch.sends or dispatch.is_deferred:
                return None
            before = self.passed(dispatch)
            signature = _signature(dispatch, drops_first=before is not None)
            if signature is None or (found and dispatch.through == "workflow"):
                return None
            found.append(signature)
            value = before
        if self.at > start:
            return None
        return _Straight(self.block[self.at], last, tuple(reversed(found)))

    def assigned(self, node: ast.expr) -> ast.expr:
        """What a name was assigned by the statement just above, where it is used nowhere else."""
        above = self.block[self.at - 1] if self.at else None
        match node, above:
            case ast.Name(id=name), ast.Assign(targets=[ast.Name(id=target)], value=value) if name == target:
                if self._uses(name) == 2:
                    self.at -= 1
                    return value
        return node

    def passed(self, dispatch: Dispatch) -> ast.expr | None:
        """The first argument of a dispatch, where that is what the wait before it gave."""
        first = next(iter(dispatch.arguments), None)
        if first is None or first.position != 0:
            return None
        node = first.node
        if isinstance(node, ast.Name):
            above = self.block[self.at - 1] if self.at else None
            match above:
                case ast.Assign(targets=[ast.Name(id=target)], value=ast.Call() as value) if target == node.id:
                    return node if _only_waits(value) and self._uses(target) == 2 else None
            return None
        return node if isinstance(node, ast.Call) and _only_waits(node) and self._is_result(node) else None

    def _is_result(self, call: ast.Call) -> bool:
        assert isinstance(call.func, ast.Attribute)
        return self.wait.reader.results.of(call.func.value, self.wait.frame) is not None

    def _uses(self, name: str) -> int:
        """How often a name stands in the function, its parameters too."""
        return sum(
            (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.arg) and node.arg == name)
            for node in ast.walk(self.function)
        )


def _only_waits(call: ast.Call) -> bool:
    """`.get(timeout=5)`: nothing but a wait."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _ENDS or len(call.args) > 1:
        return False
    for keyword in call.keywords:
        propagates = (
            keyword.arg == "propagate" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        )
        if keyword.arg not in _HOW_TO_WAIT and not propagates:
            return False
    return True


def _signature(dispatch: Dispatch, *, drops_first: bool) -> str | None:
    """The dispatch as a signature, its first argument left to the chain; None where that is not exact."""
    source, call = dispatch.module.source, dispatch.call
    assert dispatch.receiver is not None
    receiver = source.segment(dispatch.receiver)
    if dispatch.through in ("signature", "workflow"):
        is_chain = isinstance(dispatch.receiver, ast.Call) and (
            dispatch.through == "signature"
            or dispatch.reader.origin(dispatch.receiver.func, dispatch.frame) == "celery.chain"
        )
        return receiver if is_chain and not (call.args or call.keywords or drops_first) else None
    if dispatch.through != "task" or dispatch.method not in ("delay", "apply_async"):
        return None
    if dispatch.method == "delay":
        positional, named = list(call.args), list(call.keywords)
        options: list[ast.keyword] = []
    else:
        taken = _containers(call)
        if taken is None:
            return None
        positional, named, options = taken
    if drops_first:
        positional = positional[1:]
        if not all(_is_plain(node) for node in (*positional, *(keyword.value for keyword in named))):
            return None  # it would be worked out before the first task has run
    if drops_first and any(isinstance(node, ast.Starred) for node in positional):
        return None
    arguments = ", ".join(source.segment(node) for node in (*positional, *named))
    text = f"{receiver}.s({arguments})"
    return f"{text}.set({', '.join(source.segment(option) for option in options)})" if options else text


def _containers(call: ast.Call) -> tuple[list[ast.expr], list[ast.keyword], list[ast.keyword]] | None:
    """The positional and named arguments and the options of an `apply_async`, where all are written out."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    places = dict(zip(POSITIONS["apply_async"][:2], call.args, strict=False))
    if len(call.args) > 2 or None in given or any(isinstance(node, ast.Starred) for node in call.args):
        return None
    arguments = places.get("args") or given.get("args")
    named = places.get("kwargs") or given.get("kwargs")
    options = [keyword for keyword in call.keywords if keyword.arg not in ("args", "kwargs")]
    if any(option.arg not in _CARRIED for option in options):
        return None
    match arguments:
        case None | ast.Constant(value=None):
            positional: list[ast.expr] = []
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            positional = elements
        case _:
            return None
    match named:
        case None | ast.Constant(value=None) | ast.Dict(keys=[]):
            return positional, [], options
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return positional, keywords, options
    return None


def _is_plain(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


# What stands against it.


def _reason_against(wait: Wait, task: Task, function: ast.FunctionDef) -> Refusal | None:
    reason = next(_reasons(wait, task, function), None)
    return Refusal(reason) if reason else None


def _reasons(wait: Wait, task: Task, function: ast.FunctionDef) -> Iterator[str]:
    if not isinstance(task.record, FunctionRecord):
        yield "it is a task class"
    if task.bound is None:
        yield "whether it is bound is worked out at run time"
    if task.bound and not function.args.args:
        yield "it has no parameter for itself"
    if not task.bound:
        if task.declaration.wrapper is not None:
            yield f"`{task.declaration.wrapper}` stands between it and Celery"
        if not task.sets_options_in_decorator:
            yield "its decorator takes no options"
        if any(getattr(node, "id", getattr(node, "arg", "")) == "self" for node in ast.walk(function)):
            yield "`self` means something else in it"
    spans = [wait.module.source.span(decorator) for decorator in function.decorator_list]
    if task.declaration.value.span not in spans or spans[-1] != task.declaration.value.span:
        yield "another decorator stands between it and Celery's"
    for frame in wait.frame.here():
        if isinstance(frame.node, ast.Try | ast.TryStar) and frame.part == "body" and frame.node.handlers:
            yield "the `except` around it would catch what `replace` raises, or miss what the other task does"
        if isinstance(frame.node, ast.With | ast.AsyncWith) and frame.part == "body":
            yield "the `with` around it would end by the exception that `replace` raises"
    for name in (task.record.qualname, f"{task.record.qualname}.run"):
        for site in task.project.callers.everywhere(task.module, name):
            yield f"`{site.call.caller or site.module}` calls it directly, where `replace` does not work"
