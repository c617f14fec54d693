"""Writes changed files: each one is either as it was or as it should be, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flake8_tasks.diagnostic import Failure
from flake8_tasks.interrupts import held


@dataclass(frozen=True, slots=True)
class Written:
    """The paths that were written, and why the others were not."""

    paths: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Prepared:
    path: str
    target: str
    temporary: str
    before: bytes


class _CannotWrite(Exception):
    """The text says why a file is not written."""


def write_all(
    changed: Mapping[str, bytes],
    read: Mapping[str, bytes],
    together: Iterable[frozenset[str]] = (),
) -> Written:
    """Write files; those of one group all or none.

    All new contents are first written beside their files, under hidden temporary names, and then put in place
    one by one.  Symbolic links are followed, and hard links stay.  A file that is not as it was read is left alone.

    Arguments:
        changed: new bytes by path.
        read: the bytes that were there when the changes were worked out.
        together: groups of paths, which share no path.
    """
    groups = [sorted(group & changed.keys()) for group in together]
    grouped = {path for group in groups for path in group}
    groups += [[path] for path in sorted(changed) if path not in grouped]
    temporaries: set[str] = set()
    written: list[str] = []
    failures: list[Failure] = []
    try:
        ready: list[list[_Prepared]] = []
        targets: dict[tuple[int, int], bytes] = {}
        for group in groups:
            prepared: list[_Prepared] = []
            problems = []
            for path in group:
                try:
                    prepared += _prepared(path, changed[path], read[path], temporaries, targets)
                except (_CannotWrite, OSError) as error:
                    problems.append(Failure(path, 1, f"not written: {_reason(error)}"))
            failures += problems
            if problems:
                failures += [_left_out(each.path, problems[0].path) for each in prepared]
            else:
                ready.append(prepared)
                written += group
        for prepared in ready:
            if problem := _replace(prepared, temporaries):
                failures.append(problem)
                failures += [_left_out(each.path, problem.path) for each in prepared if each.path != problem.path]
                gone = {each.path for each in prepared}
                written = [path for path in written if path not in gone]
    finally:
        for temporary in temporaries:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    return Written(tuple(sorted(written)), tuple(sorted(failures, key=lambda each: each.path)))


def _left_out(path: str, cause: str) -> Failure:
    return Failure(path, 1, f"not written: it changes together with {cause}, which cannot be written")


def _reason(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "no permission to write it"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _prepared(
    path: str, data: bytes, before: bytes, temporaries: set[str], targets: dict[tuple[int, int], bytes]
) -> Iterator[_Prepared]:
    """The new contents beside the file; nothing where another path that names the same file has them already."""
    target = os.path.realpath(path)
    _refuse_changed(target, before)
    status = os.stat(target)
    identity = status.st_dev, status.st_ino
    if identity in targets:
        if targets[identity] != data:
            raise _CannotWrite("another path names the same file, with other changes")
        return
    if not os.access(target, os.W_OK):
        raise _CannotWrite("no permission to write it")
    targets[identity] = data
    yield _Prepared(path, target, _beside(target, data, temporaries), before)


def _refuse_changed(target: str, before: bytes) -> None:
    try:
        with open(target, "rb") as file:
            same = file.read() == before
    except FileNotFoundError:
        raise _CannotWrite("it is gone since it was read") from None
    if not same:
        raise _CannotWrite("it was changed by someone else since it was read")


def _beside(target: str, data: bytes, temporaries: set[str]) -> str:
    """The name of a temporary file in the same folder with these bytes, and mode and owner of the file."""
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:80]}.{secrets.token_hex(6)}.tmp")
    temporaries.add(temporary)  # before it is there: an interruption must not leave it behind
    status = os.stat(target)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except PermissionError:
        raise _CannotWrite("no permission to write in its folder, where its new content is put first") from None
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if hasattr(os, "fchown"):
            with contextlib.suppress(OSError):
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
        with contextlib.suppress(OSError):
            os.chmod(temporary, status.st_mode & 0o7777)
        os.fsync(file.fileno())
    return temporary


def _replace(prepared: list[_Prepared], temporaries: set[str]) -> Failure | None:
    """Put a group in place; when one file fails, it and those before it get their old bytes back."""
    done: list[_Prepared] = []
    with held():  # between the files of one group
        for each in prepared:
            try:
                _refuse_changed(each.target, each.before)
                done.append(each)
                _put(each.temporary, each.target)
            except (_CannotWrite, OSError) as error:
                for other in done:
                    with contextlib.suppress(_CannotWrite, OSError):
                        _put(_beside(other.target, other.before, temporaries), other.target)
                return Failure(each.path, 1, f"not written: {_reason(error)}")
    return None


def _put(temporary: str, target: str) -> None:
    """Put a new content in place; a file that has other names (hard links) is written into, so that they stay its."""
    if os.stat(target).st_nlink == 1:
        os.replace(temporary, target)
        return
    with open(temporary, "rb") as file:
        data = file.read()
    os.unlink(temporary)  # its room is what the disk needs for more bytes than there were
    with open(target, "r+b") as file:
        file.write(data)
        file.truncate()
