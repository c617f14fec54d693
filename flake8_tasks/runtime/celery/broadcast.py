"""Remote control: what is asked of all workers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.exceptions import WorkerShutdown

from flake8_tasks.runtime.celery import compat
from flake8_tasks.runtime.celery.consumer import NodeConsumer

if TYPE_CHECKING:
    from flake8_tasks.runtime.celery.driver import CeleryDriver


# They change what a worker consumes or how large its pool is, or tell of its process.
_NOT_MODELLED = {"add_consumer", "autoscale", "cancel_consumer", "pool_grow", "pool_restart", "pool_shrink", "stats"}


class Broadcast:
    """Stands in the place of `app.control.broadcast` during a run: a node that is up answers at once.

    Arguments:
        driver: the run's.
    """

    def __init__(self, driver: CeleryDriver) -> None:
        self._driver = driver
        self._rate_limits: dict[Any, Any] = {}

    def forget(self) -> None:
        """Tasks get back the rate limits that they were declared with."""
        for task, limit in self._rate_limits.items():
            task.rate_limit = limit

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
        if command in _NOT_MODELLED:
            raise NotImplementedError(f"the remote control command {command} is not modelled")
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
                    replies.append({consumer.hostname: self._answer(command, consumer, given)})
                if command == "shutdown":
                    worker.shutdown()
        return replies if reply else None

    def _answer(self, command: str, consumer: NodeConsumer, given: Mapping[str, Any]) -> Any:
        task = self._driver.app.tasks.get(given.get("task_name"))
        if task is not None and command == "rate_limit":
            self._rate_limits.setdefault(task, task.rate_limit)
        before = task and (task.time_limit, task.soft_time_limit)
        try:
            return compat.answer(command, _ControlState(self._driver.app, consumer), given)
        except WorkerShutdown:
            return None
        except Exception as error:  # kombu's mailbox answers with it
            return {"error": repr(error)}
        finally:
            if task is not None:
                # New ones are of no use: what a worker has made for its tasks when it started holds those of then.
                task.time_limit, task.soft_time_limit = before


class _ControlState:
    """What Celery's remote-control commands are given."""

    def __init__(self, app: Celery, consumer: NodeConsumer) -> None:
        self.app, self.consumer, self.hostname = app, consumer, consumer.hostname
        self.tset = set
