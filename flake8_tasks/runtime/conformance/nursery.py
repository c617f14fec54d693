"""A process that has the libraries imported, from which workers and clients are forked: they start in a moment.

What is forked is a process like any other, in a session of its own: it runs `python -m celery …` with an environment of
its own. Run as a module; it takes one order for each connection to its socket, a line of JSON, and answers with lines:
the process id, later how it ended. A connection is a life line: when it is closed, all of its group is killed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from typing import Any

# What takes long to import; what is not installed is left out.
LIBRARIES = (
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "celery.worker.control",
    "celery.fixups.django",
    "celery.backends.redis",
    "celery.backends.filesystem",
    "celery.backends.database",
    "celery.app.builtins",
    "celery.events.state",
    "kombu.transport.redis",
    "kombu.transport.pyamqp",
    "django.apps",
    "django.db.models",
    "django.db.backends.sqlite3.base",
    "django.core.mail",
    "django.core.cache",
    "requests",
    "httpx",
    "flake8_tasks.runtime.stage",
    "flake8_tasks.runtime.conformance.client",
    "flake8_tasks.runtime.conformance.host",
)


class Nursery:
    """See the module.

    Arguments:
        path: of its socket.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._children: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Carry out orders until this process is ended."""
        awake, wakes = socket.socketpair()
        for end in (awake, wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno())
        signal.signal(signal.SIGCHLD, _nothing)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._path)
            listener.listen()
            self._selector.register(listener, selectors.EVENT_READ)
            self._selector.register(awake, selectors.EVENT_READ)
            while True:
                for key, _ in self._selector.select():
                    if key.fileobj is listener:
                        self._begin(listener.accept()[0])
                    elif key.fileobj is awake:
                        awake.recv(4096)
                        self._reap()
                    elif isinstance(key.fileobj, socket.socket):
                        self._let_go(key.fileobj)

    def _begin(self, connection: socket.socket) -> None:
        with connection.makefile("r", encoding="utf-8") as lines:
            order = json.loads(lines.readline())
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        child = os.fork()
        if not child:
            _become(order)
        self._children[child] = connection
        self._selector.register(connection, selectors.EVENT_READ)
        _say(connection, child)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                child, status = os.waitpid(-1, os.WNOHANG)
                if not child:
                    return
                code = os.waitstatus_to_exitcode(status)
                _kill(child)
                if connection := self._children.pop(child, None):
                    _say(connection, code)
                    self._close(connection)

    def _let_go(self, connection: socket.socket) -> None:
        for child, its in self._children.items():
            if its is connection:
                _kill(child)
        self._children = {child: its for child, its in self._children.items() if its is not connection}
        self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(connection)
        connection.close()


def _become(order: dict[str, Any]) -> None:
    """In the forked process: be what is ordered, to the end."""
    code = 1
    try:
        os.setsid()
        os.closerange(3, 1024)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:] = [*paths, *(path for path in sys.path if path not in paths)]
        sys.argv = list(order["command"])
        importlib.invalidate_caches()
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _kill(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _say(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(b"%d\n" % number)


def _nothing(*_: object) -> None:
    pass


if __name__ == "__main__":
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    Nursery(sys.argv[1]).serve()
