"""Which files are tests: by their names, or by importing a test framework."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

from flake8_tasks.model.source import Source

_FRAMEWORKS = frozenset({"pytest", "unittest", "django.test", "rest_framework.test", "celery.contrib.testing"})


def is_test_name(path: str) -> bool:
    """A file is a test by its name."""
    name = os.path.basename(path).removesuffix(".py")
    return name.startswith("test_") or name.endswith("_test") or name in ("tests", "conftest")


def is_test_module(source: Source) -> bool:
    """A file is a test: by its name, or since its first level imports pytest, unittest or django.test."""
    return is_test_name(source.path) or any(
        module == framework or module.startswith(f"{framework}.")
        for module in _imported(source.tree)
        for framework in _FRAMEWORKS
    )


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)
