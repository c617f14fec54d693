"""flake8 with the plugins named before `--` and no others, whatever is installed: `with_plugins.py NAME -- PATH`."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from typing import Any

from flake8.main.cli import main

ALWAYS = {"flake8", "pycodestyle", "pyflakes"}
_distributions = importlib.metadata.distributions


def shown(keep: set[str]) -> None:
    """Hide the distributions that register other flake8 plugins."""

    def some(**context: Any) -> Iterator[importlib.metadata.Distribution]:
        for distribution in _distributions(**context):
            plugin = any(entry.group.startswith("flake8.") for entry in distribution.entry_points)
            if not plugin or distribution.metadata["name"].lower() in keep:
                yield distribution

    importlib.metadata.distributions = some


if __name__ == "__main__":
    end = sys.argv.index("--")
    shown(ALWAYS | set(sys.argv[1:end]))
    raise SystemExit(main(sys.argv[end + 1 :]))
