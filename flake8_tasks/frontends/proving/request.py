"""What `prove` was asked: from arguments to the cases, with the faults, budgets and limits that were given."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flake8_tasks.config import suggestion
from flake8_tasks.frontends.cli import UsageError
from flake8_tasks.rules import all_rules
from flake8_tasks.runtime.kernel.choices import FAULT, ORDER, SWITCH
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.witnesses.witness import Case

_KINDS = (FAULT, SWITCH, ORDER)
_PICTURES = (".svg", ".html")
_PREFIX = re.compile(r"TSK[0-9]{0,3}")
_NUMBERS = re.compile(r"[0-9]+(,[0-9]+)*|")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done.

    Arguments:
        cases: in the order of codes, with the scenarios as they are to be run.
        replay: the schedule of the one run that is to be repeated; None: everything is explored.
    """

    cases: tuple[Case, ...]
    replay: tuple[int, ...] | None


def wanted(asked: argparse.Namespace, known: Sequence[Case]) -> Wanted:
    """What the arguments ask for.

    Arguments:
        known: everything that can be proved.

    Raises:
        UsageError: the arguments contradict each other, or name what is not there.
    """
    _check_together(asked)
    replay = None if asked.replay is None else _schedule(asked.replay)
    cases = _selected(asked, known)
    if replay is not None:
        cases = (_only(cases),)
    return Wanted(tuple(replace(case, scenario=_changed(case.scenario, asked)) for case in cases), replay)


def _changed(scenario: Scenario, asked: argparse.Namespace) -> Scenario:
    changes: dict[str, Any] = {}
    if asked.faults is not None:
        faults = _faults(asked.faults)
        most = max(1, scenario.budget.get(FAULT, 0)) if faults else 0
        changes |= {"faults": faults, "further": (), "budget": {**scenario.budget, FAULT: most}}
    if asked.budget is not None:
        changes["budget"] = _budget(asked.budget)
    if asked.limit is not None:
        changes["limit"] = asked.limit
    return replace(scenario, **changes)


def _check_together(asked: argparse.Namespace) -> None:
    if asked.all and asked.what:
        raise UsageError("--all proves everything: leave it out, or what stands beside it")
    if asked.good and asked.replay is None:
        raise UsageError("--good is for --replay: a proof runs both programs")
    if asked.replay is not None:
        for option in ("timeline", "limit", "record", "broker"):
            if getattr(asked, option):
                raise UsageError(f"--replay repeats one run: --{option} is for proofs")
    if asked.timeline and Path(asked.timeline).suffix not in _PICTURES:
        raise UsageError(f"--timeline: expected a name that ends in .svg or .html, not {asked.timeline!r}")
    if asked.record and not (asked.faults is asked.budget is asked.limit is asked.broker is None):
        raise UsageError("--record keeps what the witnesses find: leave out --faults, --budget, --limit and --broker")


def _selected(asked: argparse.Namespace, known: Sequence[Case]) -> tuple[Case, ...]:
    words = [word.strip() for words in asked.what for word in words.split(",")]
    if not words and not asked.all:
        raise UsageError(f"say what to prove: a code, a name, or --all; {_there_is(known)}")
    if asked.all or "ALL" in words:
        return tuple(known)
    chosen = [case for word in words for case in _named(word, known)]
    return tuple(case for case in known if case in chosen)


def _named(word: str, known: Sequence[Case]) -> Sequence[Case]:
    """The cases of a code, of a prefix of codes, of a rule's name, or the one of a variant's."""
    upper, slug = word.upper(), word.lower().replace("_", "-")
    is_prefix = _PREFIX.fullmatch(upper) is not None
    found = [
        case
        for case in known
        if (is_prefix and case.code.startswith(upper)) or slug in (case.slug, case.name.partition(",")[0])
    ]
    if found:
        return found
    for rule in all_rules():
        if upper == rule.code or slug == rule.name:
            raise UsageError(f"{rule.code} {rule.name} has no witness; {_there_is(known)}")
    words = [text for case in known for text in (case.code, case.slug)]
    raise UsageError(f"nothing to prove is called {word!r}{suggestion(word, words)}; {_there_is(known)}")


def _there_is(known: Iterable[Case]) -> str:
    return f"there is {', '.join(dict.fromkeys(case.code for case in known))}"


def _only(cases: Sequence[Case]) -> Case:
    """The case that a replay is about: of a rule with variants the rule's own."""
    if len({case.name.partition(",")[0] for case in cases}) > 1:
        raise UsageError(f"--replay repeats one run of one rule, not of {', '.join(case.slug for case in cases)}")
    return cases[0]


def _schedule(text: str) -> tuple[int, ...]:
    compact = text.replace(" ", "")
    if not _NUMBERS.fullmatch(compact):
        raise UsageError(f"--replay: expected a schedule such as 0,2,1, not {text!r}")
    numbers = [int(number) for number in compact.split(",") if number]
    while numbers and not numbers[-1]:
        numbers.pop()  # what happens by itself needs no number
    return tuple(numbers)


def _faults(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return ()
    for name in names:
        if name not in set(Fault):
            there = ", ".join(Fault)
            raise UsageError(
                f"--faults: no fault is called {name!r}{suggestion(name, map(str, Fault))}; there is {there}, or none"
            )
    if not names:
        raise UsageError("--faults: expected names of faults, or none")
    return tuple(dict.fromkeys(names))


def _budget(text: str) -> Mapping[str, int]:
    budget = {}
    for part in text.split(","):
        kind, _, number = part.strip().partition("=")
        if kind not in _KINDS:
            raise UsageError(
                f"--budget: no choice is called {kind!r}{suggestion(kind, _KINDS)}; there is fault, switch, order"
            )
        if not re.fullmatch(r"[0-9]+", number):
            raise UsageError(f"--budget: expected {kind}=NUMBER, not {part.strip()!r}")
        if kind in budget:
            raise UsageError(f"--budget: {kind} is given twice")
        budget[kind] = int(number)
    return budget
