"""The database of a program in simulated runs: empty at the beginning of each, own connections for each actor."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
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
        self._opened: dict[Actor, list[DatabaseWrapper]] = defaultdict(list)
        self._outside: dict[str, DatabaseWrapper] = {}
        self._django: Any = None
        self._spare: dict[str, list[Any]] = defaultdict(list)
        self._over: dict[str, DatabaseWrapper] = {}

    def __enter__(self) -> Self:
        global _current
        from django.db import connection, connections

        create_tables()
        self._tables = set(connection.introspection.table_names())
        connection.close()
        self._cleaner = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=0)
        self._cleaner.execute("PRAGMA synchronous = off")
        self._numbered = bool(
            self._cleaner.execute("SELECT 1 FROM sqlite_master WHERE name='sqlite_sequence'").fetchall()
        )
        self._django, connections._connections = connections._connections, _Connections(self)
        _current = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _current
        from django.db import connections

        self._end(over=False)
        _current, connections._connections = None, self._django
        self._cleaner.close()
        for spare in chain(*self._spare.values()):
            spare.close()

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
        self.actor = actor

    def leave(self, actor: Actor) -> None:
        """From now on they are nobody's."""
        self.actor = None

    @property
    def connections(self) -> Any:
        """The connections of whoever runs now, by their aliases."""
        return self._outside if self.actor is None else self.actor.local.setdefault("connections", {})

    def end(self, actor: Actor) -> None:
        """A process is no more: its connections are closed, and what it has not committed is lost."""
        for wrapper in self._opened.pop(actor, ()):
            wrapper.cut()
        actor.local.pop("connections", None)

    # What connections say and ask.

    def opened(self, wrapper: DatabaseWrapper) -> None:
        """It has a connection now."""
        if self.actor is not None and wrapper not in self._opened[self.actor]:
            self._opened[self.actor].append(wrapper)

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
        for dead in [actor for actor in self._opened if actor.dead]:
            self.end(dead)

    # A new state.

    def _end(self, *, over: bool) -> None:
        from django.db import connections

        from flake8_tasks.runtime.world.sqlite.base import OverWrapper

        self.actor = None
        for actor in list(self._opened):
            self.end(actor)
        for wrapper in self._outside.values():
            wrapper.close()
        self._outside.clear()
        self._writer = None
        if over:
            for alias in connections:
                if alias not in self._over:
                    self._over[alias] = OverWrapper(connections.settings[alias], alias)
                self._outside[alias] = self._over[alias]

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


class _Connections:
    """Where Django keeps its open connections, instead of one place for each thread: one for each actor."""

    _database: Database

    def __init__(self, database: Database) -> None:
        vars(self)["_database"] = database

    def __getattr__(self, alias: str) -> DatabaseWrapper:
        try:
            return self._database.connections[alias]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(alias) from None

    def __setattr__(self, alias: str, wrapper: DatabaseWrapper) -> None:
        self._database.connections[alias] = wrapper

    def __delattr__(self, alias: str) -> None:
        del self._database.connections[alias]
