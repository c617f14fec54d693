"""A task that is sent, or a signature of one that is made."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Edit, Refusal
from flake8_tasks.model.changes.deferral import wait_for_commit
from flake8_tasks.model.facts import arguments
from flake8_tasks.model.facts.arguments import SHORT, Argument
from flake8_tasks.model.facts.call import CallFact
from flake8_tasks.model.frameworks.celery import DEFERRED_DISPATCH
from flake8_tasks.model.frameworks.celery_options import POSITIONS
from flake8_tasks.model.frameworks.django import ON_COMMIT
from flake8_tasks.model.tasks.task import Task

if TYPE_CHECKING:
    from flake8_tasks.model.transactions.around import Transaction


@dataclass(frozen=True, eq=False)
class Dispatch(CallFact):
    """A task, or a workflow of tasks, is sent, or a signature of a task is made.

    Arguments:
        method: `delay`, `apply_async`, `delay_on_commit`, `apply_async_on_commit`, `send_task`, `s`, `si`, `signature`,
            `subtask`, `map`, `starmap`, `chunks`; "()" for a workflow that is called, "dispatcher" for a function of
            the project that is configured to send the task it is given.
        receiver: the task, signature, workflow or app.
        target: the task where it is known; None for workflows and tasks whose file is not there.
        target_name: what to call it in a message.
        through: it is a method of the task itself, of a "signature", of a "workflow" or of an "app"; or a "dispatcher".
    """

    method: str = ""
    receiver: ast.expr | None = None
    target: Task | None = None
    target_name: str = ""
    through: str = "task"

    @property
    def sends(self) -> bool:
        """A message goes out, now or on commit; False for a signature."""
        return (
            self.method in ("delay", "apply_async", "send_task", "()", "dispatcher") or self.method in DEFERRED_DISPATCH
        )

    @property
    def behind(self) -> tuple[Related, ...]:
        """Where the task is declared, as the second place of a finding."""
        task = self.target
        return () if task is None else (Related(task.path, task.head_span, f"`{task.name}` is declared here"),)

    @property
    def is_deferred(self) -> bool:
        """It waits for the commit by itself: by its method, or by the task's own class."""
        if self.method in ("delay", "apply_async"):
            return self.target is not None and self.target.waits_for_commit
        return self.method in DEFERRED_DISPATCH

    @property
    def transaction(self) -> Transaction | None:
        """The open transaction in which the message goes out, None where there is none or nobody can say."""
        return self.reader.transactions.around(self.site)

    @property
    def is_called_for_commit(self) -> bool:
        """`on_commit(task.delay(1))`: it is called where it should be handed on."""
        outer = self.site.parent
        if not isinstance(outer, ast.Call) or self.call not in outer.args:
            return False
        origin = self.reader.origin(outer.func, self.frame)
        return origin in ON_COMMIT or origin in self.reader.project.config.on_commit_helpers

    @property
    def shown(self) -> str:
        """What is sent, for a message: the task's name, the beginning of a workflow."""
        if self.through != "workflow" or self.receiver is None:
            return self.target_name
        text = " ".join(self.module.source.segment(self.receiver).split())
        head, paren, _ = text.partition("(")
        return f"{head}(…)" if paren and head.isidentifier() else text if len(text) <= SHORT else f"{text[:SHORT]}…"

    def deferred(self, transaction: Transaction) -> tuple[Edit, ...] | Refusal:
        """The edits that let it wait for the end of a transaction around it."""
        return wait_for_commit(self, transaction)

    def option(self, name: str) -> ast.expr | None:
        """An execution option of the call: `countdown`, `queue`, `serializer`."""
        if self.method not in ("apply_async", "apply_async_on_commit", "send_task"):
            return None
        positions = POSITIONS.get(self.method.removesuffix("_on_commit"), ())
        if name in positions and positions.index(name) < len(self.call.args):
            return self.call.args[positions.index(name)]
        return self.keywords.get(name)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The values that go to the task, as far as they are written out at the call."""
        return tuple(self._arguments())

    @property
    def is_written_out(self) -> bool:
        """`arguments` are all there is."""
        if self.through in ("workflow", "signature", "registry"):
            return False
        if self.method in ("delay", "delay_on_commit", "s", "si"):
            return not self.passes_unknown
        if self.method in ("chunks", "map", "starmap"):
            return False
        shift = 1 if self.through == "app" else 0
        positional, named = self._container("args", shift), self._container("kwargs", shift + 1)
        plain = positional is None or (
            isinstance(positional, ast.Tuple | ast.List)
            and not any(isinstance(element, ast.Starred) for element in positional.elts)
        )
        is_dict = isinstance(named, ast.Dict) and all(isinstance(key, ast.Constant) for key in named.keys)
        return plain and (named is None or is_dict)

    def _arguments(self) -> Iterator[Argument]:
        if self.method == "dispatcher":
            yield from arguments.plain(self, self.call.args[1:], self.call.keywords)
            return
        if self.method in ("delay", "delay_on_commit", "s", "si") and self.through != "workflow":
            yield from arguments.plain(self, self.call.args, self.call.keywords)
            return
        if self.method in ("chunks", "map", "starmap"):
            yield from arguments.items(self, self._container("it", 0), one_each=self.method == "map")
            return
        if self.method in ("apply_async", "apply_async_on_commit", "send_task", "signature", "subtask"):
            shift = 1 if self.through == "app" else 0
            yield from arguments.contained(self, self._container("args", shift), self._container("kwargs", shift + 1))

    def _container(self, name: str, position: int) -> ast.expr | None:
        if position < len(self.call.args):
            return self.call.args[position]
        return self.keywords.get(name)
