"""What a statement of SQL does, for people: which table, and which of its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

READ, WRITE, BEGIN, ROLLBACK, OTHER = "read", "write", "begin", "rollback", "other"

_NAME = r'"?(?P<table>\w+)"?'
_WRITES = re.compile(
    rf"(?:WITH\b.*?\)\s*)?(?P<verb>INSERT|REPLACE|UPDATE|DELETE)(?:\s+OR\s+\w+)?(?:\s+INTO|\s+FROM)?\s+{_NAME}"
    r"\s*(?:\((?P<columns>[^()]*)\)|SET\s+(?P<assignments>.*?)(?:\sWHERE\s|\sRETURNING\s|$))?",
    re.IGNORECASE | re.DOTALL,
)
_READS = re.compile(rf"(?:SELECT|WITH)\b(?:.*?\sFROM\s+{_NAME})?", re.IGNORECASE | re.DOTALL)
_LOCKS = re.compile(r"BEGIN\s+(?:IMMEDIATE|EXCLUSIVE)", re.IGNORECASE)
_BACK = re.compile(r"ROLLBACK\s+TO", re.IGNORECASE)
_HARMLESS = re.compile(r"BEGIN|SAVEPOINT|RELEASE|EXPLAIN|ANALYZE", re.IGNORECASE)
_ASSIGNED = re.compile(r'(?:^|,\s*)"?(\w+)"?\s*=')


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement.

    Arguments:
        kind: `read`, `write`, `begin` (takes the lock without writing), `rollback` (to a savepoint), "" (nothing that
            others could see) or `other` (settings and schema: what it leaves behind is not known).
        table: that it is about, the first of several.
        verb: "UPDATE".
        columns: that it writes.
    """

    kind: str
    table: str = ""
    verb: str = ""
    columns: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Which effect it is: "shop_order UPDATE"."""
        return f"{self.table} {self.verb}"

    @property
    def detail(self) -> str:
        """For people: "shop_order UPDATE paid, address"."""
        return f"{self.label} {', '.join(self.columns)}".rstrip()


@lru_cache(maxsize=512)
def statement(sql: str) -> Statement:
    """Read a statement as Django writes it; raw SQL as far as it looks like that."""
    sql = sql.strip()
    if found := _WRITES.match(sql):
        columns = re.findall(r"\w+", found["columns"] or "") or _ASSIGNED.findall(found["assignments"] or "")
        return Statement(WRITE, found["table"], found["verb"].upper(), tuple(columns))
    if found := _READS.match(sql):
        return Statement(READ, found["table"] or "")
    if _LOCKS.match(sql):
        return Statement(BEGIN)
    if _BACK.match(sql):
        return Statement(ROLLBACK)
    return Statement("" if _HARMLESS.match(sql) else OTHER)
