from __future__ import annotations

import subprocess
import sys
import threading
from contextvars import ContextVar
from decimal import getcontext, localcontext

import pytest

from flake8_tasks.runtime.kernel.coroutines import (
    DEFAULT,
    Closed,
    CoroutineKind,
    GreenletCoroutine,
    ThreadCoroutine,
)

pytestmark = pytest.mark.parametrize("kind", [GreenletCoroutine, ThreadCoroutine])


class Broken(Exception):
    pass


def test_a_coroutine_runs_in_turns(kind: CoroutineKind) -> None:
    steps: list[str] = []

    def work() -> str:
        steps.append("one")
        kind.suspend("waiting")
        steps.append("two")
        return "done"

    coroutine = kind(work)
    assert steps == []
    assert coroutine.resume() == "waiting"
    assert (steps, coroutine.finished, coroutine.value) == (["one"], False, None)
    assert coroutine.resume() == "done"
    assert (steps, coroutine.finished, coroutine.value) == (["one", "two"], True, "done")
    assert coroutine.failure is None


def test_many_take_turns(kind: CoroutineKind) -> None:
    said: list[tuple[str, int]] = []

    def work(name: str) -> None:
        for number in range(3):
            said.append((name, number))
            kind.suspend()

    coroutines = [kind(lambda name=name: work(name)) for name in "ab"]
    while not all(coroutine.finished for coroutine in coroutines):
        for coroutine in coroutines:
            if not coroutine.finished:
                coroutine.resume()
    assert said == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_a_failure_is_kept_and_not_raised(kind: CoroutineKind) -> None:
    def work() -> None:
        raise Broken("no")

    coroutine = kind(work)
    coroutine.resume()
    assert coroutine.finished
    assert isinstance(coroutine.failure, Broken)
    assert coroutine.failure.__traceback__ is not None


def test_an_exception_is_raised_where_the_function_stands(kind: CoroutineKind) -> None:
    def work() -> str:
        try:
            kind.suspend()
        except Broken as broken:
            return f"caught {broken}"
        return "not raised"

    coroutine = kind(work)
    coroutine.resume()
    coroutine.resume(Broken("soft limit"))
    assert coroutine.value == "caught soft limit"


def test_an_exception_before_the_start_is_a_failure_and_the_function_never_runs(kind: CoroutineKind) -> None:
    coroutine = kind(lambda: pytest.fail("it ran"))
    broken = Broken()
    coroutine.resume(broken)
    assert coroutine.finished
    assert coroutine.failure is broken


@pytest.mark.parametrize("real", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_real_process_goes_through(kind: CoroutineKind, real: type[BaseException]) -> None:
    def work() -> None:
        raise real

    coroutine = kind(work)
    with pytest.raises(real):
        coroutine.resume()
    assert coroutine.finished


def test_a_simulated_exit_stays_inside(kind: CoroutineKind) -> None:
    coroutine = kind(kind.suspend)
    coroutine.resume()
    coroutine.resume(SystemExit(1))
    assert isinstance(coroutine.failure, SystemExit)


def test_what_is_left_standing_runs_nothing_until_it_is_closed(kind: CoroutineKind) -> None:
    ran: list[str] = []

    def work() -> None:
        try:
            kind.suspend()
        except BaseException as exception:
            ran.append(type(exception).__name__)
            raise
        finally:
            ran.append("finally")

    coroutine = kind(work)
    coroutine.resume()
    assert ran == []
    coroutine.close()
    assert ran == ["Closed", "finally"]
    assert coroutine.finished
    coroutine.close()
    with pytest.raises(RuntimeError, match="has ended"):
        coroutine.resume()


def test_code_that_swallows_the_end_and_suspends_again_is_ended_too(kind: CoroutineKind) -> None:
    def work() -> None:
        for _ in range(5):
            try:
                kind.suspend()
            except BaseException:
                continue

    coroutine = kind(work)
    coroutine.resume()
    coroutine.close()
    assert coroutine.finished


def test_code_that_never_ends_is_left_alone(kind: CoroutineKind) -> None:
    refused: list[type[BaseException]] = []

    def work() -> None:
        while True:
            try:
                kind.suspend()
            except BaseException as exception:
                refused.append(type(exception))

    coroutine = kind(work)
    coroutine.resume()
    coroutine.close()
    assert not coroutine.finished
    assert set(refused) == {Closed}


def test_closing_what_never_ran_runs_nothing(kind: CoroutineKind) -> None:
    coroutine = kind(lambda: pytest.fail("it ran"))
    coroutine.close()
    with pytest.raises(RuntimeError, match="has ended"):
        coroutine.resume()


def test_one_coroutine_may_drive_another_and_any_may_go_on_with_it(kind: CoroutineKind) -> None:
    """A client that waits for a result runs the workers; the next time somebody else does."""

    def inner() -> str:
        kind.suspend("for the outer")
        kind.suspend("for the test")
        return "end"

    worker = kind(inner)

    def outer() -> object:
        got = worker.resume()
        kind.suspend()
        return got

    client = kind(outer)
    client.resume()
    assert worker.resume() == "for the test"
    client.resume()
    assert client.value == "for the outer"
    assert worker.resume() == "end"


def test_running_says_whether_the_caller_is_in_one(kind: CoroutineKind) -> None:
    coroutine = kind(kind.running)
    assert kind.running() is False
    assert coroutine.resume() is True
    with pytest.raises(RuntimeError, match="outside a coroutine"):
        kind.suspend()


def test_a_coroutine_cannot_resume_itself(kind: CoroutineKind) -> None:
    itself: list[GreenletCoroutine | ThreadCoroutine] = []
    coroutine = kind(lambda: itself[0].resume())
    itself.append(coroutine)
    coroutine.resume()
    assert isinstance(coroutine.failure, RuntimeError)
    assert str(coroutine.failure) == "the coroutine is running"


NAME: ContextVar[str] = ContextVar("NAME", default="nobody")


def test_each_has_its_own_context_variables_copied_at_its_creation(kind: CoroutineKind) -> None:
    def work(name: str) -> tuple[str, str]:
        before = NAME.get()
        NAME.set(name)
        kind.suspend()
        return before, NAME.get()

    token = NAME.set("creator")
    first, second = kind(lambda: work("first")), kind(lambda: work("second"))
    NAME.reset(token)
    for _ in range(2):
        first.resume()
        second.resume()
    assert (first.value, second.value) == (("creator", "first"), ("creator", "second"))
    assert NAME.get() == "nobody"


def test_a_decimal_precision_does_not_leak(kind: CoroutineKind) -> None:
    def work() -> None:
        with localcontext() as decimal:
            decimal.prec = 3
            kind.suspend()

    coroutine = kind(work)
    coroutine.resume()
    assert getcontext().prec == 28
    coroutine.close()


def test_ended_coroutines_leave_no_thread(kind: CoroutineKind) -> None:
    before = threading.active_count()
    for _ in range(20):
        coroutine = kind(kind.suspend)
        coroutine.resume()
        coroutine.close()
    assert threading.active_count() == before


def test_without_greenlet_threads_are_the_default(kind: CoroutineKind) -> None:
    assert DEFAULT is GreenletCoroutine
    code = (
        "import sys; from importlib.machinery import PathFinder\n"
        "sys.modules.pop('greenlet', None); real = PathFinder.find_spec\n"  # coverage has imported it
        "PathFinder.find_spec = lambda name, *rest: None if name == 'greenlet' else real(name, *rest)\n"
        "from flake8_tasks.runtime.kernel.coroutines import DEFAULT, GreenletCoroutine\n"
        "print(DEFAULT.__name__, DEFAULT(lambda: 7).resume(), GreenletCoroutine.running())\n"
        "try: GreenletCoroutine(int)\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ThreadCoroutine 7 False", "greenlet is not installed: use ThreadCoroutine"]
