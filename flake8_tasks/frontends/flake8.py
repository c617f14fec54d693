"""The door for flake8: one file at a time, in whatever process, with flake8's own options over pyproject.toml.

flake8 imports this module whenever it starts; rules, facts and the project come with the first file that
passes the byte search.  All state is on the class, because flake8 hands over options that way, and is set
in `parse_options`, which every worker process that is not forked calls again.

What is reported is decided twice.  Here `[tool.flake8-tasks]` decides, with the codes and longer prefixes of
flake8's `select` and `extend-select` and the rules of `tsk-enable` over it; a mere `TSK` says only that we
are wanted at all.  Then flake8 applies its own lists, so that it can hide what passed here.
"""

from __future__ import annotations

import argparse
import os.path
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing import parent_process
from typing import TYPE_CHECKING, ClassVar

from flake8.exceptions import ExecutionError

from flake8_tasks import __version__
from flake8_tasks.options import OPTION, OPTIONS, ConfigError, Kind, read

if TYPE_CHECKING:
    import ast
    from pathlib import Path

    from flake8.options.manager import OptionManager

    from flake8_tasks.baseline import Baseline
    from flake8_tasks.config import Config
    from flake8_tasks.diagnostic import Diagnostic
    from flake8_tasks.model.project import Project

PREFIX = "tsk-"
FLAKE8_HAS = frozenset({"select", "extend-select", "ignore", "per-file-ignores", "exclude"})
CRASH = "TSK000"
_OURS = re.compile(r"TSK[0-9]{1,3}")
_CODE = re.compile(r"TSK[0-9]{3}")
_METAVARS = {Kind.FLAG: "true|false", Kind.NUMBER: "n", Kind.SECONDS: "n", Kind.DOTTED_NAME: "name", Kind.FILE: "path"}

Finding = tuple[int, int, str, type]


class Plugin:
    """What flake8 makes for each file.

    Arguments:
        tree: the file, parsed.
        filename: its path as flake8 shows it; for stdin, what `--stdin-display-name` says.
        lines: its lines, without a byte order mark.
    """

    name = "flake8-tasks"
    version = __version__

    _given: ClassVar[dict[str, object]] = {}
    _stdin: ClassVar[str | None] = None
    _configs: ClassVar[dict[Path, Config | None]] = {}
    _baselines: ClassVar[dict[Path, Baseline | None]] = {}
    _projects: ClassVar[dict[Path, Project]] = {}

    def __init__(self, tree: ast.Module, filename: str, lines: Sequence[str]) -> None:
        self.tree = tree
        self.filename = filename
        self.lines = lines

    @classmethod
    def add_options(cls, option_manager: OptionManager) -> None:
        """Declare our options as texts: flake8 answers a wrong number in a config file with a traceback."""
        for option in OPTIONS:
            if option.name not in FLAKE8_HAS:
                option_manager.add_option(
                    f"--{PREFIX}{option.name}",
                    parse_from_config=True,
                    default=None,
                    metavar=_METAVARS.get(option.kind, "list"),
                    help=option.help,
                )
        option_manager.add_option(
            f"--{PREFIX}enable",
            parse_from_config=True,
            default=None,
            metavar="list",
            help="Opt-in rules to switch on, by code or name; ALL for all of them.",
        )

    @classmethod
    def parse_options(cls, option_manager: OptionManager, options: argparse.Namespace, args: Sequence[str]) -> None:
        """Take flake8's options, and let what `tsk-enable` names through its selection.

        Raises:
            ExecutionError: an option has a value that it does not take, or the configuration of the project of a
                path on the command line cannot be used.
        """
        texts = {
            option.name: getattr(options, f"{PREFIX}{option.name}".replace("-", "_"))
            for option in OPTIONS
            if option.name not in FLAKE8_HAS
        }
        try:
            given = read(texts, f"--{PREFIX}")
            enabled = _enabled(options.tsk_enable or "")
        except ConfigError as error:
            raise ExecutionError(str(error)) from None
        own = [*(options.select or ()), *(options.extend_select or ())]
        ours = [code for code in (*own, *enabled) if _OURS.fullmatch(code)]
        through = [code for code in enabled if code not in own]
        if options.select and ours:
            through.append(CRASH)  # else a file would look clean that nobody has looked at
        options.extend_select = [*(options.extend_select or ()), *through]
        cls._given = given | {"extend-select": ours}
        cls._stdin = os.path.abspath(options.stdin_display_name) if "-" in options.filenames else None
        cls._configs = {}
        cls._baselines = {}
        cls._projects = {}
        if parent_process() is None:
            cls._load_configs(options.filenames or ["."])

    @classmethod
    def _load_configs(cls, names: Iterable[str]) -> None:
        """Before there are workers: flake8 may hang when one of them raises, because it kills the others."""
        from pathlib import Path

        from flake8_tasks.files import project_root

        try:
            for name in names:
                cls._config(project_root(Path(cls._stdin if name == "-" and cls._stdin else name)))
        except ConfigError as error:
            raise ExecutionError(str(error)) from None

    def run(self) -> Iterator[Finding]:
        """The findings of the file: line, column counted from 0, code and message, our class.

        Raises:
            ExecutionError: the project's configuration cannot be used; in a worker it is a finding of the
                project's first file.
        """
        try:
            found = [(each.span.line, each.span.column - 1, f"{each.code} {each.message}") for each in self._check()]
        except ConfigError as error:
            if parent_process() is None:
                raise ExecutionError(str(error)) from None
            found = [(1, 0, f"{CRASH} project not checked: {error}")]
        except Exception as error:  # else flake8 would end without a finding for any file
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            found = [(1, 0, f"{CRASH} internal error, file not checked: {reason}")]
        for line, column, text in found:
            yield line, column, text, type(self)

    def _check(self) -> Sequence[Diagnostic]:
        from pathlib import Path

        from flake8_tasks.files import may_hold_task_code, project_root

        path = os.path.abspath(self.filename)
        root = project_root(Path(path))
        config = self._config(root)
        if config is None:
            return []
        text = "".join(self.lines)
        own = (*config.task_decorators, *config.dispatchers, *config.on_commit_helpers)
        words = [name.rpartition(".")[2].encode() for name in own]
        if not may_hold_task_code(text.encode("utf-8", "surrogatepass"), words) or config.excludes(path):
            return []
        overlay = {path: _encoded(text)} if path == self._stdin else {}
        return self._without_known(self._found(path, text, self._project(root, config, path, overlay)), root, text)

    def _without_known(self, found: Sequence[Diagnostic], root: Path, text: str) -> Sequence[Diagnostic]:
        """The findings without those of the baseline; what a comment silences is flake8's."""
        baseline = self._baselines.get(root)
        if baseline is None or not found:
            return found
        from flake8_tasks.suppress import remaining

        heard = remaining(text, found)
        new = list(baseline.new(heard))
        return [each for each in found if each in new or each not in heard]

    def _found(self, path: str, text: str, project: Project) -> Sequence[Diagnostic]:
        from flake8_tasks.kept import Outcome, keep, recall

        known = recall(project, path, False, text)
        if known is not None:
            return known.findings

        from flake8_tasks.engine import check
        from flake8_tasks.model.source import Source
        from flake8_tasks.rules import all_rules

        reports = project.config.reports
        rules = [rule for rule in all_rules() if reports(rule.code, rule.name, rule.default, path)]
        project.asked.clear()
        outcome = Outcome(path, tuple(check(Source(path, text, self.tree), project, rules)))
        keep(project, outcome, False, project.asked, text)
        project.cache.flush()
        return outcome.findings

    @classmethod
    def _config(cls, root: Path) -> Config | None:
        """The project's configuration; None when it cannot be used and this has been raised before."""
        if root not in cls._configs:
            from flake8_tasks.config import load

            cls._configs[root] = None
            own = load(root)
            own.check_selectors(_rules())
            config = own.overlaid(cls._given, f"--{PREFIX}")
            if config.baseline:
                from flake8_tasks.baseline import load as load_baseline

                cls._baselines[root] = load_baseline(config)
            cls._configs[root] = config
        return cls._configs[root]

    @classmethod
    def _project(cls, root: Path, config: Config, path: str, overlay: Mapping[str, bytes]) -> Project:
        """The project at a root, with a file that is checked.

        One that a search for the project's files leaves out, since git ignores it or it is called `worker`, gets the
        project for itself: to the others it does not belong.
        """
        from flake8_tasks.model.cache import default_folder
        from flake8_tasks.model.project import Project

        try:
            cache = default_folder()
        except RuntimeError:
            cache = None
        if root not in cls._projects:
            cls._projects[root] = Project(root, config, overlay=overlay, cache=cache)
        index = cls._projects[root].index
        if path in index.known:
            return cls._projects[root]
        return Project(root, config, cache=cache, listed=index.paths, named=[path])


def _rules() -> Iterator[tuple[str, str]]:
    from flake8_tasks.rules import all_rules

    for rule in all_rules():
        yield rule.code, rule.name


def _enabled(text: str) -> list[str]:
    """The codes of the rules that `tsk-enable` names."""
    wanted = OPTION["extend-select"].from_text(text)
    if not wanted:
        return []
    from flake8_tasks.config import check_selector
    from flake8_tasks.rules import all_rules

    codes = []
    assert isinstance(wanted, list)
    for selector in wanted:
        check_selector(selector, _rules(), f"--{PREFIX}enable")
        if selector != "ALL" and selector.isupper() and not _CODE.fullmatch(selector):
            raise ConfigError(f"--{PREFIX}enable: {selector!r} is only the beginning of a code")
        codes += [
            rule.code
            for rule in all_rules()
            if selector in (rule.code, rule.name) or (selector == "ALL" and not rule.default)
        ]
    return codes


def _encoded(text: str) -> bytes:
    """The bytes that a text would have in a file."""
    import io
    import tokenize

    data = text.encode("utf-8", "surrogatepass")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data if encoding == "utf-8" else text.encode(encoding, "replace")
    except (SyntaxError, LookupError, UnicodeError):
        return data
