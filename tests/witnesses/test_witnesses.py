"""Every rule that can be proved is: its bad program breaks, its good one holds, and the pages say what was found."""

from __future__ import annotations

import json

import pytest

from flake8_tasks import proofs
from flake8_tasks.rules import all_rules
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.prover import prove, replayed
from flake8_tasks.witnesses import cases
from flake8_tasks.witnesses.keeping import kept
from flake8_tasks.witnesses.witness import Case

# Rules whose finding changes nothing at run time: there is nothing to see.
UNSEEN = {"TSK401": "`max_retries` is 3 whether it is written down or not"}

each_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.slug)


@each_case
def test_bad_breaks_and_good_holds_as_the_kept_proof_says(case: Case) -> None:
    """`flake8-tasks prove --all --record` writes what is kept."""
    proof = prove(case.code, case.name, case.bad, case.good, case.scenario)

    assert proof.bad.hazards > 0
    assert proof.good.hazards == 0
    assert proof.good.explored == proof.good.known
    assert proof.holds
    assert proof.bad.shortest is not None
    assert replayed(case.bad, case.scenario, proof.bad.shortest.schedule) == proof.bad.shortest
    text = (proofs.FOLDER / case.path).read_text("utf-8")
    assert json.loads(text) == json.loads(json.dumps(kept(proof)))


def test_every_rule_has_a_witness_but_those_named() -> None:
    proved = {case.code for case in cases()}
    assert {rule.code for rule in all_rules()} - proved == set(UNSEEN)


def test_witnesses_mirror_the_rules() -> None:
    places = {rule.code: rule.module.removeprefix("flake8_tasks.rules.").replace(".", "/") for rule in all_rules()}
    own = {case.code: case.path for case in cases() if "," not in case.name}
    for code, place in places.items():
        if code not in UNSEEN:
            assert own.get(code) == f"{place}.json"


@each_case
def test_a_witness_runs_the_examples_of_its_rule(case: Case) -> None:
    """One of a rule that is still to come has examples and a code of its own."""
    for rule in all_rules():
        if case.name == rule.name:
            assert "".join(case.bad.values()) == _without_headers(rule.bad)
            assert "".join(case.good.values()) == _without_headers(rule.good)
    assert case.code
    assert case.bad
    assert case.bad != case.good


@each_case
def test_a_witness_names_its_faults(case: Case) -> None:
    scenario = case.scenario
    assert set(scenario.faults) | set(scenario.further) <= set(Fault)
    assert not set(scenario.faults) & set(scenario.further)
    assert bool(scenario.faults) == bool(scenario.budget.get("fault"))
    assert scenario.invariant.words
    assert not scenario.invariant.words.endswith(".")


def test_names_are_unique() -> None:
    slugs = [case.slug for case in cases()]
    assert sorted(set(slugs)) == sorted(slugs)


def test_nothing_is_kept_of_what_is_gone() -> None:
    assert {path.relative_to(proofs.FOLDER).as_posix() for path in proofs.FOLDER.rglob("*.json")} == {
        case.path for case in cases()
    }


def _without_headers(example: str) -> str:
    return "".join(line for line in example.splitlines(keepends=True) if not line.startswith("# file: "))
