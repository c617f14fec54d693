"""Where a real process may be killed, and a message delivered twice: the points of a simulation, set into Celery."""

from __future__ import annotations

import time
from functools import wraps
from typing import Any

from celery import Celery, signals
from kombu.message import Message
from kombu.utils.encoding import bytes_to_str

from flake8_tasks.runtime.celery.backend import UNSENT
from flake8_tasks.runtime.conformance.host import RealHost
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.statements import NotInstrumentable, instrumented
from flake8_tasks.runtime.program import Program

PATIENCE = 5.0


def names_messages(host: RealHost) -> None:
    """Before each message is sent; from then on it has its name."""

    def publishing(headers: Any, **_: Any) -> None:
        host.point("publish", host.plan.name(headers["id"], headers["task"]), to="broker")

    signals.before_task_publish.connect(publishing, weak=False)


def delivers_twice(app: Celery, host: RealHost) -> None:
    """The broker delivers a message a second time: it is sent twice."""
    send = app.amqp.send_task_message

    @wraps(send)
    def sending(producer: Any, name: Any, message: Any, **options: Any) -> Any:
        sent = send(producer, name, message, **options)
        label = f"delivery of {host.plan.name(message.headers['id'], message.headers['task'])}"
        if host.armed and host.plan.at(label, [Fault.DUPLICATED]):
            send(producer, name, message, **options)
        return sent

    app.amqp.__dict__["send_task_message"] = sending


def points_at_acknowledgements(host: RealHost) -> None:
    """Before each acknowledgement, and before each message is given back."""

    def before(kind: str, method: Any, *, again: bool) -> Any:
        @wraps(method)
        def acting(message: Message, *arguments: Any, **options: Any) -> Any:
            headers = message.headers or {}
            if "id" not in headers or "task" not in headers or message.acknowledged:
                return method(message, *arguments, **options)
            host.point(kind, host.plan.name(headers["id"], headers["task"]), to="broker")
            if again or options.get("requeue"):
                host.plan.requeued(headers["id"])
                return method(message, *arguments, **options)
            try:
                return method(message, *arguments, **options)
            finally:
                host.plan.acknowledged(headers["id"])

        return acting

    for name, kind in (("ack", "ack"), ("reject", "reject"), ("requeue", "reject")):
        setattr(Message, name, before(kind, getattr(Message, name), again=name == "requeue"))


def children_wait_for_acknowledgements(host: RealHost) -> None:
    """An early acknowledgement comes before the task, as in the simulation.

    A child begins at once, and its parent acknowledges when it hears of it: for a moment they race. Which of the two
    is first is not left to chance here.
    """

    def received(request: Any, **_: Any) -> None:
        host.plan.received(request.id)

    def begins(sender: Any, task_id: str, **_: Any) -> None:
        until = time.monotonic() + PATIENCE
        while not (sender.acks_late or host.plan.is_acknowledged(task_id)) and time.monotonic() < until:
            time.sleep(0.001)

    signals.task_received.connect(received, weak=False)
    signals.task_prerun.connect(begins, weak=False)


def points_at_results(app: Celery, host: RealHost) -> None:
    """Before each result is stored."""
    kind = type(app.backend)

    def point(task_id: str, state: str) -> None:
        name = host.plan.name(task_id, UNSENT)
        host.point("store", state if host.actor.task == name else f"{state} of {name}", to="results")

    if hasattr(kind, "_set_with_state"):
        store = kind._set_with_state

        def storing(backend: Any, key: Any, value: Any, state: str) -> Any:
            key_of_task, prefix = backend.key_t(key), backend.task_keyprefix
            if key_of_task.startswith(prefix):
                point(bytes_to_str(key_of_task.removeprefix(prefix)), state)
            return store(backend, key, value, state)

        kind._set_with_state = storing
    elif hasattr(kind, "_store_result"):
        store = kind._store_result

        def storing_result(backend: Any, task_id: Any, result: Any, state: str, *further: Any, **options: Any) -> Any:
            point(task_id, state)
            return store(backend, task_id, result, state, *further, **options)

        kind._store_result = storing_result


def points_at_statements(program: Program, host: RealHost) -> None:
    """Before each statement of the program."""
    root = f"{program.root}/"
    for function in program.functions():
        try:
            instrumented(function, host.statement, lambda path: path.removeprefix(root))
        except NotInstrumentable:
            continue
