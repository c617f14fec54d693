"""The runs that the proofs show, in the simulation and on real workers: equal in what they leave behind."""

from __future__ import annotations

import json

import pytest

from flake8_tasks import proofs
from flake8_tasks.runtime.conformance.forked import Nursery
from flake8_tasks.runtime.conformance.servers import Server
from flake8_tasks.runtime.conformance.suite import Case, Compared, conformance
from flake8_tasks.witnesses import cases

pytestmark = pytest.mark.xdist_group("engine")

# Why these cannot run on a real worker, in the words of the suite.
NOT_COMPARED = {
    "result-in-task-the-check-switched-off bad": "it takes 300 s of time, the limit is 15 s",
    "unbounded-retries bad": "it asks the simulation itself",
    "unbounded-retries good": "it takes 2330 s of time, the limit is 15 s",
    "autoretry-without-backoff bad": "it takes 360.5 s of time, the limit is 15 s",
    "autoretry-without-backoff good": "it takes 726.1 s of time, the limit is 15 s",
    "backoff-without-jitter bad": "it takes 450.5 s of time, the limit is 15 s",
    "backoff-without-jitter good": "it takes 755.1 s of time, the limit is 15 s",
    "lock-without-expiry bad": "it takes 7200 s of time, the limit is 15 s",
    "lock-without-expiry good": "it takes 7200.1 s of time, the limit is 15 s",
    "unrouted-slow-task bad": "it takes 600.1 s of time, the limit is 15 s",
    "unrouted-slow-task good": "it takes 1200 s of time, the limit is 15 s",
    "database-broker bad": "its own broker is sqla+postgresql, which no other stands for",
    "database-broker-acknowledged-late bad": "its own broker is sqla+postgresql, which no other stands for",
    "database-broker-fifty-idle-workers bad": "its own broker is sqla+postgresql, which no other stands for",
    "database-broker-fifty-idle-workers good": "it has 50 workers, the limit is 8",
}
WITNESSES = {f"{case.slug} {program}": (case, program) for case in cases() for program in ("bad", "good")}


def run(name: str) -> Case:
    """The shortest failing run of a bad program, or the run of a good one that is shown beside it."""
    case, program = WITNESSES[name]
    proof = json.loads((proofs.FOLDER / case.path).read_text("utf-8"))
    shown = proof[program]["shortest"] or proof[program]["shown"]
    files = case.bad if program == "bad" else case.good
    return Case(name, files, case.reference, tuple(shown["schedule"]))


def compared(name: str, broker: Server, nursery: Nursery) -> Compared:
    address = f"{broker.url}/0" if broker.name == "redis" else f"{broker.url}//"
    [found] = conformance([run(name)], address, nursery=nursery)
    return found


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
@pytest.mark.parametrize("name", [name for name in WITNESSES if name not in NOT_COMPARED])
def test_a_real_worker_leaves_behind_what_the_simulated_one_leaves(
    request: pytest.FixtureRequest, name: str, broker: str, nursery: Nursery
) -> None:
    found = compared(name, request.getfixturevalue(broker), nursery)
    assert found.verdict == "equal", str(found)
    assert bool(found.violation) == name.endswith(" bad")


@pytest.mark.parametrize("name", NOT_COMPARED)
def test_what_cannot_run_there_is_known_with_its_reason(name: str, redis: Server, nursery: Nursery) -> None:
    found = compared(name, redis, nursery)
    assert found.verdict == "not compared", str(found)
    assert found.reason == NOT_COMPARED[name]
