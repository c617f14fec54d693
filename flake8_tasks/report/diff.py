"""The difference between a file's old and new bytes, as `git apply` and `patch -p1` read it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from flake8_tasks.report import Report
from flake8_tasks.report.ansi import BOLD, CYAN, GREEN, RED, painted

_QUOTED = {"\a": r"\a", "\b": r"\b", "\t": r"\t", "\n": r"\n", "\v": r"\v", "\f": r"\f", "\r": r"\r"}


def render(path: str, old: bytes, new: bytes, *, root: str, color: bool = False) -> str:
    """A unified diff, empty where the two are the same.

    The file may be in any encoding, so what is no UTF-8 stands as lone surrogates: write the text to a binary
    stream, through `encoded`.  A text stream would refuse those, and on Windows change the line ends.

    Arguments:
        path: absolute.
        root: the absolute folder that the names in the diff are relative to.
    """
    diff = _diff(Report(root=root).shown(path), _lines(old), _lines(new))
    return "".join(_painted(number, line) for number, line in enumerate(diff)) if color else "".join(diff)


def encoded(diff: str) -> bytes:
    """The bytes of a diff, with the file's own bytes in its lines."""
    return diff.encode("utf-8", "surrogateescape")


def _lines(data: bytes) -> list[str]:
    """Lines as git counts them: nothing but a line feed ends one."""
    *whole, rest = data.decode("utf-8", "surrogateescape").split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def _diff(path: str, old: list[str], new: list[str]) -> Iterator[str]:
    for line in difflib.unified_diff(old, new, _name(f"a/{path}"), _name(f"b/{path}")):
        if line.endswith("\n"):
            yield line
        else:
            yield f"{line}\n"
            yield "\\ No newline at end of file\n"


def _name(name: str) -> str:
    """A name in a header as git writes it: quoted where it must be, with a tab behind it where it has spaces."""
    if any(character < " " or character in '"\\\x7f' for character in name):
        return '"' + "".join(_escaped(character) for character in name) + '"'
    return f"{name}\t" if " " in name else name


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character in _QUOTED:
        return _QUOTED[character]
    return f"\\{ord(character):03o}" if character < " " or character == "\x7f" else character


def _painted(number: int, line: str) -> str:
    text = line.removesuffix("\n")
    match line[0]:
        case _ if number < 2:
            return painted(text, BOLD) + "\n"
        case "@":
            return painted(text, CYAN) + "\n"
        case "-":
            return painted(text, RED) + "\n"
        case "+":
            return painted(text, GREEN) + "\n"
        case _:
            return line
