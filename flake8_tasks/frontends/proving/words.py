"""What `prove` prints: both timelines and the verdict, one run, or JSON."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from flake8_tasks.frontends.check import colored
from flake8_tasks.frontends.proving.real import as_json
from flake8_tasks.report import count
from flake8_tasks.report.ansi import BOLD, RED, painted
from flake8_tasks.runtime.conformance.suite import Compared
from flake8_tasks.runtime.kernel.timeline.text import WIDTH, timeline, verdict
from flake8_tasks.runtime.proof import Proof, Shown, Side
from flake8_tasks.witnesses.witness import Case

_LEAST_WIDTH = 60


class Words:
    """Prints, as text or as JSON.

    Arguments:
        asked: the command's arguments.
    """

    def __init__(self, asked: argparse.Namespace) -> None:
        self._json = asked.json
        given = (("faults", asked.faults), ("budget", asked.budget))
        self._given = "".join(f" --{option} {value}" for option, value in given if value is not None)
        self._paint = partial(painted, color=colored(asked))
        terminal = sys.stdout is not None and sys.stdout.isatty()
        self._width = max(_LEAST_WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns) if terminal else WIDTH

    def proof(self, proof: Proof) -> None:
        """One proof, as soon as it is there."""
        for name, side in (("bad", proof.bad), ("good", proof.good)):
            if side.explored < side.known:
                _note(
                    f"{proof.code} {proof.name}: {name} has more schedules than were explored, "
                    f"{side.explored:,} of {side.known:,} or more: --limit sets how many are"
                )
        if self._json:
            return
        for name, side in (("bad", proof.bad), ("good", proof.good)):
            if side.drawn is not None:
                again = f"{'--good ' if name == 'good' else ''}--replay {_schedule(side.drawn)}{self._given}"
                self._run(f"{proof.code} {proof.name}, {name}: {_which(side)} ({again})", side.drawn)
        print(verdict(proof, paint=self._paint), end="\n\n", flush=True)

    def real(self, found: Compared) -> None:
        """One run on the real engine."""
        if not self._json:
            print(self._paint(str(found), *([RED] if found.differences else [])), flush=True)

    def proofs(self, proofs: Sequence[Proof], failed: int, real: Sequence[Compared]) -> None:
        """All of them, at the end.

        Arguments:
            failed: how many could not be carried out.
            real: the runs on the real engine, where there were any.
        """
        if self._json:
            document: dict[str, Any] = {"proofs": [proof.to_json() for proof in proofs]}
            if real:
                document["real"] = [as_json(found) for found in real]
            print(json.dumps(document, ensure_ascii=False))
        elif len(proofs) + failed > 1:
            hold = sum(proof.holds for proof in proofs)
            seconds = sum(proof.seconds for proof in proofs)
            print(f"{hold} of {count(len(proofs) + failed, 'proof')} hold, {seconds:.2f} s")

    def replay(self, case: Case, program: str, shown: Shown) -> None:
        """One run.

        Arguments:
            program: which of the two, "bad" or "good".
        """
        if self._json:
            document: dict[str, Any] = {"code": case.code, "name": case.name, "program": program, **shown.to_json()}
            print(json.dumps(document, ensure_ascii=False))
        else:
            self._run(f"{case.code} {case.name}, {program}: schedule {_schedule(shown)}", shown)

    def _run(self, title: str, shown: Shown) -> None:
        print(self._paint(title, BOLD))
        print(timeline(shown, paint=self._paint, width=self._width), end="\n\n", flush=True)


def _which(side: Side) -> str:
    if side.shortest is not None:
        return "the shortest run that breaks it" if side.hazards > 1 else "the run that breaks it"
    return "the same fault" if side.shown and side.shown.faults else "the run without a fault"


def _schedule(shown: Shown) -> str:
    return ",".join(map(str, shown.schedule)) or "0"


def _note(words: str) -> None:
    print(f"note: {words}", file=sys.stderr)
