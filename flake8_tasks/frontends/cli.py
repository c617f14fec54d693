"""The command line: what can be asked, and how a command ends.  The commands are in modules of their own."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

from flake8_tasks import __version__

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

CLEAN, FOUND, WRONG, INTERRUPTED = 0, 1, 2, 130

PROGRAM = "flake8-tasks"
_THRESHOLDS = (1_000_000, 20, 20)  # syntax trees are many objects, and `Module.forget` lets go of them
ENDS = "Exit status: 0 clean, 1 problems or files that could not be checked, 2 wrong usage or an internal error."
ENDS_FIX = (
    "Exit status: 0 done, also with nothing to do; 1 something would change (--diff) or has changed "
    "(--exit-non-zero-on-fix); 2 wrong usage, a file not written, or an internal error."
)
ENDS_PROVE = (
    "Exit status: 0 all of it is proved, or one run was repeated; 1 a proof does not hold; "
    "2 wrong usage, the runtime is not installed, a program cannot be run, or an internal error."
)
SELECTORS = "A selector is a code (TSK301), a prefix of codes (TSK3), the name of a rule, or ALL."


class UsageError(Exception):
    """What was asked cannot be done; the text says why."""


class _Ended(KeyboardInterrupt):
    """A signal ends us as Ctrl-C does, so that the processes we started end too; with this exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Arguments:
        arguments: those of the process when None.

    Returns:
        The exit status.

    Raises:
        SystemExit: from argparse, for `--help`, `--version` and wrong usage.
    """
    _open_what_is_closed()
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.command is None:
        parser.print_help(sys.stderr)
        return WRONG
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    status = FOUND
    try:
        for name in ("SIGTERM", "SIGHUP"):
            # What `nohup` lets us ignore stays ignored.
            if (number := getattr(signal, name, None)) and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _terminate)
        status = _run(asked)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except KeyboardInterrupt as end:
        return int(end.args[0]) if isinstance(end, _Ended) else INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return status
    except Exception as error:
        status = _failed(error, asked.verbose)
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            _forget_output()  # else the interpreter tries again at its end, and ends with 120
        return status


def program() -> int:
    """The command line as a process of its own, which ends after it."""
    gc.set_threshold(*_THRESHOLDS)
    try:
        return main()
    finally:
        gc.freeze()  # Python looks for garbage once more when it ends


def _run(asked: argparse.Namespace) -> int:
    match asked.command:
        case "check":
            from flake8_tasks.frontends.check import check

            return check(asked)
        case "fix":
            from flake8_tasks.frontends.fix import fix

            return fix(asked)
        case "prove":
            from flake8_tasks.frontends.prove import prove

            return prove(asked)
        case "explain":
            from flake8_tasks.frontends.explain import explain

            return explain(asked)
        case _:
            from flake8_tasks.frontends.explain import rules

            return rules(asked)


def _failed(error: Exception, verbose: bool) -> int:
    from flake8_tasks.config import ConfigError
    from flake8_tasks.files import NoSuchPath

    match error:
        case NoSuchPath():
            words = f"no such file or folder: {error}"
        case UsageError() | ConfigError():
            words = str(error)
        case OSError():
            words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        case _:
            words = f"internal error, please report it: {type(error).__name__}: {error}"
            if not verbose:
                words += " (--verbose shows where)"
    if verbose:
        import traceback

        traceback.print_exception(error)
    print(f"{PROGRAM}: error: {words}", file=sys.stderr)
    return WRONG


def _open_what_is_closed() -> None:
    """Streams that whoever started us has closed: else the next file that is opened takes their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise _Ended(128 + number)


def _forget_output() -> None:
    """Nobody reads what we write: let the interpreter end without saying so."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Finds, fixes and proves hazards in background-task code.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_check(commands)
    _add_fix(commands)
    _add_prove(commands)
    explain = _command(commands, "explain", "say what a rule is about")
    explain.add_argument("rule", metavar="CODE|NAME", help="a rule: TSK301 or result-in-task")
    rules = _command(commands, "rules", "list the rules")
    rules.add_argument("--output-format", choices=("text", "json"), default="text", help="default: text")
    return parser


def _command(commands: Commands, name: str, summary: str, epilog: str = "") -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=epilog, allow_abbrev=False
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="say more on stderr")
    return parser


def _add_check(commands: Commands) -> None:
    parser = _command(commands, "check", "find problems", f"{SELECTORS} {ENDS}")
    _add_what(parser)
    output = parser.add_argument_group("output")
    formats = ("text", "json", "github", "sarif")
    output.add_argument("--output-format", choices=formats, default="text", help="default: text")
    output.add_argument("--output-file", metavar="FILE", help="write there instead of to stdout")
    output.add_argument("--statistics", action="store_true", help="say how many problems each rule found")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 even when something was found")
    _add_color(output)
    known = parser.add_argument_group("what is known")
    known.add_argument(
        "--write-baseline",
        action="store_true",
        help="write what is found to the project's `baseline`, and report nothing",
    )
    _add_how(parser)


def _add_fix(commands: Commands) -> None:
    parser = _command(commands, "fix", "fix problems, in place", f"{SELECTORS} {ENDS_FIX}")
    _add_what(parser)
    fixing = parser.add_argument_group("fixing")
    fixing.add_argument("--unsafe-fixes", action="store_true", help="also do fixes that may change what the code does")
    fixing.add_argument("--diff", action="store_true", help="print what would change, write nothing, exit with 1 then")
    fixing.add_argument("--exit-non-zero-on-fix", action="store_true", help="exit with 1 when a file was changed")
    _add_color(fixing)
    _add_how(parser)


def _add_prove(commands: Commands) -> None:
    summary = "run rules' examples as real Celery tasks, and show that one breaks and the other holds"
    parser = _command(commands, "prove", summary, f"{SELECTORS} {ENDS_PROVE}")
    parser.add_argument("what", nargs="*", metavar="SELECTOR", help="what to prove")
    parser.add_argument("--all", action="store_true", help="prove everything that can be proved")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--timeline", metavar="FILE", help="draw it: FILE.svg, one picture each, or FILE.html, one page"
    )
    output.add_argument("--json", action="store_true", help="print JSON")
    _add_color(output)
    again = parser.add_argument_group("one run again")
    again.add_argument("--replay", metavar="0,2,1", help="repeat this schedule of the bad program, and print that run")
    again.add_argument("--good", action="store_true", help="of the good program")
    bounds = parser.add_argument_group("what is tried", "instead of what the witness says")
    bounds.add_argument("--faults", metavar="NAMES", help="what may break: child-killed,refused, or none")
    bounds.add_argument(
        "--budget", metavar="BUDGET", help="how many choices may go another way in one run: fault=2,switch=1,order=0"
    )
    bounds.add_argument("--limit", type=_positive, metavar="N", help="how many schedules of a program are run at most")
    real = parser.add_argument_group("the real engine")
    real.add_argument("--broker", metavar="URL", help="also on a real worker with redis://… or amqp://…, and compare")
    work = parser.add_argument_group("for work on flake8-tasks")
    work.add_argument("--record", action="store_true", help="keep what was found in flake8_tasks/proofs")


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is checked")
    what.add_argument("paths", nargs="*", metavar="PATH", help="files and folders, default: . (`-`: standard input)")
    what.add_argument("--select", metavar="SELECTORS", action="append", help="report these rules only")
    what.add_argument("--extend-select", metavar="SELECTORS", action="append", help="report these rules too")
    what.add_argument("--ignore", metavar="SELECTORS", action="append", help="do not report these rules")
    what.add_argument("--stdin-filename", metavar="FILE", help="what standard input is called")
    what.add_argument("--force-exclude", action="store_true", help="leave out excluded files that are named, too")


def _add_color(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")


def _add_how(parser: argparse.ArgumentParser) -> None:
    how = parser.add_argument_group("how it runs")
    how.add_argument("-j", "--jobs", type=_jobs, default=0, metavar="N", help="processes, default: one a processor")
    how.add_argument("--no-cache", action="store_true", help="keep nothing between runs")
    how.add_argument("--cache-dir", metavar="FOLDER", help="where what is kept lies")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, not {text!r}")
    return int(text)


def _jobs(text: str) -> int:
    if text == "auto":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of processes or auto, not {text!r}")
    return int(text)
