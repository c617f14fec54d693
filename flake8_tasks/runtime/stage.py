"""A program on its stage: loaded once, run many times, each run in a new world."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any, Self

from flake8_tasks.runtime.celery.driver import CeleryDriver, installed
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.kernel.statements import NotInstrumentable, instrumented
from flake8_tasks.runtime.kernel.trace import Event
from flake8_tasks.runtime.program import Program
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.world.cache import Cache
from flake8_tasks.runtime.world.database import Database
from flake8_tasks.runtime.world.http import Outside
from flake8_tasks.runtime.world.ledger import InMemory, Ledger
from flake8_tasks.runtime.world.mail import Mail


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run.

    Arguments:
        violation: how the invariant is broken; empty where it holds.
        events: what happened.
        final: the state of the world afterwards.
        ended: how it ended: `quiet`, `deadlock`, `stuck` or `horizon`.
    """

    violation: str
    events: tuple[Event, ...]
    final: Mapping[str, object]
    ended: str


class Stage:
    """A program and its scenario, as a context manager.

    Arguments:
        files: the program's, path → text.
        scenario: how it is put to the test.

    Attributes:
        beaten: virtual seconds for which beat has run in the last run.

    Raises:
        ProgramError: the program cannot be loaded.
        UnsupportedCelery: this version has not been tried.
    """

    simulation: Simulation
    driver: CeleryDriver
    ledger: Ledger

    def __init__(self, files: Mapping[str, str], scenario: Scenario) -> None:
        self.program = Program(files)
        self.scenario = scenario
        self.not_instrumented: list[str] = []
        self.acted: Any = None
        self.beaten = 0.0
        self._database: Database | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.program)
            stack.enter_context(
                installed(self.program.app, results=self.scenario.results, settings=self.scenario.settings)
            )
            if self.program.uses_django:
                self._database = stack.enter_context(Database())
            if self.scenario.statements:
                self._instrument(stack)
            self._modules = self.program.modules
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    # What a scenario asks.

    def module(self, name: str) -> ModuleType:
        """One of the program's modules: "shop.tasks"."""
        return self.program.module(name)

    def task(self, name: str) -> Any:
        """One of its tasks, by the last part of its name."""
        return next(task for full, task in self.program.tasks.items() if full.rpartition(".")[2] == name)

    def beat(self, seconds: float) -> None:
        """Run the program's beat schedule for so many virtual seconds."""
        from flake8_tasks.runtime.celery.beat import run_beat

        self.beaten += seconds
        run_beat(self.program.app, self.simulation, seconds)

    def sleep(self, seconds: float) -> None:
        """Let the client wait for so many virtual seconds."""
        self.simulation.sleep(seconds)

    def model(self, name: str) -> Any:
        """One of its Django models, by the name of its class."""
        return next(model for model in self.program.models() if model.__name__ == name)

    def rows(self, model: str) -> list[dict[str, Any]]:
        """The committed rows of a Django model, by the name of its class."""
        return list(self.model(model).objects.order_by("pk").values())

    @property
    def events(self) -> list[Event]:
        """What has happened."""
        return self.simulation.trace

    @property
    def states(self) -> Mapping[str, str]:
        """Task's message → its state: "charge#1" → "SUCCESS"."""
        return self.driver.states

    # Running it.

    def run(self, oracle: Oracle, faults: tuple[str, ...] | None = None) -> Run:
        """One run.

        Arguments:
            oracle: answers every choice.
            faults: that may happen, instead of the scenario's.
        """
        scenario = self.scenario
        self.beaten = 0.0
        with ExitStack() as stack:
            # Around the simulation: when it is closed, the `finally:` of what was killed must still not reach outside.
            stack.enter_context(redirect_stdout(io.StringIO()))
            self.ledger = InMemory()
            stack.enter_context(Cache())
            stack.enter_context(Outside(self.ledger, scenario.servers))
            stack.enter_context(Mail(self.ledger, unknown=scenario.unknown_addresses))
            self.simulation = stack.enter_context(
                Simulation(
                    oracle,
                    faults=scenario.faults if faults is None else faults,
                    horizon=scenario.horizon,
                    modules=self._modules,
                    name_of_file=self._name_of_file,
                )
            )
            if self._database is not None:
                stack.enter_context(self._database.run(self.simulation.per_actor))
            self.driver = stack.enter_context(
                CeleryDriver(self.simulation, self.program.app, scenario.nodes, profile=scenario.broker)
            )
            scenario.prepare(self)
            client = Actor("client", _ended, _killed, (Fault.CLIENT_KILLED,))
            self.simulation.spawn(client, self._act)
            ended = self.simulation.run()
            if client.coroutine is not None and client.coroutine.failure is not None:
                failure = client.coroutine.failure
                self.simulation.record_for("client", "raised", detail=f"{type(failure).__name__}: {failure}")
            violation = scenario.invariant.check(self) or ""
            if violation:
                self.simulation.record_for("client", "violation", detail=violation)
            return Run(violation, tuple(self.events), self._final(), ended)

    def _act(self) -> None:
        self.acted = self.scenario.act(self)

    def _instrument(self, stack: ExitStack) -> None:
        for function in self.program.functions():
            try:
                restore = instrumented(function, self._statement, self._name_of_file)
            except NotInstrumentable as reason:
                self.not_instrumented.append(str(reason))
            else:
                stack.callback(restore)

    def _name_of_file(self, path: str) -> str:
        return path.removeprefix(f"{self.program.root}/")

    def _statement(self, place: str) -> None:
        self.simulation.statement(place)

    def _final(self) -> Mapping[str, object]:
        final: dict[str, object] = {}
        for model in self.program.models():
            final[model.__name__] = self.rows(model.__name__)
        for kind in sorted({entry.kind for entry in self.ledger.entries()}):
            final[kind] = [dict(entry.detail) for entry in self.ledger.entries(kind)]
        final["results"] = dict(self.states)
        plain: dict[str, object] = json.loads(json.dumps(final, default=str))
        return plain


def _ended(actor: Actor) -> None:
    pass


def _killed(actor: Actor, fault: Fault) -> None:
    pass
