"""Packages from PyPI that use Celery, by pinned version, and how many findings of each rule they have.

`python tests/real/packages.py` downloads them and writes the counts anew; look at the difference before it is
committed: each one is a finding that came or went.  A name and a version as arguments (`flower 2.0.1`) take another
version of a package, or one more package.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

COUNTS = Path(__file__).with_name("counts.json")
ROOT = Path(__file__).parents[2]


class NoPackage(Exception):
    """A package cannot be had; the text says why."""


def known() -> dict[str, dict[str, Any]]:
    """Package → version, the wheel's name and SHA-256, findings by code, files that could not be checked."""
    whole: dict[str, dict[str, Any]] = json.loads(COUNTS.read_text(encoding="utf-8"))
    return whole


def wheel(name: str, version: str, folder: Path, sha256: str = "") -> Path:
    """The wheel of a package, downloaded into a folder unless it is there; nothing of it is executed.

    Raises:
        NoPackage: the index cannot be reached, has no such wheel, or has another.
    """
    found = _wheels(name, version, folder)
    if not found:
        arguments = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), f"{name}=={version}"]
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *arguments]
        run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        found = _wheels(name, version, folder)
        if run.returncode or not found:
            raise NoPackage(f"{name} {version} could not be downloaded from the package index:\n{run.stderr[-2000:]}")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if sha256 and digest != sha256:
        found[0].unlink()
        raise NoPackage(f"{found[0].name} is not the wheel that was counted: its SHA-256 is {digest}")
    return found[0]


def _wheels(name: str, version: str, folder: Path) -> list[Path]:
    start = f"{name.replace('-', '_')}-{version}-"
    return [path for path in folder.glob("*.whl") if path.name.lower().startswith(start)]


def unpacked(file: Path, folder: Path) -> Path:
    """The Python files of a wheel, in a folder, as a project."""
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py")])
    (folder / "setup.cfg").touch()
    return folder


def checked(folder: Path) -> dict[str, Any]:
    """What the command line says of a project with every rule switched on."""
    command = [sys.executable, "-m", "flake8_tasks", "check", "--no-cache", "--select=ALL", "--output-format=json", "."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    assert run.stderr == ""
    assert run.returncode in (0, 1)
    whole: dict[str, Any] = json.loads(run.stdout)
    return whole


def counted(whole: dict[str, Any]) -> dict[str, Any]:
    """How many findings each rule has, and the files that could not be checked."""
    counts = Counter(each["code"] for each in whole["findings"])
    return {"findings": dict(sorted(counts.items())), "errors": sorted(each["path"] for each in whole["errors"])}


def _count(name: str, version: str, folder: Path) -> dict[str, Any]:
    file = wheel(name, version, folder)
    with tempfile.TemporaryDirectory() as project:
        result = counted(checked(unpacked(file, Path(project))))
    return {"version": version, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), **result}


def main(arguments: list[str]) -> None:
    """Write the counts anew."""
    versions = {name: each["version"] for name, each in known().items()} if COUNTS.exists() else {}
    versions |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    downloads = ROOT / ".pytest_cache" / "d" / "packages"
    downloads.mkdir(parents=True, exist_ok=True)
    whole = {name: _count(name, version, downloads) for name, version in sorted(versions.items())}
    COUNTS.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
