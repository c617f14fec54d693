"""The runs of a proof on a real worker with a real broker, beside the simulation's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from flake8_tasks.frontends.cli import UsageError
from flake8_tasks.runtime.conformance import suite
from flake8_tasks.runtime.conformance.process import EngineError
from flake8_tasks.runtime.conformance.queues import Queues
from flake8_tasks.runtime.conformance.suite import Compared
from flake8_tasks.runtime.conformance.worker import Limits
from flake8_tasks.runtime.kernel.profiles import RABBITMQ, REDIS, Profile
from flake8_tasks.runtime.proof import Proof
from flake8_tasks.witnesses.witness import Case

_PROFILES = {"redis": REDIS, "rediss": REDIS, "amqp": RABBITMQ, "amqps": RABBITMQ}


def reached(url: str) -> Profile:
    """How a broker behaves of the kind that an address leads to; that it answers is seen before the work begins.

    Raises:
        UsageError: it does not, or no kind of broker that is known has such addresses.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _PROFILES:
        raise UsageError(f"--broker: expected redis://HOST:PORT/0 or amqp://HOST:PORT//, not {url!r}")
    with _explained(), Queues(url, Limits().answer):
        return _PROFILES[scheme]


def compared(proofs: Sequence[tuple[Case, Proof]], url: str) -> Iterator[Compared]:
    """Each proof's runs that people see, in the simulation and for real.

    Raises:
        UsageError: the broker does not answer, or a worker does not start.
    """
    with _explained():
        yield from suite.conformance([run for case, proof in proofs for run in _runs(case, proof)], url)


def as_json(found: Compared) -> Mapping[str, object]:
    """What `--json` says of it."""
    return {
        "name": found.case.name,
        "verdict": found.verdict,
        "faults": list(found.faults),
        "differences": [asdict(difference) for difference in found.differences],
        "reason": found.reason,
        "seconds": round(found.seconds, 2),
    }


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise UsageError(f"--broker: {error}") from error


def _runs(case: Case, proof: Proof) -> Iterator[suite.Case]:
    for name, files, side in (("bad", case.bad, proof.bad), ("good", case.good, proof.good)):
        if side.drawn is not None:
            yield suite.Case(
                f"{case.code} {case.name}, {name}",
                files,
                case.reference,
                side.drawn.schedule,
                tuple(case.scenario.faults),
                case.scenario.budget,
            )
