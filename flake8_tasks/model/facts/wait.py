"""Something that blocks until the result of a task is there."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.edit import Edit, Place, Refusal
from flake8_tasks.model.changes.replacing import hand_over
from flake8_tasks.model.facts.call import CallFact
from flake8_tasks.model.facts.dispatch import Dispatch
from flake8_tasks.model.frameworks.celery import WAIT_BYPASSES
from flake8_tasks.model.tasks.task import Task

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, eq=False)
class Wait(CallFact):
    """Something blocks until a task's result is there.

    Arguments:
        method: `get`, `wait`, `join`, `join_native`, `collect`, `get_leaf`.
        result: the expression that is waited for.
        dispatch: the dispatch whose result it is, where that is known.
    """

    method: str = "get"
    result: ast.expr | None = None
    dispatch: Dispatch | None = None

    @property
    def tasks_around(self) -> tuple[tuple[Task, Place | None], ...]:
        """The tasks in which it runs: the one it stands in, or those that call its function, with the call's place."""
        return self.reader.tasks_reaching(self.frame)

    @property
    def is_allowed(self) -> bool:
        """Celery's check is switched off for it: `disable_sync_subtasks=False`, `with allow_join_result():`."""
        switch = self.keywords.get("disable_sync_subtasks")
        if switch is not None and not (isinstance(switch, ast.Constant) and switch.value is True):
            return True
        return any(
            isinstance(item.context_expr, ast.Call)
            and self.reader.origin(item.context_expr.func, frame) in WAIT_BYPASSES
            for frame in self.frame.here()
            if isinstance(frame.node, ast.With) and frame.part == "body"
            for item in frame.node.items
        )

    def handed_over(self) -> tuple[Edit, ...] | Refusal | None:
        """The edits by which the task is replaced by the one that it waits for; None where the shape has none."""
        return hand_over(self)
