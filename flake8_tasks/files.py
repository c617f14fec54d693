"""Which files a run is about: what git sees, else what .gitignore files leave, in the project each belongs to."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flake8_tasks.config import Config

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SUFFIXES = (".py", ".pyw")

# What the byte search looks for.  `in` is five times as fast as one regular expression of them all.
_WORDS = (
    b"elery",  # celery, Celery, celery_app, django_celery_beat
    b"CELERY",
    b".delay",  # delay_on_commit too
    b"apply_async",
    b"on_commit",
    b"crontab(",
    b"beat_schedule",
    b"BEAT_SCHEDULE",
    b"broker_url",
    b"BROKER_",
    b"accept_content",
    b"AsyncResult",
    b".s(",  # signatures
    b".si(",
    b".signature(",
)
# Where "ask" was found: `@app.task`, `@cron_task`, `class Sync(BaseTask):` and names that alone say what they are.
# A pattern that begins with plain text is found fast; one for both would be tried at every byte.
_TASK_LINES = (re.compile(rb"@[^\n]*task"), re.compile(rb"class [^\n]*Task"))
_TASK_NAMES = (
    b"shared_task",
    b"send_task",
    b"register_task",
    b"periodic_task",
    b"task_serializer",
    b"task_time_limit",
    b"task_soft_time_limit",
)

_MARKERS = ("pyproject.toml", "setup.cfg", "setup.py", "manage.py")

# Folders that are never searched where git cannot be asked.
_CACHES = (".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__")
_SKIPPED = frozenset((".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", ".eggs", "node_modules", *_CACHES))
_ARTEFACTS = frozenset(("build", "dist", "_build"))  # unless they are packages

_GIT = ("git", "-c", "core.fsmonitor=false")  # a repository's own setting could start a program
_GIT_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")


class NoSuchPath(Exception):
    """A path on the command line that does not exist; the text names it."""


def may_hold_task_code(data: bytes, also: Sequence[bytes] = ()) -> bool:
    """Whether a file could declare, dispatch, wait for or configure tasks: a search of its bytes, nothing is parsed.

    Arguments:
        data: the file's content.
        also: more words to look for: the last parts of configured decorators and dispatchers.
    """
    for word in _WORDS:
        if word in data:
            return True
    if b"ask" in data and (any(name in data for name in _TASK_NAMES) or any(line.search(data) for line in _TASK_LINES)):
        return True
    return any(word in data for word in also)


_has_marker: dict[str, bool] = {}
_has_git: dict[str, bool] = {}


def project_root(path: Path) -> Path:
    """The folder of the project that a file or folder belongs to, absolute.

    It is the nearest folder upwards with a `pyproject.toml`, `setup.cfg`, `setup.py` or `manage.py`, else the git top
    level, else the working directory.  The search does not leave the repository: what lies above it is not the
    project.  A file outside the working directory that nothing claims belongs to the folder that its package is in.
    """
    start = os.path.abspath(path)
    if not os.path.isdir(start):
        start = os.path.dirname(start)
    for folder in _upwards(start):
        if _marked(folder) or _git_top(folder):
            return Path(folder)
    here = os.getcwd()
    if _inside(start, here):
        return Path(here)
    while os.path.isfile(os.path.join(start, "__init__.py")):
        start = os.path.dirname(start)
    return Path(start)


def python_files(root: Path) -> list[str]:
    """The Python files of the project at `root`, absolute and sorted; projects nested in it have their own."""
    top = os.path.abspath(root)
    own: dict[str, bool] = {top: True}

    def belongs(folder: str) -> bool:
        if folder not in own:
            own[folder] = not (_marked(folder) or _git_top(folder)) and belongs(os.path.dirname(folder))
        return own[folder]

    return [path for path in tree(top) if path.endswith(SUFFIXES) and belongs(os.path.dirname(path))]


class Found(NamedTuple):
    """The files a run is about.

    Arguments:
        groups: project root → its files among them, absolute paths, each once and sorted.
        whole: the root of each project that was searched as a whole → every Python file of it, the excluded ones too.
    """

    groups: dict[Path, list[str]]
    whole: dict[Path, list[str]]


def find(paths: Iterable[str], config_of: Callable[[Path], Config], *, force_exclude: bool = False) -> Found:
    """The files a run is about.

    Arguments:
        paths: files, which are always taken, and folders, which are searched for `.py` and `.pyw`.
        config_of: the configuration of the project at a root; folders are searched without what its `exclude` names.
        force_exclude: `exclude` holds for files that are named too.

    Raises:
        NoSuchPath: one of the paths does not exist.
        ConfigError: what `config_of` raises.
    """
    groups: dict[Path, dict[str, None]] = {}
    configs: dict[Path, Config] = {}
    whole: dict[Path, list[str]] = {}
    for given in paths:
        try:
            os.lstat(given)
        except (FileNotFoundError, NotADirectoryError):
            raise NoSuchPath(given) from None
        except OSError:
            pass  # the run says why it cannot be read
        path = os.path.abspath(given)
        searched = os.path.isdir(path)
        for folder, files in _by_folder(tree(path) if searched else [path]).items():
            root = _root_in_search(folder, path if searched else folder)
            if root not in groups:
                groups[root] = {}
                configs[root] = config_of(root)
            if searched and str(root) == path:
                whole.setdefault(root, []).extend(files)
            if configs[root].exclude and (searched or force_exclude):
                files = [file for file in files if not configs[root].excludes(file)]
            groups[root].update(dict.fromkeys(files))
    return Found({root: sorted(files) for root, files in sorted(groups.items()) if files}, whole)


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(os.path.dirname(path), []).append(path)
    return found


def tree(folder: str) -> list[str]:
    """Every Python file below a folder, nested projects and submodules included; absolute and sorted.

    A folder that cannot be opened stands there itself, with a slash behind it: reading it tells why.
    """
    top = os.path.abspath(folder)
    listed = _git_files(top)
    return sorted(_regular(top, _walk(top) if listed is None else listed))


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        yield (folder := above)


def _marked(folder: str) -> bool:
    if folder not in _has_marker:
        found = {name for name in _MARKERS if os.path.isfile(os.path.join(folder, name))}
        if found == {"setup.py"} and os.path.isfile(os.path.join(folder, "__init__.py")):
            found.clear()  # a module of a package: the views of a setup page
        _has_marker[folder] = bool(found)
    return _has_marker[folder]


def _git_top(folder: str) -> bool:
    if folder not in _has_git:
        _has_git[folder] = os.path.exists(os.path.join(folder, ".git"))
    return _has_git[folder]


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _root_in_search(folder: str, searched: str) -> Path:
    """The project root of a folder; where nothing claims it, the folder that the search began in holds it together."""
    root = project_root(Path(folder))
    claimed = _marked(str(root)) or _git_top(str(root)) or _inside(folder, os.getcwd())
    return root if claimed else project_root(Path(searched))


def _spec(lines: Iterable[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # costs 35 ms, and git makes it needless

    return GitIgnoreSpec.from_lines(lines)


def _regular(top: str, names: Iterable[str]) -> Iterator[str]:
    """The names below `top` that are Python files now: each once, a link only where its target is not there too.

    What cannot be looked at may be one.
    """
    links = []
    taken = set()
    environments: dict[str, bool] = {top: False}

    def in_environment(folder: str) -> bool:
        if folder not in environments:
            environments[folder] = os.path.isfile(os.path.join(folder, "pyvenv.cfg")) or in_environment(
                os.path.dirname(folder)
            )
        return environments[folder]

    for name in names:
        path = os.path.join(top, name)
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):  # deleted, but still in git's index
            continue
        except OSError:
            mode = stat.S_IFREG
        if in_environment(os.path.dirname(path)):
            continue
        if stat.S_ISLNK(mode):
            links.append(path)
        elif (stat.S_ISREG(mode) or name.endswith("/")) and path not in taken:
            taken.add(path)
            yield path
    if links:
        targets = {os.path.realpath(path) for path in taken}
        for path in sorted(links):
            target = os.path.realpath(path)
            if target not in targets and os.path.isfile(target):
                targets.add(target)
                yield path


def _git(folder: str, *arguments: str) -> tuple[bytes, bytes] | None:
    """What a git command prints in a folder, and its warnings; None where git is missing or refuses."""
    environment = {name: value for name, value in os.environ.items() if name not in _GIT_PLACES}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        run = subprocess.run(
            [*_GIT, "-C", folder, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
        )
    except OSError:
        return None
    return (run.stdout, run.stderr) if run.returncode == 0 else None


def _git_files(top: str) -> Iterator[str] | None:
    """The files that git tracks or would let one add, relative to `top`; None where git cannot say."""
    if not any(_git_top(folder) for folder in _upwards(top)):
        return None
    answer = _git(top, "ls-files", "-co", "--exclude-standard", "-z")
    if answer is None:
        return None
    listing, warnings = answer
    above, name = os.path.split(top)
    if not listing and _git(above, "check-ignore", "-q", "--", name) is not None:
        return None  # the user asks for a folder that git ignores
    listed = _listed(top, os.fsdecode(listing).split("\0"))
    return chain(listed, _closed(top)) if warnings else listed


def _closed(top: str) -> Iterator[str]:
    """What git passes over with a warning: folders that cannot be opened, and files in those that cannot be entered."""
    return (name for name in _walk(top) if not os.access(os.path.join(top, name), os.R_OK))


def _listed(top: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name.endswith(SUFFIXES):
            yield name
        elif name and os.path.exists(os.path.join(top, name, ".git")) and not os.path.islink(os.path.join(top, name)):
            # A submodule, or a repository inside this one, is one entry.
            for file in tree(os.path.join(top, name)):
                yield os.path.relpath(file, top)


def _walk(top: str) -> Iterator[str]:
    """The same without git: every file that no .gitignore excludes, relative to `top`, and folders as in `tree`."""
    unopened: list[OSError] = []
    ignores: dict[str, tuple[tuple[str, GitIgnoreSpec], ...]] = {}
    above: tuple[tuple[str, GitIgnoreSpec], ...] = ()
    for folder in reversed(_repository_above(top)):
        above = (*_ignores_in(folder), *above)
    if any(_ignored(folder + "/", above) for folder in _upwards(top)):
        above = ()  # the user asks for a folder that is ignored
    for folder, folders, files in os.walk(top, onerror=unopened.append):
        specs = ignores[folder] = (*_ignores_in(folder), *ignores.get(os.path.dirname(folder), above))
        folders[:] = [
            name
            for name in folders
            if name not in _SKIPPED
            and not name.endswith(".egg-info")
            and not (name in _ARTEFACTS and not os.path.exists(os.path.join(folder, name, "__init__.py")))
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
            and not _ignored(os.path.join(folder, name) + "/", specs)
        ]
        for name in files:
            path = os.path.join(folder, name)
            if name.endswith(SUFFIXES) and not _ignored(path, specs):
                yield os.path.relpath(path, top)
    for error in unopened:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            yield os.path.join(os.path.relpath(error.filename, top), "")


def _repository_above(top: str) -> list[str]:
    """The folders above `top` that belong to the repository it is in."""
    folders = list(_upwards(top))
    tops = [index for index, folder in enumerate(folders) if _git_top(folder)]
    return folders[1 : tops[0] + 1] if tops else []


def _ignores_in(folder: str) -> Iterator[tuple[str, GitIgnoreSpec]]:
    for name in (".gitignore", ".git/info/exclude"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as file:
                yield folder, _spec(file.read().splitlines())
        except OSError:
            continue


def _ignored(path: str, specs: Iterable[tuple[str, GitIgnoreSpec]]) -> bool:
    """Whether the innermost .gitignore that speaks of a path excludes it."""
    for folder, spec in specs:
        verdict = spec.check_file(path[len(folder.rstrip("/")) + 1 :]).include
        if verdict is not None:
            return verdict
    return False
