"""What is kept between runs, in one SQLite file for each project; losing it costs time and nothing else.

Everything is keyed by content, so a stale entry is never found.  Any error of the file system or of
SQLite switches the cache off for the rest of the run.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from flake8_tasks import __version__

_SCHEMA = """
create table if not exists file (path text primary key, stamp text, flags integer, digest text);
create table if not exists kept (key text primary key, value text);
"""
_LIMIT = 200_000
_AT_ONCE = 500


def digest(*parts: bytes | str) -> str:
    """A short name for content."""
    whole = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big"))
        whole.update(data)
    return whole.hexdigest()


def default_folder() -> Path:
    """Where caches lie: FLAKE8_TASKS_CACHE_DIR, else the user's cache folder; a relative one is none, says XDG.

    Raises:
        RuntimeError: there is no home folder.
    """
    if named := os.environ.get("FLAKE8_TASKS_CACHE_DIR"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or ""
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "flake8-tasks"


@cache
def fingerprint() -> str:
    """A short name for this very code: another version, or a changed file of it, finds nothing that was kept."""
    folder = Path(__file__).parent.parent
    files = sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*.py"))
    return digest(__version__, sys.version, repr(files))[:16]


class Cache:
    """The cache of one project.

    Arguments:
        folder: where the file lies; None keeps nothing.
        root: the project's folder.
        words: what its files are searched for besides the words that all files are searched for.
    """

    def __init__(self, folder: Path | None, root: Path, words: Iterable[bytes] = ()) -> None:
        self._connection: sqlite3.Connection | None = None
        self._pending: dict[str, str] = {}
        self._path = Path()
        if folder is None:
            return
        path = self._path = folder / f"{digest(str(root), *words)[:16]}-{fingerprint()}.sqlite3"
        for attempt in (1, 2):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._connection = sqlite3.connect(path, timeout=2, isolation_level=None)
                self._connection.executescript("pragma journal_mode = wal; pragma synchronous = off;" + _SCHEMA)
                self._connection.execute("select count(*) from kept where key = ''").fetchone()
                break
            except sqlite3.DatabaseError as error:
                self._give_up(error)
                if attempt == 2 or not _is_damage(error):
                    break
            except OSError:
                self.off()
                break

    @property
    def is_on(self) -> bool:
        """Something can be kept."""
        return self._connection is not None

    def off(self) -> None:
        """Keep nothing from now on."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _give_up(self, error: Exception) -> None:
        """Keep nothing from now on, and take away a file that is damaged."""
        self.off()
        if _is_damage(error):
            with suppress(OSError):
                for end in ("", "-wal", "-shm"):
                    Path(f"{self._path}{end}").unlink(missing_ok=True)

    def files(self) -> dict[str, tuple[str, int, str]]:
        """Path → stamp (times, size and so on), flags, content digest, as last seen."""
        rows = self._all("select path, stamp, flags, digest from file")
        return {
            path: (stamp, flags, content)
            for path, stamp, flags, content in rows
            if isinstance(flags, int) and isinstance(content, str)
        }

    def keep_files(self, rows: Iterable[tuple[str, str, int, str]]) -> None:
        """Remember what files hold."""
        storable = [row for row in rows if row[0].isascii() or _is_utf8(row[0])]
        self._many("insert or replace into file values (?, ?, ?, ?)", storable)

    def get(self, key: str) -> str | None:
        """A kept text, None where there is none."""
        found = self._pending.get(key)
        if found is None:
            for (value,) in self._all("select value from kept where key = ?", (key,)):
                return value if isinstance(value, str) else None
        return found

    def put(self, key: str, text: str) -> None:
        """Keep a text; written by `flush`."""
        if self._connection is not None:
            self._pending[key] = text
            if len(self._pending) >= _AT_ONCE:
                self.flush()

    def flush(self) -> None:
        """Write what was put."""
        pending, self._pending = self._pending, {}
        if pending:
            self._many("insert or replace into kept values (?, ?)", list(pending.items()))
            self._many("delete from kept where (select count(*) from kept) > ?", [(_LIMIT,)])

    def close(self) -> None:
        """Write what was put and let go of the file."""
        self.flush()
        self.off()

    def _all(self, statement: str, values: tuple[object, ...] = ()) -> list[Any]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return []

    def _many(self, statement: str, rows: list[Any]) -> None:
        if self._connection is None or not rows:
            return
        try:
            self._connection.execute("begin immediate")
            self._connection.executemany(statement, rows)
            self._connection.execute("commit")
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)


def _is_damage(error: Exception) -> bool:
    """The file is no database or its pages are broken; not that it is busy, read-only or the disk full."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _is_utf8(path: str) -> bool:
    """SQLite takes the name of a file only where its bytes are UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
