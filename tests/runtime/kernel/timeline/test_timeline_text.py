from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timeline_runs import charged_twice, half_saved, herd, locked_up, proof, saved_once

from flake8_tasks.report.ansi import painted
from flake8_tasks.runtime.kernel.timeline.text import timeline, verdict
from flake8_tasks.runtime.kernel.timeline.words import cells, cut, moment, words
from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.proof import Shown


def test_each_event_has_its_line_and_the_violation_the_last() -> None:
    lines = timeline(charged_twice()).splitlines()
    assert len(lines) == len(charged_twice().events)
    assert lines[5] == "  0.1 s  worker/0  charge#1  requests POST https://pay.test/charges: 200"
    assert lines[8] == "         broker    charge#1  back in the queue: connection lost"
    assert lines[-1] == "! broken: order 1 is charged 2 times"


def test_the_fault_alone_is_marked() -> None:
    (marked,) = [line for line in timeline(half_saved()).splitlines() if line.startswith("✗")]
    assert marked == ("✗        worker/0  update_data#1  FAULT refused before request GET https://facebook.test/me")


def test_a_deadlock_says_who_waits_for_what() -> None:
    assert timeline(locked_up()).splitlines()[-3:] == [
        "!      worker/0  invoice#1  DEADLOCK: waits for result of total_of#1",
        "!      worker/1  invoice#2  DEADLOCK: waits for result of total_of#2",
        "! broken: 2 of 3 invoices are never written",
    ]


def test_a_run_that_holds_says_so() -> None:
    assert timeline(saved_once()).splitlines()[-1] == "  the invariant holds"


def test_a_run_without_events_is_its_outcome() -> None:
    assert timeline(Shown((), (), "nothing was done", (), {})) == "! broken: nothing was done"


def test_a_hundred_alike_are_three_and_how_many_more() -> None:
    lines = timeline(herd()).splitlines()
    assert len(lines) < 50
    assert "    0 s  client                  sends sync_order#1" in lines
    assert "         client                  sends sync_order#3 … 97 more like it" in lines
    assert sum("requests POST https://stock.test/sync: 200 … 97 more like it" in line for line in lines) == 1


def test_what_comes_later_says_until_when() -> None:
    assert any(
        line.endswith("ends well … 97 more like it until 5 min 58 s")
        for line in timeline(herd(jitter=True)).splitlines()
    )


def test_folding_never_hides_the_execution_in_which_something_breaks() -> None:
    broken = herd()
    fault = Event(0.0, "worker/3", "fault", "sync_order#57", "refused: sync_order#57 before request POST")
    events = [*broken.events, fault]
    text = timeline(replace(broken, events=tuple(sorted(events, key=lambda event: event.time))))
    assert "✗" in text
    assert text.count("sync_order#57") > 10


def test_what_one_execution_does_over_and_over_is_folded_too() -> None:
    mails = [Event(1, "worker/0", "mail", "send_all#1", f"mails reader{number}", to="mail") for number in range(300)]
    events = [Event(0, "worker/0", "start", "send_all#1"), *mails, Event(2, "worker/0", "end", "send_all#1", "SUCCESS")]
    lines = timeline(Shown((), (), "", tuple(events), {})).splitlines()
    assert len(lines) == 6
    assert lines[3].endswith("… 297 more like it")


def test_colour_is_what_the_caller_makes_of_it() -> None:
    text = timeline(half_saved(), paint=partial(painted, color=True))
    assert "\x1b[31;1m! broken: status is updated, name is not\x1b[0m" in text


def test_a_detail_cannot_break_the_line_or_reach_the_terminal() -> None:
    event = Event(0, "client", "save", detail="one\ntwo\x1b[31m\u202ethree", to="database")
    assert timeline(Shown((), (), "", (event,), {})).splitlines()[0] == "  0 s  client    saves one two [31m three"


def test_the_verdict_says_what_was_tried_and_what_came_of_it() -> None:
    assert verdict(proof(half_saved(), saved_once())).splitlines() == [
        "TSK601 save-before-request: proved",
        "  invariant  a row is updated whole or not at all",
        "  bad        hazard in 6 of 12 schedules (explored 12 of 12)",
        "             6 schedules: status is updated, name is not",
        "  good       hazard in 0 of 10 schedules (explored 10 of 14 known)",
        "  faults     refused, node-killed; in one run at most 1 fault",
        "  further    good breaks under child-killed: 2 of 9 schedules: status is updated, name is not",
        "             good holds under timed-out: 0 of 4 schedules",
        "  seconds    0.31",
    ]


def test_a_proof_that_does_not_hold_says_so_first() -> None:
    failed = replace(proof(half_saved(), saved_once()), holds=False, faults=(), budget={}, further=())
    lines = verdict(failed).splitlines()
    assert lines[0] == "TSK601 save-before-request: NOT proved"
    assert "  faults     none" in lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.1, "0.1 s"),
        (0.0004, "0 s"),
        (59.9996, "1 min"),
        (59.5, "59.5 s"),
        (180, "3 min"),
        (3600, "1 h"),
        (3725.2, "1 h 2 min 5 s"),
        (90000, "1 d 1 h"),
    ],
)
def test_times_as_one_says_them(seconds: float, text: str) -> None:
    assert moment(seconds) == text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event(0, "worker/0", "start", "a#1", "retry 2"), "starts: retry 2"),
        (Event(0, "worker/0", "end", "a#1", "RETRY: ConnectionError"), "ends, to be tried again: ConnectionError"),
        (Event(0, "worker/0", "end", "a#1", "SUCCESS"), "ends well"),
        (Event(0, "worker/0", "end", "a#1", "exit 1"), "ends: exit 1"),
        (Event(0, "worker/0", "end", "a#1"), "ends"),
        (Event(0, "worker/0", "end", "a#1", "SystemExit"), "is terminated"),
        (Event(0, "client", "fault", "", "client-killed: client before commit"), "FAULT client-killed before commit"),
        (Event(0, "worker/0", "publish", "a#1", "b#1, retry 1"), "sends b#1, retry 1"),
        (Event(0, "worker", "low-memory", "", "{}"), "low memory: {}"),
        (Event(0, "worker/0", "cache", "a#1", "add lock {1}"), "cache: add lock {1}"),
    ],
)
def test_kinds_in_words(event: Event, text: str) -> None:
    assert words(event) == text


def test_wide_characters_take_two_cells() -> None:
    assert cells("日本語") == 6
    assert cut("日本語", 5) == "日本…"
    assert cells("e\u0301") == 1


_texts = st.text(max_size=60)
_kinds = st.sampled_from(("publish", "start", "end", "request", "fault", "block", "node-down", "", "odd"))
_events = st.builds(Event, st.floats(0, 1e9), _texts, _kinds, _texts, _texts, _texts, _texts)


@given(st.lists(_events, max_size=80))
def test_any_run_fits_into_its_width(events: list[Event]) -> None:
    lines = timeline(Shown((), (), "", tuple(sorted(events, key=lambda event: event.time)), {})).splitlines()
    assert all(cells(line) <= 100 for line in lines)
