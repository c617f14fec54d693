"""One task sends a newsletter to everybody, and the mail server refuses one of the mails."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.witness import Witness

READERS = ("ann", "bob", "cem", "dee")


def _prepare(stage: Stage) -> None:
    for name in READERS:
        stage.model("User").objects.create(name=name, email=f"{name}@news.test")


def _act(stage: Stage) -> None:
    stage.task("newsletter").delay()


def _only_the_refused_go_without(stage: Stage) -> str | None:
    served = [str(mail["to"]).partition("@")[0] for mail in stage.ledger.entries("mail")]
    refused = sum(event.kind == "fault" for event in stage.events)
    without = [name for name in READERS if name not in served]
    twice = sorted({name for name in served if served.count(name) > 1})
    if twice:
        return f"twice: {', '.join(twice)}"
    return f"without a mail: {', '.join(without)}" if len(without) > refused else None


witness = Witness(
    Scenario(
        invariant=Invariant("a mail that is refused costs no other reader theirs", _only_the_refused_go_without),
        act=_act,
        prepare=_prepare,
        faults=[Fault.REFUSED],
        further=[Fault.CHILD_KILLED, Fault.NODE_KILLED, Fault.DUPLICATED],
    )
)
