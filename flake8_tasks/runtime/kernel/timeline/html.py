"""A proof as a page that needs nothing else: the picture, the program with its lines marked, and the runs as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from flake8_tasks.runtime.kernel.timeline.shapes import finding_mark
from flake8_tasks.runtime.kernel.timeline.strip import Finding, SourceLine, whole_file
from flake8_tasks.runtime.kernel.timeline.style import DARK, LIGHT, MONO, SANS
from flake8_tasks.runtime.kernel.timeline.svg import svg
from flake8_tasks.runtime.kernel.timeline.text import timeline, verdict
from flake8_tasks.runtime.kernel.timeline.words import clean, counted
from flake8_tasks.runtime.proof import Proof, Side

_TEXT_WIDTH = 140
_RULES = f"""
:root{{color-scheme:light dark}}
body{{margin:0 auto;max-width:1240px;padding:24px 16px 48px;font:15px/1.5 {SANS};background:$page;color:$ink}}
h1{{font-size:22px;margin:0 0 16px}}
h1:not(:first-child){{margin-top:56px}}
h2{{font-size:17px;margin:32px 0 8px}}
h3{{font:600 13px {MONO};margin:16px 0 4px}}
.picture,.scroll{{overflow-x:auto}}
.picture svg{{display:block;margin:0 auto}}
pre,table{{font:13px/1.45 {MONO};background:$card;border:1px solid $edge;border-radius:8px}}
pre{{margin:8px 0;padding:12px 14px;overflow-x:auto}}
table{{border-collapse:separate;border-spacing:0;padding:8px 0}}
td,th{{padding:0 12px;white-space:pre;text-align:left;font-weight:400}}
td.number,td.count{{color:$soft;text-align:right}}
th.mark svg{{display:block}}
tr.found-breaks td,tr.found-breaks th{{background:$sand}}
summary{{cursor:pointer;font-weight:600;padding:4px 0}}
:focus-visible{{outline:2px solid $blue}}
"""


def html(proof: Proof, bad: Mapping[str, str] | None = None, good: Mapping[str, str] | None = None) -> str:
    """The page as one document, without scripts.

    Arguments:
        bad: the sources of the program that breaks: path as in `Side.lines` → text.
        good: of the other.
    """
    return page([(proof, bad or {}, good or {})], f"{proof.code} {proof.name}")


def page(proofs: Sequence[tuple[Proof, Mapping[str, str], Mapping[str, str]]], title: str) -> str:
    """Several proofs, one below the other.

    Arguments:
        proofs: each with the sources of its two programs, as in `html`.
        title: of the document.
    """
    title = escape(clean(title))
    body = "\n".join(part for number, proof in enumerate(proofs) for part in _proof(*proof, number))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_styles()}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _proof(proof: Proof, bad: Mapping[str, str], good: Mapping[str, str], number: int) -> Iterator[str]:
    yield f"<h1>{escape(clean(f'{proof.code} {proof.name}'))}</h1>"
    yield f'<pre tabindex="0">{escape(verdict(proof), quote=False)}</pre>'
    yield f'<div class="picture" tabindex="0">{svg(proof, number=number)}</div>'
    for name, side, sources in (("bad", proof.bad, bad), ("good", proof.good, good)):
        yield from _runs(name, side)
        yield from _program(name, side, sources)


def _styles() -> str:
    return _filled(LIGHT) + "@media (prefers-color-scheme:dark){" + _filled(DARK) + "}"


def _filled(colors: Mapping[str, str]) -> str:
    rules = _RULES
    for name, color in colors.items():
        rules = rules.replace(f"${name}", color)
    return rules


def _runs(name: str, side: Side) -> Iterator[str]:
    if side.drawn is None:
        return
    found = f"{side.hazards:,} of {counted(side.explored, 'schedule')}"
    yield f"<h2>{name}: hazard in {found}</h2>"
    yield '<details><summary>What happened, event by event</summary><pre tabindex="0">'
    yield f"{escape(timeline(side.drawn, width=_TEXT_WIDTH), quote=False)}</pre></details>"


def _program(name: str, side: Side, sources: Mapping[str, str]) -> Iterator[str]:
    for path in sorted(sources):
        lines = whole_file(side, path, sources[path])
        marked = any(line.finding is not Finding.UNREACHED for line in lines)
        opened = " open" if marked else ""
        yield f"<details{opened}><summary>{escape(clean(path))}</summary>"
        yield '<div class="scroll" tabindex="0"><table><tbody>'
        yield from (_row(line, marked) for line in lines)
        yield "</tbody></table></div></details>"


def _row(line: SourceLine, marked: bool) -> str:
    count = f"{line.hazards:,} of {line.explored:,}" if line.explored else ""
    mark = ""
    if marked and line.text.strip():
        said = line.finding.value
        mark = (
            f'<svg width="16" height="16" viewBox="0 0 16 16" role="img" aria-label="{said}">'
            f"<title>{said}</title>{finding_mark(line.finding, 8, 8)}</svg>"
        )
    return (
        f'<tr class="found-{line.finding.name.lower()}"><th class="mark">{mark}</th><td class="count">{count}</td>'
        f'<td class="number">{line.number}</td><td>{escape(line.text, quote=False)}</td></tr>'
    )
