"""What a rule is: a value, and the checks that are attached to it by fact or node type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Edit, Fix, Refusal, Safety, Span

DOCUMENTATION = "https://flake8-tasks.readthedocs.io/en/stable/rules"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check yields: where, the words of the message, and how to mend it.

    Arguments:
        at: where the user would put the cursor: a `Span`, or anything with a `span`.
        words: what the message's `{placeholders}` become.
        fix: worked out only when asked for: a function of no arguments that gives the edits, a
            `Refusal` with the reason, or None for "this shape has no fix".
        title: what the fix does, as an imperative: "Pass the primary key".
        message: instead of the rule's own message.
    """

    at: Any
    words: Mapping[str, object] = field(default_factory=dict)
    fix: Callable[[], tuple[Edit, ...] | Refusal | None] | None = None
    title: str = ""
    related: tuple[Related, ...] = ()
    message: str = ""

    @property
    def span(self) -> Span:
        return self.at if isinstance(self.at, Span) else self.at.span


Check = Callable[..., Iterator[Problem]]


class Rule:
    """One rule: its code and message, its examples, its checks.

    The name comes from the file, the family from the folder, the summary from the first paragraph of
    the module's docstring and the reason from the rest.

    Arguments:
        module: the rule file's `__name__`.
        doc: the rule file's `__doc__`.
        code: `TSK` and three digits.
        message: what happens at run time; `{placeholders}` are filled from `Problem.words`.
        bad: a whole program that the rule flags; `# file: shop/tasks.py` lines split it into files.
        good: the same without the hazard; where there is a fix, exactly what the fixer makes of `bad`.
        default: reported without being asked for.
        fix: how safe the fix is, None without one.
        ignore_when: when a user would rightly ignore the rule.
        options: names of the thresholds in `config.THRESHOLDS` that it reads.
        also: other codes that `bad` shows too.
        see: titles and URLs of the sources.
        since: the first version with the rule.
        tests: also reported in test modules.
    """

    def __init__(
        self,
        module: str,
        doc: str | None,
        *,
        code: str,
        message: str,
        bad: str,
        good: str,
        default: bool = True,
        fix: Safety | None = None,
        fix_notes: str = "",
        ignore_when: str = "",
        options: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
        see: tuple[tuple[str, str], ...] = (),
        since: str = "0.1.0",
        tests: bool = False,
    ) -> None:
        summary, _, why = inspect.cleandoc(doc or "").partition("\n\n")
        self.module = module
        self.family, self.name = (part.replace("_", "-") for part in module.split(".")[-2:])
        self.summary = " ".join(summary.split())
        self.why = why.strip()
        self.code = code
        self.message = message
        self.bad = inspect.cleandoc(bad) + "\n"
        self.good = inspect.cleandoc(good) + "\n"
        self.default = default
        self.fix = fix
        self.fix_notes = inspect.cleandoc(fix_notes)
        self.ignore_when = inspect.cleandoc(ignore_when)
        self.options = options
        self.also = also
        self.see = see
        self.since = since
        self.tests = tests
        self.checks: list[tuple[type, Check]] = []

    def on(self, *kinds: type) -> Callable[[Check], Check]:
        """Attach a check to fact types or `ast` node types."""

        def attach(check: Check) -> Check:
            self.checks.extend((kind, check) for kind in kinds)
            return check

        return attach

    @property
    def url(self) -> str:
        """The rule's page."""
        return f"{DOCUMENTATION}/{self.family}/{self.name}/"

    def worked_out(self, problem: Problem) -> Fix | Refusal | None:
        """The fix of a problem, asked for now."""
        if self.fix is None or problem.fix is None:
            return None
        match problem.fix():
            case None:
                return None
            case Refusal() as refusal:
                return refusal
            case edits:
                return Fix(self.fix, problem.title or self.summary, edits)


def files_of(example: str) -> dict[str, str]:
    """The files of an example: path → text, split at `# file: path` lines (else one `shop/tasks.py`)."""
    files: dict[str, str] = {}
    path = ""
    for line in example.splitlines(keepends=True):
        if line.startswith("# file: "):
            path = line.removeprefix("# file: ").strip()
            files[path] = ""
        elif path or line.strip():
            path = path or "shop/tasks.py"
            files[path] = files.get(path, "") + line
    return files
