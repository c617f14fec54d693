"""Django's managers: which values are one, and the classes of the project that its methods come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flake8_tasks.model.frameworks import django
from flake8_tasks.model.records import Assigned
from flake8_tasks.model.values import Attribute, CallValue, Reference, Value

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project


def makes_manager(function: Value, project: Project) -> bool:
    """Calling a value gives a manager."""
    match function:
        case Reference(parts=(*_, "as_manager")) | Attribute(name="as_manager"):
            return True
        case CallValue(function=Reference(parts=(*_, "from_queryset")) | Attribute(name="from_queryset")):
            return True
        case Reference(origin=str(origin)):
            definition = project.definition(origin)
            if definition and isinstance(definition.record, Assigned):
                return makes_manager(definition.record.value, project)
            return is_manager(origin, project)
    return False


def is_manager(name: str, project: Project) -> bool:
    """A class of managers."""
    made = (makes_manager(base, project) for base in _made_bases(name, project))
    return project.inherits(name, django.MANAGER_TYPES) or any(made)


def manager_classes(model: str, project: Project) -> list[str]:
    """The classes of managers and querysets that a model's attributes are made of."""
    return project.remember("manager classes", model, lambda: [*dict.fromkeys(_of_model(model, project))])


def _of_model(model: str, project: Project) -> Iterator[str]:
    for _, record, _ in project.bases(model):
        for _, value in record.attributes if record else ():
            if isinstance(value, CallValue) and makes_manager(value.function, project):
                yield from _makers(value.function, project)


def _makers(function: Value, project: Project) -> Iterator[str]:
    match function:
        case Reference(parts=(*_, "as_manager"), origin=str(origin)):
            yield origin.removesuffix(".as_manager")
        case CallValue(function=Reference(parts=(*_, "from_queryset"), origin=str(origin)), arguments=arguments):
            yield origin.removesuffix(".from_queryset")
            yield from (each.origin for each in arguments if isinstance(each, Reference) and each.origin)
        case Reference(origin=str(origin)):
            definition = project.definition(origin)
            if definition and isinstance(definition.record, Assigned):
                yield from _makers(definition.record.value, project)
            else:
                yield origin
                for base in _made_bases(origin, project):
                    yield from _makers(base, project)


def _made_bases(name: str, project: Project) -> Iterator[Value]:
    """Bases that a call makes: `class Orders(models.Manager.from_queryset(OrderQuerySet))`."""
    for _, record, _ in project.bases(name):
        yield from (base for base in record.bases if isinstance(base, CallValue)) if record else ()
