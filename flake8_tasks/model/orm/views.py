"""What classes of forms, serializers and views say of the model behind them."""

from __future__ import annotations

import ast

from flake8_tasks.model.frameworks import django
from flake8_tasks.model.names import How
from flake8_tasks.model.orm.classes import Classes
from flake8_tasks.model.orm.shapes import returned
from flake8_tasks.model.records import ClassRecord
from flake8_tasks.model.values import Attribute, CallValue, Reference

_SINGLE_OBJECT_VIEWS = frozenset(
    name
    for name in django.VIEW_BASES
    if name.startswith(("rest_framework.generics.", "rest_framework.viewsets."))
    or name.endswith((".DetailView", ".UpdateView", ".DeleteView", ".DateDetailView"))
) - {"rest_framework.viewsets.ViewSet"}
_FORM_VIEWS = _SINGLE_OBJECT_VIEWS | {name for name in django.VIEW_BASES if name.endswith(".CreateView")}


class Views:
    """The forms, serializers and views of one project."""

    def __init__(self, models: Classes) -> None:
        self.models = models
        self.project = models.project

    def is_form(self, name: str | None) -> bool:
        """A form or serializer over a model."""
        return self.project.inherits(name, django.FORM_BASES)

    def is_view(self, name: str | None) -> bool:
        """A class of views."""
        return self.project.inherits(name, django.VIEW_BASES)

    def shows_object(self, name: str) -> bool:
        """A class of views over one object: `get_object()` is there and returns it."""
        return self.project.inherits(name, _SINGLE_OBJECT_VIEWS)

    def edits_object(self, name: str) -> bool:
        """A class of views with a form or serializer over one object."""
        return self.project.inherits(name, _FORM_VIEWS)

    def overrides(self, name: str, method: str) -> bool:
        """A class of the project in the lineage has its own method, which does not just return what `super()` does."""
        for origin, record, _ in self.project.bases(name):
            if record is not None and record.method(method) is not None:
                return not self._passes_on(origin, record, method)
        return False

    def _passes_on(self, origin: str, record: ClassRecord, method: str) -> bool:
        definition = self.project.definition(origin)
        module = self.project.module(definition.path) if definition and definition.path else None
        found = module.names.top.bindings.get(record.qualname, ()) if module else ()
        for owner in (binding.node for binding in found if isinstance(binding.node, ast.ClassDef)):
            assert module is not None
            scope = module.names.top.child(owner)
            for node in (binding.node for binding in scope.bindings.get(method, ())):
                if isinstance(node, ast.FunctionDef):
                    values = [module.summarizer.settled(value, scope.child(node)) for value in returned(node) if value]
                    return bool(values) and all(_is_super(value, method) for value in values)
        return False

    def view_model(self, name: str) -> str | None:
        """The model of a generic view: `model = Event`, or `queryset = Event.objects.all()`."""
        found = self.models.attribute(name, "model")
        if found and isinstance(found[1], Reference):
            model = self.models.named(found[1].origin)
            return model.model if model else None
        found = self.models.attribute(name, "queryset")
        value = found[1] if found else None
        while isinstance(value, CallValue | Attribute):
            value = value.function if isinstance(value, CallValue) else value.value
        if isinstance(value, Reference) and value.origin is not None:
            owner = value.origin
            for _ in value.parts[1:]:
                owner = owner.rpartition(".")[0]
                if (model := self.models.named(owner)) is not None:
                    return model.model
        return None

    def form_of(self, name: str) -> str | None:
        """The form or serializer class of a generic view."""
        for attribute in ("form_class", "serializer_class"):
            found = self.models.attribute(name, attribute)
            if found and isinstance(found[1], Reference) and self.is_form(found[1].origin):
                return self.project.origin(found[1].origin)
        return None

    def form_model(self, name: str) -> str | None:
        """What `class Meta: model = …` of a form or serializer names."""
        return self.project.remember("model of a form", name, lambda: self._form_model(name))

    def _form_model(self, name: str) -> str | None:
        for origin, record, _ in self.project.bases(name):
            definition = self.project.definition(origin) if record else None
            module = self.project.module(definition.path) if definition and definition.path else None
            if module is None or record is None:
                continue
            top = module.names.top.bindings.get(record.qualname, ())
            for outer in (binding.node for binding in top if isinstance(binding.node, ast.ClassDef)):
                scope = module.names.top.child(outer)
                for meta in (binding.node for binding in scope.bindings.get("Meta", ())):
                    if isinstance(meta, ast.ClassDef):
                        inner = scope.child(meta)
                        for binding in inner.bindings.get("model", ()):
                            if binding.how is How.ASSIGNMENT and binding.value is not None:
                                found = self.models.named(module.names.origin(binding.value, inner))
                                return found.model if found else None
        return None


def _is_super(value: ast.expr, method: str) -> bool:
    """`super().method(...)`, with or without arguments, or `self.instance` for what a form saves."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name)):
            return name == method
        case ast.Attribute(value=ast.Name(id="self"), attr="instance"):
            return method == "save"
    return False
