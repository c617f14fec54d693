"""The private names of kombu's own channels that the driver touches; see `compat`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def put(channel: Any, queue: str, raw: dict[str, Any]) -> None:
    """Store a message that was prepared for another channel."""
    channel._put(queue, raw)


def make_tables(channel: Any) -> None:
    """Make them, and what stands for them in Python, now and not at the first message."""
    if hasattr(channel, "session"):
        from sqlalchemy.orm import configure_mappers

        channel.session.get_bind()
        configure_mappers()


def end_transaction(channel: Any) -> None:
    """Let go of the database connection that a question has opened."""
    if hasattr(channel, "session"):
        channel.session.commit()


def abandon(channel: Any) -> None:
    """The process that has this channel is killed: kombu must not give back later what it holds."""
    if channel._qos is not None:
        channel._qos._on_collect.cancel()
        channel._qos._delivered.clear()
        channel._qos = None
    if getattr(channel, "_session", None) is not None:
        channel._session.close()


def listen_to_statements(channel: Any, heard: Callable[..., None]) -> bool:
    """Have every SQL statement heard; False when there is no database behind the channel."""
    if not hasattr(channel, "session"):
        return False
    from sqlalchemy import event

    event.listen(channel.session.get_bind(), "before_cursor_execute", heard)
    return True


def forget_messages(channel: Any) -> None:
    """Empty the tables."""
    if hasattr(channel, "session"):
        for table in (channel.message_cls, channel.queue_cls):
            channel.session.query(table).delete()
        channel.session.commit()


def close_storage(channel: Any) -> None:
    """Close the database, which kombu keeps open for good."""
    abandon(channel)
    if hasattr(channel, "_engines"):
        engine, _ = channel._engines.pop(channel.connection.client.hostname)
        engine.dispose()
