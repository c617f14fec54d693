"""A task that sends itself again."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.model.facts import arguments
from flake8_tasks.model.facts.arguments import Argument
from flake8_tasks.model.facts.call import CallFact
from flake8_tasks.model.frameworks.celery_options import POSITIONS
from flake8_tasks.model.tasks.task import Task

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, eq=False)
class Retry(CallFact):
    """`self.retry(…)`, or `task.retry(…)`, in the body of a task.

    Arguments:
        of: the task that is retried.
    """

    of: Task | None = None

    def option(self, name: str) -> ast.expr | None:
        """An argument of the call."""
        positions = POSITIONS["retry"]
        if name in positions and positions.index(name) < len(self.call.args):
            return self.call.args[positions.index(name)]
        return self.keywords.get(name)

    @property
    def is_of_the_project(self) -> bool:
        """A class of the project has a `retry` of its own, which may add to the arguments."""
        return self.of is not None and next(self.of.methods("retry"), None) is not None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The new values for the task's parameters, where it gives some."""
        return tuple(arguments.contained(self, self.option("args"), self.option("kwargs")))

    @property
    def counts_itself(self) -> bool:
        """Its function decides by `request.retries` or by the clock, or works with the number of retries allowed."""
        if any(isinstance(frame.node, ast.If) and _asks_the_clock(frame.node.test) for frame in self.frame.here()):
            return True
        around = self.frame.function
        for node in ast.walk(around.node) if around is not None else ():
            match node:
                case ast.Attribute(attr="max_retries"):
                    return True
                case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                    if _mentions(test, "retries"):
                        return True
                case ast.Compare() | ast.BinOp(op=ast.Sub()):
                    if _mentions(node, "retries"):
                        return True
        return False

    @property
    def free_name(self) -> str:
        """A name for its exception that neither its function uses nor a clause around its own gets, empty where there
        is none.
        """
        around = self.frame.function
        taken: set[str] = set()
        for node in ast.walk(around.node) if around is not None else ():
            match node:
                case (
                    ast.Name(id=name)
                    | ast.arg(arg=name)
                    | ast.ExceptHandler(name=str(name))
                    | ast.alias(asname=str(name))
                ):
                    taken.add(name)
                case ast.alias(name=name):
                    taken.add(name.partition(".")[0])
        depth = sum(isinstance(frame.node, ast.ExceptHandler) for frame in self.frame.here())
        free = [name for name in ("exc", "error", "cause") if name not in taken]
        return free[depth - 1] if 0 < depth <= len(free) else ""

    @property
    def handles_exhaustion(self) -> bool:
        """It stands in a `try` of its function that has a clause for `MaxRetriesExceededError`."""
        return any(
            getattr(part, "attr", getattr(part, "id", "")) == "MaxRetriesExceededError"
            for frame in self.frame.here()
            if isinstance(frame.node, ast.Try | ast.TryStar) and frame.part == "body"
            for clause in frame.node.handlers
            if clause.type is not None
            for part in ast.walk(clause.type)
        )

    @property
    def handler(self) -> ast.ExceptHandler | None:
        """The `except` clause whose body it stands in, in its own function."""
        for frame in self.frame.here():
            if isinstance(frame.node, ast.ExceptHandler):
                return frame.node
        return None


def _mentions(node: ast.AST, attribute: str) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr == attribute for part in ast.walk(node))


def _asks_the_clock(node: ast.AST) -> bool:
    words = ("now", "utcnow", "time", "monotonic", "timedelta")
    calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
    return any(getattr(function, "attr", getattr(function, "id", "")) in words for function in calls)
