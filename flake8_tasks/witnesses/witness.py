"""What a witness is: a scenario that shows a rule's hazard in its `bad`, and that its `good` is free of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from flake8_tasks.runtime.scenario import Scenario

Files = Mapping[str, str]


@dataclass(frozen=True)
class Variant:
    """The same hazard seen from another side.

    Arguments:
        title: what is different: "the check switched off".
        scenario: how the programs are put to the test.
        changed: makes this variant's programs of the rule's own; it gives a file's text for a file's text.
    """

    title: str
    scenario: Scenario
    changed: Callable[[str], str] = str


@dataclass(frozen=True)
class Witness:
    """Stands in a module that mirrors its rule's, as `witness`.

    Arguments:
        scenario: how the rule's `bad` and `good` are put to the test.
        variants: other sides of the hazard.
        code: of a rule that the catalogue has and the linter has not yet.
        bad: that rule's program with the hazard, until it is there to give its own.
        good: and the one without.
    """

    scenario: Scenario
    variants: Sequence[Variant] = ()
    code: str = ""
    bad: str = ""
    good: str = ""


@dataclass(frozen=True)
class Case:
    """One thing to prove.

    Arguments:
        code: of the rule.
        name: of the rule, and of the variant where it is one.
        path: of the kept proof, relative to `proofs/`.
        reference: where the scenario stands, for other processes: "package.module:witness.scenario".
    """

    code: str
    name: str
    path: str
    bad: Files
    good: Files
    scenario: Scenario
    reference: str

    @property
    def slug(self) -> str:
        """The name as one word: "result-in-task-the-check-switched-off"."""
        return PurePosixPath(self.path).stem.replace("_", "-")
