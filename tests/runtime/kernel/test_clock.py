from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from time import monotonic, perf_counter, sleep
from time import time as wall_clock
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_tasks.runtime.kernel.clock import Clock, virtual_time

REAL = (time.sleep, time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns)
BEGINNING = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def nothing() -> None:
    pass


def no_sleep(seconds: float) -> None:
    raise AssertionError(f"sleep({seconds})")


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.5, 2.5000001, 7.0]), st.booleans())))
def test_timers_come_by_time_then_by_registration(wanted: list[tuple[float, bool]]) -> None:
    clock = Clock()
    timers = [clock.at(when, nothing, label=str(number)) for number, (when, _) in enumerate(wanted)]
    for timer, (_, cancelled) in zip(timers, wanted, strict=True):
        if cancelled:
            timer.cancel()
    expected = sorted((when, number) for number, (when, cancelled) in enumerate(wanted) if not cancelled)
    came = []
    while (due := clock.next_time()) is not None:
        timer = clock.pop()
        assert clock.now == timer.when == due
        came.append((timer.when, int(timer.label)))
    assert came == expected


def test_popping_moves_the_time_and_leaves_the_action_to_the_caller() -> None:
    clock, done = Clock(), []
    clock.at(3, lambda: done.append(clock.now))
    timer = clock.pop()
    assert (clock.now, done) == (3, [])
    timer.action()
    assert done == [3]


def test_what_is_past_happens_now() -> None:
    clock = Clock()
    clock.advance_to(10)
    assert clock.at(4, nothing).when == 10


def test_time_never_goes_back() -> None:
    clock = Clock()
    clock.advance_to(10)
    clock.advance_to(4)
    assert clock.now == 10


def test_without_timers() -> None:
    clock = Clock()
    assert clock.next_time() is None
    with pytest.raises(IndexError, match="no timer is left"):
        clock.pop()


def test_cancelling_twice_or_too_late_changes_nothing() -> None:
    clock = Clock()
    first, second = clock.at(1, nothing), clock.at(2, nothing)
    assert clock.pop() is first
    first.cancel()
    second.cancel()
    second.cancel()
    assert not first.cancelled
    assert second.cancelled
    assert clock.next_time() is None


def test_cancelled_timers_do_not_pile_up() -> None:
    clock = Clock()
    last = clock.at(1e9, nothing, label="last")
    for _ in range(10_000):
        clock.at(300, nothing).cancel()
    assert len(clock._timers) < 200
    assert clock.pop() is last
    assert repr(last) == "<Timer last at 1000000000.0>"


def test_the_program_sees_the_clock() -> None:
    clock = Clock()
    with virtual_time(clock, no_sleep):
        first = (time.monotonic(), time.perf_counter(), time.monotonic_ns(), time.perf_counter_ns())
        assert time.time() == wall_clock() == 1_700_000_000.0
        assert datetime.now(UTC) == BEGINNING
        assert datetime.now().astimezone(UTC) == BEGINNING
        clock.advance_to(3600.25)
        assert time.time() == wall_clock() == 1_700_003_600.25
        assert time.time_ns() == 1_700_003_600_250_000_000
        assert datetime.now(UTC) == BEGINNING + timedelta(seconds=3600.25)
        assert time.gmtime()[:6] == (2023, 11, 14, 23, 13, 20)
        assert time.monotonic() - first[0] == 3600.25
        assert time.perf_counter() - first[1] == 3600.25
        assert time.monotonic_ns() - first[2] == 3_600_250_000_000
        assert time.perf_counter_ns() - first[3] == 3_600_250_000_000


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_datetime_is_exact_to_the_microsecond_after_any_moves(moves: list[float]) -> None:
    clock = Clock()
    with virtual_time(clock, no_sleep):
        for when in moves:
            clock.advance_to(when)
        assert datetime.now(UTC) == BEGINNING + timedelta(microseconds=round(clock.now * 1e6))


def test_a_run_may_begin_at_any_time_and_go_on() -> None:
    clock = Clock(start=86_400.5)
    clock.advance_to(2)
    with virtual_time(clock, no_sleep):
        assert datetime.now(UTC) == datetime(1970, 1, 2, 0, 0, 2, 500_000, tzinfo=UTC)
        assert date.today() in (date(1970, 1, 1), date(1970, 1, 2))


def test_sleep_is_asked_of_the_simulation() -> None:
    clock = Clock()
    slept: list[float] = []

    def simulated(seconds: float) -> None:
        slept.append(seconds)
        clock.advance_to(clock.now + seconds)

    with virtual_time(clock, simulated):
        time.sleep(3600)
        time.sleep(0)
        with pytest.raises(ValueError, match="must be non-negative"):
            time.sleep(-1)
        assert datetime.now(UTC) == BEGINNING + timedelta(hours=1)
    assert slept == [3600.0, 0.0]


def module_of(**names: object) -> ModuleType:
    module = ModuleType("shop.tasks")
    vars(module).update(names)
    return module


def test_names_that_the_program_imported_are_replaced_and_restored() -> None:
    program = module_of(pause=sleep, monotonic=monotonic, counter=perf_counter, now=wall_clock, other=print)
    bystander = module_of(pause=sleep)
    clock, slept = Clock(), list[float]()
    before = dict(vars(program))
    for _ in range(2):
        with virtual_time(clock, slept.append, (program,)):
            program.pause(5)
            assert program.monotonic() == program.counter() == time.monotonic()
            assert program.now() == 1_700_000_000.0
            assert bystander.pause is sleep
        assert vars(program) == before
    assert slept == [5.0, 5.0]


def test_everything_is_restored_after_an_exception() -> None:
    program = module_of(sleep=sleep)
    with pytest.raises(KeyboardInterrupt), virtual_time(Clock(), no_sleep, [program]):
        raise KeyboardInterrupt
    assert (time.sleep, time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns) == REAL
    assert program.sleep is sleep
    assert datetime.now(UTC).year > 2023
    assert time.time() > 1_700_100_000


def test_what_the_program_has_replaced_itself_stays_replaced() -> None:
    program = module_of(sleep=sleep)
    with virtual_time(Clock(), no_sleep, (program,)):
        program.sleep = nothing
    assert program.sleep is nothing


def test_names_imported_during_a_run_are_the_real_thing_afterwards() -> None:
    names: dict[str, Callable[..., float]] = {}
    clock = Clock()
    with virtual_time(clock, no_sleep):
        exec("from time import sleep, monotonic, monotonic_ns, perf_counter, perf_counter_ns", names)
        assert names["monotonic"]() == time.monotonic()
    for name in ("monotonic", "perf_counter"):
        assert abs(names[name]() - getattr(time, name)()) < 5
        assert abs(names[f"{name}_ns"]() - getattr(time, f"{name}_ns")()) < 5e9
    assert names["sleep"](0) is None


def test_a_clock_left_behind_moves_nothing() -> None:
    clock = Clock()
    with virtual_time(clock, no_sleep):
        pass
    clock.advance_to(50)
    with virtual_time(Clock(), no_sleep):
        clock.advance_to(100)
        assert time.time() == 1_700_000_000.0


def test_virtual_time_does_not_nest() -> None:
    with virtual_time(Clock(), no_sleep):
        with pytest.raises(RuntimeError, match="runs already"), virtual_time(Clock(), no_sleep):
            pass
        assert time.time() == 1_700_000_000.0
    assert time.sleep is REAL[0]


def test_entering_costs_well_under_a_millisecond() -> None:
    modules = tuple(module_of(**{f"name{number}": number for number in range(200)}) for _ in range(50))
    with virtual_time(Clock(), no_sleep, modules):
        pass
    begun = time.perf_counter()
    for _ in range(100):
        with virtual_time(Clock(), no_sleep, modules):
            pass
    assert (time.perf_counter() - begun) / 100 < 0.001
