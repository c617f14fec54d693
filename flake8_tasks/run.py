"""Many files: each in its own project, in several processes where that pays; nothing a file holds ends the run."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flake8_tasks.config import Config
from flake8_tasks.diagnostic import Diagnostic, Failure
from flake8_tasks.interrupts import held
from flake8_tasks.kept import Outcome, keep, recall
from flake8_tasks.model.source import Unreadable

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from flake8_tasks.model.project import Project
    from flake8_tasks.rule import Rule

PARALLEL_FROM = 24  # files that hold task code: fewer are checked sooner than processes are started
_CHUNK = 8
_DEATHS = 5  # after so many killed workers the machine is the trouble, not a file

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is to do.

    Arguments:
        groups: project root → absolute paths of files, as `files.find` gives them.
        whole: project root → every Python file of the project, where `files.find` has seen them all.
        configs: the configuration of each of these projects.
        cache: the folder for what is kept between runs, None to keep nothing.
        overlay: absolute path → bytes that stand instead of the file on disk.
        named: the files that the user named: they are parsed, and reported when they cannot be, whatever they hold.
        fixes: also work out what would fix each finding.
        edits: the edits of these fixes are wanted too, so that no kept result will do.
        jobs: how many processes; 0: one for each processor.
    """

    groups: Mapping[Path, Sequence[str]]
    configs: Mapping[Path, Config]
    whole: Mapping[Path, Sequence[str]] = field(default_factory=dict)
    cache: Path | None = None
    overlay: Mapping[str, bytes] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    fixes: bool = True
    edits: bool = False
    jobs: int = 0


def check_files(job: Job, progress: Progress | None = None) -> list[Outcome]:
    """Check the files of a run, in the order of their paths.

    Arguments:
        progress: called with the number of files done and of all files, from time to time.

    Raises:
        KeyboardInterrupt: the user has interrupted the run; the processes it started are gone.
    """
    desk = Desk(job)
    total = sum(map(len, job.groups.values()))
    outcomes: dict[str, Outcome] = {}

    def take(outcome: Outcome) -> None:
        outcomes[outcome.path] = outcome
        if progress is not None:
            progress(len(outcomes), total)

    waiting: list[tuple[Path, str]] = []
    for root, paths in job.groups.items():
        project = desk.project(root)
        for path in paths:
            if (known := desk.known(project, path)) is not None:
                take(known)
            else:
                waiting.append((root, path))
    jobs = min(job.jobs or _processors(), -(-len(waiting) // _CHUNK))
    if jobs > 1 and len(waiting) >= PARALLEL_FROM:
        desk.close()
        _in_processes(job, waiting, jobs, take)
    else:
        for root, path in waiting:
            take(desk.check(root, path))
        desk.close()
    return [outcomes[path] for path in sorted(outcomes)]


def check_file(
    path: str, project: Project, rules: Sequence[Rule], *, named: bool = False, fixes: bool = True
) -> Outcome:
    """Check one file; whatever is wrong with it or with us comes as the outcome's failure.

    Arguments:
        path: absolute.
        rules: those that are reported in the project at all.
        named: parse the file even if its bytes hold nothing of tasks.
        fixes: also work out what would fix each finding.
    """
    from flake8_tasks import engine, suppress
    from flake8_tasks.model.index import TASKS

    try:
        entry = project.index.entry(path)
        if entry is not None and not named and not (entry.flags & TASKS and project.looks_at(path)):
            return Outcome(path)
        source = project.source(path)
        found = suppress.remaining(source.text, engine.check(source, project, rules, fixes=fixes))
    except OSError as error:
        return Outcome(path, failure=Failure(path, 1, f"cannot be read: {error.strerror or error}"))
    except Unreadable as error:
        return Outcome(path, failure=Failure(path, error.line, error.message))
    except (RecursionError, MemoryError):
        return Outcome(path, failure=Failure(path, 1, "nested too deeply to be checked"))
    except Exception as error:
        words = f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0]
        return Outcome(path, failure=Failure(path, 1, f"internal error, please report it: {words}"))
    by_code = {rule.code: rule for rule in rules}
    return Outcome(path, tuple(each for each in found if _reported(each, by_code, project.config)))


def selected(config: Config) -> tuple[Rule, ...]:
    """The rules that are reported in a project, at least in some of its files."""
    from flake8_tasks.rules import all_rules

    return tuple(rule for rule in all_rules() if config.reports(rule.code, rule.name, rule.default))


def _reported(found: Diagnostic, rules: Mapping[str, Rule], config: Config) -> bool:
    """A crash of a rule (TSK000) is reported always, a finding where the configuration has it for the file."""
    rule = rules.get(found.code)
    return rule is None or config.reports(rule.code, rule.name, rule.default, found.path)


class Desk:
    """The projects of a run, opened when a file of theirs is looked at; each process has its own.

    Arguments:
        job: what the run is to do.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._projects: dict[Path, Project] = {}
        self._rules: dict[Path, tuple[Rule, ...]] = {}

    def project(self, root: Path) -> Project:
        """The project at a root."""
        from flake8_tasks.model.project import Project

        if root not in self._projects:
            job = self.job
            self._projects[root] = Project(
                root,
                job.configs[root],
                overlay=job.overlay,
                cache=job.cache,
                listed=job.whole.get(root),
                named=job.groups.get(root, ()),
            )
        return self._projects[root]

    def known(self, project: Project, path: str) -> Outcome | None:
        """The outcome for a file that needs no check, None for one that does."""
        from flake8_tasks.model.index import TASKS

        if path not in self.job.named:
            entry = project.index.entry(path)
            if entry is not None and not (entry.flags & TASKS and project.looks_at(path)):
                return Outcome(path)
        return None if self.job.edits else recall(project, path, self.job.fixes)

    def check(self, root: Path, path: str) -> Outcome:
        """Check one file."""
        for other in [each for each in self._projects if each != root]:
            self._projects.pop(other).close()  # files come project by project
        if root not in self._rules:
            self._rules[root] = selected(self.job.configs[root])
        job, project = self.job, self.project(root)
        project.asked.clear()
        outcome = check_file(path, project, self._rules[root], named=path in job.named, fixes=job.fixes)
        if not job.edits:
            keep(project, outcome, job.fixes, project.asked)
        return outcome

    def flush(self) -> None:
        """Write what is to be kept."""
        for project in self._projects.values():
            project.cache.flush()

    def close(self) -> None:
        """Write what is to be kept, and let go of the files it is kept in: a new process must not share them."""
        for project in self._projects.values():
            project.close()
        self._projects.clear()


def _in_processes(job: Job, waiting: Sequence[tuple[Path, str]], jobs: int, take: Callable[[Outcome], None]) -> None:
    from concurrent.futures.process import BrokenProcessPool  # costs 30 ms, and few files are checked without it

    done: set[str] = set()

    def receive(outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            done.add(outcome.path)
            take(outcome)

    try:
        _pool(job, [waiting[start : start + _CHUNK] for start in range(0, len(waiting), _CHUNK)], jobs, receive)
        return
    except BrokenProcessPool:
        left = [each for each in waiting if each[1] not in done]
    # Somebody has killed a worker.  One file at a time tells which file it dies of.
    for _ in range(_DEATHS):
        try:
            _pool(job, [[each] for each in left], 1, receive)
            return
        except BrokenProcessPool:
            left = [each for each in left if each[1] not in done]
            receive([_killed(left.pop(0)[1])])
    receive([_killed(path) for _, path in left])


def _killed(path: str) -> Outcome:
    return Outcome(path, failure=Failure(path, 1, "the process that checked it was killed (out of memory?)"))


def _pool(
    job: Job, chunks: Sequence[Sequence[tuple[Path, str]]], jobs: int, receive: Callable[[list[Outcome]], None]
) -> None:
    """Check chunks of files in processes of their own, which are gone afterwards.

    Raises:
        BrokenProcessPool: one of the processes has died.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, _context(), _begin, (job, os.getpid(), gc.get_threshold()))
    finished = False
    try:
        with held():  # until all processes have started; those never see Ctrl-C, since it is ours
            futures = [pool.submit(_check_chunk, chunk) for chunk in chunks]
        # One process takes the chunks in their order, and the first that is missing is the one it died of.
        for future in futures if jobs == 1 else as_completed(futures):
            receive(future.result())
        finished = True
    finally:
        if not finished:
            for child in set(multiprocessing.active_children()) - others:
                child.kill()
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """`fork` on Linux, where it is safe: we have no threads when the processes start, and it costs no imports."""
    import multiprocessing

    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_desk: Desk | None = None


def _begin(job: Job, parent: int, thresholds: tuple[int, int, int]) -> None:
    global _desk
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})
    gc.set_threshold(*thresholds)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _desk = Desk(job)


def _end_with(parent: int) -> None:
    """A killed parent cannot tell its processes to end, and they would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _check_chunk(chunk: Sequence[tuple[Path, str]]) -> list[Outcome]:
    assert _desk is not None
    outcomes = [_desk.check(root, path) for root, path in chunk]
    _desk.flush()  # a process is not told when it ends
    return outcomes
