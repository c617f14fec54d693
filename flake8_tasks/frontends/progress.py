"""A line on a terminal that says how far a long run has come, and is gone when it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

AFTER = 1.0  # seconds; a shorter run shows nothing
EVERY = 0.1


@contextmanager
def progress_on(stream: TextIO | None) -> Iterator[Callable[[int, int], None] | None]:
    """The function to tell how many files of how many are done; None where nobody would see it, or as it should be.

    Arguments:
        stream: where it is shown, if that is a terminal that can go back in a line.
    """
    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        yield None
        return
    due = time.monotonic() + AFTER
    shown = False

    def show(done: int, total: int) -> None:
        nonlocal due, shown
        now = time.monotonic()
        if now >= due:
            due = now + EVERY
            shown = True
            stream.write(f"\r\x1b[KChecked {done} of {total} files")
            stream.flush()

    try:
        yield show
    finally:
        if shown:
            stream.write("\r\x1b[K")
            stream.flush()
