"""The same runs in the simulation and on the real engine, and whether they leave the same behind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from flake8_tasks.runtime.celery.installation import installation_of
from flake8_tasks.runtime.celery.polled import is_polled
from flake8_tasks.runtime.conformance.compare import Difference, Outcome, comparable, differences
from flake8_tasks.runtime.conformance.engine import BUSY, QUIET, Engine, NotComparable
from flake8_tasks.runtime.conformance.forked import Nursery
from flake8_tasks.runtime.conformance.plan import PlannedFault, planned
from flake8_tasks.runtime.conformance.reference import scenario_of
from flake8_tasks.runtime.conformance.worker import Limits
from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS
from flake8_tasks.runtime.kernel.choices import FAULT, SWITCH, Choice
from flake8_tasks.runtime.kernel.search import Ran, replay
from flake8_tasks.runtime.kernel.simulation import STUCK
from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.stage import Run, Stage

# Seconds for which a pool is watched that should be blocked for ever.
BLOCKED = 5.0
# How many are started for real.
WORKERS = 8


@dataclass(frozen=True, slots=True)
class Case:
    """One run to be compared.

    Arguments:
        name: for people: "TSK601 bad".
        files: the program's, path → text.
        scenario: where its scenario stands, see `reference`.
        schedule: which run, as `prove --replay` takes it.
        faults: the kinds of fault that the schedule is meant with, instead of the scenario's.
        budget: the budget that it is meant with, instead of the scenario's.
    """

    name: str
    files: Mapping[str, str]
    scenario: str
    schedule: tuple[int, ...] = ()
    faults: tuple[str, ...] | None = None
    budget: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a case.

    Arguments:
        faults: what broke.
        differences: between the simulation and the real engine; none where they are equal.
        seconds: that the real engine needed.
        reason: why it cannot be compared; empty where it was.
        violation: how the simulated run breaks the invariant; empty where it holds.
    """

    case: Case
    faults: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    violation: str = ""

    @property
    def verdict(self) -> str:
        return "not compared" if self.reason else "different" if self.differences else "equal"

    def __str__(self) -> str:
        faults = f" [{'; '.join(self.faults)}]" if self.faults else ""
        first = f"{self.verdict}  {self.case.name}{faults}"
        if self.reason:
            return f"{first}: {self.reason}"
        return "\n    ".join([f"{first}, {self.seconds:.1f} s", *map(str, self.differences)])


@dataclass(frozen=True, slots=True)
class Simulated:
    """A run of the simulation, ready to be repeated for real."""

    outcome: Outcome
    faults: tuple[PlannedFault, ...]
    seconds: float
    reason: str


def conformance(
    cases: Iterable[Case],
    broker: str,
    *,
    results: str | None = None,
    nursery: Nursery | None = None,
    limits: Limits | None = None,
) -> Iterator[Compared]:
    """Run each case in both and compare; cases of one program that follow each other share its workers.

    Arguments:
        cases: what to compare.
        broker: the address of the broker, `redis://…` or `amqp://…`; the simulation gets the profile of its kind.
        results: the address of the result backend; None: the broker if that is Redis, else a folder of files.
        nursery: from which workers are forked; one of its own when it is None.
        limits: how long things may take on the real engine.

    Raises:
        EngineError: the real engine does not start, or the broker does not answer.
    """
    limits = limits or Limits()
    with ExitStack() as stack:
        if nursery is None:
            nursery = stack.enter_context(Nursery(seconds=limits.start))
        for _, group in groupby(cases, key=lambda case: (case.scenario, json.dumps(dict(case.files)))):
            yield from _together(list(group), nursery, broker, results, limits)


def _together(
    cases: Sequence[Case], nursery: Nursery, broker: str, results: str | None, limits: Limits
) -> Iterator[Compared]:
    runs = simulated(cases, broker)
    if any(run.outcome.client == STUCK for run in runs):
        limits = replace(limits, act=BLOCKED)
    with ExitStack() as stack:
        engine: Engine | None = None
        for case, run in zip(cases, runs, strict=True):
            if reason := run.reason or _too_long(run, scenario_of(case.scenario).pace, limits):
                yield Compared(case, run.outcome.faults, reason=reason, violation=run.outcome.violation)
                continue
            if engine is None:
                engine = Engine(case.files, case.scenario, broker, results=results, nursery=nursery, limits=limits)
                stack.enter_context(engine)
            began = time.monotonic()
            try:
                real = engine.run(run.faults, quiet=BLOCKED if run.outcome.ended == BUSY else None)
            except NotComparable as error:
                yield Compared(case, run.outcome.faults, reason=str(error), violation=run.outcome.violation)
            else:
                seconds = time.monotonic() - began
                found = differences(run.outcome, real)
                yield Compared(case, run.outcome.faults, found, seconds, violation=run.outcome.violation)


def simulated(cases: Sequence[Case], broker: str) -> list[Simulated]:
    """Cases of one program in the simulation, with a broker of the kind that an address leads to.

    Raises:
        ScheduleError: a schedule does not fit.
    """
    profile = REDIS if broker.startswith("redis") else RABBITMQ
    with Stage(cases[0].files, replace(scenario_of(cases[0].scenario), broker=profile)) as stage:
        return [_simulated(stage, case) for case in cases]


def _simulated(stage: Stage, case: Case) -> Simulated:
    budget = stage.scenario.budget if case.budget is None else case.budget
    ran: Ran[Run] = replay(lambda oracle: stage.run(oracle, case.faults), case.schedule, budget)
    run, faults = ran.outcome, planned(ran.choices)
    final = {name: value for name, value in run.final.items() if name != "results"}
    outcome = Outcome(
        ended=BUSY if run.ended not in (QUIET, STUCK) or _held(run, "worker") else QUIET,
        client=_client(run),
        violation=run.violation,
        results=_results(stage.driver),
        world=comparable(final),
        faults=tuple(map(str, faults)),
    )
    # A real beat passes over the time that it sleeps.
    return Simulated(outcome, faults, _waited(run.events) - stage.beaten, _reason(stage, ran))


def _client(run: Run) -> str:
    if _held(run, "client"):
        return STUCK
    for event in run.events:
        if event.lane == "client" and event.kind == "raised":
            return event.detail.partition(":")[0]
        if event.kind == "fault" and event.detail.startswith("client-killed"):
            return "killed"
    return ""


def _held(run: Run, lane: str) -> bool:
    """Whether somebody there waits for what never comes."""
    lanes = [event.lane for event in run.events if event.kind == STUCK]
    return any((each == "client") == (lane == "client") for each in lanes)


def _results(driver: Any) -> dict[str, str]:
    found = {}
    for key, raw in driver.results.items():
        task_id = key.removeprefix("celery-task-meta-")
        name = driver.name_of(task_id)
        if name not in driver.states:
            continue
        meta = json.loads(raw)
        kind = meta["result"].get("exc_type") if isinstance(meta["result"], dict) else None
        found[name] = f"{meta['status']} {kind.rpartition('.')[2]}" if kind else meta["status"]
    return found


def _reason(stage: Stage, ran: Ran[Run]) -> str:
    own = installation_of(stage.program.app).broker_url
    if is_polled(own):
        return f"its own broker is {own.partition('://')[0]}, which no other stands for"
    if len(stage.scenario.nodes) > WORKERS:
        return f"it has {len(stage.scenario.nodes)} workers, the limit is {WORKERS}"
    for choice in ran.choices:
        if choice.taken and choice.kind != FAULT and not _client_waits(choice):
            return f"its schedule needs others to go first, which nobody can order on a real engine ({choice})"
    return ""


def _client_waits(choice: Choice) -> bool:
    return choice.kind == SWITCH and choice.label.startswith("client before ")


def _too_long(run: Simulated, pace: float, limits: Limits) -> str:
    seconds = run.seconds / pace
    if run.outcome.ended == QUIET and seconds > limits.quiet / 2:
        return f"it takes {seconds:g} s of time, the limit is {limits.quiet / 2:g} s"
    return ""


def _waited(events: Sequence[Event]) -> float:
    """How long it takes, without the waits for nothing, and those of the broker, which the real engine cuts short."""
    waits = pairwise(events)
    return sum(after.time - before.time for before, after in waits if after.kind not in ("redeliver", "violation"))
