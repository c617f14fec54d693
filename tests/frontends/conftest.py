"""Projects in temporary folders, for the tests of the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command import PACKAGE, RULE, RULES, SITE, Shop


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that adds the rules of the tests."""
    folder = tmp_path_factory.mktemp("site")
    family = folder / "more" / "made_up"
    family.mkdir(parents=True)
    (family / "__init__.py").write_text('"""Made up\n\nRules of the tests."""\n')
    for name, words in RULES.items():
        (family / f"{name}.py").write_text(RULE.format(**words))
    (folder / "sitecustomize.py").write_text(SITE.format(path=str(folder / "more")))
    return folder


@pytest.fixture
def shop(tmp_path: Path, site: Path) -> Shop:
    """A project without git; it has a marker, so that nothing above it counts."""
    unwanted = ("NO_COLOR", "FORCE_COLOR", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "TERM", "PYTHONWARNINGS")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment["PYTHONPATH"] = os.pathsep.join((str(site), str(PACKAGE)))
    environment["FLAKE8_TASKS_CACHE_DIR"] = str(tmp_path / "cache")
    environment["PYTHONIOENCODING"] = "utf-8"
    root = tmp_path / "shop"
    root.mkdir()
    (root / "setup.py").touch()
    return Shop(root, environment)
