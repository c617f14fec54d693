"""Fifty tasks back off from a service that is away, all by the same seconds."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.worker import Node
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.http import Server
from flake8_tasks.runtime.world.invariants import at_most_arrivals_in_any_second
from flake8_tasks.witnesses.witness import Witness

HERD = 50


def _act(stage: Stage) -> None:
    for number in range(HERD):
        stage.task("fetch_price").delay(number)


witness = Witness(
    Scenario(
        invariant=at_most_arrivals_in_any_second(20, after=1),
        act=_act,
        servers={"https://prices.example/": Server(down=(0, 300), refuses=True)},
        nodes=[Node(slots=10)],
        budget={},
        statements=False,
    )
)
