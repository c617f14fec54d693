"""The marks of the drawings: each says by its shape what it is, so that colour is never alone."""

from __future__ import annotations

import re

from flake8_tasks.runtime.kernel.timeline.executions import Ending
from flake8_tasks.runtime.kernel.timeline.strip import Finding
from flake8_tasks.runtime.kernel.trace import Event

_MESSAGES = frozenset({"publish", "dead-letter", "discard", "reject"})
_LOOKS = frozenset({"read", "rollback", "control"})
_WAITS = frozenset({"block", "deadlock", "starvation", "stuck", "endless", "horizon"})
_NO_EFFECT = re.compile(r": (refused|not reached|no answer|there already|not there|[45]\d\d)\b|: its answer is lost$")
_EDGES = frozenset({"start", "end", "killed", "unblock"})
ENDING_CLASSES = {
    Ending.WELL: "well",
    Ending.FAILED: "failed",
    Ending.KILLED: "killed",
    Ending.NEVER: "never",
}
MEANINGS = {
    "effect": "takes effect",
    "look": "looks, or has no effect",
    "message": "message",
    "returned": "message comes back",
    "ack": "acknowledged",
    "wait": "waits",
    "down": "worker goes down",
    "up": "worker starts again",
    "limit": "time limit",
    "fault": "the fault",
}


def shape(event: Event) -> str:
    """The class of an event's mark; "" where the edge of a bar is the mark."""
    kind = event.kind
    if kind in _EDGES:
        return ""
    if kind in _MESSAGES:
        return "message"
    if kind in _LOOKS or _NO_EFFECT.search(event.detail):
        return "look"
    if kind in _WAITS:
        return "wait"
    match kind:
        case "redeliver":
            return "returned"
        case "ack" | "fault":
            return kind
        case "node-down" | "shutdown":
            return "down"
        case "node-up":
            return "up"
        case "hard-limit" | "soft-limit":
            return "limit"
        case _:
            return "effect"


def mark(name: str, x: float, y: float) -> str:
    """A mark around a point."""
    at = f"{x:.1f} {y:.1f}"
    match name:
        case "effect":
            return f'<circle class="effect" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        case "look":
            return f'<circle class="look" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        case "message" | "returned":
            return f'<path class="{name}" d="M{at}m-5.5 0l5.5 -5.5l5.5 5.5l-5.5 5.5z"/>'
        case "ack":
            return f'<path class="ack" d="M{at}m-5 0l3.5 4l6.5 -8"/>'
        case "wait":
            return f'<path class="wait" d="M{at}m-5 -7h10l-4 7l4 7h-10l4 -7z"/>'
        case "fault":
            return f'<path class="fault" d="M{at}m-7 -7l14 14m0 -14l-14 14"/>'
        case "up":
            return f'<path class="down" d="M{at}m-5 4l5 -8l5 8z"/>'
        case "down":
            return f'<path class="down" d="M{at}m-5 -4l5 8l5 -8z"/>'
        case "limit":
            return f'<path class="limit" d="M{at}m-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0m6 -4v4h3"/>'
        case "breaks":
            return f'<path class="breaks" d="M{at}m-6 0l6 -6l6 6l-6 6z"/>'
        case "holds":
            return f'<circle class="holds" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        case _:
            return f'<path class="unreached" d="M{at}m-4 0h8"/>'


def finding_mark(finding: Finding, x: float, y: float) -> str:
    """The mark of a line of the program."""
    names = {Finding.BREAKS: "breaks", Finding.HOLDS: "holds", Finding.UNREACHED: "unreached"}
    return mark(names[finding], x, y)


def bar(ending: Ending, x: float, end: float, y: float, height: float) -> str:
    """An execution: whole, broken off with a ragged edge, or open to the right."""
    top, half, name = y - height / 2, height / 2, ENDING_CLASSES[ending]
    width = max(8.0, end - x)
    match ending:
        case Ending.KILLED:
            edge = f"l-5 {height / 4:.1f}l7 {height / 4:.1f}l-7 {height / 4:.1f}l5 {height / 4:.1f}"
            return f'<path class="{name}" d="M{x:.1f} {top:.1f}h{width:.1f}{edge}h{-width:.1f}z"/>'
        case Ending.NEVER:
            return f'<path class="{name}" d="M{x + width:.1f} {top:.1f}h{-width:.1f}v{2 * half:.1f}h{width:.1f}"/>'
        case _:
            radius = 5 if ending is Ending.WELL else 0
            return (
                f'<rect class="{name}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}" rx="{radius}"/>'
            )
