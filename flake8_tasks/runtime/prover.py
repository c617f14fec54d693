"""Runs a program with a hazard and the one without through every schedule of a scenario, and says what was found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flake8_tasks.runtime.kernel.choices import FAULT
from flake8_tasks.runtime.kernel.search import Exploration, Ran, depth_first, replay, shrink
from flake8_tasks.runtime.kernel.trace import fingerprint
from flake8_tasks.runtime.proof import Further, Line, Proof, Shown, Side
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Run, Stage


@dataclass
class _Tally:
    """What is counted while schedules are run."""

    violations: Counter[str] = field(default_factory=Counter)
    faults_at: Counter[str] = field(default_factory=Counter)
    hazards_at: Counter[str] = field(default_factory=Counter)
    first_hazard: Ran[Run] | None = None
    fine: dict[tuple[str, ...], Ran[Run]] = field(default_factory=dict)

    def count(self, ran: Ran[Run]) -> None:
        run = ran.outcome
        for place in {event.place for event in run.events if event.kind == "fault" and event.place}:
            self.faults_at[place] += 1
            self.hazards_at[place] += bool(run.violation)
        if run.violation:
            self.violations[run.violation] += 1
            if self.first_hazard is None or _deviations(ran) < _deviations(self.first_hazard):
                self.first_hazard = ran
        else:
            self.fine[_faults(ran)] = self.fine[_kinds(_faults(ran))] = ran


def prove(code: str, name: str, bad: Mapping[str, str], good: Mapping[str, str], scenario: Scenario) -> Proof:
    """Both programs through every schedule within the budget.

    Arguments:
        code: of the rule.
        name: of the rule.
        bad: the program with the hazard, path → text.
        good: the program without.
        scenario: how they are put to the test.

    Raises:
        ProgramError: a program cannot be loaded.
        UnsupportedCelery: this version has not been tried.
        Uncontrolled: a program does something that virtual time does not reach.
    """
    began = time.perf_counter()
    with Stage(bad, scenario) as stage:
        bad_side = _explore(stage, None)
    with Stage(good, scenario) as stage:
        good_side = _explore(stage, bad_side.shortest)
        further = tuple(found for fault in scenario.further if (found := _further(stage, fault)))
    shortest = bad_side.shortest
    return Proof(
        code=code,
        name=name,
        holds=bad_side.hazards > 0 and good_side.hazards == 0 and good_side.explored == good_side.known,
        invariant=scenario.invariant.words,
        faults=tuple(scenario.faults),
        budget=dict(scenario.budget),
        bad=bad_side,
        good=good_side,
        further=further,
        trace=fingerprint(shortest.events) if shortest else "",
        seconds=round(time.perf_counter() - began, 2),
    )


def replayed(files: Mapping[str, str], scenario: Scenario, schedule: Sequence[int]) -> Shown:
    """One run of a program again.

    Raises:
        ScheduleError: the schedule does not fit.
    """
    with Stage(files, scenario) as stage:
        return _shown(replay(stage.run, schedule, scenario.budget))


def _explore(stage: Stage, alike: Shown | None) -> Side:
    scenario = stage.scenario
    tally, exploration = _counted(stage, scenario.faults, scenario.budget)
    shortest = shown = None
    if tally.first_hazard is not None:
        shortest = _shown(shrink(stage.run, tally.first_hazard, scenario.budget, lambda run: bool(run.violation)))
    else:
        # Broken by the same as `alike`, at the same place, else at the last place; else by nothing.
        wanted = alike.faults if alike else ()
        fine = tally.fine.get(wanted) or tally.fine.get(_kinds(wanted)) or tally.fine.get(())
        shown = _shown(fine) if fine else None
    return Side(
        explored=exploration.explored,
        known=exploration.known,
        hazards=tally.violations.total(),
        violations=dict(tally.violations.most_common()),
        shortest=shortest,
        lines={
            place: Line(tally.faults_at[place], tally.hazards_at[place])
            for place in sorted(tally.faults_at, key=_by_line)
        },
        shown=shown,
    )


def _further(stage: Stage, fault: str) -> Further | None:
    """What is known; nothing where none of the schedules that were run breaks it, and there are more."""
    tally, exploration = _counted(stage, [fault], {**stage.scenario.budget, FAULT: 1})
    if not (tally.violations or exploration.complete):
        return None
    return Further(fault, exploration.explored, tally.violations.total(), next(iter(tally.violations), ""))


def _counted(stage: Stage, faults: Sequence[str], budget: Mapping[str, int]) -> tuple[_Tally, Exploration[Run]]:
    tally = _Tally()
    exploration = depth_first(lambda oracle: stage.run(oracle, tuple(faults)), budget, stage.scenario.limit)
    for ran in exploration:
        tally.count(ran)
    return tally, exploration


def _shown(ran: Ran[Run]) -> Shown:
    return Shown(ran.schedule, _faults(ran), ran.outcome.violation, ran.outcome.events, ran.outcome.final)


def _faults(ran: Ran[Run]) -> tuple[str, ...]:
    return tuple(str(choice) for choice in ran.choices if choice.taken)


def _kinds(faults: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(fault.partition(":")[0] for fault in faults)


def _deviations(ran: Ran[Run]) -> int:
    return sum(bool(choice.taken) for choice in ran.choices)


def _by_line(place: str) -> tuple[str, int]:
    path, _, line = place.rpartition(":")
    return path, int(line)
