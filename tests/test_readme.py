"""What the README shows is what happens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHOWN = re.compile(r"<!-- output: held[^\n]*-->\n```console\n\$ flake8-tasks ([^\n]*)\n(.*?)```", re.DOTALL)
EXAMPLES = SHOWN.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_readme_shows_real_output() -> None:
    assert EXAMPLES


@pytest.mark.parametrize(("arguments", "output"), EXAMPLES, ids=[arguments for arguments, _ in EXAMPLES])
def test_output_in_the_readme_is_that_of_a_real_run(arguments: str, output: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    run = subprocess.run(
        [sys.executable, "-m", "flake8_tasks", *shlex.split(arguments)],
        cwd=ROOT,
        env={**environment, "FLAKE8_TASKS_CACHE_DIR": str(tmp_path), "NO_COLOR": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert run.returncode == 1, run.stderr
    assert output == run.stdout
