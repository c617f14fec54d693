"""Lets the rules look at one file: one table from fact type to checks, one loop."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import Span
from flake8_tasks.model.project import Project
from flake8_tasks.model.reader import Reader
from flake8_tasks.model.source import Source
from flake8_tasks.model.testing import is_test_module
from flake8_tasks.rule import Check, Problem, Rule

STUB = ".pyi"  # nothing in it runs
CRASH = "TSK000"
CRASH_NAME = "internal-error"
_START = Span(1, 1, 1, 1)


def check(source: Source, project: Project, rules: Sequence[Rule], *, fixes: bool = False) -> list[Diagnostic]:
    """What the rules say of a file, in the order of the text.

    Arguments:
        source: the file, its path absolute.
        project: the project it belongs to.
        rules: those to ask.
        fixes: work out the fixes too.
    """
    if source.path.endswith(STUB):
        return []
    if is_test_module(source) and not project.config.include_tests:
        rules = [rule for rule in rules if rule.tests]
    if not rules:
        return []
    found = {(one.code, one.span): one for one in reversed([*_check(source, project, rules, fixes)])}
    return sorted(found.values(), key=lambda one: (one.span, one.code))


def _check(source: Source, project: Project, rules: Sequence[Rule], fixes: bool) -> Iterator[Diagnostic]:
    try:
        facts = Reader(project.adopt(source), project).facts
    except Exception as error:
        yield _crash(source.path, "the model", _START, error)
        return
    table: dict[type, list[tuple[Rule, Check]]] = {}
    for rule in rules:
        for kind, check in rule.checks:
            table.setdefault(kind, []).append((rule, check))
    broken: set[str] = set()
    for fact in facts:
        for rule, check in table.get(type(fact), ()):
            if rule.code in broken:
                continue
            try:
                for problem in check(fact):
                    yield _diagnostic(rule, problem, source.path, fixes)
            except Exception as error:
                broken.add(rule.code)
                yield _crash(source.path, f"{rule.code} {rule.name}", fact.span, error)


def _diagnostic(rule: Rule, problem: Problem, path: str, fixes: bool) -> Diagnostic:
    message = (problem.message or rule.message).format_map(problem.words)
    fix = rule.worked_out(problem) if fixes else None
    return Diagnostic(rule.code, rule.name, path, problem.span, message, fix, problem.related)


def _crash(path: str, who: str, span: Span, error: Exception) -> Diagnostic:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    reason = " ".join(str(error).split())[:80]
    return Diagnostic(
        CRASH, CRASH_NAME, path, span, f"internal error in {who}: {type(error).__name__}: {reason} ({where})"
    )
