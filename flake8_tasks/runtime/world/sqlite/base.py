"""The class that Django looks for in an engine: its own one for SQLite, and whoever runs the program hears of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from django.db.backends.sqlite3 import base

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.world import database
from flake8_tasks.runtime.world.sqlite.statement import WRITE, Statement, statement

PATIENCE = 5.0
"""Seconds after which SQLite, as Python sets it up, gives up waiting for a lock."""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection; in a simulated run it waits for locks in virtual time and belongs to one actor."""

    connection: Any

    def __init__(self, settings: dict[str, Any], alias: str = "default") -> None:
        super().__init__(settings, alias)
        self.written: dict[str, None] = {}
        self.cursors: WeakSet[Cursor] = WeakSet()
        self.pure = True

    def get_new_connection(self, parameters: dict[str, Any]) -> Any:
        simulated = database.current()
        if simulated is None:
            return super().get_new_connection(parameters)
        simulated.opened(self)
        self.pure = True
        if spare := simulated.spare(self.alias):
            return spare
        return super().get_new_connection({**parameters, "timeout": 0})

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        cursor.wrapper = self
        self.cursors.add(cursor)
        return cursor

    def _commit(self) -> None:
        tables = ", ".join(self.written)
        asked = listener()
        if asked and tables:
            asked.point("commit", tables, to="database")
        super()._commit()
        self._over("commit")

    def _rollback(self) -> None:
        super()._rollback()
        self._over("rollback")

    def _close(self) -> None:
        simulated, connection = database.current(), self.connection
        if simulated is None or connection is None:
            super()._close()
            return
        for cursor in list(self.cursors):
            cursor.close()
        connection.rollback()
        self._over("rollback")
        if self.pure and not self.in_atomic_block:
            simulated.keep(self.alias, connection)
        else:
            connection.close()

    def cut(self) -> None:
        """What the kernel does with a connection of a dead process; what is not committed is lost."""
        self.written.clear()
        self.in_atomic_block = False
        self._close()
        self.run_on_commit.clear()
        self.connection, self.closed_in_transaction = None, True

    def _over(self, kind: str) -> None:
        tables = ", ".join(self.written)
        self.written.clear()
        if tables and (asked := listener()):
            asked.record(kind, tables, to="database")


class OverWrapper(DatabaseWrapper):
    """What code of a dead process finds when Python runs it after all: blocks are left in silence, nothing is done."""

    def __init__(self, settings: dict[str, Any], alias: str = "default") -> None:
        super().__init__(settings, alias)
        self.closed_in_transaction = True

    def connect(self) -> None:
        raise base.Database.InterfaceError("the run is over")

    def set_autocommit(self, *_: Any, **__: Any) -> None:
        pass


class Cursor(base.SQLiteCursorWrapper):
    """Runs statements."""

    wrapper: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        run = super().execute
        return self._run(statement(query), lambda: run(query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        run = super().executemany
        rows = list(param_list)
        return self._run(statement(query), lambda: run(query, rows))

    def _run(self, done: Statement, run: Callable[[], Any]) -> Any:
        asked, simulated = listener(), database.current()
        if asked and done.kind == WRITE:
            asked.point("save", done.label, to="database")
        result = run() if simulated is None else _patiently(run, simulated, asked)
        match done.kind:
            case "read" if asked:
                asked.record("read", done.table, to="database")
            case "write":
                self._note(done, simulated)
                if asked:
                    asked.record("save", done.detail, to="database")
            case "begin" if simulated:
                simulated.lock(self.wrapper)
            case "rollback" if asked:
                asked.record("rollback", "to a savepoint", to="database")
            case "other":
                self.wrapper.pure = False
        return result

    def _note(self, done: Statement, simulated: database.Database | None) -> None:
        inside = self.connection.in_transaction
        if inside:
            self.wrapper.written[done.table] = None
        if simulated:
            simulated.dirty.add(done.table)
            if inside:
                simulated.lock(self.wrapper)


def listener() -> host.Host | None:
    """Whoever hears of what is done; nobody when a simulation prepares a run or looks at what is left of it."""
    simulated = database.current()
    return None if simulated is not None and simulated.actor is None else host.current()


def _patiently(run: Callable[[], Any], simulated: database.Database, asked: host.Host | None) -> Any:
    until = None
    while True:
        try:
            return run()
        except sqlite3.OperationalError as error:
            # A transaction that has read what others have changed since can never write; SQLite says so at once.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or asked is None:
                raise
            until = asked.now() + PATIENCE if until is None else until
            left = until - asked.now()
            if left <= 0 or not simulated.wait_for_lock(asked, left):
                raise
