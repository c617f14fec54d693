"""The least that a linter of task code must do: read a folder's files, search them, parse those that hold some."""

from __future__ import annotations

import ast
import sys
import warnings
from pathlib import Path

from flake8_tasks.files import may_hold_task_code, python_files


def main(folder: str) -> None:
    warnings.simplefilter("ignore")
    for path in python_files(Path(folder)):
        data = Path(path).read_bytes()
        if may_hold_task_code(data):
            try:
                ast.parse(data)
            except (SyntaxError, ValueError):
                continue


if __name__ == "__main__":
    main(sys.argv[1])
