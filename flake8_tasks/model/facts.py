"""What happens in a file, in the words of the field: dispatches, waits, retries, schedules, settings."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flake8_tasks.diagnostic import Related
from flake8_tasks.edit import Edit, Place, Refusal, Span
from flake8_tasks.model import arguments
from flake8_tasks.model.arguments import SHORT, Argument
from flake8_tasks.model.deferral import wait_for_commit
from flake8_tasks.model.frameworks.celery import DEFERRED_DISPATCH, TASK_BASES, WAIT_BYPASSES
from flake8_tasks.model.frameworks.celery_options import POSITIONS
from flake8_tasks.model.frameworks.django import ON_COMMIT
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.readers import Subject, is_named_in, is_read
from flake8_tasks.model.replacing import hand_over
from flake8_tasks.model.spelling import mistake
from flake8_tasks.model.tasks import Task, function_of
from flake8_tasks.model.testing import is_for_development
from flake8_tasks.model.texts import around, beginnings
from flake8_tasks.model.values import Constant, Opaque, Sequence, Value

if TYPE_CHECKING:
    from flake8_tasks.model.declarations import Given
    from flake8_tasks.model.project import Project
    from flake8_tasks.model.reader import Reader
    from flake8_tasks.model.settings import Found
    from flake8_tasks.model.summary import ClassRecord
    from flake8_tasks.model.transactions import Transaction


@dataclass(frozen=True, eq=False)
class CallFact:
    """A call with a meaning."""

    site: Site
    reader: Reader = field(repr=False)

    @property
    def call(self) -> ast.Call:
        """The call."""
        assert isinstance(self.site.node, ast.Call)
        return self.site.node

    @property
    def module(self) -> Module:
        """The file."""
        return self.site.module

    @property
    def frame(self) -> Frame:
        """The block around it."""
        return self.site.frame

    @property
    def span(self) -> Span:
        """The whole call."""
        return self.site.span

    @property
    def text(self) -> str:
        """As it is written."""
        return self.module.source.segment(self.call)

    @property
    def place(self) -> Place:
        """The whole call, for edits."""
        return self.site.place

    @property
    def task(self) -> Task | None:
        """The task in whose body it stands, directly and not in a function or lambda inside it."""
        return self.reader.task_around(self.frame)

    @property
    def keywords(self) -> dict[str, ast.expr]:
        """The keyword arguments of the call."""
        return {keyword.arg: keyword.value for keyword in self.call.keywords if keyword.arg}

    @property
    def passes_unknown(self) -> bool:
        """`*arguments` or `**keywords` are passed on."""
        return any(isinstance(argument, ast.Starred) for argument in self.call.args) or any(
            keyword.arg is None for keyword in self.call.keywords
        )

    @property
    def in_loop(self) -> bool:
        """It stands in a loop or comprehension of its function."""
        loops = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        return any(isinstance(frame.node, loops) and frame.part == "body" for frame in self.frame.here())

    @property
    def is_used(self) -> bool:
        """Something is done with its value."""
        return not isinstance(self.site.parent, ast.Expr)

    @property
    def statement(self) -> ast.stmt | None:
        """The statement that it stands in."""
        node: ast.AST | None = self.call
        while node is not None and not isinstance(node, ast.stmt):
            node = self.module.parents.get(node)
        return node


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
        """A name for an exception that its function does not use, empty where all are taken."""
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
        return next((name for name in ("exc", "error", "cause") if name not in taken), "")

    @property
    def handles_exhaustion(self) -> bool:
        """Its function has a clause for `MaxRetriesExceededError`."""
        function = self.frame.function
        return function is not None and any(
            isinstance(node, ast.ExceptHandler)
            and node.type is not None
            and any(
                getattr(part, "attr", getattr(part, "id", "")) == "MaxRetriesExceededError"
                for part in ast.walk(node.type)
            )
            for node in ast.walk(function.node)
        )

    @property
    def handler(self) -> ast.ExceptHandler | None:
        """The `except` clause whose body it stands in, in its own function."""
        for frame in self.frame.here():
            if isinstance(frame.node, ast.ExceptHandler):
                return frame.node
        return None


@dataclass(frozen=True, eq=False)
class Schedule(CallFact):
    """A `crontab(…)`."""

    @property
    def shown(self) -> str:
        """As it is written, in one line and without its arguments where it is long."""
        text = " ".join(self.text.split())
        return text if len(text) <= 60 else f"{self.module.source.segment(self.call.func)}(…)"

    def is_text(self, node: ast.expr, text: str) -> bool:
        """An argument is a text, or a name that stands for it."""
        value = self.reader.project.constant(self.module.value(node, self.frame))
        return isinstance(value, Constant) and value.value == text


@dataclass(frozen=True, eq=False)
class Setting:
    """A Celery setting that this file sets."""

    found: Found
    module: Module
    reader: Reader = field(repr=False)

    @property
    def name(self) -> str:
        """Its new-style name."""
        return self.found.name

    @property
    def span(self) -> Span:
        """The key, name or keyword."""
        return self.module.named_span(self.found.span)

    @property
    def beginnings(self) -> tuple[str | None, ...]:
        """How its text begins, or each of its list; None for what cannot be said."""
        return tuple(beginnings(self.reader.project, self.found.value, self.found.path))

    @property
    def others(self) -> tuple[Setting, ...]:
        """The other places near it, in its file or beside that or below, that set the same."""
        folder = os.path.dirname(self.found.path)
        found = self.reader.project.settings.get(self.name)
        near = (one for one in found if one is not self.found and one.path.startswith(folder + os.sep))
        modules = ((one, self.reader.project.module(one.path)) for one in near)
        return tuple(Setting(one, module, self.reader) for one, module in modules if module is not None)

    @property
    def is_for_production(self) -> bool:
        """Its file says that it serves production, whatever others say."""
        return self.module.name.rpartition(".")[2] in ("production", "prod", "live", "deploy", "staging")

    @property
    def is_certain(self) -> bool:
        """It holds wherever its file is used: it stands in no `if`, `try` or `except`, and in no class or file for
        development."""
        project = self.reader.project
        if is_for_development(os.path.relpath(self.found.path, project.root)):
            return False
        for node in around(self.module, self.found.span):
            if isinstance(node, ast.If | ast.Try | ast.ExceptHandler | ast.Match):
                return False
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and is_for_development(node.name):
                return False
        return True


@dataclass(frozen=True, eq=False)
class RootForced:
    """`C_FORCE_ROOT` is set: the worker may run as root although it accepts pickle."""

    node: ast.stmt
    module: Module

    @property
    def span(self) -> Span:
        """The statement."""
        return self.module.source.span(self.node)


@dataclass(frozen=True, eq=False)
class Declared:
    """A task that this file declares: the task, and its function's node."""

    task: Task
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    frame: Frame
    module: Module
    reader: Reader = field(repr=False)

    @property
    def span(self) -> Span:
        """Where the user would mend the whole task."""
        return self.task.span

    @property
    def is_template(self) -> bool:
        """It stands in a decorator of the project, which makes a task like it of each function that it is given."""
        outer = self.task.record.qualname.partition(".<locals>")[0]
        if outer == self.task.record.qualname:
            return False
        return self.reader.tasks.declarations.is_wrapper(f"{self.module.name}.{outer}")

    @property
    def body(self) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, Frame] | None:
        """What runs, with the frame that it stands in: the function, or the class's `run`."""
        if not isinstance(self.node, ast.ClassDef):
            return self.node, self.frame
        inner = Frame(self.node, "body", self.frame.scope.child(self.node), self.frame)
        for child in self.node.body:
            function = function_of(child)
            if function is not None and function.name == "run":
                return function, inner
        return None

    @property
    def project(self) -> Project:
        """The project around it."""
        return self.reader.project

    @property
    def path(self) -> str:
        """The file."""
        return self.module.source.path

    def place_of(self, span: Span) -> Place:
        """A place in this file, for edits."""
        return Place(self.path, span)

    def text_of(self, span: Span) -> str:
        """What stands at a place in this file."""
        return self.module.source.text_at(span)

    def keyword_span(self, given: Given) -> Span:
        """From an option's name to the end of its value, for a value of this file."""
        return self.module.named_span(given.value.span)

    @property
    def own_options(self) -> tuple[Given, ...]:
        """The options that this file gives Celery for it, in its decorator or in a decorator made beforehand."""
        return tuple(
            option
            for option in self.task.declaration.given
            if option.path == self.path
            and (option.source == "decorator" or (option.source == "wrapper" and not isinstance(option.value, Opaque)))
        )

    def meant_for(self, option: str) -> str:
        """The wrong name under which its decorator gives an option, empty where there is none."""
        for given in self.own_options:
            found = mistake(given.name)
            if found is not None and found.right == option:
                return given.name
        return ""

    def is_read(self, option: str, *, anywhere: bool) -> bool:
        """Something may read an option as an attribute of the task.

        Arguments:
            anywhere: look in all files with task code, and not only in those of the task, its classes and its app.
        """
        if any(is_named_in(self.project, name, option) for name in self.task.makers):
            return True  # a decorator of the project, or the class of the app, keeps it
        subject = Subject(self.task.origin, self.task.classes)
        return is_read(self.project, option, subject, None if anywhere else self.task.policy_paths)

    @property
    def retries(self) -> tuple[Retry, ...]:
        """The calls in its body that retry it."""
        if self.body is None:
            return ()
        sites = {site.node for site in self.module.inside(*self.body)}
        retries = (fact for fact in self.reader.facts if isinstance(fact, Retry) and fact.call in sites)
        return tuple(retry for retry in retries if retry.of is not None and retry.of.origin == self.task.origin)


@dataclass(frozen=True, eq=False)
class TaskClass:
    """A class that comes from `celery.Task`, with or without `run`: a task, or a base class that carries a policy.

    Arguments:
        record: the class.
        name: its dotted name in the project.
    """

    record: ClassRecord
    name: str
    node: ast.ClassDef
    module: Module
    reader: Reader = field(repr=False)

    @property
    def span(self) -> Span:
        """The class."""
        return self.module.source.span(self.node)

    @property
    def project(self) -> Project:
        """The project around it."""
        return self.reader.project

    @property
    def is_known(self) -> bool:
        """All its base classes could be read, or are known."""
        plain = ("builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol")
        return all(
            record is not None or origin in TASK_BASES or origin in plain
            for origin, record, _ in self.project.bases(self.name)
        )

    def option(self, name: str) -> tuple[Value | None, bool]:
        """What the class says of an option, itself or by its base classes, and whether it says it itself."""
        for origin, record, _ in self.project.bases(self.name):
            value = record.attribute(name) if record is not None else None
            if value is not None:
                return self.project.constant(value), origin == self.name
        return None, False

    def own(self, name: str) -> tuple[ast.Name, ast.expr] | None:
        """The target and the value where its own body assigns an option."""
        return next((pair for pair in reversed(self.attributes) if pair[0].id == name), None)

    @property
    def is_task(self) -> bool:
        """It has a `run` of its own, so that it is a `Declared` too."""
        return self.record.method("run") is not None

    def named_span(self, assigned: tuple[ast.Name, ast.expr]) -> Span:
        """From the name of an attribute to the end of its value."""
        return self.module.named_span(self.module.source.span(assigned[1]))

    def says(self, name: str) -> bool:
        """An option is there and is something else than False, 0, None or empty."""
        value, _ = self.option(name)
        if isinstance(value, Constant):
            return bool(value.value)
        return value is not None and not (isinstance(value, Sequence) and not value.items)

    @property
    def attributes(self) -> tuple[tuple[ast.Name, ast.expr], ...]:
        """The targets and values of the assignments in its body."""
        return tuple(self._attributes())

    def _attributes(self) -> Iterator[tuple[ast.Name, ast.expr]]:
        for statement in self.node.body:
            match statement:
                case ast.Assign(targets=[ast.Name() as target], value=value):
                    yield target, value
                case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                    yield target, value

    def is_read(self, attribute: str) -> bool:
        """Something in the project's task code may read an attribute of it, or of a class that comes from it."""
        classes = frozenset(origin for origin, _, _ in self.project.bases(self.name))
        return is_read(self.project, attribute, Subject(self.name, classes))


Fact = Dispatch | Wait | Retry | Schedule | Setting | Declared | TaskClass | RootForced


def _mentions(node: ast.AST, attribute: str) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr == attribute for part in ast.walk(node))


def _asks_the_clock(node: ast.AST) -> bool:
    words = ("now", "utcnow", "time", "monotonic", "timedelta")
    calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
    return any(getattr(function, "attr", getattr(function, "id", "")) in words for function in calls)
