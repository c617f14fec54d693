from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_tasks.runtime.kernel.choices import FAULT, SWITCH, Oracle, ScheduleError
from flake8_tasks.runtime.kernel.guards import Uncontrolled
from flake8_tasks.runtime.kernel.search import at_random, depth_first, replay, shrink


@dataclass(frozen=True)
class Fork:
    """A point of a made-up program, and what comes after each answer."""

    kind: str
    ways: tuple[Tree, ...]


Tree = Fork | bool
"""A leaf says whether the run ended badly."""

TREES: st.SearchStrategy[Tree] = st.recursive(
    st.booleans(),
    lambda trees: st.builds(Fork, st.sampled_from([FAULT, SWITCH]), st.lists(trees, min_size=2, max_size=3).map(tuple)),
    max_leaves=20,
)
BUDGETS = st.fixed_dictionaries({FAULT: st.integers(0, 3), SWITCH: st.integers(0, 2)})


def program(tree: Tree) -> Callable[[Oracle], bool]:
    def run(oracle: Oracle) -> bool:
        here, label = tree, "root"
        while isinstance(here, Fork):
            taken = oracle.choose(here.kind, label, [f"way {number}" for number in range(len(here.ways))])
            here, label = here.ways[taken], f"{label}.{taken}"
        return here

    return run


def all_paths(tree: Tree, left: Mapping[str, int]) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Every way through the program within the budget, written down without the search: the numbers and the leaf."""
    if isinstance(tree, bool):
        yield (), tree
    elif left[tree.kind] <= 0:
        yield from all_paths(tree.ways[0], left)
    else:
        for taken, way in enumerate(tree.ways):
            after = {**left, tree.kind: left[tree.kind] - bool(taken)}
            for path, leaf in all_paths(way, after):
                yield (taken, *path), leaf


def taken(ran_choices: tuple[object, ...]) -> tuple[int, ...]:
    return tuple(choice.taken for choice in ran_choices)  # type: ignore[attr-defined]


def deviations(path: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((at, number) for at, number in enumerate(path) if number)


@settings(deadline=None)
@given(TREES, BUDGETS)
def test_depth_first_visits_every_schedule_within_the_budget_exactly_once(tree: Tree, budget: dict[str, int]) -> None:
    exploration = depth_first(program(tree), budget, 10_000)
    visited = [(taken(ran.choices), ran.outcome) for ran in exploration]
    assert Counter(visited) == Counter(all_paths(tree, budget))
    assert exploration.complete
    assert exploration.explored == exploration.known == len(visited)


@settings(deadline=None)
@given(TREES, BUDGETS)
def test_replay_gives_the_same_run_again(tree: Tree, budget: dict[str, int]) -> None:
    for ran in depth_first(program(tree), budget, 10_000):
        assert replay(program(tree), ran.schedule, budget) == ran


@settings(deadline=None)
@given(TREES, BUDGETS, st.data())
def test_shrink_finds_the_fewest_deviations_and_among_them_the_earliest(
    tree: Tree, budget: dict[str, int], data: st.DataObject
) -> None:
    hazards = [ran for ran in depth_first(program(tree), budget, 10_000) if ran.outcome]
    if not hazards:
        return
    ran = data.draw(st.sampled_from(hazards))
    shrunk = shrink(program(tree), ran, budget, bool, limit=10_000)
    assert shrunk.outcome
    bad = [deviations(path) for path, leaf in all_paths(tree, budget) if leaf]
    assert deviations(shrunk.schedule) == min(bad, key=lambda path: (len(path), path))


@settings(deadline=None)
@given(TREES, BUDGETS, st.integers(0, 30), st.data())
def test_shrink_with_a_limit_still_shows_the_hazard_and_is_never_longer(
    tree: Tree, budget: dict[str, int], limit: int, data: st.DataObject
) -> None:
    hazards = [ran for ran in depth_first(program(tree), budget, 10_000) if ran.outcome]
    if not hazards:
        return
    ran = data.draw(st.sampled_from(hazards))
    shrunk = shrink(program(tree), ran, budget, bool, limit=limit)
    assert shrunk.outcome
    assert len(shrunk.deviations) <= len(ran.deviations)
    assert replay(program(tree), shrunk.schedule, budget) == shrunk


@settings(deadline=None)
@given(TREES, BUDGETS, st.integers())
def test_random_runs_stay_within_the_budget_and_repeat_with_their_seed(
    tree: Tree, budget: dict[str, int], seed: int
) -> None:
    runs = list(at_random(program(tree), budget, 10, seed))
    assert runs == list(at_random(program(tree), budget, 10, seed))
    assert len(runs) == 10
    assert runs[0].schedule == ()
    possible = dict(all_paths(tree, budget))
    for ran in runs:
        assert possible[taken(ran.choices)] is ran.outcome
        assert replay(program(tree), ran.schedule, budget) == ran


def long_program(length: int, bad: Callable[[list[int]], bool]) -> Callable[[Oracle], bool]:
    def run(oracle: Oracle) -> bool:
        return bad([oracle.choose(FAULT, f"step {number}", ("", "killed")) for number in range(length)])

    return run


def test_random_runs_reach_late_choices_as_often_as_early_ones() -> None:
    runs = at_random(long_program(50, any), {FAULT: 1}, 1_001, seed=1)
    places = [len(ran.schedule) - 1 for ran in islice(runs, 1, None)]
    assert 400 < sum(place < 25 for place in places) < 600
    assert set(places) == set(range(50))


def test_what_goes_another_way_earlier_comes_first() -> None:
    runs = depth_first(long_program(3, any), {FAULT: 1}, 100)
    assert [ran.schedule for ran in runs] == [(), (1,), (0, 1), (0, 0, 1)]


def test_a_limit_ends_the_exploration_and_says_how_much_is_known() -> None:
    exploration = depth_first(long_program(10, any), {FAULT: 2}, 4)
    assert exploration.known == 1
    assert len(list(exploration)) == exploration.explored == 4
    assert not exploration.complete
    # Of the 1 + 10 + 45 schedules: the first run shows 10 branches, its first branch 9 more, whose runs show none.
    assert exploration.known == 1 + 10 + 9


def test_shrinking_many_deviations_past_the_limit_puts_back_what_does_not_matter() -> None:
    run = long_program(30, lambda answers: bool(answers[20] and answers[25]))
    ran = replay(run, (1,) * 28, {FAULT: 28})
    shrunk = shrink(run, ran, {FAULT: 28}, bool, limit=100)
    assert deviations(shrunk.schedule) == ((20, 1), (25, 1))


def test_only_a_hazard_can_be_shrunk() -> None:
    run = long_program(3, any)
    with pytest.raises(ValueError, match="does not show the hazard"):
        shrink(run, replay(run, (), {FAULT: 1}), {FAULT: 1}, bool)


def test_deviations_of_a_run() -> None:
    ran = replay(long_program(4, any), (0, 1, 0, 1), {FAULT: 2})
    assert [str(choice) for choice in ran.deviations] == ["killed: step 1", "killed: step 3"]


@pytest.mark.parametrize(
    ("steps", "schedule", "words"),
    [
        (2, (0, 1, 0), "the run has 2 choices, the schedule has 3 numbers"),
        (1, (0, 1), "the run has 1 choice, the schedule has 2 numbers"),
        (0, (1,), "the run has 0 choices, the schedule has 1 number$"),
    ],
)
def test_replay_refuses_a_schedule_that_is_longer_than_the_run(
    steps: int, schedule: tuple[int, ...], words: str
) -> None:
    with pytest.raises(ScheduleError, match=words):
        replay(long_program(steps, any), schedule, {FAULT: 2})


def test_replay_refuses_an_option_that_is_not_there() -> None:
    with pytest.raises(ScheduleError, match="choice 1 has 2 options, the schedule asks for number 7: step 1"):
        replay(long_program(2, any), (0, 7), {FAULT: 2})


def test_a_program_that_hides_the_refusal_does_not_hide_it_from_replay() -> None:
    def run(oracle: Oracle) -> None:
        for label in "ab":
            with suppress(Exception):
                oracle.choose(FAULT, label, ("", "killed"))

    with pytest.raises(ScheduleError, match="the schedule asks for number 7: a"):
        replay(run, (7,), {FAULT: 1})


def test_a_program_that_hides_the_loss_of_an_option_is_named() -> None:
    made = 0

    def run(oracle: Oracle) -> None:
        nonlocal made
        made += 1
        with suppress(Exception):
            oracle.choose(FAULT, "a", ("", "x") if made == 3 else ("", "x", "y"))
        oracle.choose(FAULT, "a", ("", "x", "y"))

    exploration = depth_first(run, {FAULT: 1}, 10)
    assert [next(exploration).schedule for _ in range(2)] == [(), (1,)]
    with pytest.raises(Uncontrolled, match="does not repeat itself: choice 0 has 2 options, the schedule asks for"):
        next(exploration)


def numbered(labels: Callable[[int], list[tuple[str, ...]]]) -> Callable[[Oracle], None]:
    """A program that is different in each run."""
    made = 0

    def run(oracle: Oracle) -> None:
        nonlocal made
        made += 1
        for label, *options in labels(made):
            oracle.choose(FAULT, label, options)

    return run


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ([("a", "", "x"), ("c", "", "x")], r"choice 1 was `b` \(, x\), and after the same answers `c` \(, x\)"),
        ([("a", "", "x"), ("b", "", "y")], r"choice 1 was `b` \(, x\), and after the same answers `b` \(, y\)"),
        ([("a", "", "x")], r"choice 1 was `b` \(, x\), and after the same answers none"),
        ([("a", "", "x"), ("b", "")], r"choice 1 was `b` \(, x\), and after the same answers none"),
    ],
)
def test_a_program_that_does_not_repeat_itself_is_named(second: list[tuple[str, ...]], message: str) -> None:
    first = [("a", "", "x"), ("b", "", "x")]
    run = numbered(lambda made: first if made in (1, 2) else second)
    exploration = depth_first(run, {FAULT: 1}, 10)
    assert [next(exploration).schedule, next(exploration).schedule] == [(), (1,)]
    with pytest.raises(Uncontrolled, match=message):
        next(exploration)


def test_a_program_that_loses_an_option_is_named() -> None:
    run = numbered(lambda made: [("a", "", "x", "y") if made == 1 else ("a", "", "x")])
    exploration = depth_first(run, {FAULT: 1}, 10)
    next(exploration)
    with pytest.raises(Uncontrolled, match=r"choice 0 was `a` \(, x, y\), and after the same answers `a` \(, x\)"):
        list(exploration)


def test_a_program_that_has_fewer_options_at_the_place_in_question() -> None:
    run = numbered(lambda made: [("a", "", "x", "y")] if made < 3 else [("a", "", "x")])
    exploration = depth_first(run, {FAULT: 1}, 10)
    assert [next(exploration).schedule for _ in range(2)] == [(), (1,)]
    with pytest.raises(Uncontrolled, match="after the same answers none"):
        next(exploration)
