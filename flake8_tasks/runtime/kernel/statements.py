"""Calls something before every statement of a function, so that a simulated process can be killed at each of them."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType
from weakref import WeakKeyDictionary

_PROBE = b"flake8_tasks: the probe stands here"
"""Called in the syntax tree; in the compiled code the function's `_Probe` takes its place among the constants."""


_Function = ast.FunctionDef | ast.AsyncFunctionDef


class NotInstrumentable(Exception):
    """A function that cannot be recompiled; the message says why."""


class _Probe:
    """Called before each statement with its place; asks whoever the function is instrumented for at that time."""

    __slots__ = ("point",)

    def __init__(self) -> None:
        self.point: Callable[[str], None] | None = None

    def __call__(self, place: str) -> None:
        if self.point is not None:
            self.point(place)


@dataclass(frozen=True, slots=True)
class _Recompiled:
    original: CodeType
    name: str
    code: CodeType
    probe: _Probe


_recompiled: WeakKeyDictionary[FunctionType, _Recompiled] = WeakKeyDictionary()


def instrumented(
    function: Callable[..., object], point: Callable[[str], None], name_of_file: Callable[[str], str]
) -> Callable[[], None]:
    """From now on the function calls `point` before each of its statements, nested functions and classes included.

    Nothing is called before a docstring, a declaration (`global`, `nonlocal`) and `try`, as nothing happens there. The
    function is compiled once and kept; the next call for it costs microseconds.

    Arguments:
        function: a function or a method; of one wrapped with `functools.wraps` the innermost.
        point: called with the place of the statement, "shop/tasks.py:12"; what it raises is raised there.
        name_of_file: makes the path in a place from the path of the source file.

    Returns:
        What makes the function as it was before. Of two for the same function call the later one first.

    Raises:
        NotInstrumentable: it is not written in Python, or its source cannot be found.
    """
    plain = _plain(function)
    done = _recompiled.get(plain)
    name = name_of_file(plain.__code__.co_filename)
    if done is None or (plain.__code__ is not done.original and plain.__code__ is not done.code) or done.name != name:
        done = _recompiled[plain] = _recompile(plain.__code__, name)
    probe, before, asked = done.probe, plain.__code__, done.probe.point
    plain.__code__, probe.point = done.code, point

    def restore() -> None:
        plain.__code__, probe.point = before, asked

    return restore


def lines(function: Callable[..., object]) -> tuple[int, ...]:
    """The lines at which `instrumented` calls something, in order.

    Raises:
        NotInstrumentable: as `instrumented`.
    """
    plain = _plain(function)
    done = _recompiled.get(plain)
    _, node = _source(done.original if done and plain.__code__ is done.code else plain.__code__)
    return tuple(sorted({statement.lineno for body in _bodies(node) for statement in body if _happens(statement)}))


def _plain(function: Callable[..., object]) -> FunctionType:
    """The innermost function, if it can be instrumented."""
    here: object = function
    while not isinstance(here, FunctionType) or hasattr(here, "__wrapped__"):
        match here:
            case MethodType():
                here = here.__func__
            case functools.partial():
                here = here.func
            case _ if hasattr(here, "__wrapped__"):
                here = here.__wrapped__
            case _:
                raise NotInstrumentable(f"{function!r} is not a function written in Python")
    return here


def _recompile(code: CodeType, name: str) -> _Recompiled:
    module, node = _source(code)
    for body in _bodies(node):
        body[:] = [part for statement in body for part in _with_call(statement, name)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The program's own, seen at its import, and that bytes are not callable.
        compiled = compile(module, code.co_filename, "exec", dont_inherit=True)
    probe = _Probe()
    for found in _codes(compiled):
        if _same_function(found, code):
            return _Recompiled(code, name, _with_probe(found, probe), probe)
    raise NotInstrumentable(f"`{code.co_qualname}` is not what its source says")


def _source(code: CodeType) -> tuple[ast.Module, _Function]:
    """The function in its module, reduced to what its compilation depends on: what stands around it, the future."""
    linecache.checkcache(code.co_filename)
    text = linecache.getlines(code.co_filename)
    if not text:
        raise NotInstrumentable(f"the source of `{code.co_qualname}` cannot be read: {code.co_filename}")
    try:
        parts, future = _outline("".join(text))
    except (SyntaxError, ValueError) as error:
        raise NotInstrumentable(f"the source of `{code.co_qualname}` cannot be parsed: {error}") from error
    for first, last in parts:
        if first <= code.co_firstlineno <= last:
            module = _parsed("\n" * (first - 1) + "".join(text[first - 1 : last]))
            for node in ast.walk(module):
                if (
                    isinstance(node, _Function)
                    and node.name == code.co_name
                    and _first_line(node) == code.co_firstlineno
                ):
                    if future:
                        names = [ast.alias(name, lineno=1, col_offset=0) for name in future]
                        module.body.insert(0, ast.ImportFrom("__future__", names, 0, lineno=1, col_offset=0))
                    return module, node
    raise NotInstrumentable(f"the source of `{code.co_qualname}` is not found in {code.co_filename}")


@functools.lru_cache(maxsize=32)
def _outline(text: str) -> tuple[tuple[tuple[int, int], ...], tuple[str, ...]]:
    """The first and last lines of a module's statements, and what it takes from the future."""
    body = _parsed(text).body
    future = [part for part in body if isinstance(part, ast.ImportFrom) and part.module == "__future__"]
    return (
        tuple((_first_line(part), part.end_lineno or part.lineno) for part in body),
        tuple(alias.name for part in future for alias in part.names),
    )


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _bodies(node: _Function) -> Iterator[list[ast.stmt]]:
    """Every list of statements in the function."""
    for inner in list(ast.walk(node)):
        if isinstance(inner, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            for _, value in ast.iter_fields(inner):
                if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                    yield value


def _happens(statement: ast.stmt) -> bool:
    match statement:
        case ast.Global() | ast.Nonlocal() | ast.Try() | ast.TryStar():
            return False
        case ast.Expr(ast.Constant(str())):  # a docstring, which has to stay the first
            return False
        case _:
            return True


def _with_call(statement: ast.stmt, name: str) -> Iterator[ast.stmt]:
    if _happens(statement):
        call = ast.Expr(ast.Call(ast.Constant(_PROBE), [ast.Constant(f"{name}:{statement.lineno}")], []))
        for part in ast.walk(call):
            ast.copy_location(part, statement)
        yield call
    yield statement


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


_SHAPE = inspect.CO_OPTIMIZED | inspect.CO_NEWLOCALS | inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_NESTED


def _same_function(one: CodeType, other: CodeType) -> bool:
    return one.co_flags & _SHAPE == other.co_flags & _SHAPE and all(
        getattr(one, name) == getattr(other, name)
        for name in (
            "co_qualname",
            "co_firstlineno",
            "co_argcount",
            "co_posonlyargcount",
            "co_kwonlyargcount",
            "co_freevars",
        )
    )


def _with_probe(code: CodeType, probe: _Probe) -> CodeType:
    constants: list[object] = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constants.append(_with_probe(constant, probe))
        elif isinstance(constant, bytes) and constant == _PROBE:
            constants.append(probe)
        else:
            constants.append(constant)
    return code.replace(co_consts=tuple(constants))
