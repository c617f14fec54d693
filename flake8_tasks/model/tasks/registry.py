"""Tasks that are looked up, in `app.tasks` or by who sends them, by the name that they are registered by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flake8_tasks.model.names import UNBOUND
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord
from flake8_tasks.model.values import CallValue, Constant, Item, Reference, Value

if TYPE_CHECKING:
    from flake8_tasks.model.tasks.found import Tasks
    from flake8_tasks.model.tasks.task import Task


class Held(NamedTuple):
    """A name of a task whose text is worked out or stands outside the project: what the module-level name is called."""

    origin: str


class Registry:
    """The tasks of a project by their registered names; tests register none."""

    def __init__(self, project: Project, tasks: Tasks) -> None:
        self.project = project
        self.tasks = tasks

    def find(self, value: Value) -> Task | None:
        """The task that `app.tasks["name"]`, `app.tasks[NAME]` or `app.tasks[Work.name]` is."""
        match value:
            case Item(value=registry, key=key) if self._is_registry(registry, ""):
                return self._named.get(key)
            case CallValue(function=registry, arguments=(Reference(parts=parts, origin=str(origin)) as key,)):
                if not self._is_registry(registry, ".__getitem__"):
                    return None
                task = self.tasks.find(origin.rpartition(".")[0]) if parts[-1] == "name" else None
                return task or self.named(key)
        return None

    def named(self, value: Value, app: Value | None = None) -> Task | None:
        """The one task of the project that a name stands for.

        Arguments:
            app: what sends it; another app of the project than the task's own may reach other workers.
        """
        name = self._name(value)
        task = self._named.get(name) if name is not None else None
        if task is None or not task.declaration.app or not isinstance(app, Reference):
            return task
        sender = self.project.definition(app.origin)
        is_other = sender and sender.path and sender.origin != self.project.origin(task.declaration.app)
        return None if is_other else task

    def _is_registry(self, value: Value, method: str) -> bool:
        """`app.tasks`, or `self.app.tasks` in a task, and a method of it."""
        if not isinstance(value, Reference):
            return False
        if ".".join(value.parts) == f"self.app.tasks{method}":
            return True
        owner, found, rest = (value.origin or "").rpartition(f".tasks{method}")
        return bool(found) and not rest and self.tasks.apps.is_app_name(owner)

    def _name(self, value: Value) -> str | Held | None:
        """The name that a value is, None where nobody can say."""
        constant = self.project.constant(value)
        if isinstance(constant, Constant):
            return str(constant.value) if constant.value else None
        if not isinstance(value, Reference):
            return None
        found = self.project.definition(value.origin)
        if found is None or found.origin.startswith(UNBOUND):
            return None
        if isinstance(found.record, ClassRecord) and found.rest[1:] in ((), ("value",)):
            texts = [member for key, member in found.record.attributes if (key,) == found.rest[:1]]
            match texts:
                case [Constant(value=str(text))] if text:
                    return text
        if found.rest:
            return None
        if found.path:
            summary = self.project.summary(found.path)
            bound = summary.names.get(found.origin.rpartition(".")[2], ()) if summary else ()
            if len(bound) != 1 or not isinstance(bound[0], Assigned):
                return None
        return Held(found.origin)

    def _name_of(self, task: Task) -> str | Held | None:
        named = task.written("name")
        if named is None or (isinstance(named.value, Constant) and not named.value.value):
            return f"{task.module}.{task.name}"
        return self._name(named.value)

    @property
    def _named(self) -> dict[str | Held, Task | None]:
        return self.project.remember("tasks by name", None, self._read)

    def _read(self) -> dict[str | Held, Task | None]:
        """Name → task; None for a name that several have."""
        found: dict[str | Held, Task | None] = {}
        for task in self.tasks.everywhere:
            key = self._name_of(task)
            if key is not None:
                found[key] = None if key in found else task
        return found
