"""What is claimed about speed, measured: `python benchmarks/run.py PROJECT_FOLDER…`.

Every claim is a ratio of two things measured in turn in one run, so that it means the same on any machine.
flake8-tasks must be installed in the interpreter that runs this; ruff, flake8-bugbear and flake8-async are
measured beside it when they are.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Command, Cost, measure

import flake8_tasks
from flake8_tasks.files import python_files

HERE = Path(__file__).parent
OURS, RIVALS = "flake8-tasks", ("flake8-bugbear", "flake8-async")
WITHOUT_TASKS = ("asyncio", "email", "http", "importlib", "json", "logging", "unittest", "urllib", "xml")
MANY = 100  # rules, for the start of flake8
STARTS = 15  # measured at least, since they are short
COPIES = 10  # of a project, for growth
PARTS = ("start", "flake8", "check", "growth")
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Claim:
    """One measured line; `limit` is None where nothing is claimed."""

    what: str
    measured: float
    limit: float | None = None
    unit: str = "x"
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.limit is None or self.measured <= self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"at most {self.limit:g} {self.unit}"
        verdict = "" if self.holds else "  EXCEEDED"
        return f"  {self.what:<62} {self.measured:>9.2f} {self.unit:<3} {limit:<14} {self.note}{verdict}"


@dataclass(frozen=True, slots=True)
class Bench:
    """How to measure.

    Arguments:
        runs: how often everything is measured.
        scratch: a folder for caches and copies.
    """

    runs: int
    scratch: Path

    def emptied(self, name: str) -> Path:
        """A folder in the scratch folder, empty."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def flake8(self, folder: Path, plugins: Sequence[str], arguments: Sequence[str], cache: str = "") -> Command:
        """flake8 with these plugins alone; our cache is empty before each run, or kept under a name."""
        words = [sys.executable, str(HERE / "with_plugins.py"), *plugins, "--", *arguments]
        place = self.scratch / (cache or "cold")
        before = None if cache else lambda: _remove(place)
        return Command(words, folder, {"FLAKE8_TASKS_CACHE_DIR": str(place)}, before)

    def check(self, folder: Path, cache: str = "", jobs: str = "1") -> Command:
        """`flake8-tasks check`, with its cache emptied before each run or kept under a name."""
        place = self.scratch / (cache or "cold")
        words = [sys.executable, "-m", "flake8_tasks", "check", "--exit-zero", "--jobs", jobs, "."]
        return Command(words, folder, {"FLAKE8_TASKS_CACHE_DIR": str(place)}, None if cache else lambda: _remove(place))

    def start(self) -> Iterator[Claim]:
        """How much longer flake8 takes to start."""
        many = self._many_rules()
        version = ["--version"]
        with_many = self.flake8(self.scratch, [OURS], version, "start")
        costs = measure(
            {
                "none": self.flake8(self.scratch, [], version),
                "ours": self.flake8(self.scratch, [OURS], version, "start"),
                "many": Command(with_many.words, with_many.folder, {"PYTHONPATH": str(many)}),
                **{rival: self.flake8(self.scratch, [rival], version) for rival in _installed(RIVALS)},
            },
            max(self.runs, STARTS),
        )
        none = costs["none"].wall
        yield Claim("flake8 --version with the plugin", (costs["ours"].wall - none) * 1000, 30, "ms", "more")
        words = f"flake8 --version with {MANY} rules in the plugin"
        yield Claim(words, (costs["many"].wall - none) * 1000, 30, "ms", "more")
        for rival in _installed(RIVALS):
            yield Claim(f"flake8 --version with {rival}", (costs[rival].wall - none) * 1000, None, "ms", "more")

    def flake8_over(self, folder: Path, arguments: Sequence[str], limit: float) -> Iterator[Claim]:
        """flake8 over code, with the plugin and without; one process, so that the ratio is one of work."""
        arguments = ["--jobs", "1", "--exit-zero", *arguments]
        costs = measure(
            {
                "none": self.flake8(folder, [], arguments),
                "cold": self.flake8(folder, [OURS], arguments),
                "warm": self.flake8(folder, [OURS], arguments, "flake8-warm"),
                **{rival: self.flake8(folder, [rival], arguments) for rival in _installed(RIVALS)},
            },
            self.runs,
        )
        yield _ratio("flake8 with the plugin, cache empty, to flake8", costs["cold"], costs["none"], limit)
        yield _ratio("flake8 with the plugin, cache kept, to flake8", costs["warm"], costs["none"], limit)
        for rival in _installed(RIVALS):
            yield _ratio(f"flake8 with {rival} to flake8", costs[rival], costs["none"])

    def check_over(self, folder: Path) -> Iterator[Claim]:
        """`flake8-tasks check` against the least that must be done, its cache, and its memory."""
        floor = Command([sys.executable, str(HERE / "floor.py"), "."], folder)
        commands = {
            "floor": floor,
            "cold": self.check(folder),
            "warm": self.check(folder, "check-warm"),
            "parallel": self.check(folder, jobs="auto"),
        }
        if ruff := shutil.which("ruff"):
            commands["ruff"] = Command([ruff, "check", "--isolated", "--no-cache", "--exit-zero", "."], folder)
        costs = measure(commands, self.runs)
        yield _ratio("check, cache empty, to reading, searching and parsing", costs["cold"], costs["floor"], 1.5)
        yield _ratio("check, cache kept, to cache empty", costs["warm"], costs["cold"], 0.3)
        yield _ratio("check, as many processes as processors, to one", costs["parallel"], costs["cold"])
        for name in ("cold", "warm", "parallel"):
            yield Claim(f"memory of the largest process, {name}", costs[name].memory / MEGABYTE, 200, "MB")
        if "ruff" in costs:
            yield _ratio("ruff check, all processors, to check, cache empty", costs["ruff"], costs["parallel"])

    def growth(self, folder: Path) -> Iterator[Claim]:
        """Ten times the files: one project that holds the folder once, and one that holds it ten times."""
        roots = {count: self._copied(folder, count) for count in (1, COPIES)}
        costs = measure({str(count): self.check(root) for count, root in roots.items()}, self.runs, warm_up=False)
        words = f"check, cache empty, with {COPIES} times the files"
        yield _ratio(words, costs[str(COPIES)], costs["1"], COPIES)
        yield Claim("memory of the largest process", costs[str(COPIES)].memory / MEGABYTE, 200, "MB")

    def _copied(self, folder: Path, count: int) -> Path:
        root = self.emptied(f"copies-{count}")
        (root / "pyproject.toml").touch()
        for path in python_files(folder):
            inside = Path(path).relative_to(folder)
            if inside.name in ("manage.py", "setup.py"):  # these would make a project of each copy
                continue
            for number in range(count):
                copy = root / f"copy_{number}" / inside
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        return root

    def _many_rules(self) -> Path:
        """The package with a hundred rules, to be imported before the installed one."""
        site = self.emptied("many")
        package = site / "flake8_tasks"
        shutil.copytree(Path(flake8_tasks.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
        originals = sorted(path for path in package.glob("rules/*/*.py") if path.name != "__init__.py")
        for number in range(MANY - len(originals)):
            original = originals[number % len(originals)]
            shutil.copyfile(original, original.with_name(f"{original.stem}_{number}.py"))
        return site


def _ratio(what: str, cost: Cost, base: Cost, limit: float | None = None) -> Claim:
    busy = f", of the processor {cost.processor / base.processor:.2f} x"
    return Claim(what, cost.wall / base.wall, limit, note=f"{cost.wall:.2f} s to {base.wall:.2f} s{busy}")


def _installed(names: Sequence[str]) -> list[str]:
    known = {distribution.metadata["name"].lower() for distribution in importlib.metadata.distributions()}
    return [name for name in names if name in known]


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _claims(bench: Bench, parts: Sequence[str], projects: Sequence[Path]) -> Iterator[tuple[str, Iterator[Claim]]]:
    if "start" in parts:
        yield "start", bench.start()
    if "flake8" in parts:
        library = Path(sysconfig.get_path("stdlib"))
        yield "the standard library: code without tasks", bench.flake8_over(library, WITHOUT_TASKS, 1.02)
    for project in projects:
        files = python_files(project)
        name = f"{project.name}, {len(files)} files"
        if "flake8" in parts:
            yield name, bench.flake8_over(project, ["."], 1.05)
        if "check" in parts:
            yield name, bench.check_over(project)
        if "growth" in parts:
            yield f"{project.name}, {COPIES} times", bench.growth(project)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what is claimed about the speed of flake8-tasks.")
    parser.add_argument("projects", nargs="*", type=Path, metavar="PROJECT_FOLDER", help="a project that uses Celery")
    parser.add_argument("--runs", type=int, default=5, help="how often everything is measured (default: 5)")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone; may be repeated")
    asked = parser.parse_args()
    if OURS not in _installed([OURS]):
        parser.error("flake8-tasks is not installed in this interpreter: pip install .")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in (OURS, "flake8", *_installed(RIVALS))]
    print(f"Python {sys.version.split()[0]}, {', '.join(versions)}; medians of {asked.runs} interleaved runs")
    kept = True
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(asked.runs, Path(scratch))
        for title, claims in _claims(bench, asked.only or PARTS, [path.resolve() for path in asked.projects]):
            print(f"\n{title}", flush=True)
            for claim in claims:
                print(claim, flush=True)
                kept = kept and claim.holds
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
