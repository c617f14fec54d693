"""A queryset is sent to a task: with JSON it never leaves, with pickle the task sees rows that are gone."""

from __future__ import annotations

from pathlib import Path

from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant
from flake8_tasks.witnesses.arguments.model_argument import with_pickle
from flake8_tasks.witnesses.witness import Variant, Witness


def _file(stage: Stage) -> Path:
    return stage.program.root / "export.txt"


def _prepare(stage: Stage) -> None:
    _file(stage).unlink(missing_ok=True)
    for paid in (True, False, True):
        stage.model("Order").objects.create(paid=paid)


def _export(stage: Stage) -> None:
    stage.module("shop.views").export_paid(str(_file(stage)))


def _export_and_delete(stage: Stage) -> None:
    _export(stage)
    stage.model("Order").objects.filter(paid=True).first().delete()


def _exported(stage: Stage) -> str | None:
    file = _file(stage)
    if not file.exists():
        return "nothing was exported"
    orders = [int(line) for line in file.read_text(encoding="utf-8").split()]
    paid = [row["id"] for row in stage.rows("Order") if row["paid"]]
    gone = sorted(set(orders) - set(paid))
    return f"exported orders that are gone: {', '.join(map(str, gone))}" if gone else None


witness = Witness(
    Scenario(
        invariant=Invariant("the paid orders are exported", _exported),
        act=_export,
        prepare=_prepare,
        budget={},
        further=[Fault.CHILD_KILLED, Fault.NODE_KILLED],
    ),
    variants=[
        Variant(
            "with pickle",
            Scenario(
                invariant=Invariant("no order is exported that is gone", _exported),
                act=_export_and_delete,
                prepare=_prepare,
                budget={},
            ),
            with_pickle,
        )
    ],
)
