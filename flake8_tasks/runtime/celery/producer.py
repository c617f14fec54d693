"""What a simulated process publishes with: Celery's own producer, one for everybody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from celery import Celery


class OneProducer:
    """A pool that lends one producer to everybody: a process that is killed while it publishes never gives it back."""

    limit = 1

    def __init__(self, app: Celery) -> None:
        connection = app.connection_for_write()
        self._producer = app.amqp.Producer(connection, auto_declare=False)
        self._declare = self._producer.maybe_declare
        self._producer.maybe_declare = self._declare_once
        self.connections = SimpleNamespace(connection=connection)

    def acquire(self, block: bool = False, timeout: float | None = None) -> Any:
        return self._producer

    def force_close_all(self) -> None:
        self._producer.connection.close()

    def _declare_once(self, entity: Any, retry: bool = False, **policy: Any) -> Any:
        """kombu knows what it has declared, but makes a copy of it each time before it looks (`kombu.common`)."""
        declared = self._producer.connection.declared_entities
        if entity and entity.can_cache_declaration and hash(entity) in declared:
            return False
        return self._declare(entity, retry, **policy)
