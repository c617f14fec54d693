"""Runs commands in turn, several times over, and keeps what each of them cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

QUIET = (0, 1)  # exit codes of a linter that did its work


@dataclass(frozen=True, slots=True)
class Command:
    """A command to be measured.

    Arguments:
        words: the program and its arguments.
        folder: the working directory.
        environment: on top of this process's.
        before: called before each run, off the clock: empties a cache, say.
    """

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None


@dataclass(slots=True)
class Cost:
    """What the runs of a command cost: wall clock and processor seconds, and bytes of memory of its largest process."""

    walls: list[float] = field(default_factory=list)
    processors: list[float] = field(default_factory=list)
    memories: list[int] = field(default_factory=list)

    @property
    def wall(self) -> float:
        return median(self.walls)

    @property
    def processor(self) -> float:
        return median(self.processors)

    @property
    def memory(self) -> int:
        return max(self.memories)


class CommandFailed(Exception):
    """A command did not do its work, so that its time means nothing."""


def measure(commands: Mapping[str, Command], runs: int, warm_up: bool = True) -> dict[str, Cost]:
    """Run the commands in turn, so that a slow moment of the machine hits all of them.

    Arguments:
        runs: how often each command is measured.
        warm_up: run each command once before, unmeasured.

    Raises:
        CommandFailed: a command ended with another exit code than 0 or 1.
    """
    costs = {name: Cost() for name in commands}
    for turn in range(-1 if warm_up else 0, runs):
        for name, command in commands.items():
            wall, processor, memory = _run(command)
            if turn >= 0:
                costs[name].walls.append(wall)
                costs[name].processors.append(processor)
                costs[name].memories.append(memory)
    return costs


def _run(command: Command) -> tuple[float, float, int]:
    if command.before is not None:
        command.before()
    begun = time.perf_counter()
    process = subprocess.Popen(
        command.words,
        cwd=command.folder,
        env={**os.environ, **command.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in QUIET:
        raise CommandFailed(f"exit code {process.returncode}: {' '.join(command.words)[:300]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit
