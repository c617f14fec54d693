"""Folders for as long as something runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flake8_tasks.interrupts import held


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder, gone afterwards, whatever interrupts us."""
    folder = None
    try:
        with held():
            folder = Path(tempfile.mkdtemp(prefix="flake8-tasks-")).resolve()
        yield folder
    finally:
        if folder is not None:
            with held():
                shutil.rmtree(folder, ignore_errors=True)
