"""What `check` does with the baselines of its projects: leaves out what is known, and writes them anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from flake8_tasks import baseline
from flake8_tasks.baseline import Baseline
from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.frontends.cli import UsageError
from flake8_tasks.frontends.request import Request
from flake8_tasks.kept import Outcome
from flake8_tasks.report import Report, count
from flake8_tasks.run import selected


class Baselines:
    """Those of the projects of a run.

    Arguments:
        to_write: they are about to be written.

    Raises:
        ConfigError: one is not there, or is no baseline.
        UsageError: they are to be written, and a project names none.
    """

    def __init__(self, wanted: Request, *, to_write: bool) -> None:
        self.wanted = wanted
        self.found: dict[Path, Baseline] = {}
        for root in wanted.groups:
            known = baseline.load(wanted.configs[root], to_write=to_write)
            if known is not None:
                self.found[root] = known
            elif to_write:
                place = root / "pyproject.toml"
                raise UsageError(f'{place}: set `baseline = "…"` under [tool.flake8-tasks] to the file to write')

    def without_known(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What a run has found without what is known; how much that was, and what is no more, is said on stderr."""
        left = {outcome.path: outcome for outcome in outcomes}
        for known, checked, codes in self._with(outcomes):
            findings = _findings(checked)
            new = list(known.new(findings))
            for outcome in checked:
                left[outcome.path] = replace(outcome, findings=tuple(each for each in new if each.path == outcome.path))
            name = self._shown(known)
            if number := len(findings) - len(new):
                is_ = "is" if number == 1 else "are"
                print(
                    f"{count(number, 'known problem')} {is_} not reported: {name} has {_them(number)}.", file=sys.stderr
                )
            if number := known.gone(findings, [outcome.path for outcome in checked], codes):
                is_ = "is" if number == 1 else "are"
                anew = "`flake8-tasks check --write-baseline` writes it anew"
                print(f"{count(number, 'problem')} that {name} has {is_} gone: {anew}.", file=sys.stderr)
        return list(left.values())

    def write_anew(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what a run has found, and say so."""
        for known, checked, codes in self._with(outcomes):
            new = known.written_anew(_findings(checked), [outcome.path for outcome in checked], codes)
            new.write()
            files = len({path for path, _, _ in new.known})
            words = f"{count(new.known.total(), 'finding')} of {count(files, 'file')}"
            print(f"Wrote {words} to {self._shown(new)}.")

    def _with(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[Baseline, list[Outcome], set[str]]]:
        """Each baseline with the files of its project that could be checked, and the codes that were looked for."""
        for root, known in self.found.items():
            paths = set(self.wanted.groups[root])
            checked = [outcome for outcome in outcomes if outcome.path in paths and outcome.failure is None]
            yield known, checked, {rule.code for rule in selected(self.wanted.configs[root])}

    def _shown(self, known: Baseline) -> str:
        return Report(root=os.getcwd()).shown(known.file)


def _findings(outcomes: Sequence[Outcome]) -> list[Diagnostic]:
    return [found for outcome in outcomes for found in outcome.findings]


def _them(number: int) -> str:
    return "it" if number == 1 else "them"
