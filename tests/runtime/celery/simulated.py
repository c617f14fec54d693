"""Runs an app of a test in virtual time and keeps what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from celery import Celery

from flake8_tasks.runtime.celery.driver import CeleryDriver, installed
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.search import depth_first
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.trace import Event, fingerprint
from flake8_tasks.runtime.kernel.worker import Node


@dataclass
class Outcome:
    """What a run has left."""

    ended: str
    now: float
    events: list[Event]
    states: dict[str, str]
    sent_events: list[dict[str, Any]]
    value: Any = None
    failure: BaseException | None = None
    faults: list[str] = field(default_factory=list)

    def of(self, kind: str, task: str = "") -> list[Event]:
        """The events of a kind, about one task's message or all."""
        return [event for event in self.events if event.kind == kind and task in ("", event.task)]

    def times(self, kind: str, task: str = "") -> list[float]:
        """When they happened."""
        return [event.time for event in self.of(kind, task)]

    def tasks(self, kind: str) -> list[str]:
        """What they were about, in their order."""
        return [event.task for event in self.of(kind)]

    def details(self, kind: str, task: str = "") -> list[str]:
        """What else they say."""
        return [event.detail for event in self.of(kind, task)]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.events)


def run(
    app: Celery,
    act: Callable[[CeleryDriver], Any],
    *,
    oracle: Oracle | None = None,
    faults: Sequence[str] = (),
    nodes: Sequence[Node] = (Node(),),
    results: str = "redis",
    settings: dict[str, Any] | None = None,
    is_installed: bool = False,
    horizon: float = 86_400.0,
    simulation: dict[str, Any] | None = None,
    **options: Any,
) -> Outcome:
    """Let a client act, and workers do what it asks for."""
    if not is_installed:
        with installed(app, results=results, settings=settings):
            return run(app, act, oracle=oracle, faults=faults, nodes=nodes, is_installed=True, horizon=horizon,
                       simulation=simulation, **options)  # fmt: skip
    oracle = oracle or Oracle()
    with (
        Simulation(oracle, faults=faults, horizon=horizon, **(simulation or {})) as running,
        CeleryDriver(running, app, nodes, **options) as driver,
    ):
        values: list[Any] = []
        client = Actor("client", lambda actor: None, lambda actor, fault: None)
        running.spawn(client, lambda: values.append(act(driver)))
        ended = running.run()
        assert client.coroutine is not None
        return Outcome(
            ended,
            running.now(),
            list(running.trace),
            dict(driver.states),
            list(driver.sent_events),
            values[0] if values else None,
            client.coroutine.failure,
            [str(choice) for choice in oracle.choices if choice.taken],
        )


def explore(
    app: Celery, act: Callable[[CeleryDriver], Any], budget: dict[str, int] | None = None, **options: Any
) -> list[Outcome]:
    """All runs within a budget, one fault by default."""
    results, settings = options.pop("results", "redis"), options.pop("settings", None)
    with installed(app, results=results, settings=settings):
        search = depth_first(
            lambda oracle: run(app, act, oracle=oracle, is_installed=True, **options), budget or {"fault": 1}, 2_000
        )
        return [ran.outcome for ran in search]
