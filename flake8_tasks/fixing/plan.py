"""Works out which fixes are taken, pass by pass, until nothing changes; writes nothing."""

from __future__ import annotations

import io
import os
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass

from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.edit import Edit, Fix, Place, Refusal, Safety
from flake8_tasks.fixing.overlaps import Taken, path_of
from flake8_tasks.model.source import Unreadable, decode

PASSES = 50  # far more than fixes are nested

Check = Callable[[Mapping[str, bytes]], Sequence[Diagnostic]]
Refused = tuple[Diagnostic, str]
_Wanted = tuple[Diagnostic, Fix]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the fixer would do.

    Arguments:
        changed: the new bytes of each file, by absolute path.
        fixed: the findings that are mended, as they were when their fix was taken.
        refused: findings whose fix is not taken, with the reason.
        withheld: findings that only an unsafe fix would mend, where only safe ones were asked for.
        read: the bytes that the changed files had.
        together: paths that were changed by one fix and so are written all or none.
    """

    changed: dict[str, bytes] = field(default_factory=dict)
    fixed: tuple[Diagnostic, ...] = ()
    refused: tuple[Refused, ...] = ()
    withheld: tuple[Diagnostic, ...] = ()
    read: dict[str, bytes] = field(default_factory=dict)
    together: tuple[frozenset[str], ...] = ()


class CannotFix(Exception):
    """A fix that is not taken; the text says why."""


def plan(check: Check, read: Callable[[str], bytes], *, unsafe: bool, allowed: Callable[[str], bool]) -> Plan:
    """Take fixes until there are none left to take.

    Arguments:
        check: the findings, with their fixes, of the files as they would be with this overlay (path → bytes).
        read: a file's bytes.
        unsafe: take unsafe fixes too.
        allowed: whether a path may be changed.
    """
    return _Planner(check, read, unsafe, allowed).run()


class _Planner:
    def __init__(
        self, check: Check, read: Callable[[str], bytes], unsafe: bool, allowed: Callable[[str], bool]
    ) -> None:
        self.check = check
        self.disk = read
        self.unsafe = unsafe
        self.allowed = allowed
        self.overlay: dict[str, bytes] = {}
        self.originals: dict[str, bytes] = {}
        self.banned: dict[object, str] = {}
        self.fixed: list[Diagnostic] = []
        self.together: list[frozenset[str]] = []

    def run(self) -> Plan:
        found = self.check(self.overlay)
        seen = [dict(self.overlay)]
        for number in range(PASSES + 1):
            refused: list[Refused] = []
            taken, changed = self._taken(found, refused)
            if not taken:
                return self._plan(found, refused)
            if number == PASSES:
                refused += [(each, f"its fix does not come to an end in {PASSES} passes") for each in taken]
                return self._plan(found, refused)
            overlay = {path: data for path, data in (self.overlay | changed).items() if data != self.originals[path]}
            if overlay in seen:
                self.banned |= {_signature(each): _undone(taken, overlay == self.overlay) for each in taken}
                continue
            after = self.check(overlay)
            if again := self._repeated(taken, found, after):
                self.banned |= dict.fromkeys(again, "its fix would have to be repeated without end")
                continue
            self.overlay = overlay
            seen.append(dict(overlay))
            self.fixed += taken
            groups = {frozenset(map(path_of, each.fix.edits)) for each in taken if isinstance(each.fix, Fix)}
            self.together += [group for group in groups if len(group) > 1]
            found = after
        raise AssertionError("unreachable")

    def _plan(self, found: Sequence[Diagnostic], refused: list[Refused]) -> Plan:
        withheld = [each for each in found if isinstance(each.fix, Fix) and not self._is_wanted(each.fix)]
        refused += [(each, each.fix.reason) for each in found if isinstance(each.fix, Refusal)]
        return Plan(
            dict(self.overlay),
            tuple(self.fixed),
            tuple(sorted(refused, key=lambda each: (each[0].path, each[0].span, each[0].code))),
            tuple(withheld),
            {path: self.originals[path] for path in self.overlay},
            tuple(_joined(self.together, self.overlay)),
        )

    def _is_wanted(self, fix: Fix) -> bool:
        return self.unsafe or fix.safety is Safety.SAFE

    def _taken(self, found: Sequence[Diagnostic], refused: list[Refused]) -> tuple[list[Diagnostic], dict[str, bytes]]:
        """The findings to mend in this pass, and the files they change; what can never be mended goes to `refused`."""
        chosen: list[_Wanted] = []
        taken = Taken()
        for each in found:
            if not isinstance(each.fix, Fix) or not self._is_wanted(each.fix):
                continue
            if (reason := self._reason_against(each, each.fix)) is not None:
                refused.append((each, reason))
            elif taken.take(each.fix.edits):
                chosen.append((each, each.fix))
        mended: list[Diagnostic] = []
        changed: dict[str, bytes] = {}
        for part in _independent(chosen):
            some, files = self._part(part, refused)
            mended += some
            changed |= files
        return mended, changed

    def _part(self, chosen: list[_Wanted], refused: list[Refused]) -> tuple[list[Diagnostic], dict[str, bytes]]:
        """What is taken of fixes whose files hang together: all of them, or all but those that cannot be applied."""
        try:
            return [each for each, _ in chosen], self._applied(edit for _, fix in chosen for edit in fix.edits)
        except CannotFix:
            bad = dict(self._impossible(chosen))
        refused += [(each, bad[number]) for number, (each, _) in enumerate(chosen) if number in bad]
        good = [wanted for number, wanted in enumerate(chosen) if number not in bad]
        try:
            return [each for each, _ in good], self._applied(edit for _, fix in good for edit in fix.edits)
        except CannotFix:
            return self._one_by_one(good)

    def _impossible(self, chosen: list[_Wanted], first: int = 0) -> Iterator[tuple[int, str]]:
        """The numbers of the fixes that cannot even be applied alone, found by halving; with the reasons."""
        try:
            self._applied(edit for _, fix in chosen for edit in fix.edits)
        except CannotFix as error:
            if len(chosen) == 1:
                yield first, str(error)
            else:
                half = len(chosen) // 2
                yield from self._impossible(chosen[:half], first)
                yield from self._impossible(chosen[half:], first + half)

    def _one_by_one(self, chosen: list[_Wanted]) -> tuple[list[Diagnostic], dict[str, bytes]]:
        """The fixes that go with those before them; the others get their turn in the next pass."""
        taken: list[Diagnostic] = []
        edits: list[Edit] = []
        changed: dict[str, bytes] = {}
        for each, fix in chosen:
            try:
                changed = self._applied([*edits, *fix.edits])
            except CannotFix:
                continue
            edits += fix.edits
            taken.append(each)
        return taken, changed

    def _reason_against(self, diagnostic: Diagnostic, fix: Fix) -> str | None:
        if not fix.edits:
            return "its fix changes nothing"
        for path in map(path_of, fix.edits):
            if not self.allowed(path):
                return f"reaches {_shown(path)}, which is outside the paths given"
        return self.banned.get(_signature(diagnostic))

    def _applied(self, edits: Iterable[Edit]) -> dict[str, bytes]:
        """The new bytes of every file that these edits name."""
        from flake8_tasks.fixing.apply import CannotApply, apply  # libcst, only where there is something to fix

        by_path: dict[str, list[Edit]] = {}
        for edit in edits:
            by_path.setdefault(path_of(edit), []).append(edit)
        changed = {}
        for path, mine in by_path.items():
            data = self._bytes(path)
            try:
                changed[path] = _encoded(apply(path, decode(data), mine), data)
            except (CannotApply, Unreadable, CannotFix) as error:
                raise CannotFix(f"{_shown(path)}: {error}") from error
        return changed

    def _bytes(self, path: str) -> bytes:
        if path in self.overlay:
            return self.overlay[path]
        if path not in self.originals:
            try:
                self.originals[path] = self.disk(path)
            except OSError as error:
                raise CannotFix(f"{_shown(path)}: {error.strerror or error}") from error
        return self.originals[path]

    def _repeated(
        self, taken: Sequence[Diagnostic], found: Sequence[Diagnostic], after: Sequence[Diagnostic]
    ) -> set[object]:
        """The taken fixes that are asked for as often as before they were taken."""
        before, now = Counter(map(_signature, found)), Counter(map(_signature, after))
        return {each for each in map(_signature, taken) if now[each] >= before[each]}


def _encoded(text: str, data: bytes) -> bytes:
    """A changed file's bytes in the encoding it had.

    Raises:
        CannotFix: the new text has characters that the encoding does not have, or the encoding does not give the
            old bytes back.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    try:
        if decode(data).encode(encoding) != data:
            raise CannotFix(f"its bytes cannot be kept in {encoding}")
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise CannotFix(f"the new code cannot be written in {encoding}: {error.object[error.start]!r}") from error


def _undone(taken: Sequence[Diagnostic], unchanged: bool) -> str:
    if unchanged:
        return "its fix changes nothing"
    return f"its fix would undo another one ({', '.join(sorted({each.code for each in taken}))})"


def _signature(diagnostic: Diagnostic) -> object:
    """What makes a finding and its fix the same in two passes: everything but the places."""
    edits = diagnostic.fix.edits if isinstance(diagnostic.fix, Fix) else ()
    return diagnostic.code, diagnostic.path, diagnostic.message, tuple(map(_placeless, edits))


def _placeless(edit: Edit) -> object:
    assert is_dataclass(edit)
    values = (getattr(edit, each.name) for each in fields(edit))
    return type(edit), tuple(value.path if isinstance(value, Place) else value for value in values)


def _independent(chosen: Iterable[_Wanted]) -> list[list[_Wanted]]:
    """The fixes in parts that share no file."""
    parts: dict[str, list[_Wanted]] = {}
    paths: dict[int, set[str]] = {}
    for wanted in chosen:
        mine = {path_of(edit) for edit in wanted[1].edits}
        touching = {id(parts[path]): parts[path] for path in mine if path in parts}
        whole = [each for part in touching.values() for each in part] + [wanted]
        all_paths = mine.union(*(paths.pop(key) for key in touching))
        paths[id(whole)] = all_paths
        parts |= dict.fromkeys(all_paths, whole)
    return list({id(part): part for part in parts.values()}.values())


def _joined(groups: Sequence[frozenset[str]], changed: Mapping[str, bytes]) -> Iterator[frozenset[str]]:
    """Groups that share a file, as one."""
    result: list[frozenset[str]] = []
    for group in groups:
        touching = [each for each in result if each & group]
        result = [each for each in result if not each & group]
        result.append(group.union(*touching))
    for group in result:
        yield group & frozenset(changed)


def _shown(path: str) -> str:
    """A path as the user knows it: relative to the working directory where it is below."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative
