"""What a function does to the outside, in the order it does it: rows saved, requests, mails, tasks sent."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_tasks.model.effects.outside import Outside
from flake8_tasks.model.frameworks import django, others, sqlalchemy
from flake8_tasks.model.module import Frame, Module, Site
from flake8_tasks.model.orm.shapes import text
from flake8_tasks.model.orm.values import Instance, Manager, ModelClass, Queryset, Thing
from flake8_tasks.model.values import dotted

if TYPE_CHECKING:
    from flake8_tasks.model.orm.reading import Orm
    from flake8_tasks.model.project import Project
    from flake8_tasks.model.reader import Reader

_SAVES = {
    "django": django.MODEL_SAVES,
    "peewee": others.PEEWEE_SAVES,
    "mongoengine": others.MONGOENGINE_SAVES,
}
_RELOADS = django.MODEL_RELOADS | others.MONGOENGINE_RELOADS
_CREATES = frozenset(name for name in django.QUERYSET_WRITES if "create" in name)
_UPDATES = frozenset({"update", "aupdate"})
_MAY_WRITE = frozenset().union(*_SAVES.values(), _RELOADS, _CREATES, _UPDATES, sqlalchemy.SESSION_ADDS)
UNKNOWN_FIELDS: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing a function does.

    Arguments:
        kind: "save" (a row that is there is written), "create" (a new one), "update" (rows of a queryset), "reload"
            (the row is read again), "request", "mail" (mail or message to a recipient), "dispatch" (a task sent),
            "assign" (a field of a subject set), "bind" (the subject's name stands for something new from here on).
        subject: the dotted text of what is saved, reloaded, assigned to or bound: "user", "self.order"; for "create",
            the name the new row is given, None where it is given none.
        fields: for "save", the names in `update_fields`, `UNKNOWN_FIELDS` where that is worked out at run time,
            None for all; for "create" and "update", the keywords; for "assign", the one field.
        node: the call, or the statement that assigns.
        site: the same with the blocks around it; compare its frames with others by node and part, not by identity.
        what: what does it: "requests.post", "user.save".
        through: the function of the project that does it, where that is not the text itself: "facebook_request".
        value: what is assigned.
        instance: what the subject is, where that is known.
        contained: a failure of the request or mail does not leave the function `through`, or it is asked not to fail.
    """

    kind: str
    subject: str | None
    fields: tuple[str, ...] | None
    node: ast.Call | ast.stmt
    site: Site
    what: str
    through: str = ""
    value: ast.expr | None = None
    instance: Instance | None = None
    contained: bool = False

    @property
    def saves(self) -> bool:
        """A row is written for certain."""
        return self.kind in ("save", "create", "update")

    @property
    def leaves(self) -> bool:
        """Something outside the database may have seen it: a request, mail or task cannot be taken back."""
        return self.kind in ("request", "mail", "dispatch")

    @property
    def when(self) -> tuple[int, int, bool]:
        """Its place in the order of its function."""
        return when(self.node)

    def within(self, *kinds: type[ast.AST]) -> Iterator[Frame]:
        """The blocks of some kinds around it, inside its function, innermost first: `within(ast.For, ast.While)`."""
        return (frame for frame in self.site.frame.here() if isinstance(frame.node, kinds))


def when(node: ast.AST) -> tuple[int, int, bool]:
    """The place of a call or statement in the order of its function.

    Calls happen when their last argument is known, an assignment after its value; a loop's name at its head.
    """
    last = node
    if isinstance(node, ast.For | ast.AsyncFor):
        last = node.iter
    elif isinstance(node, ast.With | ast.AsyncWith):
        last = node.items[-1].context_expr
    return (last.end_lineno, last.end_col_offset, isinstance(node, ast.stmt))  # type: ignore[attr-defined]


def effects(
    function: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame, module: Module, project: Project, orm: Orm
) -> tuple[Effect, ...]:
    """The effects of a function's own body, functions nested in it left out.

    Arguments:
        frame: the block that the function stands in.
    """
    finder = _finder(module, project, orm)
    return project.remember("effects", function, lambda: finder.of(function, frame), of=module)


def effect_of(site: Site, project: Project) -> Effect | None:
    """What one call does by itself, None for nothing."""
    finder = _finder(site.module, project, project.orm)
    return project.remember("effect", site.node, lambda: finder.of_call(site), of=site.module)


def _finder(module: Module, project: Project, orm: Orm) -> _Finder:
    return project.remember("finder of effects", module, lambda: _Finder(module, project, orm), of=module)


def may_follow(earlier: Effect, later: Effect) -> bool:
    """Whether a run can come to the later of two effects of a function after the earlier one: not when they stand in
    branches that exclude each other, nor when the branch of the earlier one leaves the function or the loop.
    """
    here = list(reversed([*earlier.site.frame.here()]))
    there = list(reversed([*later.site.frame.here()]))
    shared = 0
    while shared < min(len(here), len(there)) and _block(here[shared]) == _block(there[shared]):
        shared += 1
    if shared < len(here) and shared < len(there):
        one, two, module = here[shared], there[shared], earlier.site.module
        if _exclude(one, two, module):
            return False
        if _tried(one, module) is not None and _tried(one, module) is _tried(two, module):
            return True  # a jump out of a `try` passes its `finally`, and an error its handlers
    return not any(_leaves(frame, earlier.node) for frame in here[shared:])


def _block(frame: Frame) -> tuple[ast.AST, str]:
    return frame.node, frame.part


def _exclude(one: Frame, other: Frame, module: Module) -> bool:
    """Two blocks of one statement of which only one runs."""
    first, second = _choice(one, module), _choice(other, module)
    return first is not None and second is not None and first[0] is second[0] and first[1] is not second[1]


def _choice(frame: Frame, module: Module) -> tuple[ast.AST | None, object] | None:
    match frame.node, frame.part:
        case ast.If() as node, part:
            return node, part
        case ast.ExceptHandler() as node, _:
            return module.parents.get(node), node
        case ast.Try() | ast.TryStar() as node, "orelse":
            return node, "orelse"
    return None


def _tried(frame: Frame, module: Module) -> ast.AST | None:
    """The `try` that a block is a part of."""
    node = module.parents.get(frame.node) if isinstance(frame.node, ast.ExceptHandler) else frame.node
    return node if isinstance(node, ast.Try | ast.TryStar) else None


def _leaves(frame: Frame, node: ast.AST) -> bool:
    """The block ends with a jump out of it, after the node."""
    statements = frame.node.body if frame.part == "handler" else getattr(frame.node, frame.part, None)  # type: ignore[attr-defined]
    last = statements[-1] if isinstance(statements, list) and statements else None
    return isinstance(last, ast.Return | ast.Raise | ast.Continue | ast.Break) and last.lineno > node.lineno  # type: ignore[attr-defined]


class _Finder:
    def __init__(self, module: Module, project: Project, orm: Orm) -> None:
        self.module = module
        self.project = project
        self.orm = orm
        self.outside = project.remember("outside", None, lambda: Outside(project, orm))
        self._reader: Reader | None = None

    def of(self, function: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> tuple[Effect, ...]:
        self._reader = None  # it remembers what this function asks, and the next would not be seen to ask
        found: list[Effect] = []
        for site in self.module.inside(function, frame):
            if isinstance(site.node, ast.Call) and (effect := self._call(site.node, site)) is not None:
                found.append(effect)
        inner = Frame(function, "body", frame.scope.child(function), frame)
        found.extend(self._assignments(function.body, inner))
        subjects = {effect.subject for effect in found if effect.kind in ("save", "create", "reload")}
        found = [effect for effect in found if effect.kind not in ("assign", "bind") or effect.subject in subjects]
        return tuple(sorted(found, key=lambda effect: effect.when))

    # Calls.

    def of_call(self, site: Site) -> Effect | None:
        self._reader = None
        return self._call(site.node, site) if isinstance(site.node, ast.Call) else None

    def _call(self, call: ast.Call, site: Site) -> Effect | None:
        if isinstance(call.func, ast.Attribute) and call.func.attr in _MAY_WRITE:
            written = self._written(call, call.func, site)
            if written is not None:
                return written
        if self._sends_task(call, site.frame):
            return Effect("dispatch", None, None, call, site, text(call.func))
        outward = self.outside.of(call, site.frame, self.module)
        if outward is not None:
            what, through = outward.what, outward.through
            return Effect(outward.kind, None, None, call, site, what, through, contained=outward.contained)
        return None

    def _written(self, call: ast.Call, function: ast.Attribute, site: Site) -> Effect | None:
        method, scope = function.attr, site.frame.scope
        owner = self.orm.read(function.value, scope, self.module)
        what = text(function)
        match owner:
            case Instance(orm=orm) if method in _SAVES.get(orm, ()):
                subject = _subject(function.value)
                return Effect("save", subject, _update_fields(call), call, site, what, instance=owner)
            case Instance() if method in _RELOADS:
                return Effect("reload", _subject(function.value), None, call, site, what, instance=owner)
            case Manager() | Queryset() | ModelClass() if method in _CREATES or method in _UPDATES:
                fields = tuple(keyword.arg for keyword in call.keywords if keyword.arg)
                if method in _UPDATES:
                    return (
                        Effect("update", None, fields, call, site, what) if not isinstance(owner, ModelClass) else None
                    )
                subject = self._given_name(call)
                return Effect("create", subject, fields, call, site, what, instance=_made(owner, what))
        if method in sqlalchemy.SESSION_ADDS and len(call.args) == 1:
            added = self.orm.read(call.args[0], scope, self.module)
            if isinstance(added, Instance) and added.orm in ("sqlalchemy", "sqlmodel"):
                return Effect("save", _subject(call.args[0]), None, call, site, what, instance=added)
        return None

    def _given_name(self, call: ast.Call) -> str | None:
        """`event` in `event = Event.objects.create()` and `event, created = …get_or_create()`."""
        parent = self.module.parents.get(call)
        if isinstance(parent, ast.Await):
            parent = self.module.parents.get(parent)
        match parent:
            case ast.Assign(targets=[ast.Tuple(elts=[first, _])]):
                return _subject(first)
            case ast.Assign(targets=[target]) | ast.NamedExpr(target=target) | ast.AnnAssign(target=target):
                return _subject(target)
        return None

    def _sends_task(self, call: ast.Call, frame: Frame) -> bool:
        if self._reader is None:
            from flake8_tasks.model.reader import Reader

            self._reader = Reader(self.module, self.project)
        dispatch = self._reader.dispatches.of(call, frame)
        return dispatch is not None and dispatch.sends and not dispatch.is_deferred

    # Assignments.

    def _assignments(self, statements: Iterable[ast.stmt], frame: Frame) -> Iterator[Effect]:
        for statement, inner in _statements(statements, frame):
            for target, value in _targets(statement):
                site = Site(statement, inner, self.module)
                match target:
                    case ast.Attribute(value=owner, attr=field) if (subject := _subject(owner)) is not None:
                        yield Effect("assign", subject, (field,), statement, site, f"{subject}.{field}", value=value)
                if (subject := _subject(target)) is not None:
                    yield Effect("bind", subject, None, statement, site, subject, value=value)


def _targets(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """What a statement assigns to, and the value where one can be named."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _unpacked(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
            yield target, value
        case ast.For(target=target) | ast.AsyncFor(target=target):
            yield from _unpacked(target, None)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from _unpacked(item.optional_vars, None)


def _unpacked(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    if not isinstance(target, ast.Tuple | ast.List):
        yield target, value
        return
    values = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
    for position, inner in enumerate(target.elts):
        yield from _unpacked(inner, values[position] if values else None)


_PARTS = {"body": "body", "orelse": "orelse", "finalbody": "finally"}


def _statements(statements: Iterable[ast.stmt], frame: Frame) -> Iterator[tuple[ast.stmt, Frame]]:
    """The statements of a block and of those in it, functions and classes left out, each with its frame."""
    for statement in statements:
        yield statement, frame
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for field, part in _PARTS.items():
            inner = getattr(statement, field, None)
            if isinstance(inner, list) and inner:
                yield from _statements(inner, Frame(statement, part, frame.scope, frame))
        for handler in getattr(statement, "handlers", ()):
            yield from _statements(handler.body, Frame(handler, "handler", frame.scope, frame))
        for case in getattr(statement, "cases", ()):
            yield from _statements(case.body, frame)


def _subject(node: ast.expr) -> str | None:
    parts = dotted(node)
    return ".".join(parts) if parts else None


def _update_fields(call: ast.Call) -> tuple[str, ...] | None:
    for keyword in call.keywords:
        if keyword.arg is None:
            return UNKNOWN_FIELDS
        if keyword.arg == "update_fields":
            match keyword.value:
                case ast.Constant(value=None):
                    return None
                case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                    names = tuple(item.value for item in items if isinstance(item, ast.Constant))
                    texts = tuple(name for name in names if isinstance(name, str))
                    return texts if len(texts) == len(items) else UNKNOWN_FIELDS
            return UNKNOWN_FIELDS
    return None


def _made(owner: Thing, how: str) -> Instance | None:
    return Instance(owner.model, owner.orm, how) if isinstance(owner, Manager | Queryset | ModelClass) else None
