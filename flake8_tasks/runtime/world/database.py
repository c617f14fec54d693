"""The database of a program in simulated runs: empty at the beginning of each, own connections for each actor."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from flake8_tasks.runtime.kernel.actors import Actor, Swapped
    from flake8_tasks.runtime.kernel.host import Host
    from flake8_tasks.runtime.world.sqlite.base import DatabaseWrapper


STEP = 0.1
"""Seconds after which a lock is tried again, where nobody can be told that it is free."""


def create_tables() -> None:
    """Make the tables of all models of the installed apps, in the file that Django's settings name."""
    from django.apps import apps
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = wal")
    with connection.schema_editor() as editor:
        for model in apps.get_models(include_auto_created=False):
            if model._meta.can_migrate(connection):
                editor.create_model(model)
    connection.close()


_current: Database | None = None


def current() -> Database | None:
    """The database of the runs under way; None in a real process."""
    return _current


class Database:
    """The loaded program's database; a context manager within the program's.

    Tables are made once. A run finds them empty: those that the last one wrote to are emptied, and their numbers start
    at 1 again. Readers never wait; one transaction at a time writes, others wait for it in virtual time.
    """

    def __init__(self) -> None:
        self.actor: Actor | None = None
        self.dirty: set[str] = set()
        self._writer: DatabaseWrapper | None = None
        self._connections: dict[Actor, list[DatabaseWrapper]] = defaultdict(list)
        self._outside: dict[str, DatabaseWrapper] = {}
        self._spare: dict[str, list[Any]] = defaultdict(list)
        self._over: dict[str, DatabaseWrapper] = {}

    def __enter__(self) -> Self:
        global _current
        from django.db import connection

        create_tables()
        self._tables = set(connection.introspection.table_names())
        connection.close()
        self._cleaner = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=0)
        self._cleaner.execute("PRAGMA synchronous = off")
        self._numbered = bool(
            self._cleaner.execute("SELECT 1 FROM sqlite_master WHERE name='sqlite_sequence'").fetchall()
        )
        _current = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _current
        self._end(over=False)
        _current = None
        self._cleaner.close()
        for connections in self._spare.values():
            for connection in connections:
                connection.close()

    @contextmanager
    def run(self, per_actor: list[Swapped]) -> Iterator[None]:
        """A run, which this database is swapped in.

        What is left of killed actors after it finds no database any more.
        """
        self._end(over=False)
        self._empty()
        per_actor.append(self)
        try:
            yield
        finally:
            per_actor.remove(self)
            self._end(over=True)

    # Swapping.

    def enter(self, actor: Actor) -> None:
        """From now on Django's connections are this actor's."""
        self._end_the_dead()
        self._outside = _exchange(actor.local.pop("connections", {}))
        self.actor = actor

    def leave(self, actor: Actor) -> None:
        """Keep this actor's connections for it."""
        actor.local["connections"] = _exchange(self._outside)
        self._outside = {}
        self.actor = None

    def end(self, actor: Actor) -> None:
        """A process is no more: its connections are closed, and what it has not committed is lost."""
        for wrapper in self._connections.pop(actor, ()):
            wrapper.cut()
        actor.local.pop("connections", None)

    # What connections say and ask.

    def opened(self, wrapper: DatabaseWrapper) -> None:
        """It has a connection now."""
        if self.actor is not None and wrapper not in self._connections[self.actor]:
            self._connections[self.actor].append(wrapper)

    def spare(self, alias: str) -> Any:
        """A connection that is open already and used by nobody, as opening one takes long; None: there is none."""
        return self._spare[alias].pop() if self._spare[alias] else None

    def keep(self, alias: str, connection: Any) -> None:
        """Nobody uses this connection any more."""
        self._spare[alias].append(connection)

    def lock(self, wrapper: DatabaseWrapper) -> None:
        """It writes, until its transaction ends."""
        self._writer = wrapper

    def wait_for_lock(self, waiter: Host, seconds: float) -> bool:
        """Wait until nobody writes, for so many virtual seconds at most; whether it is worth trying again."""
        wait = getattr(waiter, "wait", None)
        if wait is None:
            waiter.sleep(min(seconds, STEP))
            return True
        return bool(wait(self._is_free, seconds, "the database, to which another transaction writes"))

    def _is_free(self) -> bool:
        self._end_the_dead()
        writer = self._writer
        return writer is None or writer.connection is None or not writer.connection.in_transaction

    def _end_the_dead(self) -> None:
        for dead in [actor for actor in self._connections if actor.dead]:
            self.end(dead)

    # A new state.

    def _end(self, *, over: bool) -> None:
        from django.db import connections

        from flake8_tasks.runtime.world.sqlite.base import OverWrapper

        self.actor = None
        for actor in list(self._connections):
            self.end(actor)
        for wrapper in _exchange({}).values():
            wrapper.close()
        self._writer = None
        if over:
            for alias in connections:
                if alias not in self._over:
                    self._over[alias] = OverWrapper(connections.settings[alias], alias)
                connections[alias] = self._over[alias]

    def _empty(self) -> None:
        if not self.dirty:
            return
        tables = self.dirty if self.dirty <= self._tables else self._tables
        self._cleaner.execute("BEGIN IMMEDIATE")
        for table in sorted(tables):
            self._cleaner.execute(f'DELETE FROM "{table}"')
        if self._numbered:
            self._cleaner.execute("DELETE FROM sqlite_sequence")
        self._cleaner.execute("COMMIT")
        self.dirty.clear()


def _exchange(new: Any) -> dict[str, Any]:
    from django.db import connections

    old = {wrapper.alias: wrapper for wrapper in connections.all(initialized_only=True)}
    for alias in old:
        if alias not in new:
            del connections[alias]
    for alias, wrapper in new.items():
        connections[alias] = wrapper
    return old
