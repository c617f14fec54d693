"""The client of the real engine: it has the program imported, and whatever it does is done by a process forked from it.

Run as a module; it takes orders, a line of JSON each, at a socket in the engine's folder.
"""

from __future__ import annotations

import json
import os
import socket
import traceback
from pathlib import Path
from typing import Any

SOCKET = "client.socket"
ANSWER = "answer.json"


def serve() -> None:
    """Carry out orders until this process is ended."""
    from flake8_tasks.runtime.conformance import inside

    path = Path(os.environ[inside.FOLDER]) / SOCKET
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw", encoding="utf-8") as lines:
                for line in lines:
                    child = os.fork()
                    if not child:
                        _carry_out(inside, json.loads(line)["order"])
                    _say(lines, child)
                    _, status = os.waitpid(child, 0)
                    _say(lines, os.waitstatus_to_exitcode(status))


def _say(lines: Any, number: int) -> None:
    try:
        lines.write(f"{number}\n")
        lines.flush()
    except OSError:
        pass  # Whoever asked has given up.


def _carry_out(inside: Any, order: str) -> None:
    """In the forked process: do it, and write what came of it."""
    answer: dict[str, object] = {}
    try:
        answer["value"] = _ORDERS[order](inside)
    except BaseException as error:
        traceback.print_exc()
        answer["raised"] = type(error).__name__
        answer["message"] = str(error)
    try:
        text = json.dumps(answer, default=repr)
        (Path(os.environ[inside.FOLDER]) / "run" / ANSWER).write_text(text, "utf-8")
    finally:
        os._exit(0)


def _create_tables(inside: Any) -> None:
    if inside.stage.program.uses_django:
        from flake8_tasks.runtime.world.database import create_tables

        create_tables()


def _prepare(inside: Any) -> None:
    inside.host.armed = False
    inside.scenario.prepare(inside.stage)


def _act(inside: Any) -> None:
    acted = inside.scenario.act(inside.stage)
    (inside.host.plan.folder / inside.ACTED).write_text(json.dumps(acted, default=repr), "utf-8")


def _look(inside: Any) -> dict[str, object]:
    inside.host.armed = False
    stage = inside.stage
    seen = {
        "final": stage.final,
        "results": stage.results,
        "violation": inside.scenario.invariant.check(stage) or "",
    }
    stage.forget_results()
    return seen


_ORDERS = {"create tables": _create_tables, "prepare": _prepare, "act": _act, "look": _look}


if __name__ == "__main__":
    serve()
