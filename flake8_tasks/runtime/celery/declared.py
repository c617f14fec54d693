"""What an app's declarations of queues make the broker do: priorities and dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery import Celery

from flake8_tasks.runtime.kernel.broker import Profile

# kombu.transport.redis: `PRIORITY_STEPS`
_STEPS = (0, 3, 6, 9)


def priority_of(app: Celery, profile: Profile | None, queue: str, raw: Mapping[str, Any]) -> int:
    """The priority that counts: on RabbitMQ up to what the queue was declared with, on Redis in steps, on SQS none.

    Arguments:
        app: the user's, whose queues they are.
        profile: the broker's.
        queue: that the message goes to.
        raw: the message.
    """
    asked = raw["properties"].get("priority") or 0
    if not asked or profile is None:
        return 0
    match profile.name:
        case "rabbitmq":
            return min(asked, _arguments(app, queue).get("x-max-priority") or 0)
        case "redis":
            steps = (app.conf.broker_transport_options or {}).get("priority_steps") or _STEPS
            return max(step for step in steps if step <= max(asked, min(steps)))
        case _:
            return 0


def dead_letters_of(app: Celery) -> dict[str, str]:
    """Queue → the queue that takes its dead letters."""
    queues = app.amqp.queues
    found = {}
    for name in list(queues):
        arguments = _arguments(app, name)
        exchange, key = arguments.get("x-dead-letter-exchange"), arguments.get("x-dead-letter-routing-key")
        if exchange is None:
            continue
        for other, queue in queues.items():
            to_it = other == key if not exchange else queue.exchange and queue.exchange.name == exchange
            if to_it and (key is None or not exchange or queue.routing_key == key):
                found[name] = other
    return found


def _arguments(app: Celery, queue: str) -> Mapping[str, Any]:
    declared = app.amqp.queues.get(queue)
    arguments = dict((declared.queue_arguments if declared else None) or {})
    if declared is not None and declared.max_priority:
        arguments["x-max-priority"] = declared.max_priority
    return arguments
