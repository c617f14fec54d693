"""Keeps one program running for as long as whoever started it lives; a script, it imports nothing of the package.

Standard input is the life line. When its other end is closed (or its holder killed), the program and everything that it
started are ended: SIGTERM to its process group, after a while SIGKILL, on Linux also to those that left the group.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
import threading
from typing import Any

PR_SET_CHILD_SUBREAPER = 36


def keep(order: dict[str, Any]) -> int:
    """Start the program, wait for its end, clear up; returns its exit code, or minus the signal that ended it."""
    adopt_orphans()
    program = start(order)
    print(program, flush=True)
    threading.Thread(target=end_with_life_line, args=(program, order["grace"]), daemon=True).start()
    code = reap(program)
    end_group(program, signal.SIGKILL)
    end_left_over()
    if order["remove"]:
        shutil.rmtree(order["remove"], ignore_errors=True)
    return code


def adopt_orphans() -> None:
    """Become the parent of what a killed program leaves behind, so that it can be ended and reaped."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(order: dict[str, Any]) -> int:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    command = order["command"]
    os.chdir(order["folder"])
    redirect = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    # Not a group alone: a terminal's signals go to a session.
    program = os.posix_spawnp(command[0], command, os.environ, file_actions=redirect, setsid=True)
    os.chdir("/")
    os.close(log)
    return program


def end_with_life_line(program: int, grace: float) -> None:
    while os.read(0, 1024):
        pass
    end_group(program, signal.SIGTERM)
    threading.Timer(grace, end_group, (program, signal.SIGKILL)).start()


def end_group(program: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program, number)


def reap(program: int) -> int:
    """Wait for this process, and for orphans that end before it."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == program:
            return os.waitstatus_to_exitcode(status)


def end_left_over() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            for orphan in children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
            os.waitpid(-1, 0)


def children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as listed:
            return [int(each) for each in listed.read().split()]
    except OSError:
        return []


if __name__ == "__main__":
    code = keep(json.loads(sys.argv[1]))
    # A timer that still waits to kill has nothing left to kill.
    os._exit(code if code >= 0 else 128 - code)
