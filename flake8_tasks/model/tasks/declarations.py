"""Which decorators and calls make tasks: Celery's own, app objects under any name, and the project's wrappers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flake8_tasks.model.definition import Definition
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned, ClassRecord, FunctionRecord
from flake8_tasks.model.tasks.app_objects import APP_NAMES, AppObjects
from flake8_tasks.model.tasks.readers import is_changed
from flake8_tasks.model.values import Attribute, CallValue, Constant, Mapping, Opaque, Reference, Value

SHARED = frozenset({"celery.shared_task", "celery.task.task", "celery.decorators.task", "celery.task.base.task"})
_LEGACY = frozenset({"celery.task.periodic_task", "celery.decorators.periodic_task"})
_TOO_DEEP = 6


@dataclass(frozen=True, slots=True)
class Given:
    """An option and where it was written.

    Arguments:
        value: what was written; `Opaque` where it is worked out at run time.
        source: "decorator", "wrapper" (and a dict of options), "base", "task_cls", "task_annotations" or "settings".
        path: the file it stands in.
    """

    name: str
    value: Value
    source: str
    path: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """A decorator, or a call, that makes a task of a function.

    Arguments:
        value: the decorator or call itself.
        given: the options that it and the wrappers behind it set, strongest first.
        wrapper: the function of the project that stands between, None for Celery's own decorators.
        app: the dotted name of the app object, None for `shared_task`.
        unknown: why there may be options that cannot be read, empty where all are known.
        merged: the mappings among its options of which only the function around it knows what they hold.
        accepts: names of parameters that a wrapper keeps for itself.
        passes_on: an option written in it reaches Celery.
    """

    value: Value
    given: tuple[Given, ...]
    wrapper: str | None = None
    app: str | None = None
    unknown: str = ""
    merged: tuple[Value, ...] = ()
    accepts: tuple[str, ...] = ()
    passes_on: bool = True


class Declarations:
    """What a project's decorators mean."""

    def __init__(self, project: Project, apps: AppObjects) -> None:
        self.project, self.apps = project, apps

    def of(self, decorator: Value, path: str) -> Declaration | None:
        """What a decorator declares, None where it makes no task or nobody can say."""
        found = self._of(decorator, path, "decorator", 0)
        return replace(found, unknown="options are passed on") if found and found.merged else found

    def _of(self, decorator: Value, path: str, source: str, depth: int) -> Declaration | None:
        if depth > _TOO_DEEP:
            return None
        call = decorator if isinstance(decorator, CallValue) else None
        function = call.function if call else decorator
        if isinstance(function, CallValue):  # @wrapper(...)(...)
            return None
        given, merged = self._given(call, path, source) if call else ((), ())
        found, app = self.makes_tasks(function)
        if not found and source == "wrapper" and _is_deferred(function):
            found, app = True, ""
        if found:
            return Declaration(decorator, given, app=app, merged=merged)
        origin = function.origin if isinstance(function, Reference) else None
        definition = self.project.definition(origin)
        if definition is None or origin is None:
            return None
        if definition.origin in self.project.config.task_decorators or origin in self.project.config.task_decorators:
            return Declaration(decorator, given, definition.origin, unknown="the wrapper comes from the configuration")
        if not definition.path:
            return None
        inner = self._wrapped(definition, depth)
        if inner is None:
            return None
        known = set(inner.accepts)
        mine = tuple(option for option in given if option.name not in known)
        return Declaration(
            decorator,
            (*mine, *inner.given),
            definition.origin,
            inner.app,
            inner.unknown,
            (*merged, *inner.merged),
            inner.accepts,
            inner.passes_on,
        )

    def _given(
        self, call: CallValue | Mapping, path: str, source: str, depth: int = 0
    ) -> tuple[tuple[Given, ...], tuple[Value, ...]]:
        """The options in a call or dict, also those of the dicts that it merges in; and the dicts that nobody knows."""
        pairs = call.keywords if isinstance(call, CallValue) else _texts(call)
        given, unknown = [Given(name, value, source, path) for name, value in pairs], list[Value]()
        for value in call.merged:
            options, place = self._options(value, path)
            if options is None or depth > _TOO_DEEP:
                unknown.append(value)
                continue
            inner, further = self._given(options, place, "wrapper", depth + 1)
            given.extend(inner)
            unknown.extend(further)
        return tuple(given), tuple(unknown)

    def _options(self, value: Value, path: str) -> tuple[Mapping | None, str]:
        """A dict display, or the one that a name stands for and that nothing changes; and its file."""
        options = self.project.constant(value)
        if not isinstance(options, Mapping) or any(not isinstance(key, Constant) for key, _ in options.items):
            return None, path
        if not isinstance(value, Reference):
            return options, path
        found = self.project.definition(value.origin)
        module = self.project.module(found.path) if found else None
        if found is None or module is None or is_changed(module, found.origin.rpartition(".")[2]):
            return None, path
        return options, found.path

    def makes_tasks(self, function: Value) -> tuple[bool, str | None]:
        """Whether something is one of Celery's own task decorators, and of which app."""
        if isinstance(function, Attribute):
            is_app = function.name == "task" and self.apps.is_app(function.value)
            return is_app, "" if is_app else None
        if not isinstance(function, Reference) or function.origin is None:
            return False, None
        origin = self.project.origin(function.origin)
        if origin in SHARED or function.origin in SHARED or origin in _LEGACY:
            return True, None
        owner, _, last = function.origin.rpartition(".")
        if last == "shared_task" and self.apps.is_app_name(owner):
            return True, None
        if last in ("task", "periodic_task") and owner and self.apps.is_app_name(owner):
            return True, owner
        return False, None

    def is_wrapper(self, name: str) -> bool:
        """A function or class of the project makes tasks of the functions that it is given."""
        definition = self.project.definition(name)
        return definition is not None and bool(definition.path) and self._wrapped(definition, 0) is not None

    def _wrapped(self, definition: Definition, depth: int) -> Declaration | None:
        return self.project.remember("wrapper", definition.origin, lambda: self._read_wrapper(definition, depth))

    def _read_wrapper(self, definition: Definition, depth: int) -> Declaration | None:
        match definition.record:
            case FunctionRecord() as function if not definition.rest:
                return self._read_function(function, definition.path, depth)
            case ClassRecord() as found if not definition.rest:
                return self._read_class(found, definition.path, depth)
            case ClassRecord() as found if (method := found.method(definition.rest[0])) is not None:
                return self._read_function(method, definition.path, depth)
            case Assigned(value=CallValue() as value) if not definition.rest:
                return self._read_preconfigured(value, definition.path, depth)
        return None

    def _read_preconfigured(self, value: CallValue, path: str, depth: int) -> Declaration | None:
        function = value.function
        if isinstance(function, Reference) and self.project.origin(function.origin) == "functools.partial":
            if not value.arguments:
                return None
            value = replace(value, function=value.arguments[0], arguments=value.arguments[1:])
            return self._of(value, path, "wrapper", depth + 1)
        if isinstance(function, Reference):
            maker = self.project.definition(function.origin)
            if maker is not None and isinstance(maker.record, ClassRecord) and not maker.rest:
                inner = self._read_class(maker.record, maker.path, depth)
                given = tuple(Given(name, option, "wrapper", path) for name, option in value.keywords)
                if inner is None:
                    return None
                return replace(inner, value=value, given=(*given, *inner.given), passes_on=False)
        inner = self._of(value, path, "wrapper", depth + 1)
        return replace(inner, passes_on=False) if inner else None

    def _read_class(self, found: ClassRecord, path: str, depth: int) -> Declaration | None:
        call = found.method("__call__")
        inner = self._read_function(call, path, depth) if call else None
        if inner is None:
            return None
        start = found.method("__init__")
        accepts = _kept_by(start) if start else ()
        passes_on = start is not None and any(parameter.kind == "keywords" for parameter in start.parameters)
        kept = tuple(value for value in inner.merged if not (passes_on and _is_of_self(value)))
        return replace(inner, accepts=accepts, passes_on=passes_on, merged=kept)

    def _read_function(self, function: FunctionRecord, path: str, depth: int) -> Declaration | None:
        own = {parameter.name for parameter in function.parameters}
        for value in (*function.returns, *function.inner):
            inner = self._of(value, path, "wrapper", depth + 1)
            if inner is None and isinstance(value, CallValue) and isinstance(value.function, CallValue):
                inner = self._of(value.function, path, "wrapper", depth + 1)  # shared_task(...)(function)
            if inner is None:
                continue
            defaults, strange = _defaults(function, path)
            forwarded = {
                option.name
                for option in inner.given
                if isinstance(option.value, Reference) and option.value.parts[0] in own
            }
            given = tuple(
                Given(option.name, Opaque(option.value.span), option.source, option.path)
                if option.name in forwarded
                else option
                for option in inner.given
            )
            options = [(p.name,) for p in function.parameters if p.kind == "keywords"]
            merged = tuple(
                other for other in inner.merged if not (isinstance(other, Reference) and other.parts in options)
            )
            accepts = tuple(name for name in _kept_by(function) if name not in forwarded)
            return Declaration(
                value,
                (*given, *defaults),
                inner.wrapper,
                inner.app,
                strange or inner.unknown,
                merged,
                accepts,
                passes_on=bool(options),
            )
        return None


def _is_deferred(function: Value) -> bool:
    """`celery_app.task` in a wrapper that gets its app when the task is registered: from a registry, a scanner."""
    return (
        isinstance(function, Reference)
        and function.origin is None
        and function.parts[1:] == ("task",)
        and function.parts[0] in APP_NAMES
    )


def _is_of_self(value: Value) -> bool:
    return isinstance(value, Reference) and value.parts[0] == "self"


def _texts(options: Mapping) -> tuple[tuple[str, Value], ...]:
    return tuple((str(key.value), value) for key, value in options.items if isinstance(key, Constant))


def _kept_by(function: FunctionRecord) -> tuple[str, ...]:
    return tuple(p.name for p in function.parameters if p.kind in ("positional", "keyword"))


def _defaults(function: FunctionRecord, path: str) -> tuple[tuple[Given, ...], str]:
    """What `options.setdefault("name", value)` and the like set in a wrapper, and why that may not be all."""
    found: list[Given] = []
    strange = ""
    for value in function.inner:
        match value:
            case CallValue(
                function=Reference(parts=(*_, "setdefault" | "__setitem__")),
                arguments=(Constant(value=str(name)), option),
            ):
                found.append(Given(name, option, "wrapper", path))
            case CallValue(function=Reference(parts=(*_, "setdefault" | "update"))):
                strange = "the wrapper changes the options"
    return tuple(found), strange
