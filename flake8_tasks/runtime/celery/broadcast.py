"""Remote control: what is asked of all workers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from celery import Celery

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.celery.consumer import NodeConsumer

if TYPE_CHECKING:
    from flake8_tasks.runtime.celery.driver import CeleryDriver


class Broadcast:
    """Stands in the place of `app.control.broadcast` during a run: a node that is up answers at once.

    Arguments:
        driver: the run's.
    """

    def __init__(self, driver: CeleryDriver) -> None:
        self._driver = driver

    def __call__(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        destination: Sequence[str] | None = None,
        connection: object = None,
        reply: bool = False,
        timeout: float = 1.0,
        limit: int | None = None,
        callback: object = None,
        channel: object = None,
        pattern: object = None,
        matcher: object = None,
        **further: Any,
    ) -> list[dict[str, Any]] | None:
        driver = self._driver
        given = {**(arguments or {}), **further}
        about = given.get("task_id") or []
        names = ", ".join(map(driver.name_of, [about] if isinstance(about, str) else about))
        driver.simulation.record("control", f"{command} {names}".rstrip(), to="broker")
        replies = []
        for worker in driver.workers:
            consumer = driver.consumer(worker)
            if worker.is_up and (destination is None or consumer.hostname in destination):
                with worker.as_parent():
                    state = _ControlState(driver.app, consumer)
                    replies.append({consumer.hostname: compat.answer(command, state, given)})
        return replies if reply else None


class _ControlState:
    """What Celery's remote-control commands are given."""

    def __init__(self, app: Celery, consumer: NodeConsumer) -> None:
        self.app, self.consumer, self.hostname = app, consumer, consumer.hostname
        self.tset = set
