"""What is kept of a proof: all that was found, each run as the lines people read and the fingerprint of its trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flake8_tasks.proofs import FOLDER
from flake8_tasks.runtime.kernel.timeline.text import timeline
from flake8_tasks.runtime.kernel.trace import fingerprint
from flake8_tasks.runtime.proof import Proof, Shown, Side
from flake8_tasks.witnesses.witness import Case

_WIDTH = 120


def kept(proof: Proof) -> dict[str, Any]:
    """The document of a proof, the same on every run: without the seconds it took."""
    document = proof.to_json() | {"bad": _side(proof.bad), "good": _side(proof.good)}
    del document["seconds"], document["trace"]
    return document


def keep(case: Case, proof: Proof, folder: Path = FOLDER) -> Path:
    """Write it down; the file.

    Arguments:
        case: that was proved.
        folder: where proofs are kept.
    """
    path = folder / case.path
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(kept(proof), indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    return path


def forget_others(cases: tuple[Case, ...], folder: Path = FOLDER) -> None:
    """Remove the proofs of what is not there any more.

    Arguments:
        cases: all that can be proved.
    """
    for path in set(folder.rglob("*.json")) - {folder / case.path for case in cases}:
        path.unlink()


def _side(side: Side) -> Mapping[str, object]:
    document = side.to_json()
    for name, run in (("shortest", side.shortest), ("shown", side.shown)):
        if run is not None:
            document[name] = _run(run)
    return document


def _run(run: Shown) -> Mapping[str, object]:
    document = run.to_json()
    del document["events"], document["final"]
    return document | {
        "timeline": timeline(run, width=_WIDTH, examples=1).splitlines(),
        "trace": fingerprint(run.events),
    }
