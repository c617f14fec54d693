"""The colours and shapes of the drawings, in light and in dark."""

from __future__ import annotations

from collections.abc import Mapping

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

LIGHT = {
    "page": "#ffffff",
    "card": "#f8fafc",
    "edge": "#d5dde6",
    "ink": "#1c2430",
    "soft": "#566171",
    "line": "#dbe2ea",
    "blue": "#2563b0",
    "pale": "#dbe8f8",
    "grey": "#7a8696",
    "ash": "#e9edf2",
    "amber": "#a85b00",
    "sand": "#fdecc8",
    "green": "#1f7a4d",
    "red": "#d6001c",
}
DARK = {
    "page": "#0f141b",
    "card": "#161d27",
    "edge": "#2d3846",
    "ink": "#e8edf4",
    "soft": "#a3b0c0",
    "line": "#2b3644",
    "blue": "#7db4f5",
    "pale": "#1e3a5c",
    "grey": "#93a1b3",
    "ash": "#2a3442",
    "amber": "#f0ad4e",
    "sand": "#4a3512",
    "green": "#5fcf94",
    "red": "#ff5a67",
}

_RULES = """
.page{fill:$page}
.card{fill:$card;stroke:$edge}
text{fill:$ink}
.soft{fill:$soft}
.halo{paint-order:stroke;stroke:$card;stroke-width:4px;stroke-linejoin:round}
.lane{stroke:$line}
.drop{stroke:$grey;stroke-opacity:.55;fill:none}
.leader{stroke:$grey;stroke-opacity:.8}
.well{fill:$pale;stroke:$blue}
.failed{fill:$ash;stroke:$grey}
.killed,.never{fill:$sand;stroke:$amber}
.never{stroke-dasharray:5 3}
.hatch{stroke:$amber;stroke-opacity:.6}
.arrow{fill:none;stroke:$amber;stroke-width:1.8}
.head{fill:$amber}
.waiting{fill:none;stroke:$amber;stroke-width:1.4;stroke-dasharray:2 3}
.effect{fill:$blue;stroke:$card;stroke-width:1}
.look{fill:$card;stroke:$blue;stroke-width:1.6}
.message{fill:$grey;stroke:$card;stroke-width:1}
.returned{fill:$amber;stroke:$card;stroke-width:1}
.ack{fill:none;stroke:$green;stroke-width:2}
.wait{fill:$amber}
.down{fill:none;stroke:$ink;stroke-width:2}
.limit{fill:$card;stroke:$ink;stroke-width:1.6}
.severed{stroke:$ink;stroke-dasharray:2 3;fill:none}
.fault{stroke:$red;stroke-width:3.4;stroke-linecap:round;fill:none}
text.fault{fill:$red;stroke:$card;stroke-width:4px}
.column{fill:$blue}
.breaks{fill:$amber}
.breaks-line{fill:$sand}
.holds{fill:none;stroke:$green;stroke-width:2}
.unreached{stroke:$grey;stroke-width:1.4}
"""


def stylesheet() -> str:
    """What an SVG says about its classes; the dark colours come when the reader prefers them."""
    return _filled(LIGHT) + "@media (prefers-color-scheme:dark){" + _filled(DARK) + "}"


def _filled(colors: Mapping[str, str]) -> str:
    rules = _RULES.replace("\n", "")
    for name, color in colors.items():
        rules = rules.replace(f"${name}", color)
    return rules
