"""What the arguments of `prove` come to."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace

import pytest

from flake8_tasks.frontends.cli import UsageError
from flake8_tasks.frontends.proving.request import Wanted, wanted
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Case

SCENARIO = Scenario(
    Invariant("all is well", lambda stage: None),
    lambda stage: None,
    faults=[Fault.REFUSED],
    budget={"fault": 1},
    further=[Fault.DUPLICATED],
)
KNOWN = tuple(
    Case(code, name, path, {}, {}, SCENARIO, "")
    for code, name, path in (
        ("TSK301", "result-in-task", "waiting/result_in_task.json"),
        ("TSK301", "result-in-task, the check switched off", "waiting/result_in_task-the-check-switched-off.json"),
        ("TSK302", "allowed-join", "waiting/allowed_join.json"),
        ("TSK601", "save-before-request", "atomicity/save_before_request.json"),
    )
)
NOTHING = {
    "all": False,
    "timeline": None,
    "replay": None,
    "good": False,
    "faults": None,
    "budget": None,
    "limit": None,
    "record": False,
    "broker": None,
}


def asked(*what: str, **options: object) -> Wanted:
    return wanted(Namespace(what=list(what), **(NOTHING | options)), KNOWN)


def slugs(*what: str, **options: object) -> list[str]:
    return [case.slug for case in asked(*what, **options).cases]


def scenario(**options: object) -> Scenario:
    return asked("TSK601", **options).cases[0].scenario


@pytest.mark.parametrize(
    ("what", "found"),
    [
        (["TSK301"], ["result-in-task", "result-in-task-the-check-switched-off"]),
        (["tsk301"], ["result-in-task", "result-in-task-the-check-switched-off"]),
        (["result-in-task"], ["result-in-task", "result-in-task-the-check-switched-off"]),
        (["result_in_task"], ["result-in-task", "result-in-task-the-check-switched-off"]),
        (["result-in-task-the-check-switched-off"], ["result-in-task-the-check-switched-off"]),
        (["TSK601", "TSK302"], ["allowed-join", "save-before-request"]),
        (["TSK601,TSK302"], ["allowed-join", "save-before-request"]),
        (["TSK3"], ["result-in-task", "result-in-task-the-check-switched-off", "allowed-join"]),
        (
            ["TSK3", "TSK302", "allowed-join"],
            ["result-in-task", "result-in-task-the-check-switched-off", "allowed-join"],
        ),
        (["ALL"], [case.slug for case in KNOWN]),
    ],
    ids=" ".join,
)
def test_cases_are_named_by_codes_prefixes_and_names(what: Sequence[str], found: Sequence[str]) -> None:
    assert slugs(*what) == found


def test_all_is_everything() -> None:
    assert slugs(all=True) == [case.slug for case in KNOWN]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ([], "say what to prove: a code, a name, or --all; there is TSK301, TSK302, TSK601"),
        (["TSK999"], "nothing to prove is called 'TSK999'"),
        (["save-before-requests"], "did you mean 'save-before-request'?; there is TSK301, TSK302, TSK601"),
        ([""], "nothing to prove is called ''"),
        (["TSK401"], "TSK401 implicit-max-retries has no witness; there is TSK301, TSK302, TSK601"),
        (["implicit-max-retries"], "TSK401 implicit-max-retries has no witness"),
    ],
)
def test_what_cannot_be_proved_is_said_with_what_can(what: Sequence[str], words: str) -> None:
    with pytest.raises(UsageError) as error:
        asked(*what)
    assert words in str(error.value)


def test_a_scenario_stays_as_the_witness_has_it() -> None:
    assert scenario() == SCENARIO


def test_faults_take_the_place_of_the_witness_s_and_of_its_further_ones() -> None:
    changed = scenario(faults="child-killed, answer-lost,child-killed")
    assert changed.faults == ("child-killed", "answer-lost")
    assert changed.further == ()
    assert changed.budget == SCENARIO.budget
    assert scenario(faults="none").faults == ()


@pytest.mark.parametrize(
    ("options", "budget"),
    [
        ({"faults": "child-killed"}, {"order": 1, "fault": 1}),
        ({"faults": "child-killed", "budget": "order=2"}, {"order": 2}),
        ({"faults": "none"}, {"order": 1, "fault": 0}),
        ({"faults": "none", "budget": "fault=1"}, {"fault": 1}),
    ],
)
def test_faults_that_are_asked_for_may_happen_where_the_witness_has_none(
    options: dict[str, object], budget: dict[str, int]
) -> None:
    case = replace(KNOWN[0], scenario=replace(SCENARIO, faults=(), budget={"order": 1}))
    assert wanted(Namespace(what=["TSK301"], **(NOTHING | options)), [case]).cases[0].scenario.budget == budget


def test_a_budget_takes_the_place_of_the_witness_s() -> None:
    assert scenario(budget="switch=2,order=1").budget == {"switch": 2, "order": 1}
    assert scenario(budget="fault=0").budget == {"fault": 0}


def test_a_limit_takes_the_place_of_the_witness_s() -> None:
    assert scenario(limit=7).limit == 7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"faults": "refusd"},
            "--faults: no fault is called 'refusd', did you mean 'refused'?; there is child-killed, ",
        ),
        ({"faults": ""}, "--faults: expected names of faults, or none"),
        ({"faults": "none,refused"}, "--faults: no fault is called 'none'"),
        (
            {"budget": "falt=1"},
            "--budget: no choice is called 'falt', did you mean 'fault'?; there is fault, switch, order",
        ),
        ({"budget": "fault"}, "--budget: expected fault=NUMBER, not 'fault'"),
        ({"budget": "fault=-1"}, "--budget: expected fault=NUMBER, not 'fault=-1'"),
        ({"budget": "fault=1,fault=2"}, "--budget: fault is given twice"),
        ({"budget": ""}, "--budget: no choice is called ''"),
        ({"replay": "0,x"}, "--replay: expected a schedule such as 0,2,1, not '0,x'"),
        ({"replay": "0", "timeline": "x.svg"}, "--replay repeats one run: --timeline is for proofs"),
        ({"replay": "0", "broker": "redis://"}, "--replay repeats one run: --broker is for proofs"),
        ({"good": True}, "--good is for --replay"),
        ({"all": True}, "--all proves everything"),
        ({"timeline": "proof.png"}, "--timeline: expected a name that ends in .svg or .html, not 'proof.png'"),
        ({"record": True, "limit": 5}, "--record keeps what the witnesses find"),
    ],
    ids=str,
)
def test_what_contradicts_itself_or_is_no_value_is_said(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as error:
        asked("TSK601", **options)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "schedule"), [("0,2,1", (0, 2, 1)), ("0, 2", (0, 2)), ("0", ()), ("", ()), ("1,0,0", (1,))]
)
def test_a_schedule_is_a_list_of_numbers_without_the_zeros_at_its_end(text: str, schedule: tuple[int, ...]) -> None:
    assert asked("TSK601", replay=text).replay == schedule


def test_a_replay_is_of_the_rule_itself_unless_the_variant_is_named() -> None:
    assert slugs("TSK301", replay="0") == ["result-in-task"]
    assert slugs("result-in-task-the-check-switched-off", replay="0") == ["result-in-task-the-check-switched-off"]


def test_a_replay_of_several_rules_is_refused() -> None:
    with pytest.raises(UsageError, match="--replay repeats one run of one rule, not of result-in-task, "):
        asked("TSK3", replay="0")
