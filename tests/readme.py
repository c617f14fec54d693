"""The pages that show what commands print, with what they print now; `python tests/readme.py` writes them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "runtime.md")
SHOWN = re.compile(r"(<!-- output: [^\n]*-->\n```console\n\$ flake8-tasks ([^\n]*)\n).*?(?=```)", re.DOTALL)
PICTURES = {ROOT / "docs" / "save-before-request.svg": "TSK601"}
ENDS = {"check": 1, "prove": 0}


def fresh(page: Path) -> str:
    """The page's text, each marked command with what it prints.

    Raises:
        RuntimeError: a command does not end as it should: `check` with findings, `prove` with a proof.
    """
    return SHOWN.sub(lambda found: found[1] + _output(found[2]), page.read_text(encoding="utf-8"))


def drawn(code: str) -> str:
    """What `prove --timeline` draws of a rule."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "proof.svg")
        _run("prove", code, "--timeline", str(picture))
        return picture.read_text(encoding="utf-8")


def _output(arguments: str) -> str:
    command, *rest = shlex.split(arguments)
    output = _run(command, *rest)
    return _excerpt(output) if command == "prove" else output


def _run(command: str, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    with tempfile.TemporaryDirectory() as cache:
        run = subprocess.run(
            [sys.executable, "-m", "flake8_tasks", command, *arguments],
            cwd=ROOT,
            env={**environment, "FLAKE8_TASKS_CACHE_DIR": cache, "NO_COLOR": "1", "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
    if run.returncode != ENDS[command]:
        words = shlex.join((command, *arguments))
        raise RuntimeError(f"flake8-tasks {words} ends with {run.returncode}: {run.stderr}")
    return run.stdout


def _excerpt(output: str) -> str:
    """Of the first proof the run that breaks and the verdict, without the seconds, which differ from run to run."""
    blocks = output.strip("\n").split("\n\n")
    verdict = next(block for block in blocks if "\n  invariant " in block)
    kept = [line for line in verdict.splitlines() if not line.lstrip().startswith("seconds ")]
    return "\n".join([blocks[0], "", "…", "", *kept, ""])


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(fresh(each), encoding="utf-8", newline="\n")
    for picture, shown in PICTURES.items():
        picture.write_text(drawn(shown), encoding="utf-8", newline="\n")
