"""What the last proofs found, as data: pages and hovers read it without Celery and without running anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

Kept = Mapping[str, Any]


def kept(module: str, folder: Path = FOLDER) -> tuple[Kept, ...]:
    """The kept proofs of a rule: its own, then those of its variants; none where it has no witness.

    Arguments:
        module: the rule's: "flake8_tasks.rules.waiting.result_in_task".
        folder: where proofs are kept.
    """
    family, name = module.split(".")[-2:]
    paths = [folder / family / f"{name}.json", *sorted((folder / family).glob(f"{name}-*.json"))]
    return tuple(json.loads(path.read_text("utf-8")) for path in paths if path.exists())
