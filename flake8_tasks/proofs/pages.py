"""A rule's kept proofs as the Markdown of its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flake8_tasks.proofs import FOLDER, Kept, kept

_MOST = 3
_CHOICES = {
    "fault": ("fault", "faults"),
    "switch": ("time that others go first", "times that others go first"),
    "order": ("message taken before its turn", "messages taken before their turn"),
}


def proved(module: str, folder: Path = FOLDER) -> Iterator[str]:
    """The paragraphs of all proofs of a rule; none where it has no witness.

    Arguments:
        module: the rule's: "flake8_tasks.rules.waiting.result_in_task".
        folder: where proofs are kept.
    """
    for proof in kept(module, folder):
        yield from _paragraphs(proof)


def _paragraphs(proof: Kept) -> Iterator[str]:
    name, _, variant = proof["name"].partition(", ")
    asked = proof["code"]
    if variant:
        asked = f"{name}-{variant.replace(' ', '-')}"
        yield f"### {variant[0].upper()}{variant[1:]}"
        yield f"The same programs, {variant}. What must hold: **{proof['invariant']}**."
    else:
        yield (
            "Both programs below were run as real Celery tasks in [virtual time](../../runtime.md). "
            f"What must hold: **{proof['invariant']}**."
        )
    yield "\n".join(
        ["| | hazard in | how it breaks |", "|---|---|---|", _row("bad", proof["bad"]), _row("good", proof["good"])]
    )
    yield " ".join([*_tried(proof), *_further(proof)])
    shortest = proof["bad"]["shortest"]
    yield "The shortest run of `bad` that breaks it:"
    yield "```text\n" + "\n".join(shortest["timeline"]) + "\n```"
    schedule = ",".join(map(str, shortest["schedule"])) or "0"
    yield f"`flake8-tasks prove {asked}` repeats the proof, `--replay {schedule}` this run alone."


def _row(name: str, side: Mapping[str, Any]) -> str:
    explored = _counted(side["explored"], "schedule", "schedules")
    if side["explored"] < side["known"]:
        explored += f" explored, {side['known']:,} known"
    ways = sorted(side["violations"].items(), key=lambda item: (-item[1], item[0]))
    said = [f"`{way}`".replace("|", r"\|") for way, _ in ways[:_MOST]]
    if len(ways) > _MOST:
        said.append(f"{len(ways) - _MOST:,} more")
    hazards = f"{side['hazards']:,}" if side["hazards"] else "none"
    return " | ".join([f"| `{name}`", f"{hazards} of {explored}", "<br>".join(said) or "-"]) + " |"


def _tried(proof: Kept) -> Iterator[str]:
    most = " and ".join(_counted(number, *_CHOICES[kind]) for kind, number in proof["budget"].items() if number)
    faults = ", ".join(f"`{fault}`" for fault in proof["faults"])
    if faults:
        yield f"[Faults](../../runtime.md#faults) that were tried: {faults}; in one run at most {most}."
    elif most:
        yield f"No fault is needed; in one run at most {most}."
    else:
        yield "No fault is needed, and there is one schedule only."


def _further(proof: Kept) -> Iterator[str]:
    breaks = [further for further in proof["further"] if further["hazards"]]
    holds = [further for further in proof["further"] if not further["hazards"]]
    if breaks:
        said = (
            f"`{further['fault']}` (in {further['hazards']:,} of {further['explored']:,} schedules: "
            f"`{further['violation']}`)"
            for further in breaks
        )
        yield f"Under further faults even `good` breaks: {', '.join(said)}."
    if holds:
        said = (f"`{further['fault']}` ({further['explored']:,} schedules)" for further in holds)
        yield f"`good` holds under {' and '.join(said)}, too."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
