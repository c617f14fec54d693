"""What the tests of several folders share."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from temporary import TemporaryProject, Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Makes a project of a program's text, each call another one."""
    numbers = count()
    return lambda text: TemporaryProject.written(tmp_path / f"project{next(numbers)}", text)
