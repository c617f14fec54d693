"""What the engine yields and every door shows: a place, a message and perhaps a fix."""

from __future__ import annotations

from dataclasses import dataclass

from flake8_tasks.edit import Fix, Refusal, Span

__all__ = ["Diagnostic", "Failure", "Related", "Span"]


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that matters: the task behind a call, the caller that opened a transaction."""

    path: str
    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `fix` is the fix that was worked out, the reason why there is none (`Refusal`), or
    None where the rule has no fix or nobody asked for it.
    """

    code: str
    name: str
    path: str
    span: Span
    message: str
    fix: Fix | Refusal | None = None
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be checked, with the line where that is known (else 1)."""

    path: str
    line: int
    message: str
