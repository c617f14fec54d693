from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timeline_runs import (
    CHARGES,
    PEOPLE,
    chained,
    charged_once,
    charged_twice,
    half_saved,
    herd,
    locked_up,
    proof,
    saved_once,
)

from flake8_tasks.runtime.kernel.timeline.measure import text_width
from flake8_tasks.runtime.kernel.timeline.shapes import shape
from flake8_tasks.runtime.kernel.timeline.svg import svg
from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.proof import Line, Proof, Shown

NAMESPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Box:
    """What a text takes of a picture."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def boxes(picture: str) -> list[Box]:
    """The texts of a picture, wherever they are moved to."""
    return list(_boxes(ElementTree.fromstring(picture), 0.0))


def _boxes(element: ElementTree.Element, down: float) -> Iterator[Box]:
    if moved := re.fullmatch(r"translate\(0 ([\d.]+)\)", element.get("transform", "translate(0 0)")):
        down += float(moved.group(1))
    if element.tag == f"{NAMESPACE}text":
        x, y, size = (float(element.get(name, "")) for name in ("x", "y", "font-size"))
        monospace = "mono" in element.get("class", "").split()
        text = element.text or ""
        width = text_width(text, size, bold="font-weight" in element.attrib, monospace=monospace)
        yield Box(text, x, y + down - size * 0.8, x + width, y + down + size * 0.25)
    for child in element:
        yield from _boxes(child, down)


def size(picture: str) -> tuple[float, float]:
    _, _, width, height = map(float, ElementTree.fromstring(picture).get("viewBox", "").split())
    return width, height


def assert_readable(picture: str) -> None:
    """No text covers another, and none is cut off."""
    found = boxes(picture)
    for one, other in combinations(found, 2):
        assert not one.covers(other), f"{one} covers {other}"
    width, height = size(picture)
    for box in found:
        assert 0 <= box.left <= box.right <= width, box
        assert 0 <= box.top <= box.bottom <= height, box


def proof_of(name: str) -> Proof:
    match name:
        case "half saved":
            return proof(half_saved(), saved_once())
        case "charged twice":
            lines = {f"shop/tasks.py:{number}": Line(1, number > 11) for number in (8, 9, 11, 12, 13)}
            found = proof(charged_twice(), charged_once(), "TSK602", "late-ack-not-idempotent")
            return replace(found, bad=replace(found.bad, lines=lines))
        case "locked up":
            return proof(locked_up(), chained(), "TSK301", "result-in-task")
        case _:
            return proof(herd(), herd(jitter=True), "TSK203", "backoff-without-jitter")


SOURCES = {"people/tasks.py": PEOPLE, "shop/tasks.py": CHARGES}
NAMES = ("half saved", "charged twice", "locked up", "herd")


@pytest.mark.parametrize("name", NAMES)
def test_no_text_covers_another_and_none_is_cut_off(name: str) -> None:
    picture = svg(proof_of(name), SOURCES, SOURCES)
    assert len(boxes(picture)) > 50
    assert_readable(picture)


def test_a_text_over_another_would_be_noticed() -> None:
    picture = svg(proof_of("half saved"))
    lowered = picture.replace("broken in 6 of 12 schedules", "broken in 6 of 12 schedules" * 9)
    with pytest.raises(AssertionError):
        assert_readable(lowered)
    with pytest.raises(AssertionError, match="covers"):
        assert_readable(picture.replace('x="24.0"', 'x="60.0"', 4).replace(">client<", f">{'client' * 9}<"))


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_needs_nothing_else_and_says_what_it_is(name: str) -> None:
    picture = svg(proof_of(name), SOURCES, SOURCES)
    root = ElementTree.fromstring(picture)
    assert root.get("role") == "img"
    assert root.findtext(f"{NAMESPACE}title", "").startswith(proof_of(name).code)
    assert "schedules" in root.findtext(f"{NAMESPACE}desc", "")
    assert "<script" not in picture
    assert re.findall(r"(?:href|src|url)\b[=(]\S*", picture.replace("url(#", "")) == []
    assert re.findall(r"\b(?:nan|inf)\b", picture) == []


def texts(name: str) -> list[str]:
    return [box.text for box in boxes(svg(proof_of(name), SOURCES, SOURCES))]


def test_the_invariant_is_the_headline_and_each_side_says_how_often_it_breaks() -> None:
    found = texts("half saved")
    assert found[0] == "a row is updated whole or not at all"
    assert "broken in 6 of 12 schedules" in found
    assert "holds in 10 of 10 schedules (explored 10 of 14 known)" in found
    assert "with child-killed too, it breaks in 2 of 9 schedules: status is updated, name is not" in found


def test_only_lanes_that_occur_are_drawn_in_the_order_of_a_message() -> None:
    found = texts("charged twice")
    lanes = ["client", "broker", "worker", "worker slot 0", "results", "database", "outside"]
    assert [text for text in found if text in lanes] == lanes + lanes
    assert "mail" not in found


def test_the_fault_is_the_one_red_mark_of_each_run() -> None:
    picture = svg(proof_of("charged twice"), SOURCES, SOURCES)
    drawn = picture.partition("</style>")[2]
    in_runs, in_legend = 2, 1
    assert drawn.count('<path class="fault"') == in_runs + in_legend
    assert texts("charged twice").count("node-killed before line shop/tasks.py:12") == in_runs


def test_a_killed_execution_is_broken_off_and_an_arrow_leads_to_the_next_attempt() -> None:
    drawn = svg(proof_of("charged twice")).partition("</defs>")[2]
    assert drawn.count('class="killed"') == 2 + 1
    assert drawn.count('marker-end="url(#arrow-head)"') == 2
    assert texts("charged twice").count("charge#1, attempt 2") == 2


def test_waiting_executions_never_end_and_point_to_what_they_wait_for() -> None:
    drawn = svg(proof_of("locked up")).partition("</defs>")[2]
    assert drawn.count('class="never"') == 2 + 1
    assert drawn.count('marker-end="url(#wait-head)"') == 2


def test_the_lines_of_the_program_are_marked_by_shape_too() -> None:
    drawn = svg(proof_of("charged twice"), SOURCES).partition("</style>")[2]
    in_legend = 1
    assert drawn.count('class="breaks"') == 2 + in_legend
    assert drawn.count('class="holds"') == 3 + in_legend
    assert "a fault here breaks it" in texts("charged twice")
    assert "1 of 1" in texts("charged twice")


def test_of_a_hundred_alike_a_few_are_drawn_and_all_are_counted_by_the_second() -> None:
    found = texts("herd")
    assert "sync_order#2 +98 more" in found
    assert "arrivals in the lane outside, by the second: 100 at most" in found
    assert size(svg(proof_of("herd")))[0] < 1600


def test_what_the_world_was_in_the_end() -> None:
    found = texts("charged twice")
    assert found.count("in the end") == 2
    assert found.count("Order 1: 20") == 3


def test_nothing_was_found_and_nothing_is_drawn() -> None:
    found = proof_of("half saved")
    empty = replace(found.bad, shortest=None, hazards=0, violations={}, lines={})
    picture = svg(replace(found, bad=empty, good=replace(found.good, shown=None), invariant="x" * 400))
    assert_readable(picture)
    assert "client" not in [box.text for box in boxes(picture)]


def test_text_is_escaped() -> None:
    found = proof_of("half saved")
    picture = svg(replace(found, invariant='<b>&"\x00\x1b', code="<i>"))
    assert boxes(picture)[0].text == '<b>&"'


_words = st.text(max_size=40) | st.sampled_from(("charge#1", "result of charge#2", "worker/0", "W" * 300, "日本" * 30))
_lanes = st.sampled_from(("client", "broker", "worker", "worker/0", "worker/1", "other/0", "database", ""))
_kinds = st.sampled_from(
    ("publish", "deliver", "start", "end", "killed", "node-down", "node-up", "redeliver", "block", "unblock", "fault",
     "save", "request", "ack", "deadlock", "soft-limit", "odd", "violation")
)  # fmt: skip
_tasks = st.sampled_from(("", "charge#1", "charge#2", "mail_all#1"))
_targets = st.sampled_from(("", "", "broker", "database", "outside", "results", "elsewhere"))
_events = st.builds(Event, st.floats(0, 1e7), _lanes, _kinds, _tasks, _words, st.just("shop/tasks.py:8"), _targets)
_final = st.dictionaries(_words, _words | st.integers() | st.none() | st.lists(_words, max_size=4), max_size=4)
_hazards = st.dictionaries(st.integers(1, 15), st.integers(0, 3), max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_events, max_size=70), _words, _final, st.dictionaries(st.integers(1, 15), st.integers(0, 3), max_size=5)
)
def test_any_run_can_be_drawn_so_that_it_can_be_read(
    events: list[Event], said: str, final: dict[str, object], lines: dict[int, int]
) -> None:
    run = Shown((), (), said, tuple(sorted(events, key=lambda event: event.time)), final)
    found = replace(proof(run, replace(run, violation="")), invariant=said)
    marked = {f"shop/tasks.py:{number}": Line(3, hazards) for number, hazards in lines.items()}
    assert_readable(svg(replace(found, bad=replace(found.bad, lines=marked)), SOURCES, SOURCES))


@pytest.mark.parametrize(("detail", "name"), [("add lock", "effect"), ("add lock: there already", "look")])
def test_what_changes_nothing_is_no_effect(detail: str, name: str) -> None:
    assert shape(Event(0, "worker/0", "cache", "import#1", detail, "", "cache")) == name
