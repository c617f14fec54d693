"""Where the names of one file come from: imports, aliases and scopes → a dotted origin, or None for "cannot say"."""

from __future__ import annotations

import ast
import builtins
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

UNBOUND = "<unbound>"
BUILTIN = "builtins"
_BUILTINS = frozenset(dir(builtins))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

ScopeNode = (
    ast.Module
    | ast.ClassDef
    | ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.Lambda
    | ast.ListComp
    | ast.SetComp
    | ast.DictComp
    | ast.GeneratorExp
)


class How(Enum):
    """How a name came to its value."""

    IMPORT = "import"
    ASSIGNMENT = "assignment"
    DEFINITION = "definition"
    PARAMETER = "parameter"
    ITERATION = "iteration"
    WITH = "with"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Binding:
    """One place where a name gets a value.

    Arguments:
        node: the statement, definition, parameter or comprehension.
        value: the expression it comes from: what is assigned, iterated over or entered.
        path: the positions to take out of that value one after the other, for `a, (b, c) = value`.
        origin: where an import leads.
    """

    how: How
    node: ast.AST
    value: ast.expr | None = None
    path: tuple[int, ...] = ()
    origin: str = ""


@dataclass(eq=False)
class Scope:
    """A module, class, function, lambda or comprehension and the names bound in it."""

    node: ScopeNode
    parent: Scope | None
    qualname: str
    _module: Names = field(repr=False)
    _bindings: dict[str, list[Binding]] | None = field(default=None, repr=False)
    children: dict[ast.AST, Scope] = field(default_factory=dict, repr=False)

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        """Name → its bindings in this scope, in the order of the text.  Made when first asked for."""
        if self._bindings is None:
            self._bindings = {}
            for name, binding in _bound(self.node, self._module):
                self._bindings.setdefault(name, []).append(binding)
        return self._bindings

    def forget(self) -> None:
        """Let go of the bindings and the scopes inside; both come again when they are asked for."""
        self._bindings = None
        self.children.clear()

    def child(self, node: ScopeNode) -> Scope:
        """The scope of a node that stands directly in this one."""
        scope = self.children.get(node)
        if scope is None:
            name = getattr(node, "name", "<lambda>" if isinstance(node, ast.Lambda) else "<comprehension>")
            inner = (
                f"{self.qualname}.<locals>" if isinstance(self.node, _FUNCTIONS + _COMPREHENSIONS) else self.qualname
            )
            scope = Scope(node, self, f"{inner}.{name}" if inner else name, self._module)
            self.children[node] = scope
        return scope

    def outwards(self) -> Iterator[Scope]:
        """This scope and those around it that a name is looked up in."""
        yield self
        scope = self.parent
        while scope is not None:
            if not isinstance(scope.node, ast.ClassDef):
                yield scope
            scope = scope.parent


class Names:
    """The names of one file.

    Arguments:
        tree: the file.
        module: its dotted name, as other files import it.
        is_package: it is an `__init__.py`.
        walrus: the lines, in ascending order, where there may be `:=`, so that expressions must be searched for
            bindings too; None for all.
    """

    def __init__(self, tree: ast.Module, module: str, is_package: bool, *, walrus: Sequence[int] | None = None) -> None:
        self.module = module
        self.walrus = walrus
        self.is_package = is_package
        self.stars: list[str] = []
        self._tree = tree

    @cached_property
    def top(self) -> Scope:
        """The scope of the module level."""
        return Scope(self._tree, None, "", self)

    def forget(self) -> None:
        """Let go of what is known of the scopes, which refer to each other."""
        scopes = [self.__dict__.pop("top")] if "top" in self.__dict__ else []
        while scopes:
            scope = scopes.pop()
            scopes.extend(scope.children.values())
            scope.forget()
        self.stars.clear()

    def may_bind(self, node: ast.stmt | ast.expr) -> bool:
        """There may be `:=` in a node."""
        if self.walrus is None:
            return True
        at = bisect_left(self.walrus, node.lineno)
        return at < len(self.walrus) and self.walrus[at] <= (node.end_lineno or node.lineno)

    def absolute(self, level: int, module: str | None) -> str:
        """The absolute name of what `from ..module import` names."""
        if not level:
            return module or ""
        package = self.module.split(".")
        drop = level - 1 if self.is_package else level
        package = package[: len(package) - drop] if drop else package
        return ".".join([*package, module] if module else package)

    def find(self, name: str, scope: Scope) -> tuple[Scope, list[Binding]] | None:
        """The scope that binds a name, seen from another, and the bindings."""
        outer: Scope | None = scope
        while outer is not None:
            if outer is scope or not isinstance(outer.node, ast.ClassDef):
                bindings = outer.bindings.get(name)
                if bindings:
                    return outer, bindings
            outer = outer.parent
        return None

    def origin(self, node: ast.expr, scope: Scope) -> str | None:
        """The dotted origin of `a.b.c`; None where `a` is a local variable or the node is no dotted name."""
        return self._origin(node, scope, 0)

    def _origin(self, node: ast.expr, scope: Scope, depth: int) -> str | None:
        rest: list[str] = []
        while isinstance(node, ast.Attribute):
            rest.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or depth > 8:
            return None
        first = self._first(node.id, scope, depth)
        return None if first is None else ".".join([first, *reversed(rest)])

    def _first(self, name: str, scope: Scope, depth: int) -> str | None:
        found = self.find(name, scope)
        if found is None:
            if self.stars:
                return f"{self.module}.{name}"
            return f"{BUILTIN}.{name}" if name in _BUILTINS else f"{UNBOUND}.{name}"
        where, bindings = found
        for binding in bindings:
            if binding.how is How.IMPORT:
                return binding.origin
        if where.parent is None:
            return f"{self.module}.{name}"
        if isinstance(where.node, ast.ClassDef):
            return f"{self.module}.{where.qualname}.{name}"
        match bindings:
            case [Binding(How.DEFINITION)]:
                return f"{self.module}.{where.qualname}.<locals>.{name}"
            case [Binding(How.ASSIGNMENT, value=ast.Name() | ast.Attribute() as value, path=())]:
                return self._origin(value, where, depth + 1)
        return None


# What binds no name: never, and where there is no `:=`.
_SPEECHLESS = frozenset({ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Name, ast.Constant})
_WITHOUT_WALRUS = {ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete, *ast.expr.__subclasses__()}


def _bound(scope: ScopeNode, names: Names) -> Iterator[tuple[str, Binding]]:
    match scope:
        case ast.FunctionDef(args=arguments) | ast.AsyncFunctionDef(args=arguments) | ast.Lambda(args=arguments):
            for parameter in every_parameter(arguments):
                yield parameter.arg, Binding(How.PARAMETER, parameter)
            body = [scope.body] if isinstance(scope, ast.Lambda) else scope.body
        case ast.Module() | ast.ClassDef():
            body = scope.body
        case _:
            for generator in scope.generators:
                yield from _targets(generator.target, How.ITERATION, generator, generator.iter)
            return
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind in _SPEECHLESS or (kind in _WITHOUT_WALRUS and not names.may_bind(node)):  # type: ignore[arg-type]
            continue
        match node:
            case ast.Import():
                for alias in node.names:
                    whole = alias.asname or alias.name.partition(".")[0]
                    yield whole, Binding(How.IMPORT, node, origin=alias.name if alias.asname else whole)
            case ast.ImportFrom():
                module = names.absolute(node.level, node.module)
                for alias in node.names:
                    if alias.name == "*":
                        names.stars.append(module)
                    else:
                        yield alias.asname or alias.name, Binding(How.IMPORT, node, origin=f"{module}.{alias.name}")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, Binding(How.DEFINITION, node)
            case ast.Assign():
                for target in node.targets:
                    yield from _targets(target, How.ASSIGNMENT, node, node.value)
                stack.append(node.value)
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, Binding(How.ASSIGNMENT, node, node.value)
            case ast.NamedExpr():
                yield node.target.id, Binding(How.ASSIGNMENT, node, node.value)
                stack.append(node.value)
            case ast.AugAssign(target=ast.Name(id=name)):
                yield name, Binding(How.OTHER, node)
            case ast.For() | ast.AsyncFor():
                yield from _targets(node.target, How.ITERATION, node, node.iter)
                stack.extend(reversed([*node.body, *node.orelse]))
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    if item.optional_vars is not None:
                        yield from _targets(item.optional_vars, How.WITH, node, item.context_expr)
                stack.extend(reversed(node.body))
            case ast.ExceptHandler():
                if node.name:
                    yield node.name, Binding(How.OTHER, node)
                stack.extend(reversed(node.body))
            case ast.If() | ast.While() if not names.may_bind(node.test):
                stack.extend(reversed([*node.body, *node.orelse]))
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, Binding(How.OTHER, node)
                stack.extend(ast.iter_child_nodes(node))
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass
            case ast.expr() if isinstance(scope, ast.Module | ast.ClassDef):
                pass
            case _:
                stack.extend(reversed(list(ast.iter_child_nodes(node))))


def every_parameter(arguments: ast.arguments) -> Iterator[ast.arg]:
    """All parameters of a function, in the order of the text."""
    yield from arguments.posonlyargs
    yield from arguments.args
    if arguments.vararg:
        yield arguments.vararg
    yield from arguments.kwonlyargs
    if arguments.kwarg:
        yield arguments.kwarg


def _targets(
    target: ast.expr, how: How, node: ast.AST, value: ast.expr, path: tuple[int, ...] = ()
) -> Iterator[tuple[str, Binding]]:
    match target:
        case ast.Name(id=name):
            yield name, Binding(how, node, value, path)
        case ast.Starred(value=inner):
            for name, _ in _targets(inner, how, node, value):
                yield name, Binding(How.OTHER, node)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            for position, item in enumerate(items):
                yield from _targets(item, how, node, value, (*path, position))
