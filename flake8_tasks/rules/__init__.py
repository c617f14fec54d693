"""The rules: one family a folder, one rule a file.  Nothing is registered: the package is walked."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from flake8_tasks.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by code."""
    found = []
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        if not module.ispkg:
            found.append(importlib.import_module(module.name).rule)
    return tuple(sorted(found, key=lambda rule: rule.code))
