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
            hidden = 0
            for outcome in checked:
                if outcome.findings:
                    new = tuple(known.new(outcome.findings))
                    hidden += len(outcome.findings) - len(new)
                    left[outcome.path] = replace(outcome, findings=new)
            name = self._shown(known)
            if hidden:
                words = "is not reported: {} has it" if hidden == 1 else "are not reported: {} has them"
                print(f"{count(hidden, 'known problem')} {words.format(name)}.", file=sys.stderr)
            if gone := known.gone(_findings(checked), [outcome.path for outcome in checked], codes):
                verb = "is" if gone == 1 else "are"
                anew = "`flake8-tasks check --write-baseline` writes it anew"
                print(f"{count(gone, 'problem')} that {name} has {verb} gone: {anew}.", file=sys.stderr)
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
