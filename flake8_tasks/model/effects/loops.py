"""Loops of a task that send something for each of many rows or recipients."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_tasks.edit import Span
from flake8_tasks.model.effects.effect import Effect, effect_of, effects, when
from flake8_tasks.model.effects.failures import is_contained, statements_in
from flake8_tasks.model.effects.items import PASSING, Crowds
from flake8_tasks.model.effects.paths import names_in
from flake8_tasks.model.facts import Declared
from flake8_tasks.model.module import Frame, Site
from flake8_tasks.model.orm.shapes import text

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp
Loop = ast.For | Comprehension
_WRITES = frozenset({"post", "put", "patch", "delete"})
_WRITING_VERBS = frozenset(verb.upper() for verb in _WRITES)
_CHARGES = frozenset({"create", "modify", "cancel", "confirm", "capture", "refund", "pay", "send_invoice"})
_TO_THE_STAFF = frozenset({"mail_admins", "mail_managers"})


@dataclass(frozen=True, slots=True)
class FanOut:
    """A loop that sends something for each item.

    Arguments:
        loop: the statement or comprehension.
        frame: the block that the loop stands in.
        effect: the first thing it sends.
    """

    declared: Declared
    loop: Loop
    frame: Frame
    effect: Effect

    @property
    def repeats(self) -> bool:
        """A retry would begin with the first again: nothing is written down for each item."""
        if self.declared.body is None:
            return True
        project = self.declared.project
        found = effects(*self.declared.body, self.declared.module, project, project.orm)
        return not any(effect.saves and self.loop in dict(_loops_around(effect.site)) for effect in found)

    @property
    def target(self) -> ast.expr:
        """What stands for one item."""
        return _target(self.loop)

    @property
    def source(self) -> ast.expr:
        """What it goes through."""
        return self.loop.iter if isinstance(self.loop, ast.For) else self.loop.generators[0].iter

    @property
    def items(self) -> str:
        """What it goes through, in short, and not what only hands it on, as `enumerate` does."""
        source = self.source
        while isinstance(source, ast.Call) and source.args and text(source.func) in PASSING:
            source = source.args[-1 if text(source.func) == "filter" else 0]
        return text(source)

    @property
    def sends(self) -> str:
        """The function that sends, as it is written."""
        return self.effect.through or self.effect.what

    @property
    def span(self) -> Span:
        """The head of the loop, or the comprehension."""
        source = self.declared.module.source
        whole = source.span(self.loop)
        if not isinstance(self.loop, ast.For):
            return whole
        head = source.span(self.loop.iter)
        return Span(whole.line, whole.column, head.end_line, head.end_column)


def fan_outs(declared: Declared) -> Iterator[FanOut]:
    """The loops of a task in which one failure stops the rest, the innermost where several do."""
    if declared.body is None:
        return
    function, frame = declared.body
    project, module = declared.project, declared.module
    items = {node: _about_item(node) for node in ast.walk(function) if isinstance(node, Loop)}
    if not items:
        return  # most tasks
    crowds = Crowds(project, module, function)
    seen: set[ast.AST] = set()
    for site in sorted(module.inside(function, frame), key=lambda site: when(site.node)):
        loops = [*_loops_around(site)]
        if not any(_names_one_of(items[loop], site.node) for loop, _ in loops):
            continue  # most calls: nothing has to be looked up
        effect = effect_of(site, project)
        if effect is None or effect.contained or not _is_sending(effect):
            continue
        for loop, around in loops:
            if loop in seen or is_contained(around, function):
                break  # the author has decided what a failure means for the rest
            fan_out = FanOut(declared, loop, around, effect)
            if (
                _names_one_of(items[loop], effect.node)
                and _stops_the_rest(fan_out)
                and crowds.goes_through_many(fan_out.target, fan_out.source, around.scope)
            ):
                seen.add(loop)
                yield fan_out
                break


def _loops_around(site: Site) -> Iterator[tuple[Loop, Frame]]:
    """The loops in whose bodies a call stands, innermost first, each with the block that it stands in."""
    for around in site.frame.here():
        if around.part == "body" and isinstance(around.node, Loop) and around.parent is not None:
            yield around.node, around.parent


def _is_sending(effect: Effect) -> bool:
    """A mail or message, or a request that certainly changes something."""
    last = effect.what.rpartition(".")[2]
    if effect.kind == "mail":
        return last not in _TO_THE_STAFF
    if effect.kind != "request":
        return False
    if last == "request" and not effect.through and isinstance(effect.node, ast.Call):
        return any(isinstance(each, ast.Constant) and each.value in _WRITING_VERBS for each in effect.node.args[:1])
    return last in _WRITES or (effect.what.startswith("stripe.") and last in _CHARGES)


def _stops_the_rest(fan_out: FanOut) -> bool:
    """A failure of one leaves the loop."""
    loop, effect = fan_out.loop, fan_out.effect
    if is_contained(effect.site.frame, loop, stops=(ast.Return, ast.Break)):
        return False
    return not isinstance(loop, ast.For) or not _ends_early(loop, effect)


def _target(loop: Loop) -> ast.expr:
    return loop.target if isinstance(loop, ast.For) else loop.generators[0].target


def _names_one_of(names: set[str], node: ast.AST) -> bool:
    return not names.isdisjoint(name.partition(".")[0] for name in names_in(node))


def _about_item(loop: Loop) -> set[str]:
    """The names that have to do with the item: its own, and what is worked out from it in the loop."""
    names = {node.id for node in ast.walk(_target(loop)) if isinstance(node, ast.Name)}
    if not isinstance(loop, ast.For):
        return names
    for _ in range(2):
        for node in statements_in(loop.body):
            for target, value in _given(node):
                if names & {name.partition(".")[0] for name in names_in(value)}:
                    names |= {name.partition(".")[0] for name in names_in(target)}
    return names


def _given(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value) for target in targets)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
            yield target, value
        case ast.NamedExpr(target=target, value=value) | ast.For(target=target, iter=value):
            yield target, value
        case ast.With(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield item.optional_vars, item.context_expr


def _ends_early(loop: ast.For, effect: Effect) -> bool:
    """It leaves the loop on purpose once something is sent: the first that answers, or does not, is the last."""
    stack: list[ast.AST] = list(loop.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Break | ast.Return) and (node.lineno, node.col_offset, False) > effect.when:
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.ExceptHandler):
            continue
        children = ast.iter_child_nodes(node)
        if isinstance(node, ast.For | ast.While):
            children = iter([each for each in ast.walk(node) if isinstance(each, ast.Return)])
        stack.extend(children)
    return False
