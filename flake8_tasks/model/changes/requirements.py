"""Which version of Celery a project asks for, as its requirement and lock files say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_LOCKED = (
    re.compile(r'(?m)^name = "celery"\s+version = "(\d+)\.(\d+)'),  # uv.lock, poetry.lock, pdm.lock
    re.compile(r'"celery":\s*\{[^}]*?"version":\s*"==(\d+)\.(\d+)'),  # Pipfile.lock
    re.compile(r"(?im)^[^#\n]*?\bcelery(?:\[[^\]\n]*\])?\s*==\s*(\d+)\.(\d+)"),
)
_AT_LEAST = (
    re.compile(r"(?im)^[^#\n]*?\bcelery(?:\[[^\]\n]*\])?\s*(?:>=|~=)\s*(\d+)(?:\.(\d+))?"),
    re.compile(r'(?im)^celery\s*=\s*(?:\{[^\n]*?version\s*=\s*)?"(?:\^|~|>=|==)?\s*(\d+)(?:\.(\d+))?'),
)
_FILES = (
    *("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "requirements*.txt", "requirements*.in"),
    *("requirements/*.txt", "requirements/*.in", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"),
)


def oldest_celery(root: Path) -> tuple[int, int] | None:
    """The oldest version of Celery that a project may run with: what is locked, else what is asked for; None: any.

    Arguments:
        root: the project's folder.
    """
    held = list(texts(root))
    for patterns in (_LOCKED, _AT_LEAST):
        found = [
            (int(match[1]), int(match[2] or 0)) for text in held for each in patterns for match in each.finditer(text)
        ]
        if found:
            return min(found)
    return None


def texts(root: Path) -> Iterator[str]:
    """What the requirement and lock files of a project hold."""
    for pattern in _FILES:
        for path in sorted(root.glob(pattern)):
            try:
                yield path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
