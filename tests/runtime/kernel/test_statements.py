from __future__ import annotations

import asyncio
import contextlib
import difflib
import functools
import importlib.util
import io
import linecache
import shlex
import sys
import textwrap
import time
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from flake8_tasks.runtime.kernel.coroutines import GreenletCoroutine
from flake8_tasks.runtime.kernel.statements import NotInstrumentable, instrumented, lines

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Makes a module of a text."""
    numbers = count()

    def loaded(text: str) -> ModuleType:
        name = f"program{next(numbers)}"
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loaded


def tasks(path: str) -> str:
    return "shop/tasks.py"


class Seen(list[int]):
    """The lines that were called."""

    def __call__(self, place: str) -> None:
        name, line = place.split(":")
        assert name == "shop/tasks.py"
        self.append(int(line))


@contextlib.contextmanager
def watched(function: Callable[..., object]) -> Iterator[Seen]:
    seen = Seen()
    restore = instrumented(function, seen, tasks)
    try:
        yield seen
    finally:
        restore()


def test_the_point_is_called_before_each_statement(load: Load) -> None:
    module = load("""\
        done = []
        def charge(number):
            \"\"\"Charge somebody.\"\"\"
            amount = 10
            for part in range(2):
                done.append(part)
            if number:
                done.append("paid")
            return amount
        """)
    with watched(module.charge) as seen:
        assert module.charge(0) == 10
        assert seen == [4, 5, 6, 6, 7, 9]
    assert module.done == [0, 1]
    assert module.charge.__doc__ == "Charge somebody."
    assert lines(module.charge) == (4, 5, 6, 7, 8, 9)


def test_a_generator_is_called_as_it_goes_on(load: Load) -> None:
    module = load("""\
        import contextlib

        def work():
            first = yield 1
            yield first + 1

        @contextlib.contextmanager
        def lock(held):
            held.append("lock")
            try:
                yield
            finally:
                held.clear()
        """)
    with watched(module.work) as seen:
        work = module.work()
        assert seen == []
        assert (next(work), work.send(5), seen) == (1, 6, [4, 5])
        assert list(work) == []
    with watched(module.lock) as seen:
        held: list[str] = []
        with module.lock(held):
            assert (held, seen) == (["lock"], [9, 11])
        assert (held, seen) == ([], [9, 11, 13])


def test_asynchronous_functions_are_called_too(load: Load) -> None:
    module = load("""\
        import asyncio

        async def numbers():
            for number in (1, 2):
                await asyncio.sleep(0)
                yield number

        async def work():
            found = [number async for number in numbers()]
            async with asyncio.timeout(9):
                return found
        """)
    with watched(module.work) as seen, watched(module.numbers) as asked:
        assert asyncio.run(module.work()) == [1, 2]
        assert (seen, asked) == ([9, 10, 11], [4, 5, 6, 5, 6])
    assert (lines(module.work), lines(module.numbers)) == ((9, 10, 11), (4, 5, 6))


def test_what_the_point_raises_is_raised_there(load: Load) -> None:
    module = load("""\
        done = []
        def work():
            try:
                done.append(1)
                done.append(2)
            except TimeoutError:
                return "soft limit"
        """)

    def point(place: str) -> None:
        if place.endswith(":5"):
            raise TimeoutError

    restore = instrumented(module.work, point, tasks)
    assert module.work() == "soft limit"
    assert module.done == [1]
    restore()
    assert module.work() is None


def test_a_coroutine_left_at_a_statement_runs_no_finally(load: Load) -> None:
    module = load("""\
        done = []
        def work():
            try:
                done.append("charged")
                done.append("saved")
            finally:
                done.append("finally")
        """)

    def point(place: str) -> None:
        if place.endswith(":5"):
            GreenletCoroutine.suspend()

    restore = instrumented(module.work, point, tasks)
    coroutine = GreenletCoroutine(module.work)
    coroutine.resume()
    assert module.done == ["charged"]
    restore()
    coroutine.close()
    assert module.done == ["charged", "finally"]


SHAPES = """\
from __future__ import annotations
import contextlib
@contextlib.contextmanager
def lock():
    yield 1
total = 0
def branches(x):
    if x == 1:
        return "one"
    elif x == 2:
        return "two"
    else:
        return "many"
def loops():
    found = []
    for x in range(3):
        if x == 1:
            continue
        found.append(x)
    else:
        found.append("else")
    while True:
        break
    return found
def tries():
    try:
        1 / 0
    except ZeroDivisionError as error:
        kind = type(error)
    else:
        kind = None
    finally:
        last = 1
    try:
        raise ExceptionGroup("", [ValueError()])
    except* ValueError:
        last = 2
    return kind, last
def matches(x):
    match x:
        case [1, *rest]:
            return rest
        case {"a": a}:
            return a
        case _:
            pass
def blocks():
    with lock() as one, lock():
        two = one + 1
    return two
def declares():
    global total
    total += 1
    def inner():
        "Inner."
        nonlocal_ = total
        def innermost():
            nonlocal nonlocal_
            nonlocal_ += 1
        innermost()
        return nonlocal_
    return inner()
def classes():
    class Local:
        "A class."
        x = 1
        def method(self):
            return self.x
    return Local().method()
def arguments(a, /, b=2, *c, d, e=5, **f):
    return a, b, c, d, e, f
def one_line(): x = 1; return x
def nothing():
    ...
def only_doc():
    "Nothing else."
def annotated(x: Undefined = 1) -> Unknown:
    y: Missing = x
    del x
    assert y
    import os
    return (lambda: y)(), [y for _ in "ab"]
"""


@pytest.mark.parametrize(
    ("name", "arguments", "expected", "places"),
    [
        ("branches", (1,), "one", [8, 9]),
        ("branches", (2,), "two", [8, 10, 11]),
        ("branches", (3,), "many", [8, 10, 13]),
        ("loops", (), [0, 2, "else"], [15, 16, 17, 19, 17, 18, 17, 19, 21, 22, 23, 24]),
        ("tries", (), (ZeroDivisionError, 2), [27, 29, 33, 35, 37, 38]),
        ("matches", ([1, 2],), [2], [40, 42]),
        ("matches", ({"a": 5},), 5, [40, 44]),
        ("matches", (0,), None, [40, 46]),
        ("blocks", (), 2, [48, 49, 50]),
        ("declares", (), 2, [53, 54, 62, 56, 57, 60, 59, 61]),
        ("classes", (), 1, [64, 66, 67, 69, 68]),
        ("one_line", (), 1, [72, 72]),
        ("nothing", (), None, [74]),
        ("only_doc", (), None, []),
        ("annotated", (), (1, [1, 1]), [78, 79, 80, 81, 82]),
    ],
)
def test_every_kind_of_statement(
    load: Load, name: str, arguments: tuple[object, ...], expected: object, places: list[int]
) -> None:
    module = load(SHAPES)
    function = getattr(module, name)
    with watched(function) as seen:
        assert function(*arguments) == expected
        assert seen == places
        assert set(seen) <= set(lines(function))
    seen.clear()
    function(*arguments)
    assert seen == []


def test_arguments_and_defaults_stay_as_they_are(load: Load) -> None:
    arguments = load(SHAPES).arguments
    with watched(arguments):
        assert arguments(1, d=4) == (1, 2, (), 4, 5, {})
        assert arguments(1, 3, 4, 5, d=6, e=7, g=8) == (1, 3, (4, 5), 6, 7, {"g": 8})
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'd'"):
            arguments(1)


def test_a_traceback_is_the_same(load: Load) -> None:
    module = load("""\
        class Shop:
            def charge(self, number):
                amount = {}
                def inner():
                    return (amount["x"] +
                            number)
                return inner()
        """)

    def shown() -> str:
        try:
            module.Shop().charge(1)
        except KeyError as error:
            return "".join(traceback.format_exception(error)[2:])
        return ""

    plain = shown()
    assert "line 5, in inner" in plain
    with watched(module.Shop.charge):
        assert shown() == plain


def test_names_and_lines_of_the_code_stay(load: Load) -> None:
    module = load("""\
        class Shop:
            @staticmethod
            def charge():
                def inner():
                    return 1
                return inner
        """)
    before = module.Shop.charge.__code__
    with watched(module.Shop.charge):
        during = module.Shop.charge.__code__
        assert during is not before
        for name in ("co_name", "co_qualname", "co_filename", "co_firstlineno", "co_varnames", "co_flags"):
            assert getattr(during, name) == getattr(before, name)
        assert module.Shop.charge().__qualname__ == "Shop.charge.<locals>.inner"
    assert module.Shop.charge.__code__ is before


def test_closures_methods_and_private_names(load: Load) -> None:
    module = load("""\
        class Base:
            def run(self):
                return ["base"]
        class Task(Base):
            __secret = "secret"
            def run(self):
                found = super().run()
                found.append(self.__secret)
                return found
            @classmethod
            def make(cls):
                return cls()
        def maker(z, a):
            unused = 1
            def task():
                nonlocal a
                a += 1
                return z, a
            return task
        """)
    task = module.Task()
    with watched(task.run) as seen:
        assert task.run() == ["base", "secret"]
        assert seen == [7, 8, 9]
    with watched(module.Task.make) as seen:
        assert isinstance(module.Task.make(), module.Task)
        assert seen == [12]
    closure, other = module.maker(1, 2), module.maker(1, 10)
    with watched(closure) as seen:
        assert closure() == (1, 3)
        assert other() == (1, 11)
        assert seen == [17, 18]


def test_the_innermost_of_wrapped_functions_is_meant(load: Load) -> None:
    module = load("""\
        import functools
        def twice(function):
            @functools.wraps(function)
            def wrapper(*args):
                function(*args)
                return function(*args)
            return wrapper
        @twice
        @twice
        def charge(x):
            return x
        """)
    with watched(functools.partial(module.charge, 7)) as seen:
        assert module.charge(7) == 7
        assert seen == [11] * 4


def test_tasks_of_celery(load: Load) -> None:
    module = load("""\
        from celery import Celery
        app = Celery("shop", broker="memory://", set_as_current=False)
        @app.task(bind=True, autoretry_for=(OSError,))
        def charge(self, x):
            return x
        @app.task
        def plain(x):
            y = x
            return y
        """)
    with watched(module.charge.run) as seen:
        assert module.charge(3) == 3
        assert seen == [5]
    with watched(module.plain.run) as seen:
        assert module.plain(3) == 3
        assert seen == [8, 9]


def test_the_point_of_the_moment_is_called_and_nothing_is_compiled_again(load: Load) -> None:
    module = load("def work():\n    return 1\n")
    codes = set()
    for _ in range(3):
        with watched(module.work) as seen:
            module.work()
            codes.add(id(module.work.__code__))
        assert seen == [2]
    assert len(codes) == 1
    begun = time.perf_counter()
    for _ in range(200):
        instrumented(module.work, seen, tasks)()
    assert (time.perf_counter() - begun) / 200 < 0.0005


def test_two_for_one_function_are_undone_one_after_the_other(load: Load) -> None:
    module = load("def work():\n    return 1\n")
    with watched(module.work) as outer:
        with watched(module.work) as inner:
            module.work()
        module.work()
    module.work()
    assert (outer, inner) == ([2], [2])


def test_two_files_with_the_same_text_keep_their_names(load: Load) -> None:
    first, second = load("def work():\n    return 1\n"), load("def work():\n    return 1\n")
    said: list[str] = []
    for module in (first, second):
        instrumented(module.work, said.append, lambda path: Path(path).name)
        module.work()
    assert said == ["program0.py:2", "program1.py:2"]


def test_another_name_for_the_file_is_another_place(load: Load) -> None:
    module = load("def work():\n    return 1\n")
    said: list[str] = []
    for name in ("a.py", "b.py"):
        restore = instrumented(module.work, said.append, lambda path, name=name: name)
        module.work()
        restore()
    assert said == ["a.py:2", "b.py:2"]


def test_functions_of_a_reloaded_module_are_compiled_again(load: Load, tmp_path: Path) -> None:
    module = load("def work():\n    return 1\n")
    with watched(module.work):
        assert module.work() == 1
    path = Path(module.__file__ or "")
    path.write_text("\n\ndef work():\n    x = 2\n    return x\n")
    linecache.checkcache(str(path))
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    with watched(module.work) as seen:
        assert module.work() == 2
        assert seen == [4, 5]


def test_lines_are_counted_as_python_counts_them(load: Load) -> None:
    """A form feed and a separator of Unicode end no line."""
    text = 'before = """\u2028\x1c"""\n\x0c\ndef other(): ...\n\x0c\ndef work():\n    x = "\u2028"\n    return x\n'
    module = load(text)
    with watched(module.work) as seen:
        assert module.work() == "\u2028"
        assert seen == [6, 7]


def test_a_file_that_looks_into_the_future(load: Load) -> None:
    module = load("""\
        "Tasks."
        from __future__ import annotations, generator_stop
        from __future__ import division
        def work():
            def inner(x: Undefined): ...
            return inner.__annotations__
        """)
    with watched(module.work) as seen:
        assert module.work() == {"x": "Undefined"}
        assert seen == [5, 6]


def test_syntax_that_warns_is_not_said_again(load: Load) -> None:
    """The program's own warnings came when it was imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = load("def work():\n    return '\\d' is 1\n")
    with watched(module.work) as seen:
        assert module.work() is False
        assert seen == [2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("work = len", "is not a function written in Python"),
        ("class Work:\n    def __call__(self): ...\nwork = Work()\n", "is not a function written in Python"),
        ("work = lambda: 1\n", "the source of `<lambda>` is not found in"),
        ("exec('def work():\\n    return 1\\n')", "the source of `work` cannot be read: <string>"),
    ],
)
def test_what_cannot_be_instrumented_says_why(load: Load, text: str, reason: str) -> None:
    work = load(text).work
    with pytest.raises(NotInstrumentable, match=reason):
        instrumented(work, print, tasks)
    with pytest.raises(NotInstrumentable, match=reason):
        lines(work)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def other():\n    return 1\n", "the source of `work` is not found in"),
        ("def work(x, y):\n    return 1\n", "`work` is not what its source says"),
        ("def work(:\n", "the source of `work` cannot be parsed"),
        (None, "the source of `work` cannot be read"),
    ],
)
def test_source_that_changed_since_the_import(load: Load, text: str | None, reason: str) -> None:
    module = load("def work():\n    return 1\n")
    source = Path(module.__file__ or "")
    source.unlink() if text is None else source.write_text(text)
    before = module.work.__code__
    with pytest.raises(NotInstrumentable, match=reason):
        instrumented(module.work, print, tasks)
    assert module.work.__code__ is before


def test_nothing_is_kept_of_functions_that_are_gone(load: Load) -> None:
    module = load("def maker(x):\n    def work():\n        return x\n    return work\n")

    def use() -> None:
        with watched(module.maker(1)):
            pass

    use()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(50):
        use()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50_000


def functions_of(module: ModuleType) -> Iterator[FunctionType]:
    holders: list[Any] = [module, *(value for value in vars(module).values() if isinstance(value, type))]
    for holder in holders:
        for value in list(vars(holder).values()):
            plain = getattr(value, "fget", None) or getattr(value, "__func__", value)
            if isinstance(plain, FunctionType) and plain.__module__ == module.__name__:
                yield plain


def use_textwrap() -> object:
    text = "  Some words, and-some more of them.\n\n    And an indented line that is long enough to be wrapped.\n" * 3
    return textwrap.wrap(text, 20), textwrap.dedent(text), textwrap.indent(text, "> "), textwrap.shorten(text, 30)


def use_difflib() -> object:
    old, new = ["one", "two", "three", "four"], ["one", "2", "three", "five"]
    matcher = difflib.SequenceMatcher(None, old, new)
    return (
        matcher.get_opcodes(),
        matcher.ratio(),
        difflib.get_close_matches("fiv", old),
        list(difflib.Differ().compare(old, new)),
    )


def use_shlex() -> object:
    line = r"""run 'a b' --x="c d" e\ f # why"""
    lexer = shlex.shlex("a && b; (c > d) 'e'", punctuation_chars=True)
    return shlex.split(line, comments=True), list(lexer), shlex.quote("it's"), shlex.join(["a b", "c"])


@pytest.mark.parametrize(("module", "use"), [(textwrap, use_textwrap), (difflib, use_difflib), (shlex, use_shlex)])
def test_code_of_others_does_the_same_and_every_statement_that_python_traces_is_called(
    module: ModuleType, use: Callable[[], object]
) -> None:
    watchable = [function for function in functions_of(module) if can_be_watched(function)]
    statements = {line for function in watchable for line in lines(function)}
    traced: set[int] = set()

    def trace(frame: Any, event: str, argument: object) -> Any:
        if event == "line" and frame.f_code.co_filename == module.__file__:
            traced.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        expected = use()
    finally:
        sys.settrace(before)
    called: set[int] = set()
    with contextlib.ExitStack() as stack:
        for function in watchable:
            stack.callback(instrumented(function, lambda place: called.add(int(place[1:])), lambda path: ""))
        found = use()
    assert found == expected
    assert len(called) > 15
    assert (traced & statements) - called == set()
    # What the compiler leaves out leaves no trace.
    silent = {linecache.getline(module.__file__ or "", line).strip() for line in called - traced}
    assert silent <= {"pass", "continue", "while True:", "while 1:", "break"}


def can_be_watched(function: FunctionType) -> bool:
    try:
        return bool(lines(function))
    except NotInstrumentable:
        return False


def test_printing_goes_on_as_before(load: Load) -> None:
    module = load('def work():\n    print("é")\n')
    output = io.StringIO()
    with watched(module.work), contextlib.redirect_stdout(output):
        module.work()
    assert output.getvalue() == "é\n"
