"""Which calls of a file send tasks or build what is sent: dispatches, signatures, workflows."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from flake8_tasks.model.facts import Dispatch
from flake8_tasks.model.frameworks.celery import APP_DISPATCH, CANVAS, DISPATCH, SENT_BY_CALL, SIGNATURE
from flake8_tasks.model.module import Frame, Site
from flake8_tasks.model.names import UNBOUND
from flake8_tasks.model.values import Reference

if TYPE_CHECKING:
    from flake8_tasks.model.reader import Reader

_WORKFLOWS = frozenset(name.rpartition(".")[2] for name in SENT_BY_CALL)
_TOO_DEEP = 6


class Dispatches:
    """The dispatches of one file."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.module, self.project, self.tasks = reader.module, reader.project, reader.tasks
        self._known: dict[ast.Call, Dispatch | None] = {}

    def of(self, node: ast.expr, frame: Frame) -> Dispatch | None:
        """The dispatch or signature that a call is."""
        if not isinstance(node, ast.Call):
            return None
        if node not in self._known:
            self._known[node] = None  # a name that is bound to itself
            self._known[node] = self._dispatch(node, frame)
        return self._known[node]

    def _dispatch(self, node: ast.Call, frame: Frame) -> Dispatch | None:
        site = Site(node, frame, self.module)
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in DISPATCH | SIGNATURE | APP_DISPATCH:
            return self._called_workflow(node, site)
        method, receiver = node.func.attr, node.func.value
        if method in APP_DISPATCH:
            if self.tasks.apps.is_app(self.module.value(receiver, frame)):
                return self._by_name(site, method, receiver, "app")
            return None
        if method == "signature" and (
            self.tasks.apps.is_app(self.module.value(receiver, frame))
            or self.reader.origin(node.func, frame) == "celery.signature"
        ):
            return self._by_name(site, method, receiver, "app")
        built = self._built(receiver, frame, 0) if method in DISPATCH else None
        if built is not None and isinstance(receiver, ast.Call | ast.Name | ast.BinOp):
            kind, signature = built
            target = signature.target if signature else None
            name = signature.target_name if signature else kind
            return Dispatch(site, self.reader, method, receiver, target, name, kind)
        if isinstance(receiver, ast.Subscript):
            return self._registered(site, method, receiver)
        if isinstance(receiver, ast.Call):
            return self._injected(site, method, receiver)
        if (own := self.reader.own(receiver, frame)) is not None:
            return Dispatch(site, self.reader, method, receiver, own, own.name)
        origin = self.module.origin(receiver, frame) if isinstance(receiver, ast.Name | ast.Attribute) else None
        if origin is None:
            return None
        task = self.tasks.find(origin)
        if task is not None:
            return Dispatch(site, self.reader, method, receiver, task, task.name)
        if method in DISPATCH and self._may_be_a_task(origin):
            return Dispatch(site, self.reader, method, receiver, None, origin.rpartition(".")[2])
        return None

    def _may_be_a_task(self, origin: str) -> bool:
        """A name that is imported from a module of tasks which we were not shown."""
        definition = self.project.definition(origin)
        if definition is not None and (definition.path or origin.startswith(UNBOUND)):
            return False
        *_, module, _ = ["", *origin.split(".")] if "." in origin else ["", "", origin]
        return module == "tasks" or module.endswith("_tasks") or ".tasks." in origin

    def _registered(self, site: Site, method: str, receiver: ast.Subscript) -> Dispatch | None:
        """`app.tasks[NAME].delay(…)`."""
        holder = receiver.value
        if not isinstance(holder, ast.Attribute) or holder.attr != "tasks":
            return None
        value = self.module.value(holder.value, site.frame)
        is_own = isinstance(value, Reference) and value.parts[-1] == "app" and value.parts[0] == "self"
        if not is_own and not self.tasks.apps.is_app(value):
            return None
        task = self.tasks.registry.find(self.module.value(receiver, site.frame))
        name = task.name if task else self.module.source.segment(receiver.slice)
        return Dispatch(site, self.reader, method, receiver, task, name, "task")

    def _injected(self, site: Site, method: str, receiver: ast.Call) -> Dispatch | None:
        """`request.task(work).delay(…)`: what is sent is a task of the project, with arguments that are added."""
        match receiver:
            case ast.Call(
                func=ast.Attribute(attr="task"), args=[ast.Name() | ast.Attribute() as argument], keywords=[]
            ):
                task = self.tasks.find(self.module.origin(argument, site.frame))
                if task is not None and method in DISPATCH:
                    return Dispatch(site, self.reader, method, receiver, task, task.name, "registry")
        return None

    def _by_name(self, site: Site, method: str, receiver: ast.expr | None, through: str) -> Dispatch:
        call = site.node
        assert isinstance(call, ast.Call)
        named = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "name"), None)
        app = self.module.value(receiver, site.frame) if receiver is not None else None
        task = self.tasks.registry.named(self.module.value(named, site.frame), app) if named is not None else None
        name = named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else "the task"
        return Dispatch(site, self.reader, method, receiver, task, task.name if task else name, through)

    def _called_workflow(self, node: ast.Call, site: Site) -> Dispatch | None:
        """`chain(…)()`, `signature("name")`, `celery.execute.send_task("name")`."""
        if self.reader.may_be_called(node.func, site.frame, self._dispatching):
            origin = self.reader.origin(node.func, site.frame)
            if origin in ("celery.signature", "celery.Signature"):
                return self._by_name(site, "signature", None, "app")
            if origin == "celery.execute.send_task":
                return self._by_name(site, "send_task", None, "app")
            if origin in self.project.config.dispatchers:
                return self._handed_on(node, site)
        if isinstance(node.func, ast.Call | ast.Name | ast.BinOp):
            built = self._built(node.func, site.frame, 0)
            if built is not None and built[0] == "workflow":
                return Dispatch(site, self.reader, "()", node.func, None, "the workflow", "workflow")
        return None

    @cached_property
    def _dispatching(self) -> frozenset[str]:
        """The last parts of the functions that dispatch."""
        own = (name.rpartition(".")[2] for name in self.project.config.dispatchers)
        return frozenset({"signature", "Signature", "send_task", *own})

    def _handed_on(self, node: ast.Call, site: Site) -> Dispatch | None:
        """A configured dispatcher: `send(task, 1)`, `send(task.s(1))`."""
        first = node.args[0] if node.args else None
        built = self._built(first, site.frame, 0) if first is not None else None
        if built is not None and built[1] is not None:
            return Dispatch(site, self.reader, "dispatcher", first, built[1].target, built[1].target_name, "dispatcher")
        task = self.tasks.find(self.module.origin(first, site.frame)) if first is not None else None
        name = task.name if task else "the task"
        return Dispatch(site, self.reader, "dispatcher", first, task, name, "dispatcher")

    def _built(self, node: ast.expr, frame: Frame, depth: int) -> tuple[str, Dispatch | None] | None:
        """What an expression builds: a "workflow", or a "signature" with the call that made it."""
        if depth > _TOO_DEEP:
            return None
        if isinstance(node, ast.Name):
            value = self.reader.settled(node, frame)
            return self._built(value, frame, depth + 1) if value is not None else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            either = self._built(node.left, frame, depth + 1) or self._built(node.right, frame, depth + 1)
            return ("workflow", None) if either else None
        if not isinstance(node, ast.Call):
            return None
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("set", "clone", "on_error"):
            return self._built(node.func.value, frame, depth + 1)
        if isinstance(node.func, ast.Call):
            return None  # chord(header)(body) sends it
        if (
            self.reader.may_be_called(node.func, frame, _WORKFLOWS)
            and self.reader.origin(node.func, frame) in CANVAS & SENT_BY_CALL
        ):
            return "workflow", None
        dispatch = self.of(node, frame)
        if dispatch is None or dispatch.sends:
            return None
        return ("workflow" if dispatch.method in ("chunks", "map", "starmap") else "signature"), dispatch

    def signature(self, node: ast.expr, frame: Frame) -> bool:
        """An expression builds a signature or a workflow."""
        return self._built(node, frame, 0) is not None
