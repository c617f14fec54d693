"""What `relationship("User")` leads to in a mapped class without annotations: one row, or a list of them."""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.model.frameworks.others import FLASK_SQLALCHEMY
from flake8_tasks.model.frameworks.sqlalchemy import RELATIONS
from flake8_tasks.model.orm.classes import Classes
from flake8_tasks.model.orm.values import Instance, Items
from flake8_tasks.model.records import Assigned
from flake8_tasks.model.values import CallValue, Constant, Reference, Sequence, Value

# What makes something else of the attribute, or leaves to SQL which side has the key.
_UNCLEAR = ("collection_class", "primaryjoin", "secondaryjoin", "remote_side")


def related(model: str, name: str, classes: Classes, how: str) -> Instance | Items | None:
    """What an attribute of a row of a model is; None where foreign keys and options do not say."""
    found = classes.attribute(model, name)
    if found is None or not isinstance(found[1], CallValue) or not _is_relation(found[1], classes):
        return None
    owner, call = found
    assert isinstance(call, CallValue)
    target = _target(owner, call, classes)
    several = _is_list(model, target, call, classes)
    if several is None:
        return None
    row = Instance(target, "sqlalchemy", how)
    return Items(row) if several else row


def _is_relation(call: CallValue, classes: Classes) -> bool:
    """A call of SQLAlchemy's `relationship`, or of that of Flask-SQLAlchemy's `db`."""
    found = classes.project.definition(call.function.origin if isinstance(call.function, Reference) else None)
    match found.record if found else None:
        case Assigned(value=CallValue(function=Reference(origin=maker))):
            return (
                found is not None
                and found.rest == ("relationship",)
                and (classes.project.inherits(maker, FLASK_SQLALCHEMY))
            )
    return found is not None and found.origin in RELATIONS


def _target(owner: str, call: CallValue, classes: Classes) -> str | None:
    match call.arguments[0] if call.arguments else call.keyword("argument"):
        case Constant(value=str(label)):
            named = classes.named(f"{owner.rpartition('.')[0]}.{label}")
        case Reference(origin=origin):
            named = classes.named(origin)
        case _:
            return None
    return named.model if named else None


def _is_list(model: str, target: str | None, call: CallValue, classes: Classes) -> bool | None:
    uselist, lazy = call.keyword("uselist"), call.keyword("lazy")
    if isinstance(uselist, Constant) and uselist.value is False:
        return False
    if not call.complete or uselist is not None or any(call.keyword(option) for option in _UNCLEAR):
        return None
    if lazy is not None and getattr(lazy, "value", "dynamic") in ("dynamic", "write_only"):
        return None
    if call.keyword("secondary") is not None:
        return True
    if (keys := call.keyword("foreign_keys")) is not None:
        own = keys.items if isinstance(keys, Sequence) else (keys,)
        is_own = all(isinstance(key, Reference) and (key.origin or "").rpartition(".")[0] == model for key in own)
        return False if own and is_own else None
    if target is None or target == model:
        return None
    here = _keys(model, classes) & _names(target, classes)
    there = _keys(target, classes) & _names(model, classes)
    return bool(there) if bool(here) != bool(there) else None


def _keys(model: str, classes: Classes) -> set[str]:
    """The tables, and models, that the foreign keys of a model lead to."""
    return {
        found
        for _, record, _ in classes.project.bases(model)
        for _, value in (record.attributes if record else ())
        for found in _leads_to(value)
    }


def _leads_to(value: Value) -> Iterator[str]:
    """`Column(Integer, ForeignKey("users.id"))`, `Column(ForeignKey(User.id))`."""
    for inner in value.arguments if isinstance(value, CallValue) else ():
        match inner:
            case CallValue(function=Reference(parts=(*_, "ForeignKey")), arguments=(Constant(value=str(key)), *_)):
                yield key.rpartition(".")[0].rpartition(".")[2]
            case CallValue(function=Reference(parts=(*_, "ForeignKey")), arguments=(Reference(origin=str(key)), *_)):
                yield key.rpartition(".")[0]


def _names(model: str, classes: Classes) -> set[str]:
    """A model and its table."""
    found = classes.attribute(model, "__tablename__")
    table = found[1] if found else None
    return {model, str(table.value)} if isinstance(table, Constant) else {model}
