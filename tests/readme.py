"""The README with the output that its commands have now; `python tests/readme.py` writes it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SHOWN = re.compile(r"(<!-- output: [^\n]*-->\n```console\n\$ flake8-tasks ([^\n]*)\n).*?(?=```)", re.DOTALL)


def fresh() -> str:
    """The README's text, each marked command with what it prints.

    Raises:
        RuntimeError: a command does not end with findings.
    """
    return SHOWN.sub(lambda found: found[1] + _output(found[2]), README.read_text(encoding="utf-8"))


def _output(arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    with tempfile.TemporaryDirectory() as cache:
        run = subprocess.run(
            [sys.executable, "-m", "flake8_tasks", *shlex.split(arguments)],
            cwd=ROOT,
            env={**environment, "FLAKE8_TASKS_CACHE_DIR": cache, "NO_COLOR": "1", "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
    if run.returncode != 1:
        raise RuntimeError(f"flake8-tasks {arguments} ends with {run.returncode}: {run.stderr}")
    return run.stdout


if __name__ == "__main__":
    README.write_text(fresh(), encoding="utf-8", newline="\n")
