"""SVG elements as they are drawn, and how far they reach."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from flake8_tasks.runtime.kernel.timeline.measure import text_width
from flake8_tasks.runtime.kernel.timeline.words import clean


class Canvas:
    """Collects elements from back to front; knows how far texts reach to the right."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.right = 0.0

    def add(self, markup: str) -> None:
        """An element that is markup already."""
        self._parts.append(markup)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        *,
        name: str = "",
        bold: bool = False,
        monospace: bool = False,
    ) -> float:
        """A line of text with its left end and base line at a point; where it ends.

        Arguments:
            size: of the font, in pixels.
            name: of its classes.
        """
        weight = ' font-weight="700"' if bold else ""
        family = ' class="mono{}"' if monospace else ' class="{}"' if name else "{}"
        classes = family.format(f" {name}" if monospace and name else name)
        content = escape(text if monospace else clean(text), quote=False)
        space = ' xml:space="preserve"' if monospace else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"{weight}{classes}{space}>{content}</text>'
        )
        end = x + text_width(text, size, bold=bold, monospace=monospace)
        self.right = max(self.right, end)
        return end

    def line(self, name: str, x: float, y: float, end_x: float, end_y: float) -> None:
        """A straight line."""
        self._parts.append(f'<path class="{name}" d="M{x:.1f} {y:.1f}L{end_x:.1f} {end_y:.1f}"/>')

    def rectangle(self, name: str, x: float, y: float, width: float, height: float, radius: float = 0) -> None:
        """A box."""
        self._parts.append(
            f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}"/>'
        )

    def behind(self, other: Canvas) -> None:
        """Put everything of another canvas behind this one's elements."""
        self._parts[:0] = other._parts
        self.right = max(self.right, other.right)

    def group(self, other: Canvas, y: float) -> None:
        """Put everything of another canvas on top, moved down."""
        self._parts.append(f'<g transform="translate(0 {y:.1f})">')
        self._parts += other._parts
        self._parts.append("</g>")
        self.right = max(self.right, other.right)

    def __str__(self) -> str:
        return "\n".join(self._parts)


def wrapped(text: str, width: float, size: float, *, bold: bool = False) -> Iterator[str]:
    """Lines of a text that are no wider than a width, broken between words where that is possible."""
    line = ""
    for word in clean(text).split(" "):
        for piece in _pieces(word, width, size, bold):
            longer = f"{line} {piece}" if line else piece
            if line and text_width(longer, size, bold=bold) > width:
                yield line
                line = piece
            else:
                line = longer
    yield line


def _pieces(word: str, width: float, size: float, bold: bool) -> Iterator[str]:
    piece = ""
    for character in word:
        if piece and text_width(piece + character, size, bold=bold) > width:
            yield piece
            piece = ""
        piece += character
    yield piece
