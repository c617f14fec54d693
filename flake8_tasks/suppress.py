"""`# noqa` comments as flake8 reads them, for the doors that are not flake8."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import Span

# One space before `noqa`, any case; codes match a finding only in its own case; anything but codes behind the
# colon means every code.  All as in flake8 7.1 to 7.5.
_COMMENT = re.compile(r"# noqa(?::\s?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
_WHOLE_FILE = re.compile(r"\s*# flake8[:=]\s*noqa", re.IGNORECASE)
_CODE = re.compile(r"[^,\s]+")


class Unused(NamedTuple):
    """A code in a `noqa` comment that silences nothing: where it stands, and as it is written."""

    span: Span
    code: str


def remaining(text: str, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings of one file that no comment silences.

    Arguments:
        text: the file's, without a byte order mark, with any line ends.
    """
    diagnostics = list(diagnostics)
    if not diagnostics or not re.search("noqa", text, re.IGNORECASE):
        return diagnostics
    return _Comments(text).remaining(diagnostics)


def unused(text: str, diagnostics: Iterable[Diagnostic], checked: Collection[str]) -> Iterator[Unused]:
    """The codes of ours in `noqa` comments that silence none of the findings, by place.

    Arguments:
        text: the file's, without a byte order mark, with any line ends.
        diagnostics: the findings of that file, the silenced ones too.
        checked: the codes that were looked for: of others nobody knows whether there is something to silence.
    """
    if re.search(r"noqa:.*tsk", text, re.IGNORECASE):
        yield from _Comments(text).unused(list(diagnostics), checked)


class _Comments:
    """The `noqa` comments of a file.

    As in flake8, a comment stands for its line; lines that a text in quotes or a backslash holds together have
    one comment, the first.  Lines in brackets stand for themselves.
    """

    def __init__(self, text: str) -> None:
        self.lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")).readlines()
        self.whole_file = any(_WHOLE_FILE.match(line) for line in self.lines)
        self.joined: dict[int, tuple[int, int]] = {}
        self.comments: list[tuple[int, int]] = []
        if not self.whole_file:
            self._read_tokens()

    def _read_tokens(self) -> None:
        """For each line the first and last of the lines it is joined with, and where the comments begin."""
        try:
            tokens = list(tokenize.generate_tokens(iter(self.lines).__next__))
        except (tokenize.TokenError, SyntaxError):
            return
        begun: list[tokenize.TokenInfo] = []
        for token in tokens:
            if token.type in (tokenize.ENDMARKER, tokenize.DEDENT):
                continue
            if token.type == tokenize.COMMENT:
                self.comments.append(token.start)
            begun.append(token)
            if token.type in (tokenize.NL, tokenize.NEWLINE):
                first, last = min(part.start[0] for part in begun), max(part.end[0] for part in begun)
                self.joined.update(dict.fromkeys(range(first, last + 1), (first, last)))
                begun = []

    def remaining(self, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
        if self.whole_file:
            return []
        return [found for found in diagnostics if not self._silences(found.span.line, found.code)]

    def _silences(self, line: int, code: str) -> bool:
        match = self._comment(line)
        if match is None:
            return False
        return match["codes"] is None or code.startswith(tuple(_CODE.findall(match["codes"])))

    def _comment(self, line: int) -> re.Match[str] | None:
        first, last = self._joined(line)
        return _COMMENT.search("".join(self.lines[first - 1 : last]))

    def _joined(self, line: int) -> tuple[int, int]:
        return self.joined.get(line, (line, line))

    def unused(self, diagnostics: list[Diagnostic], checked: Collection[str]) -> Iterator[Unused]:
        for line, offset in self.comments:
            text = self.lines[line - 1]
            for match in _COMMENT.finditer(text, offset):
                if match["codes"] is None:
                    continue
                silenced = self._silenced(line, match, diagnostics)
                for part in _CODE.finditer(text, *match.span("codes")):
                    code = part[0]
                    known = code.upper().startswith("TSK") and any(rule.startswith(code.upper()) for rule in checked)
                    if known and not any(found.startswith(code) for found in silenced):
                        yield Unused(Span(line, part.start() + 1, line, part.end() + 1), code)

    def _silenced(self, line: int, match: re.Match[str], diagnostics: list[Diagnostic]) -> list[str]:
        """The codes of the findings that this comment could silence, none where another comment is before it."""
        first, last = self._joined(line)
        effective = self._comment(line)
        before = sum(len(text) for text in self.lines[first - 1 : line - 1])
        if effective is None or effective.start() != before + match.start():
            return []
        return [found.code for found in diagnostics if first <= found.span.line <= last]
