"""What a run leaves behind, on the real engine or in the simulation, and where the two differ."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

# What differs from run to run: dates with a time, ids that are made up, and how many jobs a pool had before.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)?")
_JOB = re.compile(r"\bJob: \d+")
_ID = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves behind.

    Arguments:
        ended: "quiet", "deadlock", "stuck", or why else it did not come to rest.
        client: how the client ended: "", "killed", or the type of the exception that ended it.
        violation: how the invariant is broken; empty where it holds.
        results: message → state of its stored result, with the type of exception if it failed: "FAILURE ValueError".
        world: what is there, by its name: rows, mails, requests; in no order, without times.
        faults: those that happened.
    """

    ended: str = "quiet"
    client: str = ""
    violation: str = ""
    results: Mapping[str, str] = field(default_factory=dict)
    world: Mapping[str, object] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the two saw differently.

    Arguments:
        what: "results charge#1", "world request", "violation" …
        simulated: what the simulation saw there; None: nothing.
        real: what the real engine saw.
    """

    what: str
    simulated: object
    real: object

    def __str__(self) -> str:
        return f"{self.what}: simulated {_text(self.simulated)}, real {_text(self.real)}"


def differences(simulated: Outcome, real: Outcome) -> tuple[Difference, ...]:
    """Where two outcomes differ; empty where they are equal."""
    return tuple(_differences(simulated, real))


def _differences(simulated: Outcome, real: Outcome) -> Iterator[Difference]:
    for name in ("ended", "client", "faults"):
        one, other = getattr(simulated, name), getattr(real, name)
        if one != other:
            yield Difference(name, one, other)
    # Its words may tell when it happened.
    if bool(simulated.violation) != bool(real.violation):
        yield Difference("violation", simulated.violation, real.violation)
    for name in ("results", "world"):
        one, other = getattr(simulated, name), getattr(real, name)
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                yield Difference(f"{name} {key}", one.get(key), other.get(key))


def comparable(final: Mapping[str, object]) -> dict[str, object]:
    """The state of a world as it can be compared: as JSON, lists in no order, times and made-up ids all alike."""
    text = json.dumps(final, default=str, sort_keys=True)
    text = _JOB.sub("Job: a number", _ID.sub("an id", _TIME.sub("a time", text)))
    world: dict[str, object] = json.loads(text)
    for name, value in world.items():
        if isinstance(value, list):
            world[name] = sorted(value, key=lambda each: json.dumps(each, sort_keys=True))
    return {name: value for name, value in world.items() if value != []}


def empty_tables(database: Path) -> None:
    """Delete all rows of a file of SQLite, and number new ones from 1 again; nothing where there is no such file."""
    if not database.exists():
        return
    with closing(sqlite3.connect(database, timeout=5)) as connection, connection:
        connection.execute("pragma foreign_keys = off")
        for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            connection.execute(f'delete from "{name}"')


def _text(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, default=str, ensure_ascii=False)
