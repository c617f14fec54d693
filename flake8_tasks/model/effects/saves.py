"""A row saved, a request made, the same row saved again: what the row says if the worker stops between the two."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_tasks.edit import DeleteStatement, Edit, Refusal
from flake8_tasks.model.effects.effect import UNKNOWN_FIELDS, Effect, effects
from flake8_tasks.model.effects.paths import block_of, leads_to, names_in, shares, statement_of
from flake8_tasks.model.effects.setters import Setters
from flake8_tasks.model.effects.underway import Says, says, says_sent
from flake8_tasks.model.facts import Declared
from flake8_tasks.model.orm.shapes import text

_WITH_SESSIONS = frozenset({"sqlalchemy", "sqlmodel"})  # nothing is written before the commit
_KEYS = frozenset({"pk", "id"})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True, slots=True)
class HalfSaved:
    """A first save, a request, and a second save of the same row.

    Arguments:
        field: one that is set before the first save and never again.
    """

    declared: Declared
    field: str
    first: Effect
    request: Effect
    second: Effect

    @property
    def subject(self) -> str:
        """What is saved: "user"."""
        return self.first.subject or ""

    @property
    def request_name(self) -> str:
        """The function that makes the request, as it is written."""
        return self.request.through or self.request.what

    def without_first(self) -> tuple[Edit, ...] | Refusal:
        """The first save goes, or why it must stay."""
        return _Removal(self).edits()


def half_saved(declared: Declared) -> Iterator[HalfSaved]:
    """The rows that a task saves half, each with the first request after the save."""
    if declared.body is None:
        return
    project, module = declared.project, declared.module
    calls = (site.node.func for site in module.inside(*declared.body) if isinstance(site.node, ast.Call))
    if sum("save" in getattr(function, "attr", "") for function in calls) < 2:
        return  # most tasks: nothing has to be looked up
    found = effects(*declared.body, module, project, project.orm)
    saves = [effect for effect in found if _is_save(effect)]
    if len(saves) < 2:
        return
    seen: set[ast.AST] = set()
    for request in found:
        if not _asks(request):
            continue
        for subject in sorted({save.subject for save in saves if save.subject}):
            half = _around(request, subject, found, declared)
            if half is not None and half.first.node not in seen:
                seen.add(half.first.node)
                yield half


def _is_save(effect: Effect) -> bool:
    return (
        effect.kind == "save" and effect.instance is not None and effect.instance.orm not in ("sqlalchemy", "sqlmodel")
    )


def _asks(effect: Effect) -> bool:
    """A request, or a message that may fail."""
    return effect.kind == "request" or (effect.kind == "mail" and not effect.contained)


def _around(request: Effect, subject: str, found: Sequence[Effect], declared: Declared) -> HalfSaved | None:
    own = [effect for effect in found if effect.subject == subject]
    at = request.when
    before = [effect for effect in own if _is_save(effect) and effect.when < at and _flows(effect, request)]
    if not before:
        return None
    first = before[-1]
    after = [effect for effect in own if _is_save(effect) and effect.when > at and _follows(request, effect)]
    after = [effect for effect in after if _flows(first, effect)]
    if not after or first.fields == UNKNOWN_FIELDS:
        return None
    second = next((effect for effect in after if shares(effect.site.frame, first.site.frame)), after[0])
    if second.fields == UNKNOWN_FIELDS:
        return None
    if any(effect.kind == "bind" and first.when < effect.when < second.when for effect in own):
        return None
    added = _fields(own, request, second)
    if not added or _is_one_transaction(first, request, declared):
        return None
    for assigned in _assigned_before(own, first):
        field = (assigned.fields or ("",))[0]
        again = (each for each in found if each.when > first.when and field in (each.fields or ()))
        if any(each.kind in ("assign", "update") for each in again) or field in added:
            continue
        if _claims(assigned, field, request, subject) and not _may_be_set(field, first, second, declared):
            return HalfSaved(declared, field, first, request, second)
    return None


def _flows(effect: Effect, other: Effect) -> bool:
    """Whenever the one has happened, the other may be next, and not only after a failure or in a loop of its own."""
    return leads_to(effect.site, other.site) and not any(
        isinstance(frame.node, (*_LOOPS, ast.ExceptHandler)) and not shares(frame, theirs.site.frame)
        for mine, theirs in ((effect, other), (other, effect))
        for frame in mine.site.frame.here()
    )


def _follows(request: Effect, save: Effect) -> bool:
    return leads_to(request.site, save.site) and not any(
        (isinstance(frame.node, ast.ExceptHandler) or frame.part == "finally") and not shares(frame, request.site.frame)
        for frame in save.site.frame.here()
    )


def _fields(own: Sequence[Effect], request: Effect, second: Effect) -> set[str]:
    """What the second save adds to the row."""
    names = {
        name
        for effect in own
        if effect.kind == "assign" and request.when <= effect.when < second.when
        for name in effect.fields or ()
    }
    return names if second.fields is None else names & {*second.fields}


def _assigned_before(own: Sequence[Effect], first: Effect) -> list[Effect]:
    """The assignments that the first save writes down."""
    earlier = [effect for effect in own if effect.when < first.when]
    start = max((each.when for each in earlier if each.kind in ("bind", "reload", "create")), default=(0, 0, False))
    return [
        effect
        for effect in earlier
        if effect.kind == "assign" and effect.when >= start and leads_to(effect.site, first.site)
        if first.fields is None or effect.fields is None or effect.fields[0] in first.fields
    ]


def _claims(assigned: Effect, field: str, request: Effect, subject: str) -> bool:
    """What is assigned says that something is done, or is data that the request has nothing to do with."""
    if isinstance(assigned.node, ast.AugAssign) or assigned.value is None:
        return False
    if request.kind == "mail" and isinstance(request.site.parent, ast.Expr) and not says_sent(field, assigned.value):
        return False  # the mail has no answer, and the row is true without it
    match says(field, assigned.value):
        case Says.DONE:
            return True
        case Says.UNDERWAY:
            return False
    mentioned = set(names_in(request.node))
    if (
        subject in mentioned
        or f"{subject}.{field}" in mentioned
        or any(f"{subject}.{key}" in mentioned for key in _KEYS)
    ):
        return False
    return not {name.partition(".")[0] for name in names_in(assigned.value)} & {
        name for name in mentioned if name != subject and not name.startswith(f"{subject}.")
    }


def _may_be_set(field: str, first: Effect, second: Effect, declared: Declared) -> bool:
    """A function that gets the row between the two saves may set the field again."""
    setters = Setters(declared.project, declared.module)
    return any(setters.may_set(each, first.subject or "", field) for each in _calls_between(declared, first, second))


def _calls_between(declared: Declared, first: Effect, second: Effect) -> Iterator[ast.Call]:
    assert declared.body is not None
    for site in declared.module.inside(*declared.body):
        node = site.node
        if not isinstance(node, ast.Call) or node in (first.node, second.node):
            continue
        if first.when <= (node.end_lineno, node.end_col_offset, False) < second.when:
            yield node


def _is_one_transaction(first: Effect, request: Effect, declared: Declared) -> bool:
    """A failure of the request takes the first save back."""
    transactions = declared.reader.transactions
    opened = transactions.around(first.site)
    return opened is not None and opened == transactions.around(request.site)


class _Removal:
    """Whether the first save can go."""

    def __init__(self, half: HalfSaved) -> None:
        self.half = half
        self.module = half.declared.module
        self.first = statement_of(half.first.node, self.module)
        self.second = statement_of(half.second.node, self.module)

    def edits(self) -> tuple[Edit, ...] | Refusal:
        half = self.half
        block = block_of(half.first.site.frame)
        if not isinstance(self.first, ast.Expr) or self.first.value is not half.first.node:
            return Refusal("the first save is part of a larger statement")
        if self.first not in block or self.second not in block:
            return Refusal("the two saves stand in different blocks")
        if not isinstance(half.first.node, ast.Call) or not isinstance(half.second.node, ast.Call):
            return Refusal("the two saves are no plain calls")
        if half.second.fields is not None and not {*(half.first.fields or ("",))} <= {*half.second.fields}:
            return Refusal("the second save's `update_fields` leave out what the first one writes")
        if _other_options(half.first.node) != _other_options(half.second.node):
            return Refusal("the two saves have different arguments")
        between = block[block.index(self.first) + 1 : block.index(self.second)]
        if reason := self._needs_row(between) or self._is_new() or self._answers(between):
            return Refusal(reason)
        return (DeleteStatement(self.module.place(self.first)),)

    def _needs_row(self, between: Sequence[ast.stmt]) -> str:
        """Why something between the saves needs what the first one wrote."""
        half, declared = self.half, self.half.declared
        subject = half.subject
        for effect in self._effects():
            if effect.kind in ("reload", "create", "update", "dispatch"):
                return f"`{effect.what}` between the two saves may need what the first one writes"
        assert declared.body is not None
        for site in self.module.inside(*declared.body):
            call = site.node
            if not isinstance(call, ast.Call) or not _is_in(call, between):
                continue
            if declared.project.orm.of(call, site.frame, self.module) is not None:
                return "rows are read between the two saves"
            if {f"{subject}.{key}" for key in _KEYS} & {*names_in(call)}:
                return f"`{text(call.func)}` gets the key of the row, and may read it"
        return ""

    def _effects(self) -> Iterator[Effect]:
        half, declared = self.half, self.half.declared
        assert declared.body is not None
        for effect in effects(*declared.body, declared.module, declared.project, declared.project.orm):
            if half.first.when < effect.when < half.second.when:
                yield effect

    def _is_new(self) -> str:
        """Why the row may have no key before the first save."""
        half, declared = self.half, self.half.declared
        assert declared.body is not None
        found = effects(*declared.body, declared.module, declared.project, declared.project.orm)
        bound = [each for each in found if each.kind == "bind" and each.subject == half.subject]
        bound = [each for each in bound if each.when < half.first.when]
        value = bound[-1].value if bound else None
        if isinstance(value, ast.Call):
            origin = declared.project.origin(self.module.origin(value.func, half.first.site.frame))
            if declared.project.orm.is_model(origin):
                return "the first save makes the row"
        return ""

    def _answers(self, between: Sequence[ast.stmt]) -> str:
        """Why a failure is answered by code that counts on what is saved."""
        for statement in between:
            for node in ast.walk(statement):
                match node:
                    case ast.ExceptHandler(body=body):
                        answer: Sequence[ast.AST] = body
                    case ast.If(body=body) if isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break):
                        answer = body
                    case ast.Try(finalbody=body) | ast.With(body=body) if body:
                        answer = body if isinstance(node, ast.Try) else ()
                    case _:
                        continue
                for part in answer:
                    if any(name.partition(".")[0] == self.half.subject.partition(".")[0] for name in names_in(part)):
                        return "code that answers a failure uses the row"
        return ""


def _is_in(node: ast.Call, statements: Sequence[ast.stmt]) -> bool:
    return any(each.lineno <= node.lineno <= (each.end_lineno or each.lineno) for each in statements)


def _other_options(call: ast.Call) -> list[str]:
    """The arguments besides `update_fields`."""
    return [
        *map(ast.dump, call.args),
        *(ast.dump(keyword) for keyword in call.keywords if keyword.arg != "update_fields"),
    ]


__all__ = ["HalfSaved", "half_saved"]
