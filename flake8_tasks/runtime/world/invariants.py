"""What must hold at the end of every run, in words: small values, to be combined with `&`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.world.ledger import Entry, Ledger


class Stage(Protocol):
    """Where a program has run, as far as these invariants look at it."""

    @property
    def ledger(self) -> Ledger:
        """What the world outside has seen."""

    @property
    def events(self) -> Sequence[Event]:
        """The trace."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that must hold at the end of every run.

    Arguments:
        words: what holds: "each recipient gets exactly one mail".
        check: takes the stage and says, in one short line, why it does not hold; None when it does.
    """

    words: str
    check: Callable[[Any], str | None]

    def __and__(self, other: Invariant) -> Invariant:
        """Both hold."""

        def check(stage: Stage) -> str | None:
            return "; ".join(filter(None, (self.check(stage), other.check(stage)))) or None

        return Invariant(f"{self.words}, and {other.words}", check)


def each_recipient_gets_exactly_one_mail(recipients: Collection[str]) -> Invariant:
    """Nobody is left out, nobody gets it twice, nobody else gets any."""

    def check(stage: Stage) -> str | None:
        got = Counter(str(entry["to"]) for entry in stage.ledger.entries("mail"))
        return _first(
            f"{recipient} got {_times(got[recipient], 'mail')}"
            for recipient in dict.fromkeys([*recipients, *got])
            if got[recipient] != (recipient in recipients)
        )

    return Invariant("each recipient gets exactly one mail", check)


def at_most_once(kind: str, what: str) -> Invariant:
    """No two entries of the ledger have the same.

    Arguments:
        kind: of the entries; of requests only those count that a server has accepted.
        what: the value of their detail that must differ: "to", "key", "order".
    """

    def check(stage: Stage) -> str | None:
        seen = Counter(_said(entry[what]) for entry in stage.ledger.entries(kind) if is_accepted(entry))
        return _first(f"{_times(count, kind)} with {what} {value}" for value, count in seen.items() if count > 1)

    return Invariant(f"at most one {kind} for each {what}", check)


def charged_exactly_once(orders: Collection[object], *, kind: str = "charge", what: str = "order") -> Invariant:
    """Each of these orders is charged, and none twice.

    Arguments:
        orders: what is to be charged.
        kind: of the ledger's entries that are a charge.
        what: the value of their detail that names the order.
    """

    def check(stage: Stage) -> str | None:
        return _first(_miscounted(stage, orders, kind, what))

    return Invariant(f"each {what} is charged exactly once", check)


def paid_implies_charged_once(
    paid: Callable[[Any], Iterable[object]], *, kind: str = "charge", what: str = "order"
) -> Invariant:
    """What the database calls paid was charged, once.

    Arguments:
        paid: takes the stage and gives the orders that are paid.
        kind: of the ledger's entries that are a charge.
        what: the value of their detail that names the order.
    """

    def check(stage: Stage) -> str | None:
        return _first(f"paid, but {reason}" for reason in _miscounted(stage, list(paid(stage)), kind, what))

    return Invariant("paid implies charged once", check)


def at_most_arrivals_in_any_second(limit: int, *, kind: str = "request", after: float = 0.0) -> Invariant:
    """The world outside is not overrun: refused knocks count too.

    Arguments:
        limit: how many may arrive within one second, whenever it begins.
        after: seconds from the beginning whose arrivals do not count, as they are the client's doing and no retry.
    """

    def check(stage: Stage) -> str | None:
        times = sorted(entry.time for entry in stage.ledger.entries(kind) if entry.time >= after)
        most, when, first = 0, 0.0, 0
        for last, time in enumerate(times):
            while round(time - times[first], 6) >= 1:
                first += 1
            if last - first + 1 > most:
                most, when = last - first + 1, times[first]
        return f"{_times(most, kind)} in the second from {when:g} s" if most > limit else None

    later = f" after the first {after:g} s" if after else ""
    return Invariant(f"at most {limit} arrivals in any second{later}", check)


def rows_whole_or_untouched(
    rows: Callable[[Any], Mapping[str, Mapping[str, object]]],
    before: Mapping[str, Mapping[str, object]],
    after: Mapping[str, Mapping[str, object]],
) -> Invariant:
    """No row is left half changed.

    Arguments:
        rows: takes the stage and gives the rows: name → field → value; further fields do not matter.
        before: their fields before; a row that is not in it was not there.
        after: their fields once the work is done.
    """

    def reason(name: str, row: Mapping[str, object] | None) -> str | None:
        old, new = before.get(name), after[name]
        if row is None:
            return f"{name} is gone" if old is not None else None
        if old is not None and all(row.get(field) == old.get(field) for field in new):
            return None
        done = [field for field in new if row.get(field) == new[field]]
        left = [field for field in new if field not in done]
        if not left:
            return None
        changed = f"{' and '.join(done)} updated, " if done else ""
        return f"{name}: {changed}{', '.join(f'{field} is {_said(row.get(field))}' for field in left)}"

    def check(stage: Stage) -> str | None:
        found = rows(stage)
        return _first(filter(None, (reason(name, found.get(name)) for name in after)))

    return Invariant("a row is updated whole or not at all", check)


def every_message_is_settled() -> Invariant:
    """Each message was acknowledged, or went to the dead letters; none is lost between."""

    def check(stage: Stage) -> str | None:
        sent: Counter[str] = Counter()
        settled: Counter[str] = Counter()
        for event in stage.events:
            match event.kind:
                case "publish":
                    sent[event.detail.partition(",")[0]] += 1
                case "fault" if event.lane == "broker":
                    sent[event.task] += 1
                case "ack" | "dead-letter":
                    settled[event.task] += 1
        return _first(
            f"{name}: sent {count}, settled {settled[name]}" for name, count in sent.items() if settled[name] < count
        )

    return Invariant("every message is acknowledged, redelivered or dead-lettered", check)


def no_execution_is_lost() -> Invariant:
    """What was begun and killed was done again, to the end: what acknowledging early does not give."""

    def check(stage: Stage) -> str | None:
        last = {event.task: event.kind for event in stage.events if event.kind in ("start", "end", "killed")}
        return _first(f"{name} was killed and never done again" for name, kind in last.items() if kind == "killed")

    return Invariant("no task that was begun is lost", check)


def no_deadlock() -> Invariant:
    """Nobody waits for ever: no pool for itself, no client for a result that will not come."""

    def check(stage: Stage) -> str | None:
        return _first(
            " ".join(filter(None, (event.kind, event.task, event.detail)))
            for event in stage.events
            if event.kind in ("deadlock", "stuck")
        )

    return Invariant("nobody waits for ever", check)


def is_accepted(entry: Entry) -> bool:
    """Whether a server has taken a request: not refused, not failed; whatever has no status was taken."""
    status = entry["status"]
    return status is None or (isinstance(status, int) and 200 <= status < 400)


def _miscounted(stage: Stage, orders: Collection[object], kind: str, what: str) -> Iterable[str]:
    entries = [entry for entry in stage.ledger.entries(kind) if is_accepted(entry)]
    for order in orders:
        count = sum(entry[what] == order for entry in entries)
        if count != 1:
            yield f"{what} {_said(order)} has {_times(count, kind)}"


def _first(reasons: Iterable[str], most: int = 2) -> str | None:
    """A short line of the reasons; None when there is none."""
    found = list(reasons)
    further = [f"{len(found) - most} more"] if len(found) > most else []
    return ", ".join([*found[:most], *further]) or None


def _times(count: int, kind: str) -> str:
    return f"{count or 'no'} {kind}{'' if count == 1 else 's'}"


def _said(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
