"""A proof as one picture: what holds, the run that breaks it, the same with the good form, and what the marks mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from flake8_tasks.runtime.kernel.timeline.canvas import Canvas, wrapped
from flake8_tasks.runtime.kernel.timeline.executions import Ending
from flake8_tasks.runtime.kernel.timeline.measure import text_width
from flake8_tasks.runtime.kernel.timeline.panel import MARGIN, panel
from flake8_tasks.runtime.kernel.timeline.places import SIZE
from flake8_tasks.runtime.kernel.timeline.shapes import MEANINGS, bar, finding_mark, mark
from flake8_tasks.runtime.kernel.timeline.strip import Finding
from flake8_tasks.runtime.kernel.timeline.style import MONO, SANS, stylesheet
from flake8_tasks.runtime.kernel.timeline.words import clean, counted, listed
from flake8_tasks.runtime.proof import Proof

LEAST_WIDTH = 960.0
_DEFINITIONS = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="hatch" d="M0 0v6" stroke-width="2"/></pattern>'
    '<marker id="arrow-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0l8 4l-8 4z"/></marker>'
    '<marker id="wait-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0l8 4l-8 4z"/></marker></defs>'
)


def svg(
    proof: Proof, bad: Mapping[str, str] | None = None, good: Mapping[str, str] | None = None, *, number: int = 0
) -> str:
    """The whole proof as an SVG document that needs nothing else.

    Arguments:
        bad: the sources of the program that breaks: path as in `Side.lines` → text; None draws no lines of it.
        good: of the other.
        number: of the picture on its page; all but the first use the definitions of the first.
    """
    sides = (("bad", proof.bad, bad, ()), ("good", proof.good, good, proof.further))
    width = max(panel(name, side, sources, LEAST_WIDTH).right for name, side, sources, _ in sides)
    panels = [panel(name, side, sources, width, further) for name, side, sources, further in sides]
    width = max(one.right for one in panels)
    canvas = Canvas()
    y = _headline(canvas, proof, width)
    for one in panels:
        canvas.rectangle("card", 12, y, width - 24, one.height, 8)
        canvas.group(one.canvas, y)
        y += one.height + 14
    y = _legend(canvas, panels[0].classes | panels[1].classes, y, width) + 14
    return _document(proof, canvas, width, y, number)


def _headline(canvas: Canvas, proof: Proof, width: float) -> float:
    y = 16.0
    for line in wrapped(proof.invariant, width - 2 * MARGIN, 20, bold=True):
        y += 26
        canvas.text(line, MARGIN, y, 20, bold=True)
    most = listed(counted(count, kind) for kind, count in proof.budget.items() if count)
    faults = f"faults tried: {listed(proof.faults)}" if proof.faults else "no faults"
    about = f"{proof.code} {proof.name}; {faults}{f'; at most {most} in one run' if most else ''}"
    y += 4
    for line in wrapped(about, width - 2 * MARGIN, 12.5):
        y += 18
        canvas.text(line, MARGIN, y, 12.5, name="soft")
    return y + 16


def _legend(canvas: Canvas, classes: Iterable[str], y: float, width: float) -> float:
    """What the marks mean that occur, in lines no longer than the picture."""
    x = MARGIN
    y += 10
    for name, meaning in _meanings(set(classes)):
        needed = 34 + text_width(meaning, SIZE) + 20
        if x > MARGIN and x + needed > width - MARGIN:
            x, y = MARGIN, y + 22
        canvas.add(_sample(name, x + 12, y - 4))
        canvas.text(meaning, x + 32, y, SIZE, name="soft")
        x += needed
    return y


def _meanings(classes: set[str]) -> Iterable[tuple[str, str]]:
    yield from ((ending, f"execution, {ending}") for ending in Ending if ending in classes)
    yield from ((name, meaning) for name, meaning in MEANINGS.items() if name in classes)
    yield from ((finding, finding.value) for finding in Finding if finding in classes)
    yield "", "time is compressed" + ("; +9 more: so many like it are not drawn" if "more" in classes else "")


def _sample(name: str, x: float, y: float) -> str:
    if isinstance(name, Ending):
        return bar(name, x - 11, x + 11, y, 13)
    if isinstance(name, Finding):
        return finding_mark(name, x, y)
    return mark(name, x, y) if name else f'<path class="leader" d="M{x - 8:.1f} {y:.1f}h16m-16 -3v6m16 0v-6"/>'


def _document(proof: Proof, canvas: Canvas, width: float, height: float, number: int) -> str:
    suffix = str(number or "")
    definitions = "" if number else _DEFINITIONS
    title = escape(clean(f"{proof.code} {proof.name}: {proof.invariant}"), quote=False)
    said = (
        f"The bad form is broken in {proof.bad.hazards} of {counted(proof.bad.explored, 'schedule')}, "
        f"the good form in {proof.good.hazards} of {counted(proof.good.explored, 'schedule')}."
    )
    if proof.bad.drawn and proof.bad.drawn.faults:
        said += f" Drawn with the fault: {clean(listed(proof.bad.drawn.faults))}."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="title{suffix} desc{suffix}" font-family="{SANS}">\n'
        f'<title id="title{suffix}">{title}</title>\n<desc id="desc{suffix}">{escape(said, quote=False)}</desc>\n'
        f"<style>{stylesheet()}.mono{{font-family:{MONO}}}.hatched{{fill:url(#hatch)}}</style>\n{definitions}\n"
        f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>\n{canvas}\n</svg>\n'
    )
