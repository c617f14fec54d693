"""Colour on a terminal: when to use it, and the few codes that the formats use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

BOLD = "1"
DIM = "2"
RED = "31"
GREEN = "32"
YELLOW = "33"
BLUE = "34"
CYAN = "36"


class Stream(Protocol):
    """The part of a text stream that the decision needs."""

    def isatty(self) -> bool: ...


def wants_color(stream: Stream, environ: Mapping[str, str]) -> bool:
    """Whether to write in colour.

    NO_COLOR switches it off and FORCE_COLOR on, each when it is not empty; else a terminal gets colour,
    unless it is a dumb one.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def painted(text: str, *codes: str, color: bool = True) -> str:
    """The text in these colours; unchanged without `color`."""
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if color and text else text
