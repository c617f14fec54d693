"""Which bindings of a name can reach one use of it, by the order of the text and the blocks around."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from flake8_tasks.model.names import Binding, How, Scope

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Position = tuple[int, int]
_State = frozenset[Binding]


def reaching(use: ast.Name, scope: Scope, where: Scope, bindings: Sequence[Binding]) -> Sequence[Binding]:
    """The bindings that a use may see.

    Arguments:
        scope: the scope that the use stands in.
        where: the scope that binds the name; all bindings count when it is not the same function.
    """
    while isinstance(scope.node, _COMPREHENSIONS) and scope is not where and scope.parent is not None:
        scope = scope.parent
    if len(bindings) == 1 or scope is not where or not isinstance(where.node, (*_SCOPES[:2], ast.Module)):
        return bindings
    flow = _Flow((use.lineno, use.col_offset), bindings)
    flow.block(where.node.body, frozenset(binding for binding in bindings if binding.how is How.PARAMETER))
    return bindings if flow.found is None else [binding for binding in bindings if binding in flow.found]


class _Flow:
    """One run over a function's statements, in their order, up to the use; None as a state is "never gets here"."""

    def __init__(self, use: _Position, bindings: Iterable[Binding]) -> None:
        self.use = use
        self.found: _State | None = None
        self.made: dict[ast.AST, list[Binding]] = {}
        for binding in bindings:
            if binding.how is not How.PARAMETER:
                self.made.setdefault(binding.node, []).append(binding)

    def block(self, statements: Iterable[ast.stmt], state: _State | None) -> _State | None:
        for statement in statements:
            if self.found is not None:
                return None
            if state is None:
                state = frozenset()  # dead code: its own bindings count, those before do not
                if self.holds_use(statement):
                    self.found = state
                    return None
            state = self.statement(statement, state)
        return state

    def statement(self, node: ast.stmt, state: _State) -> _State | None:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                state = self.head([test], state)
                return _join(self.block(body, state), self.block(orelse, state))
            case ast.For(iter=source) | ast.AsyncFor(iter=source):
                state = self.head([source], state)
                return self.loop(node, state, [*self.made.get(node, ())])
            case ast.While(test=test):
                state = self.head([test], state | self.inside(node))
                return self.loop(node, state, [])
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                state = self.head([item.context_expr for item in items], state)
                return self.block(body, frozenset(self.made[node]) if node in self.made else state)
            case ast.Try() | ast.TryStar():
                return self.trial(node, state)
            case ast.Match(subject=subject, cases=cases):
                state = self.head([subject], state)
                ends = [self.block(case.body, state | self.inside(case.pattern)) for case in cases]
                return _join(state, *ends)
            case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
                self.head([node], state)
                return None
            case _:
                if self.holds_use(node):
                    self.found = state | self.inside(node, before=self.use)
                    return None
                made = self.inside(node)
                return made or state

    def head(self, nodes: Iterable[ast.AST], state: _State) -> _State:
        """Expressions that are worked out one after the other; a walrus in them may bind."""
        for node in nodes:
            if self.holds_use(node):
                self.found = state | self.inside(node, before=self.use)
            state |= self.inside(node)
        return state

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, state: _State, targets: list[Binding]) -> _State | None:
        everything = state | self.inside(node)
        self.block(node.body, frozenset(targets) or everything)
        return _join(everything, self.block(node.orelse, everything))

    def trial(self, node: ast.Try | ast.TryStar, state: _State) -> _State | None:
        broken = state.union(*(self.inside(statement) for statement in node.body))
        ends = [self.block(node.orelse, self.block(node.body, state)) if node.orelse else self.block(node.body, state)]
        for handler in node.handlers:
            ends.append(self.block(handler.body, frozenset(self.made.get(handler, ())) or broken))
        wide = state | self.inside(node)
        if any(self.holds_use(statement) for statement in node.finalbody):
            self.block(node.finalbody, wide)
            return None
        end = _join(*ends)
        after = self.block(node.finalbody, wide if end is None else end)
        return None if end is None else after

    def holds_use(self, node: ast.AST) -> bool:
        return _begin(node) <= self.use < _end(node)

    def inside(self, node: ast.AST, before: _Position | None = None) -> _State:
        """The bindings made in a node."""
        begin, end = _begin(node), _end(node)
        return frozenset(
            binding
            for place, bindings in self.made.items()
            if begin <= _begin(place) < end and (before is None or _end(place) <= before)
            for binding in bindings
        )


def _join(*states: _State | None) -> _State | None:
    reached = [state for state in states if state is not None]
    return frozenset().union(*reached) if reached else None


def _begin(node: ast.AST) -> _Position:
    decorators = getattr(node, "decorator_list", None)
    if decorators:
        return (decorators[0].lineno, 0)
    return (node.lineno, node.col_offset)  # type: ignore[attr-defined]


def _end(node: ast.AST) -> _Position:
    return (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
