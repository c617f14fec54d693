"""Which files are tests: by their names, or by importing a test framework."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator

from flake8_tasks.model.source import Source

_FRAMEWORKS = frozenset({"pytest", "unittest", "django.test", "rest_framework.test", "celery.contrib.testing"})

_DEVELOPMENT = frozenset(
    {"test", "tests", "testing", "dev", "devel", "develop", "development", "local", "localhost", "ci"}
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_for_development(name: str) -> bool:
    """A name, or a path in a project, has a word that says that it serves development or tests: `settings/dev.py`."""
    return any(word.lower() in _DEVELOPMENT for word in _WORD.findall(name.removesuffix(".py")))


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


def is_test_folder(path: str, root: str) -> bool:
    """A file of a project is a test by its name or by a folder that it stands in."""
    folders = os.path.relpath(os.path.dirname(path), root).split(os.sep)
    return is_test_name(path) or "tests" in folders or "test" in folders
