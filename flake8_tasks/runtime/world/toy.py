"""A database of a few lines, where that is clearer than a real one: rows, transactions, `on_commit`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.world.store import InMemory, Store

Rows = dict[str, dict[str, Any]]


class DoesNotExist(LookupError):
    """There is no such row, or not yet: its transaction is not committed."""


@dataclass
class Transaction:
    """What one actor has done and not yet committed.

    Arguments:
        rows: name → the fields that are written.
        callbacks: called after the commit.
    """

    rows: Rows = field(default_factory=dict)
    callbacks: list[Callable[[], object]] = field(default_factory=list)


class Database:
    """Rows that everybody sees once they are committed; one's own at once.

    Each actor has its own transactions: add the database to `Simulation.per_actor`. Rows are not locked: of two
    transactions that write the same field, the one that commits last counts.

    Arguments:
        store: where committed rows are.
    """

    def __init__(self, store: Store | None = None) -> None:
        self.store = InMemory() if store is None else store
        self._mine: dict[str, object] = {}

    @property
    def _open(self) -> list[Transaction]:
        """Transactions of who runs now, the innermost last."""
        return cast(list[Transaction], self._mine.setdefault(_OPEN, []))

    def leave(self, actor: Actor) -> None:
        """See `Swapped`."""
        self._mine = {}

    def enter(self, actor: Actor) -> None:
        """See `Swapped`."""
        self._mine = actor.local

    @property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """All committed rows: "order 1" → its fields."""
        with self.store.changing() as rows:
            return {name: dict(row) for name, row in rows.items()}

    def get(self, table: str, key: object) -> dict[str, Any]:
        """The fields of a row.

        Raises:
            DoesNotExist: it is not there.
        """
        name = f"{table} {key}"
        _record("read", name)
        row = self.rows.get(name)
        for transaction in self._open:
            if name in transaction.rows:
                row = {**(row or {}), **transaction.rows[name]}
        if row is None:
            raise DoesNotExist(name)
        return dict(row)

    def save(self, table: str, key: object, **fields: Any) -> None:
        """Write these fields of a row, which is made when it is missing; others stay."""
        name = f"{table} {key}"
        _point("save", name)
        _record("save", f"{name}: {', '.join(f'{field}={value!r}' for field, value in fields.items())}")
        if self._open:
            _merge(self._open[-1].rows, {name: fields})
        else:
            self._commit({name: fields})

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All of it or nothing; within another one, a savepoint."""
        transaction, mine = Transaction(), self._open
        mine.append(transaction)
        try:
            yield
            if len(mine) == 1:
                _point("commit", ", ".join(transaction.rows))
        except BaseException:
            mine.remove(transaction)
            _record("rollback", ", ".join(transaction.rows))
            raise
        mine.remove(transaction)
        if mine:
            _merge(mine[-1].rows, transaction.rows)
            mine[-1].callbacks += transaction.callbacks
            return
        self._commit(transaction.rows)
        _record("commit", ", ".join(transaction.rows))
        for callback in transaction.callbacks:
            callback()

    def on_commit(self, callback: Callable[[], object]) -> None:
        """Call it once the transaction is committed; at once when there is none."""
        if self._open:
            self._open[-1].callbacks.append(callback)
        else:
            callback()

    def _commit(self, written: Rows) -> None:
        with self.store.changing() as rows:
            _merge(rows, written)


_OPEN = "toy transactions"


def _merge(rows: Rows, written: Rows) -> None:
    for name, fields in written.items():
        rows[name] = {**rows.get(name, {}), **fields}


def _point(kind: str, label: str) -> None:
    if runs := host.current():
        runs.point(kind, label, to="database")


def _record(kind: str, detail: str) -> None:
    if runs := host.current():
        runs.record(kind, detail, to="database")
