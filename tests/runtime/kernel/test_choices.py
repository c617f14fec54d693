from __future__ import annotations

import pytest

from flake8_tasks.runtime.kernel.choices import FAULT, ORDER, SWITCH, Choice, Oracle, ScheduleError


def test_without_a_schedule_everything_goes_as_by_itself() -> None:
    oracle = Oracle(budget={FAULT: 1})
    assert [oracle.choose(FAULT, "a", ("", "killed")), oracle.choose(FAULT, "b", ("", "killed"))] == [0, 0]
    assert oracle.schedule == ()


def test_a_schedule_answers_while_it_lasts() -> None:
    oracle = Oracle((0, 2), {FAULT: 2})
    answers = [oracle.choose(FAULT, label, ("", "killed", "refused")) for label in "abc"]
    assert answers == [0, 2, 0]
    assert oracle.choices[1] == Choice(FAULT, "b", ("", "killed", "refused"), 2)
    assert str(oracle.choices[1]) == "refused: b"
    assert oracle.schedule == (0, 2)


def test_a_kind_whose_budget_is_used_up_is_not_offered_any_more() -> None:
    oracle = Oracle((1, 1, 1), {FAULT: 1, SWITCH: 1})
    answers = [oracle.choose(FAULT, "a", ("", "x")), oracle.choose(FAULT, "b", ("", "x"))]
    answers += [oracle.choose(SWITCH, "c", ("", "x")), oracle.choose(ORDER, "d", ("", "x"))]
    assert answers == [1, 0, 1, 0]
    assert [choice.label for choice in oracle.choices] == ["a", "c"]
    assert oracle.unused == 1


def test_one_option_is_no_choice() -> None:
    oracle = Oracle((1,), {FAULT: 1})
    assert oracle.choose(FAULT, "a", ("",)) == 0
    assert oracle.choices == []


@pytest.mark.parametrize("number", [2, -1])
def test_a_number_without_an_option_is_an_error(number: int) -> None:
    with pytest.raises(ScheduleError, match=r"choice 0 has 2 options, the schedule asks for number -?\d: a"):
        Oracle((number,), {FAULT: 1}).choose(FAULT, "a", ("", "x"))
