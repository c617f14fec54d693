"""Classes of installed packages, read with astroid from their files; nothing of the user's is ever imported.

Only what stands in the text counts: imports and assignments are followed by name, nothing is evaluated.  Celery,
kombu, Django and SQLAlchemy are never asked about, so that findings do not depend on whether they are installed.
"""

from __future__ import annotations

import builtins
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from astroid import nodes

# Packages that the tables know, and those whose classes are neither tasks nor models.
_NEVER: Final = frozenset(
    {
        *("celery", "kombu", "billiard", "vine", "amqp", "django", "sqlalchemy", "astroid", "flake8_tasks", ""),
        *(
            "rest_framework",
            "graphene",
            "pydantic",
            "pydantic_core",
            "marshmallow",
            "attr",
            "attrs",
            "flask",
            "factory",
        ),
        *("requests", "pytest", "_pytest", "numpy", "pandas", "typing_extensions", "<unbound>"),
    }
)
_TOO_DEEP = 8


@dataclass(frozen=True, slots=True)
class _Class:
    bases: tuple[str, ...]
    attributes: tuple[tuple[str, object], ...]


def bases(dotted: str) -> tuple[str, ...] | None:
    """The dotted names of the direct bases of a class in an installed package.

    Arguments:
        dotted: `package.module.Class`, or any name under which the package shows the class.

    Returns:
        None where the package is not installed or its text does not say.  A name that is an alias of a class of a
        package that is never asked about comes with that class as its one base.
    """
    found = _read(dotted)
    return found.bases if found else None


def class_attributes(dotted: str) -> tuple[tuple[str, object], ...] | None:
    """The attributes that the body of such a class sets, without those of its bases; `...` for what is no literal."""
    found = _read(dotted)
    return found.attributes if found else None


def may_be_asked(dotted: str) -> bool:
    """A name is of no package that is left alone, so that what is installed matters."""
    top = dotted.partition(".")[0]
    return top not in _NEVER and top not in sys.stdlib_module_names


def state(dotted: str) -> str:
    """A text that changes when the package of a name is installed, removed or exchanged; empty for none."""
    places = _places(dotted.partition(".")[0]) if may_be_asked(dotted) else None
    if not places:
        return ""
    try:
        return f"{places}{os.stat(places[0] or places[-1]).st_mtime_ns}"
    except OSError:
        return str(places)


@cache
def _places(name: str) -> tuple[str, ...] | None:
    """The file of a module and the folders of its submodules; None where it is not installed as text."""
    parent, _, _ = name.rpartition(".")
    folders = None
    if parent:
        places = _places(parent)
        if places is None or len(places) == 1:
            return None
        folders = list(places[1:])
    try:
        spec = PathFinder.find_spec(name, folders)
    except KeyError:
        # A folder without __init__.py inside another: Python asks the outer one where it is, which is not imported.
        last = name.rpartition(".")[2]
        return ("", *(place for folder in folders or () if os.path.isdir(place := os.path.join(folder, last))))
    except (ImportError, OSError, ValueError):
        return None
    if spec is None:
        return None
    origin = spec.origin if spec.has_location and spec.origin and spec.origin.endswith(".py") else ""
    return (origin, *(spec.submodule_search_locations or ()))


@cache
def _module(name: str) -> nodes.Module | None:
    places = _places(name)
    if not places or not places[0]:
        return None
    from astroid import MANAGER
    from astroid.builder import AstroidBuilder
    from astroid.exceptions import AstroidError

    class Builder(AstroidBuilder):  # type: ignore[misc]  # astroid has no types
        """Leaves out what astroid infers while it builds: one module would draw in dozens of others."""

        def delayed_assattr(self, *_: object) -> None:
            pass

        def add_from_names_to_locals(self, node: nodes.ImportFrom, *rest: object) -> None:
            if node.names[0][0] != "*":
                super().add_from_names_to_locals(node, *rest)

    try:
        return Builder(MANAGER, apply_transforms=False).file_build(places[0], name)
    except (AstroidError, SyntaxError, OSError, RecursionError, ValueError):
        return None


@cache
def _read(dotted: str) -> _Class | None:
    return _found(dotted, 0)


def _found(dotted: str, depth: int) -> _Class | None:
    if depth > _TOO_DEEP:
        return None
    if not may_be_asked(dotted):
        return _Class((dotted,), ()) if depth and dotted.partition(".")[0] in _NEVER - {""} else None
    parts = dotted.split(".")
    length = next((end for end in range(len(parts) - 1, 0, -1) if _places(".".join(parts[:end]))), 0)
    module = _module(".".join(parts[:length])) if length else None
    return _member(module, parts[length:], depth) if module is not None else None


def _member(module: nodes.Module, rest: list[str], depth: int) -> _Class | None:
    from astroid import nodes

    for node in module.locals.get(rest[0], ()):
        match node:
            case nodes.ClassDef() if len(rest) == 1:
                return _class(node, module)
            case nodes.ClassDef() if len(rest) == 2:
                for inner in node.locals.get(rest[1], ()):
                    if isinstance(inner, nodes.ClassDef):
                        return _class(inner, module)
                return None
        origin = _origin(rest, module)
        if origin is not None:
            return _found(origin, depth + 1)
    for star in module.body:
        if isinstance(star, nodes.ImportFrom) and star.names[0][0] == "*":
            found = _found(".".join([module.relative_to_absolute_name(star.modname, star.level), *rest]), depth + 1)
            if found is not None:
                return found
    return None


def _class(node: nodes.ClassDef, module: nodes.Module) -> _Class | None:
    from astroid import nodes

    found: list[str] = []
    for base in node.bases:
        written = base.value if isinstance(base, nodes.Subscript) else base
        origin = (
            _origin(written.as_string().split("."), module)
            if isinstance(written, nodes.Name | nodes.Attribute)
            else None
        )
        if origin is None:
            return None
        found.append(origin)
    attributes: list[tuple[str, object]] = []
    for statement in node.body:
        match statement:
            case nodes.Assign(targets=[nodes.AssignName(name=name)], value=value):
                attributes.append((name, _literal(value)))
            case nodes.AnnAssign(target=nodes.AssignName(name=name), value=value) if value is not None:
                attributes.append((name, _literal(value)))
            case nodes.FunctionDef(name=name) if statement.decorators is not None:
                attributes.append((name, ...))
    return _Class(tuple(found), tuple(attributes))


def _literal(value: nodes.NodeNG) -> object:
    from astroid import nodes

    if isinstance(value, nodes.Const) and isinstance(value.value, str | int | float | bool | None):
        return value.value
    return ...


def _origin(parts: list[str], module: nodes.Module) -> str | None:
    """The absolute name of `a.b` in a module, by the first import, class or alias that binds `a`."""
    from astroid import nodes

    first, *rest = parts
    for node in module.locals.get(first, ()):
        match node:
            case nodes.ImportFrom(names=names):
                for name, alias in names:
                    if (alias or name) == first:
                        return ".".join([module.relative_to_absolute_name(node.modname, node.level), name, *rest])
            case nodes.Import(names=names):
                for name, alias in names:
                    if alias == first:
                        return ".".join([name, *rest])
                return ".".join(parts)
            case nodes.ClassDef():
                return ".".join([module.name, *parts])
            case nodes.AssignName(parent=nodes.Assign(value=nodes.Name() | nodes.Attribute() as value)):
                inner = value.as_string().split(".")
                return None if inner[0] == first else _origin([*inner, *rest], module)
    if first not in module.locals and not rest and hasattr(builtins, first):
        return f"builtins.{first}"
    return None
