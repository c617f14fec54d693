"""How wide a text is, on the wide side, so that what fits here fits in every reader's font."""

from __future__ import annotations

import math
from unicodedata import combining, east_asian_width

# In parts of the font size: what DejaVu Sans takes, the widest of the fonts that a reader is likely to have.
_CLASSES = {
    0.3: "'IJijl",
    0.35: " ,./:;\\|",
    0.4: "()-[]ft",
    0.45: "!r",
    0.5: '"*_`',
    0.55: "?csz",
    0.6: "FLkvxy",
    0.65: "$0123456789EPSTYabdeghnopqu{}",
    0.7: "ABCKRVXZ",
    0.75: "NU",
    0.8: "&DGHOQ",
    0.85: "#+<=>^w~",
    0.9: "M",
    1.0: "%@Wm",
}
_WIDTHS = {character: width for width, characters in _CLASSES.items() for character in characters}
_MONOSPACE = 0.62
_BOLD = 1.15


def text_width(text: str, size: float, *, bold: bool = False, monospace: bool = False) -> float:
    """How wide a text is, in the unit of `size`."""
    # `sum` rounds in another way since Python 3.12, and a picture is the same everywhere.
    width = math.fsum(_width(character, monospace) for character in text)
    return width * size * (_BOLD if bold and not monospace else 1)


def fitted(text: str, width: float, size: float, *, bold: bool = False, monospace: bool = False) -> str:
    """The text, with … for what does not fit into a width."""
    if text_width(text, size, bold=bold, monospace=monospace) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle] + "…", size, bold=bold, monospace=monospace) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def _width(character: str, monospace: bool) -> float:
    if combining(character):
        return 0
    if east_asian_width(character) in "WF":
        return 1.25
    if character.isascii():
        return _MONOSPACE if monospace else _WIDTHS.get(character, 1)
    return 1
