"""Carries out `flake8-tasks prove`."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flake8_tasks.frontends.cli import CLEAN, FOUND, PROGRAM, WRONG, UsageError
from flake8_tasks.frontends.proving.real import compared, reached
from flake8_tasks.frontends.proving.request import Wanted, wanted
from flake8_tasks.frontends.proving.words import Words
from flake8_tasks.runtime.celery.compat import UnsupportedCelery, require_supported
from flake8_tasks.runtime.conformance.suite import Compared
from flake8_tasks.runtime.kernel.choices import ScheduleError
from flake8_tasks.runtime.kernel.guards import Runaway, Uncontrolled
from flake8_tasks.runtime.kernel.timeline.html import page
from flake8_tasks.runtime.kernel.timeline.svg import svg
from flake8_tasks.runtime.program import ProgramError
from flake8_tasks.runtime.proof import Proof
from flake8_tasks.runtime.prover import prove, replayed
from flake8_tasks.witnesses import cases
from flake8_tasks.witnesses.keeping import forget_others, keep
from flake8_tasks.witnesses.witness import Case

Proved = tuple[Case, Proof]


def command(asked: argparse.Namespace) -> int:
    """Run the command; the exit status.

    Raises:
        UsageError: what was asked cannot be done.
    """
    try:
        require_supported()
    except UnsupportedCelery as error:
        raise UsageError(str(error)) from error
    what = wanted(asked, cases())
    words = Words(asked)
    if what.replay is not None:
        return _replay(what, words, good=asked.good)
    if asked.timeline:
        _try_to_write(Path(asked.timeline).parent)
    chosen = what.cases
    if asked.broker:
        broker = reached(asked.broker)
        chosen = tuple(replace(case, scenario=replace(case.scenario, broker=broker)) for case in chosen)
    proofs = list(_proved(chosen, words))
    failed = len(chosen) - len(proofs)
    if asked.record:
        _record(proofs, everything=asked.all)
    if asked.timeline:
        _draw(Path(asked.timeline), proofs)
    real = list(_told(compared(proofs, asked.broker), words)) if asked.broker else []
    words.proofs([proof for _, proof in proofs], failed, real)
    if failed:
        return WRONG
    equal = all(found.verdict != "different" for found in real)
    return CLEAN if equal and all(proof.holds for _, proof in proofs) else FOUND


def _proved(chosen: Sequence[Case], words: Words) -> Iterator[Proved]:
    """Those that can be run; of the others it is said why not."""
    for case in chosen:
        try:
            with _explained(case):
                proof = prove(case.code, case.name, case.bad, case.good, case.scenario)
        except UsageError as error:
            print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        else:
            words.proof(proof)
            yield case, proof


def _told(comparison: Iterable[Compared], words: Words) -> Iterator[Compared]:
    for found in comparison:
        words.real(found)
        yield found


def _record(proofs: Sequence[Proved], *, everything: bool) -> None:
    for case, proof in proofs:
        if proof.holds:
            keep(case, proof)
    if everything:
        forget_others(cases())


def _replay(what: Wanted, words: Words, *, good: bool) -> int:
    assert what.replay is not None
    case = what.cases[0]
    with _explained(case):
        shown = replayed(case.good if good else case.bad, case.scenario, what.replay)
    words.replay(case, "good" if good else "bad", shown)
    return CLEAN


@contextmanager
def _explained(case: Case) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Celery warns of what breaks, and breaking is what this is about
            yield
    except ScheduleError as error:
        raise UsageError(f"--replay: the schedule does not fit {case.code} {case.name}: {error}") from error
    except (ProgramError, Runaway, Uncontrolled) as error:
        raise UsageError(f"{case.code} {case.name} cannot be proved: {error}") from error


def _try_to_write(folder: Path) -> None:
    """Before the work, so that nobody waits for a picture that has no place."""
    if not folder.is_dir():
        raise UsageError(f"--timeline: {folder} is no folder")


def _draw(path: Path, proofs: Sequence[Proved]) -> None:
    """One page of all, or a picture of each; with more than one the code stands in its name."""
    if path.suffix == ".html":
        title = ", ".join(dict.fromkeys(case.code for case, _ in proofs))
        text = page([(proof, case.bad, case.good) for case, proof in proofs], title)
        path.write_text(text, encoding="utf-8")
        return
    for case, proof in proofs:
        name = path if len(proofs) == 1 else path.with_stem(f"{path.stem}-{case.code}-{case.slug}")
        name.write_text(svg(proof, case.bad, case.good), encoding="utf-8")
