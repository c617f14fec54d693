"""One file: its text, its syntax tree, and the one place where byte columns become characters."""

from __future__ import annotations

import ast
import codecs
import io
import re
import tokenize
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from flake8_tasks.edit import Span

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Unreadable(Exception):
    """A file that cannot be checked: the line (1 where it is not known) and why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def decode(data: bytes) -> str:
    """The text of a Python file, as PEP 263 says, without its byte order mark; line ends are kept.

    Raises:
        Unreadable: unknown encoding, or bytes that do not fit it.
    """
    if not data.startswith(codecs.BOM_UTF8) and not any(b"coding" in line for line in data.split(b"\n", 2)[:2]):
        with suppress(UnicodeDecodeError):  # else it is told which line is to blame
            return data.decode()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except SyntaxError as error:
        if data.startswith(codecs.BOM_UTF8) and error.msg.startswith("encoding problem"):
            raise Unreadable(1, "its byte order mark says utf-8, its first lines another encoding") from None
        raise Unreadable(1, str(error.msg)) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, f"not {error.encoding}: {error.reason} at byte {error.start}") from None
    except (LookupError, UnicodeError) as error:  # `hex`, `undefined`: codecs of Python that are none for a program
        raise Unreadable(1, str(error)) from None


def parse(text: str) -> ast.Module:
    """The syntax tree.

    Raises:
        Unreadable: the text is not Python, or is nested too deeply to be parsed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise Unreadable(error.lineno or 1, f"syntax error: {error.msg}") from None
    except ValueError as error:  # NUL bytes, before 3.12
        raise Unreadable(1, f"syntax error: {error}") from None
    except (RecursionError, MemoryError):
        raise Unreadable(1, "nested too deeply to be parsed") from None


_WORDS = 3  # of a comment that says something; those for tools have fewer


@dataclass
class Source:
    """One file that could be parsed.

    Arguments:
        path: absolute, or relative to the working directory; it stands in findings as it is given.
        text: without a byte order mark.
        tree: what `parse` made of it.
    """

    path: str
    text: str
    tree: ast.Module = field(repr=False)

    @classmethod
    def of(cls, path: str, data: bytes) -> Source:
        """Decode and parse a file's bytes.

        Raises:
            Unreadable: it cannot be decoded or parsed.
        """
        text = decode(data)
        return cls(path, text, parse(text))

    @cached_property
    def lines(self) -> list[str]:
        """Lines as the syntax tree counts them (a form feed ends none), with their line ends."""
        if "\r" in self.text:
            return _LINE.findall(self.text)
        *whole, last = self.text.split("\n")
        lines = [f"{line}\n" for line in whole]
        return [*lines, last] if last else lines

    @cached_property
    def width(self) -> int:
        """How long a new line may be: as the longest of the file, but from 88 on, and up to 120."""
        return max(88, min(120, max((len(line.rstrip()) for line in self.lines), default=0)))

    @cached_property
    def _is_ascii(self) -> bool:
        return self.text.isascii()

    def column(self, line: int, offset: int) -> int:
        """The 1-based character column of a 0-based UTF-8 byte offset."""
        if self._is_ascii:
            return offset + 1
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if text.isascii():
            return offset + 1
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace")) + 1

    def span(self, node: ast.AST) -> Span:
        """Where a node stands."""
        line, end = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        return Span(
            line,
            self.column(line, node.col_offset),  # type: ignore[attr-defined]
            end,
            self.column(end, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def is_explained(self, span: Span) -> bool:
        """It has a line of its own, and a comment of some words behind it or on the line above: somebody says why."""
        first, last = self.lines[span.line - 1], self.lines[span.end_line - 1]
        if first[: span.column - 1].strip():
            return False
        above = self.lines[span.line - 2].strip() if span.line > 1 else ""
        behind = last[span.end_column - 1 :].strip(" \t\r\n,)")
        return any(text.startswith("#") and len(text.lstrip("# ").split()) >= _WORDS for text in (above, behind))

    def segment(self, node: ast.AST) -> str:
        """A node's own text."""
        return self.text_at(self.span(node))

    def text_at(self, span: Span) -> str:
        """What stands at a place."""
        lines = self.lines[span.line - 1 : span.end_line]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return "".join(lines)
