"""Results kept between runs: valid while the file and every answer that its check asked of the project stand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flake8_tasks.diagnostic import Diagnostic, Failure, Related
from flake8_tasks.edit import Fix, Refusal, Safety, Span
from flake8_tasks.model.cache import digest
from flake8_tasks.model.project import Project


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the check of one file came to."""

    path: str
    findings: tuple[Diagnostic, ...] = ()
    failure: Failure | None = None


def _key(project: Project, path: str, fixes: bool, text: str | None) -> str | None:
    entry = project.index.entry(path)
    if entry is None:
        return None
    kind = ("result",) if text is None else ("result for flake8", text)
    return digest(*kind, path, entry.digest, project.config.digest(), str(fixes))


def recall(project: Project, path: str, fixes: bool, text: str | None = None) -> Outcome | None:
    """The outcome of an earlier run, None where there is none or something that it rests on has changed.

    Its fixes have a title and no edits.

    Arguments:
        text: what flake8 has read, which silences findings itself: its outcomes are kept apart.
    """
    key = _key(project, path, fixes, text)
    kept = project.cache.get(key) if key else None
    if kept is None:
        return None
    try:
        asked, findings = json.loads(kept)
        if any(project.index.state(question) != state for question, state in asked):
            return None
        return Outcome(path, tuple(_finding(path, *row) for row in findings))
    except (TypeError, ValueError, KeyError):
        return None


def keep(project: Project, outcome: Outcome, fixes: bool, asked: Iterable[str], text: str | None = None) -> None:
    """Keep an outcome with the questions that it rests on; not a failure, which may have passed when one asks again."""
    key = _key(project, outcome.path, fixes, text) if project.cache.is_on and outcome.failure is None else None
    if key is None:
        return
    states = [(question, project.index.state(question)) for question in sorted(asked)]
    project.cache.put(key, json.dumps([states, [_row(found) for found in outcome.findings]]))


def _row(found: Diagnostic) -> list[Any]:
    match found.fix:
        case Fix(safety, title):
            fix: list[str] | None = [safety.value, title]
        case Refusal(reason):
            fix = ["", reason]
        case _:
            fix = None
    related = [[each.path, each.span, each.message] for each in found.related]
    return [found.code, found.name, found.span, found.message, fix, related]


def _finding(
    path: str,
    code: str,
    name: str,
    span: Sequence[int],
    message: str,
    fix: Sequence[str] | None,
    related: Sequence[Any],
) -> Diagnostic:
    recalled: Fix | Refusal | None = None
    if fix:
        recalled = Fix(Safety(fix[0]), fix[1]) if fix[0] else Refusal(fix[1])
    places = tuple(Related(other, Span(*place), words) for other, place, words in related)
    return Diagnostic(code, name, path, Span(*span), message, recalled, places)
