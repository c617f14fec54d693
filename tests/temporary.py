"""Examples and fixtures as projects in temporary folders, checked and fixed as the command line would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flake8_tasks.config import Config
from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.engine import check
from flake8_tasks.fixing.plan import Plan, plan
from flake8_tasks.model.project import Project
from flake8_tasks.rule import Rule, files_of


@dataclass(frozen=True)
class TemporaryProject:
    """A project on disk.

    Arguments:
        root: its folder.
        files: path in it → text.
    """

    root: Path
    files: Mapping[str, str]

    @classmethod
    def written(cls, root: Path, text: str) -> TemporaryProject:
        """A program, split at its `# file:` lines, below a `pyproject.toml`, each of its folders a package."""
        root.mkdir()
        (root / "pyproject.toml").touch()
        files = files_of(text)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in path.relative_to(root).parents[:-1]:
                (root / folder / "__init__.py").touch()
            path.write_text(content, encoding="utf-8")
        return cls(root, files)

    def project(self, **settings: Any) -> Project:
        """Its model, with what the user has set."""
        return Project(self.root, Config(root=str(self.root), **settings))

    def findings(
        self, rules: Iterable[Rule], *, overlay: Mapping[str, bytes] | None = None, fixes: bool = False
    ) -> list[Diagnostic]:
        """What these rules say of all files."""
        project = Project(self.root, Config(root=str(self.root)), overlay=overlay)
        chosen = tuple(rules)
        paths = [str(self.root / name) for name in self.files]
        return [found for path in paths for found in check(project.source(path), project, chosen, fixes=fixes)]

    def planned(self, rule: Rule) -> Plan:
        """What the fixer would do for one rule, unsafe fixes too."""
        return plan(
            lambda overlay: self.findings([rule], overlay=overlay, fixes=True),
            lambda path: Path(path).read_bytes(),
            unsafe=True,
            allowed=lambda path: Path(path).is_relative_to(self.root),
        )

    def fixed(self, rule: Rule) -> str:
        """The whole program after the fixer, with its `# file:` lines."""
        changed = self.planned(rule).changed
        texts = {
            name: changed[path].decode() if (path := str(self.root / name)) in changed else text
            for name, text in self.files.items()
        }
        if [*texts] == ["shop/tasks.py"]:
            return texts["shop/tasks.py"]
        return "".join(f"# file: {name}\n{text}" for name, text in texts.items())


# Makes a project of a program's text, each call another one.
Write = Callable[[str], TemporaryProject]
