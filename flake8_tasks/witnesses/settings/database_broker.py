"""The worker is killed after it was given a message; and fifty workers have nothing to do."""

from __future__ import annotations

from flake8_tasks.runtime.kernel.worker import Node
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.stage import Stage
from flake8_tasks.runtime.world.invariants import Invariant, every_message_is_settled
from flake8_tasks.witnesses.witness import Variant, Witness

SECONDS, WORKERS, BEARABLE = 10, 50, 1.0


def _act(stage: Stage) -> None:
    stage.task("resize").delay("cat.png")


def _rest(stage: Stage) -> None:
    stage.simulation.sleep(SECONDS)


def _not_asked(stage: Stage) -> str | None:
    # What is sent at the start, when each worker looks for its tables, does not count.
    rate = sum(time > 0 for time in getattr(stage.driver.broker, "statements", ())) / SECONDS
    return f"{rate:g} SQL statements a second, and no task" if rate > BEARABLE else None


def _late(text: str) -> str:
    return text.replace("@app.task\n", "@app.task(acks_late=True)\n")


LOST = Scenario(
    invariant=every_message_is_settled(),
    act=_act,
    faults=["node-killed"],
)

witness = Witness(
    LOST,
    variants=[
        Variant("acknowledged late", LOST, _late),
        Variant(
            "fifty idle workers",
            Scenario(
                invariant=Invariant("a broker without messages is left alone", _not_asked),
                act=_rest,
                nodes=[Node(f"worker {number}", 1) for number in range(1, WORKERS + 1)],
                budget={},
            ),
        ),
    ],
)
