"""What attributes and methods of models, managers, querysets, forms and views give, by the tables of each ORM."""

from __future__ import annotations

from collections.abc import Mapping

from flake8_tasks.model.frameworks import django, others, sqlalchemy
from flake8_tasks.model.orm.classes import Classes
from flake8_tasks.model.orm.values import (
    Awaitable,
    Form,
    Instance,
    Items,
    Manager,
    ModelClass,
    Queryset,
    Request,
    Select,
    Several,
    Table,
    Thing,
    View,
)
from flake8_tasks.model.orm.views import Views

_METHODS: dict[str, Mapping[str, str]] = {
    "django": django.QUERYSET_METHODS,
    "sqlalchemy": sqlalchemy.QUERY_METHODS,
    "sqlmodel": sqlalchemy.QUERY_METHODS,
    "peewee": others.PEEWEE_METHODS,
    "mongoengine": others.MONGOENGINE_METHODS,
}
# Methods that only a manager has: what they are called on is one, even if nobody sees the relation's other end.
_MANAGER_METHODS = frozenset(
    {
        *("all", "filter", "exclude", "create", "get_or_create", "update_or_create", "order_by"),
        *("select_related", "prefetch_related", "values_list"),
    }
)
_FORM_VIEW_MEMBERS = frozenset({"get_form", "get_serializer"})


class Members:
    """Attributes and methods."""

    def __init__(self, classes: Classes, views: Views) -> None:
        self.classes = classes
        self.views = views

    def attribute(self, owner: Thing, name: str, how: str) -> Thing | None:
        """What `owner.name` is."""
        match owner:
            case ModelClass(orm="sqlalchemy") if name == "query":
                return Queryset(owner.model, owner.orm, "instances", how)
            case ModelClass(orm="django" | "mongoengine"):
                return self.classes.manager(owner, name)
            case Instance(orm="django" | "peewee" | "mongoengine"):
                return self._of_instance(owner, name, how)
            case Instance() if name == "__class__":
                return ModelClass(owner.model, owner.orm)
            case Manager() if name == "model":
                return ModelClass(owner.model, owner.orm)
            case Request() if name == "user":
                return Instance(None, "django", how)
            case Form(many=False, model=model) if name == "instance":
                return Instance(model, "django", how)
            case View(view) if name == "request":
                return Request()
            case View(view) if name == "object" and self.views.edits_object(view):
                return Instance(self.views.view_model(view), "django", how)
            case View(view) if name == "queryset" and (model := self.views.view_model(view)):
                return Queryset(model, "django", "instances", how)
        return None

    def _of_instance(self, owner: Instance, name: str, how: str) -> Thing | None:
        if name == "__class__":
            return ModelClass(owner.model, owner.orm)
        if owner.model is None:
            return None
        related = self.classes.related(owner.model, name)
        if isinstance(related, ModelClass):
            return Instance(related.model, related.orm, how)
        if related is None and owner.orm == "django" and not self.classes.has(owner.model, name):
            return Manager(None, owner.orm, certain=False)
        return related

    def called(self, owner: Thing, method: str, how: str, *, above: bool = False) -> Thing | None:
        """What `owner.method(...)` gives.

        Arguments:
            above: it is `super().method(...)`, whatever the own class has.
        """
        match owner:
            case Queryset(model, orm, kind):
                return self._of_queryset(model, orm, kind, method, how)
            case Manager(model, orm) if method == "model":
                return Instance(model, orm, how)
            case Manager(model, orm, certain):
                if not certain and method not in _MANAGER_METHODS:
                    return None
                return self._of_queryset(model, orm, "instances", method, how)
            case ModelClass(model, "peewee"):
                return made(others.PEEWEE_METHODS.get(method), model, "peewee", how)
            case ModelClass(model, "sqlmodel") if method in others.SQLMODEL_MAKERS:
                return Instance(model, "sqlmodel", how)
            case ModelClass(model, "mongoengine") if method == "objects":
                return Queryset(model, "mongoengine", "instances", how)
            case ModelClass() if (manager := self.attribute(owner, method, how)) is not None:
                return manager
            case Items(Instance() as item) if method in ("__next__", "pop"):
                return item
            case Table(item) if method in ("get", "pop"):
                return item
            case Table(item):
                return {"values": Items(item), "items": Items(Several((None, item)))}.get(method)
            case Select(model, stage):
                return _selected(model, stage, method, how)
            case Form(model=model) if above and method in ("create", "update"):
                return Instance(model, "django", how)
            case Form(name, model, many) if method == "save" and (above or not self.views.overrides(name, "save")):
                return Items(Instance(model, "django", how)) if many else Instance(model, "django", how)
            case Request() if method == "auser":
                return Awaitable(Instance(None, "django", how))
            case View(name):
                return self._of_view(name, method, how, above)
        return None

    def _of_queryset(self, model: str | None, orm: str, kind: str, method: str, how: str) -> Thing | None:
        word = _METHODS[orm].get(method)
        if kind != "instances":
            return Queryset(model, orm, kind, how) if word == "queryset" else None
        if word == "rows":
            return Queryset(model, orm, method, how) if orm != "sqlalchemy" else None
        thing = made(word, model, orm, how)
        if orm == "django" and method != "aiterator" and method[:1] == "a" and method[1:] in django.QUERYSET_METHODS:
            return Awaitable(thing) if thing else None
        return thing

    def _of_view(self, name: str, method: str, how: str, above: bool) -> Thing | None:
        if method in _FORM_VIEW_MEMBERS:
            form = self.views.form_of(name)
            if form is None or (not above and self.views.overrides(name, method)):
                return None
            return Form(form, self.views.form_model(form) or self.views.view_model(name))
        if method not in django.VIEW_MEMBERS or not self.views.shows_object(name):
            return None
        if not above and self.views.overrides(name, method):
            return None
        return made(django.VIEW_MEMBERS[method], self.views.view_model(name), "django", how)

    def constructed(self, maker: Thing, how: str) -> Thing | None:
        """What calling a thing gives."""
        match maker:
            case ModelClass(model, orm):
                return Instance(model, orm, how)
            case Manager(model, "mongoengine"):
                return Queryset(model, "mongoengine", "instances", how)
        return None


def made(word: str | None, model: str | None, orm: str, how: str) -> Thing | None:
    """What a method returns that a table describes with a word."""
    match word:
        case "instance" | "instance or none":
            return Instance(model, orm, how)
        case "queryset" | "query":
            return Queryset(model, orm, "instances", how)
        case "pair":
            return Several((Instance(model, orm, how), None))
        case "instances" | "raw":
            return Items(Instance(model, orm, how))
        case "mapping":
            return Table(Instance(model, orm, how))
    return None


def _selected(model: str | None, stage: str, method: str, how: str) -> Thing | None:
    if stage == "select":
        return Select(model, stage) if sqlalchemy.QUERY_METHODS.get(method) == "query" else None
    table = sqlalchemy.RESULT_METHODS if stage == "rows" else sqlalchemy.SCALARS_METHODS
    word = table.get(method)
    if word == "scalars" or (word == "rows" and method == "unique"):
        return Select(model, word)
    return made(word, model, "sqlalchemy", how)
