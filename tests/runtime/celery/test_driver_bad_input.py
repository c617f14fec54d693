"""Programs that would escape from the simulation, or never end."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from celery import Celery
from simulated import explore, run

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.celery.driver import CeleryDriver, installed
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.guards import Runaway, Uncontrolled
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.statements import instrumented


def start_thread() -> None:
    threading.Thread(target=print).start()


def start_process() -> None:
    subprocess.Popen([sys.executable, "-c", "pass"])


def open_connection() -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=1)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (start_thread, "`escape#1` starts a thread"),
        (start_process, "`escape#1` starts a process"),
        (open_connection, "`escape#1` .*127.0.0.1"),
    ],
)
@pytest.mark.parametrize("hides", [False, True])
def test_a_task_that_escapes_from_the_simulation_is_named(app: Celery, what: Any, words: str, hides: bool) -> None:
    hidden: type[BaseException] = BaseException if hides else Exception

    @app.task
    def escape() -> None:
        with suppress(hidden):
            what()

    before = threading.active_count(), time.time

    with pytest.raises(Uncontrolled, match=words):
        run(app, lambda driver: escape.delay())

    assert (threading.active_count(), time.time) == before
    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME)) < 5


def test_a_loop_without_an_end_and_without_waiting_is_interrupted(app: Celery) -> None:
    @app.task
    def spin() -> None:
        while True:
            pass

    with pytest.raises(Runaway, match=re.escape("`spin#1` has run for 0.4 seconds of real time")):
        run(app, lambda driver: spin.delay(), simulation={"patience": 0.4})

    assert run(app, lambda driver: 1).ended == "quiet"


def test_an_endless_loop_of_statements_holds_its_slot_for_ever(app: Celery) -> None:
    def spin() -> None:
        while True:
            count.append(1)
            count.clear()

    count: list[int] = []
    now: list[Simulation] = []
    restore = instrumented(spin, lambda place: now[0].statement(place), lambda path: "shop/tasks.py")
    task = app.task(spin)

    def act(driver: CeleryDriver) -> None:
        now.append(driver.simulation)
        task.delay()
        task.delay()
        task.delay()

    outcome = run(app, act, simulation={"endless": 1000})
    restore()

    assert outcome.details("endless") == ["1000 statements without waiting for anything: it runs for ever"] * 2
    assert outcome.ended == "stuck"
    assert outcome.details("stuck") == ["waits for nothing: it runs for ever"] * 2
    assert len(outcome.of("start")) == 2


def test_a_time_limit_ends_an_endless_loop(app: Celery) -> None:
    def spin() -> None:
        while True:
            count.append(1)

    count: list[int] = []
    now: list[Simulation] = []
    restore = instrumented(spin, lambda place: now[0].statement(place), lambda path: "shop/tasks.py")
    task = app.task(time_limit=30)(spin)

    def act(driver: CeleryDriver) -> None:
        now.append(driver.simulation)
        task.delay()

    outcome = run(app, act, simulation={"endless": 1000})
    restore()

    assert outcome.times("hard-limit") == [30.0]
    assert outcome.ended == "quiet"
    assert outcome.states == {"spin#1": "FAILURE"}


def test_a_state_space_that_is_too_large_is_cut_off_and_said(app: Celery) -> None:
    @app.task
    def step() -> None:
        time.sleep(1)

    def one(oracle: Oracle) -> str:
        return run(app, lambda driver: [step.delay() for _ in range(20)] and 1, oracle=oracle, is_installed=True,
                   faults=["child-killed", "node-killed"]).ended  # fmt: skip

    with installed(app):
        search = depth_first(one, {"fault": 3, "order": 3}, limit=20)
        assert [ran.outcome for ran in search] == ["quiet"] * 20

    assert search.explored == 20
    assert search.known > 100
    assert not search.complete


@pytest.mark.parametrize("version", ["5.3.6", "5.8.0", "6.0.0rc1", "4.4.7"])
def test_a_celery_that_nobody_has_tried_is_refused(version: str) -> None:
    with pytest.raises(compat.UnsupportedCelery, match=f"Celery {version} has not been tried"):
        compat.require_supported(version)


def test_an_app_that_is_not_installed_is_refused(app: Celery) -> None:
    with pytest.raises(RuntimeError, match="must be `installed`"):
        CeleryDriver(Simulation(Oracle()), app)


def test_only_one_simulation_at_a_time(app: Celery) -> None:
    with Simulation(Oracle()), pytest.raises(RuntimeError), Simulation(Oracle()):
        pass

    assert run(app, lambda driver: 1).ended == "quiet"


def test_after_a_run_the_app_is_as_it_was(app: Celery) -> None:
    app.conf.update(broker_url="redis://one", result_backend="redis://two", task_always_eager=True)

    @app.task
    def step() -> None:
        pass

    before = app.conf.broker_url, app.conf.result_backend, app.conf.task_always_eager, step.__trace__
    explore(app, lambda driver: step.delay(), faults=["child-killed"])

    assert (app.conf.broker_url, app.conf.result_backend, app.conf.task_always_eager, step.__trace__) == before
    assert step.delay().result is None


def test_what_is_sent_outside_a_run_is_refused(app: Celery) -> None:
    @app.task
    def step() -> None:
        pass

    with installed(app), pytest.raises(Exception, match="no simulation is running"):
        step.delay()
