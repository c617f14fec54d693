"""What four ways of testing tasks notice of the hazards that the witnesses show, and the seconds they need.

    python benchmarks/ways_of_testing.py [--seconds 15] [--way eager …] [--json FILE]

Each way runs a witness's bad program and what its client does, and checks the witness's invariant when all is done. A
hazard is noticed when the bad program breaks it, or the client raises, and the good program does neither.

eager       `task_always_eager`: tasks are called where they are sent; a process for each program
embedded    the worker of `celery.contrib.testing`, Celery's in-memory broker, threads; a process for each program
redis       `celery worker`, prefork, on a redis-server of its own, without faults; workers for each program
reference   the reference runtime: all schedules of both programs, with the witness's faults

Seconds are of the whole way, its processes and their starts among them, by the clock and by the processor.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flake8_tasks.runtime.celery.polled import is_polled
from flake8_tasks.runtime.conformance.engine import QUIET, Engine, NotComparable
from flake8_tasks.runtime.conformance.forked import Nursery
from flake8_tasks.runtime.conformance.process import EngineError
from flake8_tasks.runtime.conformance.servers import redis_server
from flake8_tasks.runtime.conformance.worker import Limits
from flake8_tasks.runtime.program import ProgramError
from flake8_tasks.runtime.prover import prove
from flake8_tasks.witnesses import cases
from flake8_tasks.witnesses.witness import Case

HERE = Path(__file__).parent
EAGER, EMBEDDED, REDIS, REFERENCE = WAYS = ("eager", "embedded", "redis", "reference")
NOTICED, NOT_NOTICED, TOO_LONG, CANNOT = "noticed", "not noticed", "not noticed in time", "cannot run"
WORKERS = 8
Tried = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What a way says of a hazard.

    Arguments:
        case: the hazard.
        verdict: one of the four.
        detail: how the invariant is broken, or why it cannot run.
        paced: how many times faster time was made to pass.
    """

    case: str
    verdict: str
    detail: str = ""
    paced: float = 1.0


def results(way: str, seconds: float) -> Iterator[Result]:
    """Of all witnesses."""
    match way:
        case "redis":
            yield from on_redis(seconds)
        case "reference":
            yield from map(in_the_reference_runtime, cases())
        case _:
            for case in cases():
                yield judged(case, lambda which, case=case: in_one_process(way, case, which, seconds))


def judged(case: Case, run: Callable[[str], Tried], paced: float = 1.0) -> Result:
    """The bad program first, the good one only when the bad one has broken."""
    if reason := not_for_this_way(case):
        return Result(f"{case.code} {case.slug}", CANNOT, reason)
    bad = run("bad")
    name, said = f"{case.code} {case.slug}", broken(bad)
    if "cannot" in bad and not said:
        return Result(name, CANNOT, bad["cannot"])
    if not bad["at rest"]:
        return Result(name, TOO_LONG, said, paced)
    if not said:
        return Result(name, NOT_NOTICED, "", paced)
    good = run("good")
    if not good.get("at rest", True):
        return Result(name, TOO_LONG, f"bad: {said}; good does not end", paced)
    if wrong := broken(good):
        return Result(name, NOT_NOTICED, f"bad: {said}; good: {wrong}", paced)
    return Result(name, NOTICED, said, paced)


def broken(tried: Tried) -> str:
    """How a test would see it; empty where it would not."""
    return tried.get("violation") or (f"the client raises {tried['raised']}" if tried.get("raised") else "")


def not_for_this_way(case: Case) -> str:
    """Why neither of the ways with another broker than the program's can run it; empty where they can."""
    if len(case.scenario.nodes) > WORKERS:
        return f"it has {len(case.scenario.nodes)} workers"
    for text in case.bad.values():
        for part in text.split('"'):
            if "://" in part and is_polled(part):
                return f"it is about its own broker, {part.partition('://')[0]}"
    return ""


def in_one_process(way: str, case: Case, which: str, seconds: float) -> Tried:
    """One program in a process of its own."""
    if way == EMBEDDED and len(case.scenario.nodes) > 1:
        return {"cannot": f"it has {len(case.scenario.nodes)} workers"}
    with tempfile.TemporaryDirectory(prefix="ways-") as folder:
        command = [sys.executable, str(HERE / "in_one_process.py"), way, case.slug, which, str(seconds), folder]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
        if ran.returncode:
            sys.exit(f"{way} {case.slug} {which}: {ran.stderr}")
    tried: Tried = json.loads(ran.stdout.splitlines()[-1])
    return tried


def on_redis(seconds: float) -> Iterator[Result]:
    """On real workers; none is killed."""
    with ExitStack() as stack:
        server = stack.enter_context(redis_server())
        nursery = stack.enter_context(Nursery())
        for case in cases():
            yield judged(
                case,
                lambda which, case=case: on_real_workers(f"{server.url}/0", nursery, case, which, seconds),
                case.scenario.pace,
            )


def on_real_workers(broker: str, nursery: Nursery, case: Case, which: str, seconds: float) -> Tried:
    """One program on workers of its own."""
    limits = Limits(act=seconds, quiet=seconds)
    try:
        with Engine(getattr(case, which), case.reference, broker, nursery=nursery, limits=limits) as engine:
            outcome = engine.run()
    except NotComparable as error:
        return {"cannot": str(error)}
    except (EngineError, ProgramError) as error:
        return {"cannot": str(error).splitlines()[0]}
    return {
        "at rest": outcome.ended == QUIET and outcome.client != "stuck",
        "raised": outcome.client,
        "violation": outcome.violation,
    }


def in_the_reference_runtime(case: Case) -> Result:
    """All schedules, as `flake8-tasks prove`."""
    proof = prove(case.code, case.name, case.bad, case.good, case.scenario)
    shortest = proof.bad.shortest
    return Result(
        f"{case.code} {case.slug}", NOTICED if proof.holds else NOT_NOTICED, shortest.violation if shortest else ""
    )


def measured(way: str, seconds: float) -> dict[str, Any]:
    """A way in a process of its own, with what it has cost."""
    command = [sys.executable, str(Path(__file__)), "--seconds", str(seconds), "--only", way]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = json.loads(ran.stdout.splitlines()[-1])
    return {"results": found, "clock": round(clock, 1), "processor": round(processor, 1)}


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """Markdown: one line for each way, then one for each hazard."""
    count = len(cases())
    yield "| way | hazards noticed | could run | not done in time | seconds by the clock | by the processor |"
    yield "|---|--:|--:|--:|--:|--:|"
    for way, measurement in found.items():
        verdicts = [result["verdict"] for result in measurement["results"]]
        yield (
            f"| {way} | {verdicts.count(NOTICED)} of {count} | {count - verdicts.count(CANNOT)} | "
            f"{verdicts.count(TOO_LONG)} | {measurement['clock']} | {measurement['processor']} |"
        )
    yield ""
    yield f"| hazard | {' | '.join(found)} |"
    yield f"|---|{'---|' * len(found)}"
    for row in zip(*(measurement["results"] for measurement in found.values()), strict=True):
        cells = [f"{it['verdict']}{faster(it['paced'])}" for it in row]
        yield f"| {row[0]['case']} | {' | '.join(cells)} |"


def faster(pace: float) -> str:
    """That time was made to pass faster."""
    return "" if pace == 1 else f", time {pace:g} times faster"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0, help="for each program in real time")
    parser.add_argument("--way", action="append", choices=WAYS, help="only this; may be repeated")
    parser.add_argument("--json", type=Path, help="write all that was found to this file")
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps([asdict(result) for result in results(arguments.only, arguments.seconds)]))
        return
    found = {way: measured(way, arguments.seconds) for way in arguments.way or WAYS}
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), "utf-8")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
