"""How settings are spelled and which files hold them: Celery's prefixes, Django's settings modules, tests apart."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from flake8_tasks.model.frameworks.celery_settings import OLD_SETTINGS, SETTINGS

_FOLDERS: Final = frozenset({"settings", "config", "configs", "conf", "configuration"})
_SETTINGS_FILE = re.compile(
    r"^(?:settings|configs?|configuration|conf)(?:_|$)|(?:_(?:configs?|configuration|conf)|settings)$"
)
_TEST_FILE = re.compile(r"^(?:test|ci$|ci_)|(?:_|-)(?:tests?|testing|ci)$|^conftest$")
_TEST_FOLDER = re.compile(r"^(?:tests?|testing|test_\w+|\w+_tests)$")
_TEST_CLASS = re.compile(r"Test(?:s|ing)?(?![a-z])")
# Modules that each machine has its own of and no repository holds.
_PRIVATE: Final = re.compile(r"local|private|secret|override|custom|\bdev")


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one source writes the names of settings.

    Arguments:
        prefix: `CELERY_` for `namespace="CELERY"`, empty for none.
    """

    prefix: str = ""

    def name(self, written: str) -> str | None:
        """The new-style name of a setting, None where Celery takes no notice of what is written."""
        if written in OLD_SETTINGS:
            return OLD_SETTINGS[written]
        if not self.prefix:
            return written if written in SETTINGS else None
        if not written.startswith(self.prefix):
            return None
        rest = written[len(self.prefix) :]
        if self.prefix.isupper():
            return rest.lower() if rest.isupper() and rest.lower() in SETTINGS else None
        return rest if rest in SETTINGS else None


PLAIN: Final = Spelling()
CELERY: Final = Spelling("CELERY_")


def is_test_file(path: str, root: str) -> bool:
    """A file serves tests, judged by its path inside the project."""
    *folders, name = os.path.relpath(path, root).split(os.sep)
    stem = name.removesuffix(".py")
    return bool(_TEST_FILE.search(stem)) or any(_TEST_FOLDER.match(folder) for folder in folders)


def is_test_class(name: str) -> bool:
    """A class of settings serves tests: `TestConfig`, `CommunityTestSettings`."""
    return _TEST_CLASS.search(name) is not None


def is_settings_file(path: str, root: str) -> bool:
    """A file may hold the project's settings, judged by its path inside the project."""
    *folders, name = os.path.relpath(path, root).split(os.sep)
    stem = name.removesuffix(".py")
    return bool(_SETTINGS_FILE.search(stem)) or any(
        folder in _FOLDERS or folder.endswith("settings") for folder in folders
    )


def is_private(module: str) -> bool:
    """A module is one of those that stand outside the repository on purpose: `local_settings`."""
    return _PRIVATE.search(module.rpartition(".")[2]) is not None
