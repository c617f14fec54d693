"""Which classes of a project are models of an ORM, and what their attributes are: relations, managers, keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flake8_tasks.model.frameworks import django, others, sqlalchemy
from flake8_tasks.model.orm.managers import makes_manager
from flake8_tasks.model.orm.values import Manager, ModelClass
from flake8_tasks.model.records import Assigned, ClassRecord
from flake8_tasks.model.values import CallValue, Constant, Reference, Value

if TYPE_CHECKING:
    from flake8_tasks.model.project import Project

_BASES = {
    **dict.fromkeys(django.MODEL_BASES, "django"),
    **dict.fromkeys(sqlalchemy.DECLARATIVE_BASES, "sqlalchemy"),
    **dict.fromkeys(others.PEEWEE_BASES, "peewee"),
    **dict.fromkeys(others.MONGOENGINE_BASES, "mongoengine"),
}
_INSTANCE_FIELDS = django.INSTANCE_FIELDS | others.PEEWEE_INSTANCE_FIELDS | others.MONGOENGINE_INSTANCE_FIELDS
_DJANGO_FIELDS = ("django.db.models.", "django.contrib.postgres.fields.", "django.contrib.gis.db.models.")


class Classes:
    """The classes of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    # Models.

    def orm(self, name: str | None) -> str | None:
        """The ORM whose model a class is, None for any other class."""
        if name is None:
            return None
        return self.project.remember("orm of a class", name, lambda: self._orm(name))

    def _orm(self, name: str) -> str | None:
        strange = has_table = has_fields = is_sqlmodel = False
        for origin, record, _ in self.project.bases(name):
            if record is None:
                if origin in _BASES:
                    return _BASES[origin]
                is_sqlmodel |= origin in others.SQLMODEL_BASES
                strange |= not origin.startswith(("builtins.", "abc.", "typing."))
                continue
            if found := next((orm for base in record.bases if (orm := self._orm_of_made(base))), None):
                return found
            if self._is_mapped(record):
                return "sqlalchemy"
            has_table |= any(
                key == others.SQLMODEL_TABLE_KEYWORD and isinstance(value, Constant) and value.value is True
                for key, value in record.keywords
            )
            has_fields |= any(self._is_django_field(value) for _, value in record.attributes)
        if is_sqlmodel:
            return "sqlmodel" if has_table else None
        return "django" if strange and has_fields else None

    def _orm_of_made(self, base: Value) -> str | None:
        """The ORM of a base that a call has made: `Base = declarative_base()`, `db = SQLAlchemy()` and `db.Model`."""
        rest: tuple[str, ...] = ()
        call: Value | None = base
        if isinstance(base, Reference):
            definition = self.project.definition(base.origin)
            if definition is None or not isinstance(definition.record, Assigned):
                return None
            call, rest = definition.record.value, definition.rest
        if not isinstance(call, CallValue) or not isinstance(call.function, Reference):
            return None
        maker = self.project.origin(call.function.origin)
        if not rest and (maker in sqlalchemy.BASE_MAKERS or call.function.parts[-1] in sqlalchemy.REGISTRY_BASES):
            return "sqlalchemy"
        if rest == (others.FLASK_MODEL_ATTRIBUTE,):
            if self.project.inherits(call.function.origin, others.FLASK_SQLALCHEMY):
                return "sqlalchemy"
            if self.project.inherits(call.function.origin, others.PEEWEE_FLASK):
                return "peewee"
        return None

    def _is_mapped(self, record: ClassRecord) -> bool:
        metaclasses = (value for key, value in record.keywords if key == "metaclass" and isinstance(value, Reference))
        if any(self.project.origin(value.origin) in sqlalchemy.DECLARATIVE_METACLASSES for value in metaclasses):
            return True
        for decorator in record.decorators:
            value = decorator.function if isinstance(decorator, CallValue) else decorator
            if not isinstance(value, Reference):
                continue
            if self.project.origin(value.origin) in sqlalchemy.BASE_DECORATORS:
                return True
            if value.parts[-1] in sqlalchemy.REGISTRY_DECORATORS and value.origin is not None:
                owner = self.project.definition(value.origin.rpartition(".")[0])
                match owner.record if owner else None:
                    case Assigned(CallValue(function=Reference(origin=str(maker)))):
                        return self.project.origin(maker) in sqlalchemy.REGISTRIES
        return False

    def _is_django_field(self, value: Value) -> bool:
        match value:
            case CallValue(function=Reference(origin=str(origin))):
                found = self.project.origin(origin) or ""
                return found.startswith(_DJANGO_FIELDS) and found.endswith(("Field", "ForeignKey"))
        return False

    def named(self, name: str | None) -> ModelClass | None:
        """The model that a dotted name stands for, also one that was looked up: `User = get_user_model()`."""
        if name is None:
            return None
        return self.project.remember("model class", name, lambda: self._named(name))

    def _named(self, name: str) -> ModelClass | None:
        definition = self.project.definition(name)
        if definition is None or definition.rest:
            return None
        match definition.record:
            case Assigned(CallValue(function=Reference(origin=str(origin)), arguments=arguments)):
                return self.looked_up(origin, arguments)
            case ClassRecord() | None:
                orm = self.orm(definition.origin)
                return ModelClass(definition.origin, orm) if orm else None
        return None

    def installed(self, name: str | None) -> ModelClass | None:
        """A class in the `models` of a package that is not part of the project: where it has `objects`, a model."""
        definition = self.project.definition(name)
        if definition is None or definition.path or self.project.is_shown(definition.origin):
            return None
        *modules, last = definition.origin.split(".")
        return ModelClass(definition.origin, "django") if "models" in modules and last[:1].isupper() else None

    def looked_up(self, function: str | None, arguments: tuple[Value, ...]) -> ModelClass | None:
        """The model that a call such as `get_user_model()` or `apps.get_model("shop", "Event")` returns."""
        origin = self.project.origin(function)
        if origin not in django.MODEL_GETTERS:
            return None
        if origin == "django.contrib.auth.get_user_model":
            return ModelClass(self.user_model(), "django")
        match arguments:
            case (Constant(value=str(label)), Constant(value=str(model))):
                return ModelClass(self.labelled(f"{label}.{model}"), "django")
            case (Constant(value=str(label)),):
                return ModelClass(self.labelled(label), "django")
        return ModelClass(None, "django")

    def user_model(self) -> str | None:
        """What AUTH_USER_MODEL names, None where the settings are not there to be read."""
        return self.project.remember("user model", None, self._user_model)

    def _user_model(self) -> str | None:
        from flake8_tasks.model.index import SETTINGS

        for path in self.project.holding(SETTINGS):
            summary = self.project.summary(path)
            for record in summary.names.get("AUTH_USER_MODEL", ()) if summary else ():
                if isinstance(record, Assigned) and isinstance(record.value, Constant):
                    return self.labelled(str(record.value.value))
        return None

    def labelled(self, label: str) -> str | None:
        """The class that `"app.Model"` names."""
        app, _, model = label.rpartition(".")
        found = {
            definition.origin
            for module in self._model_modules().get(app.lower(), ())
            if (definition := self.project.definition(f"{module}.{model}")) is not None
            and isinstance(definition.record, ClassRecord)
            and not definition.rest
        }
        return found.pop() if len(found) == 1 else None

    def _model_modules(self) -> dict[str, list[str]]:
        return self.project.remember("model modules", None, self._read_model_modules)

    def _read_model_modules(self) -> dict[str, list[str]]:
        self.project.asked.add("paths")
        found: dict[str, list[str]] = {}
        for path in self.project.index.paths:
            folder, name = os.path.split(path)
            if name == "__init__.py" and os.path.basename(folder) == "models":
                folder = os.path.dirname(folder)
            elif name != "models.py":
                continue
            found.setdefault(os.path.basename(folder).lower(), []).append(self.project.layout.module_name(path)[0])
        return found

    def primary_key(self, name: str | None) -> str | None:
        """The attribute that holds a model's primary key, None where it is not known or is made of several."""
        orm = self.orm(name)
        if orm in ("django", "mongoengine"):
            return "pk"
        keys: list[str] = []
        names: set[str] = set()
        for _, record, _ in self.project.bases(name):
            for key, value in record.attributes if record else ():
                names.add(key)
                if isinstance(value, CallValue):
                    match value.keyword("primary_key"):
                        case Constant(value=True) if key not in keys:
                            keys.append(key)
        if keys:
            return keys[0] if len(keys) == 1 else None
        return "id" if "id" in names or orm == "peewee" else None

    # Attributes of models.

    def attribute(self, name: str, attribute: str) -> tuple[str, Value] | None:
        """The class in a model's lineage that has an attribute, and its value there; None where a method hides it."""
        for origin, record, _ in self.project.bases(name):
            if record is None:
                continue
            if record.method(attribute) is not None:
                return None
            value = record.attribute(attribute)
            if value is not None:
                return origin, value
        return None

    def has(self, name: str, attribute: str) -> bool:
        """A class, or a base of the project, has an attribute or method of that name."""
        return any(
            record is not None and (record.attribute(attribute) is not None or record.method(attribute) is not None)
            for _, record, _ in self.project.bases(name)
        )

    def related(self, name: str, attribute: str) -> ModelClass | Manager | None:
        """What a relation of a model leads to: the class of one other instance, or a manager of several."""
        return self.project.remember("relation", (name, attribute), lambda: self._related(name, attribute))

    def _related(self, name: str, attribute: str) -> ModelClass | Manager | None:
        found = self.attribute(name, attribute)
        if found is None or not isinstance(found[1], CallValue) or not isinstance(found[1].function, Reference):
            return None
        owner, call = found[0], found[1]
        function = found[1].function.origin
        orm = self.orm(name) or "django"
        if self.project.inherits(function, _INSTANCE_FIELDS):
            return ModelClass(self._target(owner, name, call), orm)
        if self.project.inherits(function, django.MANAGER_FIELDS):
            return Manager(self._target(owner, name, call), orm)
        return None

    def _target(self, owner: str, model: str, value: CallValue) -> str | None:
        target = value.arguments[0] if value.arguments else value.keyword("to") or value.keyword("model")
        if isinstance(value.function, Reference) and value.function.parts[-1].startswith("Generic"):
            return None
        match target:
            case Constant(value="self"):
                return model
            case Constant(value=str(label)) if "." in label:
                return self.labelled(label)
            case Constant(value=str(label)):
                definition = self.project.definition(owner)
                summary = self.project.summary(definition.path) if definition and definition.path else None
                found = self.named(f"{summary.module}.{label}") if summary else None
                return found.model if found else None
            case Reference(parts=(*_, "AUTH_USER_MODEL")):
                return self.user_model()
            case Reference(origin=origin):
                found = self.named(origin)
                return found.model if found else None
        return None

    def manager(self, model: ModelClass, attribute: str) -> Manager | None:
        """The manager that a class attribute is."""
        if attribute in django.MANAGERS:
            return Manager(model.model, model.orm)
        found = self.attribute(model.model, attribute) if model.model else None
        if found and isinstance(found[1], CallValue) and makes_manager(found[1].function, self.project):
            return Manager(model.model, model.orm)
        return None
