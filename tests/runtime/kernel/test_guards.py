from __future__ import annotations

import concurrent.futures
import gc
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from flake8_tasks.runtime.kernel.clock import Clock, virtual_time
from flake8_tasks.runtime.kernel.coroutines import CoroutineKind, GreenletCoroutine, ThreadCoroutine
from flake8_tasks.runtime.kernel.guards import Runaway, Uncontrolled, Watchdog, guarded, interruptible


class Running:
    """Says which task runs."""

    def __init__(self, task: str = "charge") -> None:
        self.task = task

    def __call__(self) -> str:
        return self.task


def name_of_file(path: str) -> str:
    return "shop/tasks.py" if path == __file__ else ""


@contextmanager
def simulated() -> Iterator[None]:
    with guarded(Running(), name_of_file):
        yield


def nothing() -> None:
    pass


def in_a_pool() -> None:
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(nothing).result()


def to_a_closed_port() -> None:
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))


def as_a_server() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def by_a_packet() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", 9))


STARTS: list[tuple[Callable[[], object], str]] = [  # in lambdas, whose code says at which line they stand
    (lambda: threading.Thread(target=nothing).start(), "starts a thread"),
    (lambda: threading.Timer(0.01, nothing).start(), "starts a thread"),
    (in_a_pool, "starts a thread"),
    (lambda: subprocess.run(["true"], check=True), "starts a process (true)"),
    (lambda: subprocess.run("true", shell=True, check=True), "starts a process (/bin/sh)"),
    (lambda: os.system("true"), "starts a process"),
    (lambda: os.fork(), "starts a process"),
    (lambda: os.posix_spawn("/bin/true", ["true"], {}), "starts a process"),
    (lambda: multiprocessing.get_context("fork").Process(target=nothing).start(), "starts a process"),
    (to_a_closed_port, "opens a connection to 127.0.0.1:9"),
    (as_a_server, "opens a connection to 127.0.0.1:0"),
    (by_a_packet, "opens a connection to 127.0.0.1:9"),
    (lambda: socket.create_connection(("shop.invalid", 80)), "looks up a host (shop.invalid)"),
    (lambda: socket.gethostbyname("shop.invalid"), "looks up a host (shop.invalid)"),
    (lambda: os._exit(3), "ends its process"),
    (lambda: os.abort(), "ends its process"),
    (lambda: os.kill(os.getpid(), 0), "sends a signal"),
    (lambda: os.killpg(os.getpgrp(), 0), "sends a signal"),
]


@pytest.mark.parametrize(("start", "doing"), STARTS)
def test_what_cannot_be_repeated_is_refused_and_named(start: Callable[[], object], doing: str) -> None:
    threads = threading.enumerate()
    with pytest.raises(Uncontrolled) as caught, simulated():
        start()
    line = start.__code__.co_firstlineno
    places = [f"shop/tasks.py:{line + more}" for more in range(4)]
    said = str(caught.value)
    assert said.startswith(f"`charge` {doing} at shop/tasks.py:")
    assert said.endswith(": the simulation does not control it, so the run could not be repeated")
    assert any(place in said for place in places)
    assert threading.enumerate() == threads


def test_catching_every_exception_does_not_hide_it() -> None:
    def task() -> str:
        try:
            subprocess.run(["true"], check=True)
        except Exception:
            return "hidden"
        return "ran"

    with pytest.raises(Uncontrolled, match="starts a process"), simulated():
        task()


def test_not_even_a_bare_except_hides_it() -> None:
    def task() -> None:
        try:
            subprocess.run(["true"], check=True)
        except BaseException:
            os.getpid()

    with pytest.raises(Uncontrolled, match="starts a process"), simulated():
        task()


def test_it_is_named_before_what_comes_of_it() -> None:
    def task() -> None:
        try:
            subprocess.run(["true"], check=True)
        except BaseException:
            raise ValueError("no answer") from None

    with pytest.raises(Uncontrolled, match="starts a process") as caught, simulated():
        task()
    assert isinstance(caught.value.__cause__, ValueError)


def test_other_failures_go_through() -> None:
    with pytest.raises(ValueError, match="mine"), simulated():
        raise ValueError("mine")


def test_an_interrupt_goes_through() -> None:
    def task() -> None:
        try:
            os.system("true")
        except Uncontrolled:
            raise KeyboardInterrupt from None

    with pytest.raises(KeyboardInterrupt), simulated():
        task()


def test_an_interrupt_that_the_program_swallows_is_raised_at_the_end() -> None:
    done = []

    @interruptible()
    def program() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            done.append("swallowed")
        done.append("went on")

    with pytest.raises(KeyboardInterrupt):
        program()
    assert done == ["swallowed", "went on"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_signal_that_ends_us_is_not_lost_either() -> None:
    class Ended(KeyboardInterrupt):
        pass

    def end(number: int, frame: object) -> None:
        raise Ended(number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(Ended) as caught, interruptible(), suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert (caught.value.args, signal.getsignal(signal.SIGTERM)) == ((signal.SIGTERM,), end)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_whose_consequence_is_another_failure_is_raised_at_the_end() -> None:
    @interruptible()
    def program() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("a consequence") from None

    with pytest.raises(KeyboardInterrupt) as caught:
        program()
    assert isinstance(caught.value.__context__, ValueError)


def test_without_an_interrupt_failures_go_through_and_another_handler_stays() -> None:
    with pytest.raises(ValueError, match="mine"), interruptible():
        raise ValueError("mine")

    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_while_no_task_runs_everything_is_allowed() -> None:
    running = Running("")
    with guarded(running, name_of_file):
        thread = threading.Thread(target=nothing)
        thread.start()
        thread.join()
        assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0
        as_a_server()


def test_other_threads_are_let_alone() -> None:
    go, done = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        go.wait(5)
        try:
            as_a_server()
        except BaseException as failure:
            failures.append(failure)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    with simulated():
        go.set()
        assert done.wait(5)
    thread.join()
    assert failures == []


def test_afterwards_everything_is_as_before() -> None:
    start = threading.Thread.start
    with simulated():
        pass
    assert threading.Thread.start is start
    as_a_server()


def test_guards_nest() -> None:
    def outer() -> None:
        with pytest.raises(Uncontrolled, match="`inner`"), guarded(Running("inner"), name_of_file):
            as_a_server()
        as_a_server()

    with pytest.raises(Uncontrolled, match="`outer`"), guarded(Running("outer"), name_of_file):
        outer()


@pytest.mark.parametrize("name", ["", "/usr/lib/python3/socket.py", "<string>"])
def test_outside_the_program_no_place_is_named(name: str) -> None:
    message = r"^`charge` opens a connection to 127\.0\.0\.1:0: the"
    with pytest.raises(Uncontrolled, match=message), guarded(Running(), lambda path: name):
        as_a_server()


@pytest.mark.parametrize("kind", [GreenletCoroutine, ThreadCoroutine])
def test_in_coroutines_of_both_kinds(kind: CoroutineKind) -> None:
    coroutine = kind(as_a_server)
    with pytest.raises(Uncontrolled, match="opens a connection") as caught, simulated():
        coroutine.resume()
    assert coroutine.failure is caught.value


def test_files_and_databases_in_the_process_are_no_concern(tmp_path: Path) -> None:
    import sqlite3

    with simulated():
        (tmp_path / "file").write_text("x")
        connection = sqlite3.connect(tmp_path / "database")
        connection.execute("create table paid (number)")
        connection.close()
        socket.gethostname()
        gc.collect()


def forever() -> None:
    while True:
        pass


def watchdog(seconds: float = 0.2) -> Watchdog:
    return Watchdog(Running(), name_of_file, seconds)


MESSAGE = (
    r"`charge` has run for 0\.2 seconds of real time at shop/tasks\.py:\d+ without waiting for anything: "
    r"a loop without an end\?"
)


def test_a_step_without_an_end_is_ended() -> None:
    begun = time.monotonic()
    with pytest.raises(Runaway, match=MESSAGE), watchdog():
        forever()
    assert 0.15 < time.monotonic() - begun < 5


def test_code_that_catches_exceptions_is_ended_too() -> None:
    def task() -> None:
        while True:
            try:
                forever()
            except Exception:
                continue

    with pytest.raises(Runaway), watchdog():
        task()


def test_code_that_catches_everything_once_is_ended_the_next_time() -> None:
    def task() -> None:
        try:
            forever()
        except BaseException:
            forever()

    with pytest.raises(Runaway), watchdog():
        task()


def test_a_real_sleep_and_a_real_read_are_interrupted() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(Runaway), watchdog():
            time.sleep(60)
        with pytest.raises(Runaway), watchdog():
            os.read(reader, 1)
    finally:
        os.close(reader)
        os.close(writer)


def test_many_steps_may_take_longer_together() -> None:
    with watchdog(1) as dog:
        for _ in range(8):
            dog.step()
            time.sleep(0.15)


def test_in_virtual_time_it_measures_real_time() -> None:
    with pytest.raises(Runaway), virtual_time(Clock(), lambda seconds: None), watchdog():
        forever()


def test_in_a_greenlet_it_is_the_failure_of_the_coroutine() -> None:
    coroutine = GreenletCoroutine(forever)
    with watchdog():
        coroutine.resume()
    assert isinstance(coroutine.failure, Runaway)


def test_a_thread_coroutine_is_given_up() -> None:
    coroutine = ThreadCoroutine(forever)
    with pytest.raises(Runaway), watchdog():
        coroutine.resume()
    coroutine.close()
    with pytest.raises(RuntimeError, match="has ended"):
        coroutine.resume()
    end = time.monotonic() + 5
    while not coroutine.finished and time.monotonic() < end:
        time.sleep(0.01)
    assert coroutine.finished


def test_a_thread_coroutine_that_is_given_up_cannot_suspend() -> None:
    def task() -> None:
        try:
            forever()
        finally:
            ThreadCoroutine.suspend()

    coroutine = ThreadCoroutine(task)
    with pytest.raises(Runaway), watchdog():
        coroutine.resume()
    end = time.monotonic() + 5
    while not coroutine.finished and time.monotonic() < end:
        time.sleep(0.01)
    assert coroutine.finished


def test_outside_the_main_thread_a_thread_watches() -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            with watchdog():
                forever()
        except Runaway as runaway:
            caught.append(runaway)

    threads = threading.active_count()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert [type(runaway).__name__ for runaway in caught] == ["Runaway"]
    assert str(caught[0]).startswith("`charge` has run for 0.2 seconds of real time at shop/tasks.py:")
    assert threading.active_count() == threads


def test_outside_the_main_thread_short_steps_are_fine() -> None:
    done: list[int] = []

    def work() -> None:
        with watchdog(1) as dog:
            for _ in range(8):
                dog.step()
                time.sleep(0.15)
        done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert done == [1]


def test_the_handler_and_the_timer_of_others_are_put_back() -> None:
    rung: list[int] = []

    def handler(number: int, frame: object) -> None:
        rung.append(number)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        with watchdog():
            pass
        assert signal.getsignal(signal.SIGALRM) is handler
        assert 25 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        with watchdog(5):
            time.sleep(0.05)
        end = time.monotonic() + 5
        while not rung and time.monotonic() < end:
            time.sleep(0.01)
        assert rung == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_nobody_is_watched_afterwards() -> None:
    with watchdog(0.05):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    time.sleep(0.2)
