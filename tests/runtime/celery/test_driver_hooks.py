"""Classes of tasks, signals and events: what a program hangs on to an execution."""

from __future__ import annotations

import time
from typing import Any

from celery import Celery, Task, shared_task, signals
from simulated import run


def test_the_hooks_of_a_task_class_are_called_in_their_order(app: Celery) -> None:
    called: list[str] = []

    class Watched(Task):  # type: ignore[misc]
        def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
            called.append("before_start")

        def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
            called.append(f"on_success {retval}")

        def on_retry(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            called.append(f"on_retry {exc!r}")

        def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            called.append(f"on_failure {exc!r}")

        def after_return(self, status: str, *_: Any) -> None:
            called.append(f"after_return {status}")

    @app.task(base=Watched, bind=True, max_retries=1, default_retry_delay=1)
    def charge(self: Any, works: bool) -> str:
        if works:
            return "paid"
        raise self.retry(exc=ValueError("refused"))

    run(app, lambda driver: charge.delay(True))
    assert called == ["before_start", "on_success paid", "after_return SUCCESS"]

    called.clear()
    run(app, lambda driver: charge.delay(False))
    assert called == [
        "before_start",
        "on_retry ValueError('refused')",
        "before_start",
        "on_failure ValueError('refused')",
        "after_return FAILURE",
    ]


def test_call_runs_instead_of_run(app: Celery) -> None:
    class Counted(Task):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return ["called", super().__call__(*args, **kwargs)]

    @app.task(base=Counted)
    def charge() -> str:
        return "paid"

    assert run(app, lambda driver: charge.delay().get()).value == ["called", "paid"]


def test_a_class_that_is_registered_is_a_task(app: Celery) -> None:
    class Charge(Task):  # type: ignore[misc]
        name = "shop.charge"

        def run(self, amount: int) -> int:
            return amount * 2

    charge = app.register_task(Charge())

    assert run(app, lambda driver: charge.delay(2).get()).value == 4


def test_shared_tasks_belong_to_the_app(app: Celery) -> None:
    @shared_task
    def charge() -> str:
        return "paid"

    assert run(app, lambda driver: charge.delay().get()).value == "paid"


def test_a_bound_task_knows_its_request(app: Celery) -> None:
    @app.task(bind=True)
    def charge(self: Any) -> list[Any]:
        request = self.request
        return [request.id, request.retries, request.is_eager, request.hostname, request.delivery_info["routing_key"]]

    def act(driver: Any) -> Any:
        result = charge.apply_async(task_id="one")
        return result.get()

    assert run(app, act).value == ["one", 0, False, "celery@worker", "celery"]


def test_interleaved_tasks_each_have_their_own_request(app: Celery) -> None:
    @app.task(bind=True)
    def charge(self: Any, seconds: float) -> bool:
        before = self.request.id
        time.sleep(seconds)
        return bool(self.request.id == before and app.current_task.request.id == before)

    outcome = run(app, lambda driver: [result.get() for result in [charge.delay(2), charge.delay(1)]])

    assert outcome.value == [True, True]


def test_signals_are_sent(app: Celery) -> None:
    seen: list[str] = []
    names = ["before_task_publish", "after_task_publish", "task_received", "task_prerun", "task_postrun",
             "task_success", "task_failure", "task_retry", "task_revoked"]  # fmt: skip
    receivers = []
    for name in names:

        def receiver(name: str = name, **_: Any) -> None:
            seen.append(name)

        receivers.append(receiver)
        getattr(signals, name).connect(receiver)

    @app.task(bind=True, max_retries=1, default_retry_delay=1)
    def charge(self: Any, works: bool) -> None:
        if not works:
            raise self.retry(exc=ValueError())

    sent = ["before_task_publish", "after_task_publish"]
    run(app, lambda driver: charge.delay(True))
    assert seen == [*sent, "task_received", "task_prerun", "task_success", "task_postrun"]

    seen.clear()
    run(app, lambda driver: charge.delay(False))
    assert seen == [*sent, "task_received", "task_prerun", *sent, "task_retry", "task_postrun",
                    "task_received", "task_prerun", "task_failure", "task_postrun"]  # fmt: skip

    seen.clear()
    run(app, lambda driver: charge.apply_async((True,), expires=-5))
    assert seen == [*sent, "task_revoked"]


def test_a_worker_sends_events_when_it_is_asked_to(app: Celery) -> None:
    app.conf.task_send_sent_event = True

    @app.task
    def charge() -> None:
        time.sleep(2)

    outcome = run(app, lambda driver: charge.delay(), events=True)

    assert [event["type"] for event in outcome.sent_events] == [
        "task-sent",
        "task-received",
        "task-started",
        "task-succeeded",
    ]
    assert outcome.sent_events[-1]["runtime"] == 2.0
    assert [event["timestamp"] for event in outcome.sent_events] == [1_700_000_000.0] * 3 + [1_700_000_002.0]
    assert run(app, lambda driver: charge.delay()).sent_events[1:] == []
