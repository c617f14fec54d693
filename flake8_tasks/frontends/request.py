"""What `check` and `fix` were asked: from arguments to the files, configurations and rules of a run."""

from __future__ import annotations

import argparse
import ast
import os
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flake8_tasks import files, run
from flake8_tasks.config import Config, load
from flake8_tasks.frontends.cli import UsageError
from flake8_tasks.kept import Outcome
from flake8_tasks.model.source import Source, Unreadable, decode
from flake8_tasks.report import count
from flake8_tasks.rules import all_rules

STDIN = "stdin.py"
_HANDFUL = 100  # of more files that are named, those without task code are not parsed just to see whether they can be


@dataclass(slots=True)
class Request:
    """The files of a run, found; `stdin` is the path that standard input stands for, empty without it."""

    groups: Mapping[Path, Sequence[str]]
    configs: dict[Path, Config]
    cache: Path | None
    named: frozenset[str]
    jobs: int
    verbose: bool
    stdin: str = ""
    whole: Mapping[Path, Sequence[str]] = field(default_factory=dict)
    overlay: dict[str, bytes] = field(default_factory=dict)
    _lines: dict[str, list[str]] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        """All the files, in their order."""
        return sorted(path for paths in self.groups.values() for path in paths)

    def checked(self, overlay: Mapping[str, bytes] | None = None) -> list[Outcome]:
        """Check the files, with a progress display.

        Arguments:
            overlay: absolute path → bytes that stand instead of what the request has; with one, fixes come with edits.
        """
        from flake8_tasks.frontends.progress import progress_on

        content = self.overlay if overlay is None else {**self.overlay, **overlay}
        job = run.Job(
            self.groups,
            self.configs,
            self.whole,
            self.cache,
            content,
            self.named,
            jobs=self.jobs,
            edits=overlay is not None,
        )
        begun = time.perf_counter()
        with progress_on(sys.stderr) as progress:
            outcomes = run.check_files(job, progress)
        if self.verbose:
            seconds = time.perf_counter() - begun
            words = f"checked {count(len(outcomes), 'file')} of {count(len(self.groups), 'project')} in {seconds:.2f} s"
            print(words, file=sys.stderr)
        return outcomes

    def read(self, path: str) -> bytes:
        """A file's content as the run sees it.

        Raises:
            OSError: it cannot be read.
        """
        if path in self.overlay:
            return self.overlay[path]
        with open(path, "rb") as file:
            return file.read()

    def lines(self, path: str) -> list[str]:
        """A file's lines, empty where it cannot be read."""
        if path not in self._lines:
            self._lines.clear()  # findings come file by file
            try:
                text = decode(self.read(path))
            except (OSError, Unreadable):
                self._lines[path] = []
            else:
                self._lines[path] = Source(path, text, ast.Module([], [])).lines
        return self._lines[path]


def request(asked: argparse.Namespace) -> Request:
    """Find the files that arguments are about, and the configuration of each of their projects.

    Raises:
        UsageError: the arguments contradict each other.
        NoSuchPath: a path does not exist.
        ConfigError: a configuration or selector that cannot be used.
    """
    selection = {
        "select": _joined(asked.select),
        "extend-select": _joined(asked.extend_select),
        "ignore": _joined(asked.ignore),
    }
    rules = [(rule.code, rule.name) for rule in all_rules()]
    Config().overlaid(selection).check_selectors(rules)  # also when there is nothing to check
    configs: dict[Path, Config] = {}

    def config_of(root: Path) -> Config:
        if root not in configs:
            configs[root] = load(root).overlaid(selection)
            configs[root].check_selectors(rules)
        return configs[root]

    paths = asked.paths or ["."]
    made = Request({}, configs, _cache(asked), frozenset(), asked.jobs, asked.verbose)
    if "-" in paths:
        if len(paths) > 1:
            raise UsageError("standard input (-) cannot be checked together with other paths")
        made.stdin = os.path.abspath(asked.stdin_filename or STDIN)
        root = files.project_root(Path(made.stdin))
        made.overlay[made.stdin] = sys.stdin.buffer.read()
        if not (config_of(root).excludes(made.stdin) and asked.force_exclude):
            made.groups = {root: [made.stdin]}
            made.named = frozenset([made.stdin])
    else:
        if asked.stdin_filename:
            raise UsageError("--stdin-filename is for standard input: give the path -")
        made.groups, made.whole = files.find(paths, config_of, force_exclude=asked.force_exclude)
        named = frozenset(os.path.abspath(path) for path in paths if not os.path.isdir(path))
        made.named = named if len(named) <= _HANDFUL else frozenset()
        made.overlay.update((path, made.read(path)) for path in named if _is_pipe(path))
    return made


def _is_pipe(path: str) -> bool:
    """A path that can be read only once."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _joined(given: Sequence[str] | None) -> str | None:
    return None if given is None else ",".join(given)


def _cache(asked: argparse.Namespace) -> Path | None:
    from flake8_tasks.model.cache import default_folder

    if asked.no_cache:
        return None
    if asked.cache_dir:
        return Path(os.path.abspath(asked.cache_dir))
    try:
        return default_folder()
    except RuntimeError:
        return None
