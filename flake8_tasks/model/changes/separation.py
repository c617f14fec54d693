"""Makes a task of the body of a loop: one message for each item instead of one task for all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_tasks.edit import AddImport, Edit, InsertStatement, Refusal, ReplaceExpression, ReplaceStatements
from flake8_tasks.model.changes.handover import LocalName, name_in
from flake8_tasks.model.changes.outlines import Change, NotMovable, moved
from flake8_tasks.model.effects.failures import statements_in
from flake8_tasks.model.effects.loops import FanOut
from flake8_tasks.model.module import Module, Site
from flake8_tasks.model.names import Binding, How
from flake8_tasks.model.orm.shapes import one_of
from flake8_tasks.model.orm.values import Instance, Queryset
from flake8_tasks.model.values import CallValue, Reference

_VERBS = frozenset({"send", "notify", "mail", "email", "post", "push", "remind", "deliver", "tell", "warn", "invite"})
_DROPPED = frozenset({"name", "bind"})
_PERIODIC = frozenset({"run_every"})
_CHANGES = frozenset({"append", "add", "update", "extend", "pop", "setdefault", "remove", "clear", "insert", "discard"})
_COLUMN_FIELDS = ("CharField", "TextField", "EmailField", "SlugField", "URLField", "IntegerField", "UUIDField")
_USER_COLUMNS = frozenset({"email", "username", "first_name", "last_name"})
_KEYS = frozenset({"pk", "id"})


@dataclass(frozen=True, slots=True)
class _Item:
    """What stands for an item in a message.

    Arguments:
        argument: the code at the call.
        parameter: the name in the new task.
        attribute: the one of the row that becomes the parameter; empty where the body stays as it is.
        reload: the statement that the new task begins with.
        model: what the row's class is called here, where it is loaded.
    """

    argument: str
    parameter: str
    attribute: str = ""
    reload: str = ""
    model: LocalName | None = None


def one_task_each(found: FanOut) -> tuple[Edit, ...] | Refusal:
    """The edits that make a task of the loop's body, or why it cannot be one."""
    return _Separation(found).edits()


class _Separation:
    def __init__(self, found: FanOut) -> None:
        self.found = found
        self.declared = found.declared
        self.module: Module = found.declared.module
        assert found.declared.body is not None
        self.function, frame = found.declared.body
        self.scope = frame.scope.child(self.function)

    def edits(self) -> tuple[Edit, ...] | Refusal:
        loop, task = self.found.loop, self.declared.task
        if not isinstance(loop, ast.For):
            return Refusal("a comprehension has no body to make a task of")
        if reason := self._obstacle(loop):
            return Refusal(reason)
        assert isinstance(loop.target, ast.Name)
        decorator = self._decorator()
        along = self._along(loop, loop.target.id)
        if isinstance(decorator, Refusal) or isinstance(along, Refusal):
            return decorator if isinstance(decorator, Refusal) else along  # type: ignore[return-value]
        item = self._item(loop, loop.target.id)
        called = self._called_task(loop)
        if called is not None and isinstance(item, _Item) and not item.reload:
            return (ReplaceExpression(self.module.place(called), f"{self.module.source.segment(called)}.delay"),)
        name = self._name(loop.target.id)
        if isinstance(item, Refusal) or isinstance(name, Refusal):
            return item if isinstance(item, Refusal) else name  # type: ignore[return-value]
        if item.parameter in along or item.parameter in self._names_in_body(loop) - {loop.target.id}:
            return Refusal(f"the body has a name `{item.parameter}` already")
        try:
            body = moved(loop, self.module, self._changes(loop, item))
        except NotMovable as reason:
            return Refusal(str(reason))
        head = f"{decorator}\ndef {name}({', '.join([item.parameter, *along])}):\n"
        code = head + (f"    {item.reload}\n" if item.reload else "") + body
        place = self.module.place
        call = f"{name}.delay({', '.join([item.argument, *along.values()])})"
        edits: list[Edit] = [
            InsertStatement(place(self.function), code),
            ReplaceStatements(place(loop.body[0]), place(loop.body[-1]), call),
        ]
        if item.model is not None and item.model.module:
            edits.append(AddImport(task.path, item.model.module, item.model.local))
        return tuple(edits)

    # Why not.

    def _obstacle(self, loop: ast.For) -> str:
        if self.declared.frame.parent is not None or isinstance(self.declared.node, ast.ClassDef):
            return "the task is no function at the first level of its file"
        if not isinstance(loop.target, ast.Name):
            return "an item is more than one name"
        if loop.orelse:
            return "the loop has an `else`"
        for frame in self.found.frame.here():
            if isinstance(frame.node, ast.Try | ast.TryStar) and frame.part == "body":
                return "a `try` around the loop answers its failures"
            if isinstance(frame.node, ast.With | ast.AsyncWith):
                return "the new task would not run inside the `with` around the loop"
        if self.declared.reader.transactions.around(Site(loop, self.found.frame, self.module)) is not None:
            return "the loop runs in a transaction, and the tasks would start before its end"
        for node in statements_in(loop.body):
            match node:
                case ast.Return() | ast.Break():
                    return "the body ends the loop early"
                case ast.Yield() | ast.YieldFrom() | ast.Await() | ast.Global() | ast.Nonlocal():
                    return "the body cannot be a function of its own"
        return ""

    def _along(self, loop: ast.For, target: str) -> dict[str, str] | Refusal:
        """What goes to the new task besides the item: parameter → code at the call."""
        along: dict[str, str] = {}
        inside = {node for statement in loop.body for node in ast.walk(statement)}
        changed = {*_changed(loop)}
        for name in sorted(self._names_in_body(loop)):
            bindings = self.scope.bindings.get(name, [])
            if not bindings:
                continue
            if name == target:
                if any(binding.node is not loop for binding in bindings):
                    return Refusal(f"`{name}` is given another value")
            elif all(binding.node in inside for binding in bindings):
                if self._is_used_outside(name, inside):
                    return Refusal(f"`{name}` is used outside the loop")
            elif name in changed or any(binding.node in inside for binding in bindings):
                return Refusal(f"the body changes `{name}`")
            else:
                code = self._code_of(name, bindings)
                if isinstance(code, Refusal):
                    return code
                along[name] = code
        given = [parameter.arg for parameter in (*self.function.args.args, *self.function.args.kwonlyargs)]
        order = {name: place for place, name in enumerate(given)}
        return {name: along[name] for name in sorted(along, key=lambda each: order.get(each, len(order)))}

    def _code_of(self, name: str, bindings: list[Binding]) -> str | Refusal:
        """The code that hands a local name on."""
        match bindings:
            case [Binding(How.PARAMETER)]:
                plain = [parameter.name for parameter in self.declared.task.parameters]
                kinds = [parameter.kind for parameter in self.declared.task.parameters if parameter.name == name]
                if name not in plain:
                    return Refusal(f"the body uses `{name}`, the task itself")
                return name if kinds[0] in ("positional", "keyword") else Refusal(f"the body uses `*{name}`")
            case [Binding(How.ASSIGNMENT, value=ast.Constant(value=str() | int() | float()), path=())]:
                return name
        return Refusal(f"`{name}` may not fit in a message")

    def _is_used_outside(self, name: str, inside: set[ast.AST]) -> bool:
        return any(
            isinstance(node, ast.Name) and node.id == name and node not in inside for node in ast.walk(self.function)
        )

    def _names_in_body(self, loop: ast.For) -> set[str]:
        return {node.id for statement in loop.body for node in ast.walk(statement) if isinstance(node, ast.Name)}

    # The new task.

    def _decorator(self) -> str | Refusal:
        function, task, source = self.function, self.declared.task, self.module.source
        if len(function.decorator_list) != 1 or task.bound is None:
            return Refusal("the task has other decorators, or may be changed by its own")
        decorator = function.decorator_list[0]
        if not isinstance(decorator, ast.Call):
            return f"@{source.segment(decorator)}"
        if decorator.args or any(keyword.arg in _PERIODIC for keyword in decorator.keywords):
            return Refusal("the decorator does more than making a task")
        kept = [keyword for keyword in decorator.keywords if keyword.arg not in _DROPPED]
        if len(kept) == len(decorator.keywords):
            return f"@{source.segment(decorator)}"
        options = ", ".join(source.segment(keyword) for keyword in kept)
        called = source.segment(decorator.func)
        return f"@{called}({options})" if options else f"@{called}"

    def _called_task(self, loop: ast.For) -> ast.expr | None:
        """The task that the body only calls."""
        match loop.body:
            case [ast.Expr(value=ast.Call(func=ast.Name() | ast.Attribute() as function))]:
                origin = self.module.origin(function, self.found.effect.site.frame)
                return function if self.declared.reader.tasks.find(origin) is not None else None
        return None

    def _name(self, target: str) -> str | Refusal:
        name = self.function.name
        one = _singular(name)
        is_mail = self.found.effect.kind == "mail"
        has_verb = bool({*name.split("_")} & _VERBS)
        subject = target if len(target) > 2 else "one"
        wanted = [
            f"send_{one}" if is_mail and not has_verb else one,
            f"{one}_to_{subject}" if is_mail else f"{one}_for_{subject}",
            f"{name}_item",
        ]
        for each in wanted:
            if each != name and each not in self.module.names.top.bindings and each not in self.scope.bindings:
                return each
        return Refusal("the names for the new task are taken")

    # The item.

    def _item(self, loop: ast.For, target: str) -> _Item | Refusal:
        read = self.declared.project.orm.read(loop.iter, self.found.frame.scope, self.module)
        row = one_of(read, "")
        if isinstance(row, Instance):
            return self._row(loop, target, row)
        if isinstance(read, Queryset) and read.kind == "values_list" and self._is_flat(loop.iter):
            return _Item(target, target)
        if isinstance(loop.iter, ast.Name):
            match self.scope.bindings.get(loop.iter.id, []):
                case [Binding(How.PARAMETER)] if all(_is_in_messages(use.attr) for use in self._uses(loop, target)):
                    return _Item(target, target)
                case [Binding(How.ASSIGNMENT, value=ast.expr() as value, path=())]:
                    if isinstance(read, Queryset) and read.kind == "values_list" and self._is_flat(value):
                        return _Item(target, target)
        return Refusal(f"what `{target}` is cannot be said, so it may not fit in a message")

    def _is_flat(self, source: ast.expr) -> bool:
        calls = [node for node in ast.walk(source) if isinstance(node, ast.Call)]
        return any(keyword.arg == "flat" for call in calls for keyword in call.keywords)

    def _row(self, loop: ast.For, target: str, row: Instance) -> _Item | Refusal:
        if row.model is None or row.orm not in ("django", "mongoengine"):
            return Refusal(f"how to load `{target}` in the new task is not known")
        used = {node.attr for node in self._uses(loop, target)}
        if (
            len(used) == 1
            and self._is_plain(loop, target)
            and self._is_column(row.model, attribute := next(iter(used)))
        ):
            word = row.model.rpartition(".")[2].lower() if len(target) < 3 else target
            return _Item(f"{target}.{attribute}", f"{word}_{attribute}" if attribute in _KEYS else attribute, attribute)
        if any(name in self.module.source.segment(self.function) for name in (".annotate(", ".extra(", "to_attr=")):
            return Refusal(f"`{target}` may have values that only the query gives it")
        model = name_in(self.module, row.model, self.declared.task, self.declared.project)
        if isinstance(model, Refusal):
            return model
        word = row.model.rpartition(".")[2].lower() if len(target) < 3 else target
        key = f"{word}_pk"
        return _Item(f"{target}.pk", key, "", f"{target} = {model.local}.objects.get(pk={key})", model)

    def _is_plain(self, loop: ast.For, target: str) -> bool:
        """The body uses an item's attributes only to read them, none of them as a method or inside an f-string."""
        parents = self.module.parents
        nodes = [node for statement in loop.body for node in ast.walk(statement)]
        attributes = [*self._uses(loop, target)]
        bare = sum(isinstance(node, ast.Name) and node.id == target for node in nodes) - len(attributes)
        written = {inner for node in nodes if isinstance(node, ast.JoinedStr) for inner in ast.walk(node)}
        owners = ((node, parents.get(node)) for node in attributes)
        called = any(isinstance(owner, ast.Call) and owner.func is node for node, owner in owners)
        are_read = all(isinstance(node.ctx, ast.Load) and node not in written for node in attributes)
        return not bare and not called and are_read

    def _uses(self, loop: ast.For, target: str) -> Iterator[ast.Attribute]:
        for statement in loop.body:
            for node in ast.walk(statement):
                match node:
                    case ast.Attribute(value=ast.Name(id=name)) if name == target:
                        yield node

    def _is_column(self, model: str, attribute: str) -> bool:
        """A column whose values a message can carry."""
        if attribute in _KEYS:
            return True
        for origin, record, _ in self.declared.project.bases(model):
            if record is None:
                if origin.startswith("django.contrib.auth.") and attribute in _USER_COLUMNS:
                    return True
                continue
            match record.attribute(attribute):
                case CallValue(function=Reference(parts=parts)):
                    return parts[-1].endswith(_COLUMN_FIELDS)
                case None:
                    continue
                case _:
                    return False
        return False

    def _changes(self, loop: ast.For, item: _Item) -> Iterator[Change]:
        """What is written in another way in the new task: `u.email` is `email` there, and `continue` is `return`."""
        span = self.module.source.span
        if item.attribute and isinstance(loop.target, ast.Name):
            for node in self._uses(loop, loop.target.id):
                yield Change(span(node), item.parameter)
        stack: list[ast.AST] = list(loop.body)
        while stack:
            inner = stack.pop()
            if isinstance(inner, ast.Continue):
                yield Change(span(inner), "return")
            if not isinstance(inner, ast.For | ast.While | ast.FunctionDef | ast.ClassDef):
                stack.extend(ast.iter_child_nodes(inner))


def _is_in_messages(attribute: str) -> bool:
    """Something that a message can carry has this attribute."""
    return any(hasattr(kind, attribute) for kind in (str, int, float, list, dict))


def _singular(name: str) -> str:
    if name.endswith("ies") and len(name) > 4:
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us", "is", "news")) else name


def _changed(loop: ast.For) -> Iterator[str]:
    """The names whose values are changed in a loop's body, without a new value for the name."""
    for node in statements_in(loop.body):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield _root(node)
            case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in _CHANGES:
                yield _root(owner)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
