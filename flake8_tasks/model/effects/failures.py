"""Which failures of a call stay where they happen: caught, told to a log, and gone on from."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_tasks.model.module import Frame

_TRIES = (ast.Try, ast.TryStar)
_WITHS = (ast.With, ast.AsyncWith)
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
# Exceptions of looking something up or reading it: a clause for them says nothing about what is sent afterwards.
_NARROW = frozenset(
    {
        *("AttributeError", "KeyError", "IndexError", "LookupError", "TypeError", "ValueError", "UnicodeDecodeError"),
        *("ObjectDoesNotExist", "DoesNotExist", "MultipleObjectsReturned", "NoResultFound", "MultipleResultsFound"),
        *("IntegrityError", "ImportError", "StopIteration", "ZeroDivisionError", "JSONDecodeError", "ValidationError"),
    }
)
_SWALLOWING = ("suppress", "ignor", "swallow", "catch")


def is_contained(frame: Frame, until: ast.AST, *, stops: tuple[type[ast.stmt], ...] = ()) -> bool:
    """A failure inside a block is caught before it leaves a node around it, and what stands there goes on.

    Arguments:
        until: the function or loop that it would have to leave.
        stops: statements in an `except` clause that end it too, besides `raise` and a retry.
    """
    for around in frame.outwards():
        if around.node is until:
            return False
        if around.part != "body":
            continue
        if isinstance(around.node, _TRIES) and any(_swallows(each, stops) for each in around.node.handlers):
            return True
        if isinstance(around.node, _WITHS) and any(_is_swallowing(item.context_expr) for item in around.node.items):
            return True
    return False


def is_silenced(call: ast.Call) -> bool:
    """It is asked not to fail: `send_mail(…, fail_silently=True)`."""
    return any(
        keyword.arg == "fail_silently" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in call.keywords
    )


def statements_in(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Everything in some statements, functions and classes nested in them left out."""
    stack: list[ast.AST] = list(reversed(nodes))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _INNER):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def _swallows(handler: ast.ExceptHandler, stops: tuple[type[ast.stmt], ...]) -> bool:
    if _names(handler.type) and all(_is_narrow(name) for name in _names(handler.type)):
        return False
    for node in statements_in(handler.body):
        if isinstance(node, (ast.Raise, *stops)):
            return False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "retry":
            return False
    return True


def _names(node: ast.expr | None) -> list[str]:
    match node:
        case ast.Tuple(elts=parts):
            return [name for part in parts for name in _names(part)]
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
    return []


def _is_narrow(name: str) -> bool:
    return name in _NARROW or name.endswith("DoesNotExist")


def _is_swallowing(node: ast.expr) -> bool:
    function = node.func if isinstance(node, ast.Call) else node
    name = getattr(function, "attr", getattr(function, "id", "")).lower()
    return any(word in name for word in _SWALLOWING)
