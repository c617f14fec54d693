"""What a user can set, as one frozen value: `[tool.flake8-tasks]` in pyproject.toml, flake8's options over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from collections.abc import Mapping

# Numbers that rules and fixes read, with their defaults.  Times are in seconds.
THRESHOLDS: Mapping[str, int] = {
    "max-retries": 10,
    "soft-time-limit": 270,
    "time-limit": 300,
}


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file and the key."""


@dataclass(frozen=True, slots=True)
class Config:
    """One project's configuration."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    src: tuple[str, ...] = ()
    celery_app: str = ""
    task_decorators: tuple[str, ...] = ()
    dispatchers: tuple[str, ...] = ()
    on_commit_helpers: tuple[str, ...] = ()
    include_tests: bool = False
    thresholds: Mapping[str, int] = field(default_factory=lambda: dict(THRESHOLDS))
