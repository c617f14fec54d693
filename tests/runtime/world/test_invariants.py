"""Invariants: what each calls broken, in which words."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from recording import running

from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.world.invariants import (
    Invariant,
    at_most_arrivals_in_any_second,
    at_most_once,
    charged_exactly_once,
    each_recipient_gets_exactly_one_mail,
    every_message_is_settled,
    no_deadlock,
    no_execution_is_lost,
    paid_implies_charged_once,
    rows_whole_or_untouched,
)
from flake8_tasks.runtime.world.ledger import InMemory


@dataclass
class Seen:
    """A stage after a run."""

    ledger: InMemory = field(default_factory=InMemory)
    events: list[Event] = field(default_factory=list)
    rows: dict[str, dict[str, object]] = field(default_factory=dict)


def mailed(*recipients: str) -> Seen:
    seen = Seen()
    for recipient in recipients:
        seen.ledger.add("mail", to=recipient)
    return seen


def charged(*orders: int) -> Seen:
    seen = Seen()
    for order in orders:
        seen.ledger.add("charge", order=order)
    return seen


def happened(*events: str) -> Seen:
    """Of "kind task": a worker's events; "publish charge#1" is the client's."""
    seen = Seen()
    for number, text in enumerate(events):
        kind, task = text.split()
        if kind == "publish":
            seen.events.append(Event(number, "client", kind, "", f"{task}, retry 1"))
        else:
            seen.events.append(Event(number, "broker" if kind == "fault" else "worker/0", kind, task, "…"))
    return seen


@pytest.mark.parametrize(
    ("recipients", "reason"),
    [
        (("a", "b"), None),
        (("b", "a"), None),
        (("a", "b", "a"), "a got 2 mails"),
        (("a",), "b got no mails"),
        (("a", "b", "c"), "c got 1 mail"),
        ((), "a got no mails, b got no mails"),
        (("c", "c", "a", "a"), "a got 2 mails, b got no mails, 1 more"),
    ],
)
def test_each_recipient_gets_exactly_one_mail(recipients: tuple[str, ...], reason: str | None) -> None:
    assert each_recipient_gets_exactly_one_mail(["a", "b"]).check(mailed(*recipients)) == reason


def test_at_most_once() -> None:
    holds = at_most_once("charge", "order")
    assert holds.words == "at most one charge for each order"
    assert holds.check(charged(1, 2)) is None
    assert holds.check(charged(1, 2, 1, 1)) == "3 charges with order 1"


def test_requests_count_once_a_server_has_accepted_them() -> None:
    seen = Seen()
    for status in (0, 503, 400, 201):
        seen.ledger.add("request", key="a", status=status)
    assert at_most_once("request", "key").check(seen) is None
    seen.ledger.add("request", key="a", status=302)
    assert at_most_once("request", "key").check(seen) == '2 requests with key "a"'


@pytest.mark.parametrize(
    ("orders", "reason"),
    [((1, 2), None), ((1, 2, 3), None), ((1,), "order 2 has no charges"), ((1, 2, 2), "order 2 has 2 charges")],
)
def test_charged_exactly_once(orders: tuple[int, ...], reason: str | None) -> None:
    assert charged_exactly_once([1, 2]).check(charged(*orders)) == reason


def test_paid_implies_charged_once() -> None:
    holds = paid_implies_charged_once(lambda stage: [1])
    assert holds.check(charged(1, 2, 2)) is None
    assert holds.check(charged()) == "paid, but order 1 has no charges"
    assert holds.check(charged(1, 1)) == "paid, but order 1 has 2 charges"
    assert paid_implies_charged_once(lambda stage: []).check(charged(1, 1)) is None


def test_at_most_arrivals_in_any_second() -> None:
    seen = Seen()
    with running() as runs:
        for runs.time in (0, 0.9, 1.0, 1.5, 1.8, 1.9, 5):
            seen.ledger.add("request", status=0)
    assert at_most_arrivals_in_any_second(4).check(seen) is None
    assert at_most_arrivals_in_any_second(3).check(seen) == "4 requests in the second from 0.9 s"
    assert at_most_arrivals_in_any_second(3).words == "at most 3 arrivals in any second"
    assert at_most_arrivals_in_any_second(0).check(Seen()) is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"status": "old", "name": "", "extra": 1}, None),
        ({"status": "updated", "name": "Ann", "extra": 2}, None),
        ({"status": "updated", "name": ""}, 'user 1: status updated, name is ""'),
        ({"status": "odd", "name": "Ann"}, 'user 1: name updated, status is "odd"'),
        ({"status": "odd", "name": ""}, 'user 1: status is "odd", name is ""'),
        (None, "user 1 is gone"),
    ],
)
def test_a_row_is_updated_whole_or_not_at_all(row: dict[str, object] | None, reason: str | None) -> None:
    holds = rows_whole_or_untouched(
        lambda stage: stage.rows,
        before={"user 1": {"status": "old", "name": ""}},
        after={"user 1": {"status": "updated", "name": "Ann"}, "note 1": {"text": "updated"}},
    )
    assert holds.check(Seen(rows={} if row is None else {"user 1": row})) == reason
    if reason is None and row is not None:
        assert holds.check(Seen(rows={"user 1": row, "note 1": {"text": "updated"}})) is None
        assert holds.check(Seen(rows={"user 1": row, "note 1": {"text": "x"}})) == 'note 1: text is "x"'


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (("publish a#1", "deliver a#1", "ack a#1"), None),
        (("publish a#1", "deliver a#1", "redeliver a#1", "deliver a#1", "ack a#1"), None),
        (("publish a#1", "deliver a#1", "reject a#1", "dead-letter a#1"), None),
        (("publish a#1", "ack a#1", "publish a#1", "ack a#1"), None),
        (("publish a#1", "fault a#1", "ack a#1", "ack a#1"), None),
        (("publish a#1",), "a#1: sent 1, settled 0"),
        (("publish a#1", "deliver a#1", "redeliver a#1"), "a#1: sent 1, settled 0"),
        (("publish a#1", "fault a#1", "ack a#1"), "a#1: sent 2, settled 1"),
    ],
)
def test_every_message_is_settled(events: tuple[str, ...], reason: str | None) -> None:
    assert every_message_is_settled().check(happened(*events)) == reason


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (("start a#1", "end a#1"), None),
        (("start a#1", "killed a#1", "start a#1", "end a#1"), None),
        (("ack a#1", "start a#1", "killed a#1"), "a#1 was killed and never done again"),
    ],
)
def test_no_execution_is_lost(events: tuple[str, ...], reason: str | None) -> None:
    assert no_execution_is_lost().check(happened(*events)) == reason


def test_no_deadlock() -> None:
    assert no_deadlock().check(happened("start a#1", "end a#1")) is None
    assert no_deadlock().check(happened("deadlock worker#1", "stuck a#1")) == "deadlock worker#1 …, stuck a#1 …"


def test_two_invariants_together() -> None:
    both = charged_exactly_once([1]) & Invariant("nothing is odd", lambda stage: "it is odd")
    assert both.words == "each order is charged exactly once, and nothing is odd"
    assert both.check(charged(1)) == "it is odd"
    assert both.check(charged()) == "order 1 has no charges; it is odd"
    assert (charged_exactly_once([1]) & no_deadlock()).check(charged(1)) is None
