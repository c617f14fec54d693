from __future__ import annotations

import pytest
from timeline_runs import charged_twice, half_saved, locked_up

from flake8_tasks.runtime.kernel.timeline.layout import layout
from flake8_tasks.runtime.kernel.timeline.measure import fitted, text_width
from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.proof import Shown


@pytest.mark.parametrize("shown", [half_saved(), charged_twice(), locked_up()])
def test_a_run_fits_at_every_width(shown: Shown) -> None:
    """Steps of odd lengths: a label that just fits must not be lost to a rounding error."""
    for least in range(700, 1900, 7):
        found = layout(shown, least + 0.1)
        places = [mark.x for mark in found.marks]
        assert places == sorted(set(places))
        assert found.left <= places[0]
        assert places[-1] < found.width


def test_a_label_in_a_farther_row_leaves_the_nearer_ones_to_its_leader() -> None:
    found = layout(half_saved())
    far = [label for label in found.labels if label.leader]
    assert far
    for label in far:
        between = [
            other
            for other in found.labels
            if label.leader and min(label.leader) < other.y < max(label.leader) and other is not label
        ]
        assert all(not other.x < label.x - 4 < other.x + text_width(other.text, 11) for other in between)


def test_an_hour_is_wider_than_a_second_and_both_can_be_seen() -> None:
    events = [Event(time, "client", "save", detail="row", to="database") for time in (0, 1, 3601)]
    first, second, third = (mark.x for mark in layout(Shown((), (), "", tuple(events), {})).marks)
    assert 20 < second - first < third - second < 200


def test_lanes_stand_in_the_order_of_a_message() -> None:
    lanes = ("mail", "odd", "worker/10", "worker/9", "broker", "database", "worker", "client")
    events = tuple(Event(0, lane, "odd") for lane in lanes)
    assert [lane.name for lane in layout(Shown((), (), "", events, {})).lanes] == [
        "client", "broker", "odd", "worker", "worker/9", "worker/10", "database", "mail",
    ]  # fmt: skip


def test_a_text_that_does_not_fit_is_cut_so_that_it_does() -> None:
    assert fitted("short", 100, 11) == "short"
    cut = fitted("a text that is much too long", 100, 11)
    assert cut.endswith("…")
    assert text_width(cut, 11) <= 100
    assert fitted("anything", 0, 11) == "…"
