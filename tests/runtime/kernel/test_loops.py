"""asyncio in a run: each process has its own event loop, and its time is virtual."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from toy import Toy

from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import FAULT, Oracle
from flake8_tasks.runtime.kernel.coroutines import CoroutineKind, GreenletCoroutine, ThreadCoroutine
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.simulation import Simulation


@pytest.fixture(params=[GreenletCoroutine, ThreadCoroutine])
def kind(request: pytest.FixtureRequest) -> CoroutineKind:
    found: CoroutineKind = request.param
    return found


def clients(kind: CoroutineKind, *acts: Callable[[], object]) -> tuple[str, float]:
    """How a run of them ends, and when."""
    began = time.monotonic()
    with Simulation(Oracle(), coroutine=kind) as simulation:
        toy = Toy(simulation)
        for act in acts:
            toy.client(act)
        ended, now = simulation.run(), simulation.now()
    assert time.monotonic() - began < 5
    assert asyncio.run(asyncio.sleep(0, "afterwards it works as before")) is not None
    return ended, now


def test_two_processes_have_an_event_loop_each_and_sleep_at_the_same_time(kind: CoroutineKind) -> None:
    seen = []

    async def report(number: int) -> None:
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(60))
        time.sleep(60)  # Not asynchronous: another process goes on within this one's loop.
        seen.append((number, asyncio.get_running_loop().time()))

    assert clients(kind, lambda: asyncio.run(report(1)), lambda: asyncio.run(report(2))) == ("quiet", 3660.0)
    assert [number for number, _ in seen] == [1, 2]
    assert seen[0][1] == seen[1][1]


def test_a_time_out_is_over_in_virtual_time(kind: CoroutineKind) -> None:
    async def wait() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 30)

    assert clients(kind, lambda: asyncio.run(wait())) == ("quiet", 30.0)


def test_who_awaits_what_never_comes_is_stuck(kind: CoroutineKind) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    assert clients(kind, lambda: asyncio.run(wait()))[0] == "stuck"


def test_what_is_killed_in_its_loop_does_not_go_on() -> None:
    seen: list[str] = []

    async def save() -> None:
        try:
            await asyncio.sleep(1)
            simulation.point("save", "row")
        finally:
            seen.append("finally")

    with Simulation(Oracle([1], {FAULT: 1}), faults=[Fault.CLIENT_KILLED]) as simulation:
        mortal = Actor("client", lambda *_: None, lambda *_: None, [Fault.CLIENT_KILLED])
        simulation.spawn(mortal, lambda: asyncio.run(save()))
        Toy(simulation).client(lambda: asyncio.run(asyncio.sleep(5)))
        assert (simulation.run(), simulation.now(), mortal.dead, seen) == ("quiet", 5.0, True, [])
