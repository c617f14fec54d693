"""`python -m flake8_tasks` is `flake8-tasks`."""

from __future__ import annotations

import sys

from flake8_tasks.frontends.cli import program

if __name__ == "__main__":  # a process started by `spawn` imports this module again
    sys.exit(program())
