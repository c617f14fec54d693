"""Puts arguments into calls and parameters into functions, in the style that is there."""

from __future__ import annotations

import libcst as cst

from flake8_tasks.edit import DropKeyword, InsertParameter, RenameKeyword, RenameParameter, SetKeyword
from flake8_tasks.fixing.places import CannotApply
from flake8_tasks.fixing.precedence import argument, is_callee, parenthesised

Space = cst.BaseParenthesizableWhitespace
CallEdit = SetKeyword | DropKeyword | RenameKeyword
_TIGHT = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def separator(before: Space) -> Space:
    """What goes behind the comma of a new element, where `before` stands before its neighbour."""
    if isinstance(before, cst.ParenthesizedWhitespace):
        return before.with_changes(first_line=cst.TrailingWhitespace(newline=before.first_line.newline), empty_lines=())
    return cst.SimpleWhitespace(" ")


def split_comment(behind: Space, before: Space) -> tuple[Space, Space]:
    """Space before a closing bracket, parted for a new last element.

    Returns what goes between the old last element and the new one, and what goes behind the new one.  A
    comment at the old element's line stays there.
    """
    between = separator(before)
    if not isinstance(behind, cst.ParenthesizedWhitespace):
        return between, behind
    if behind.first_line.comment is None:
        return between, behind
    if not isinstance(between, cst.ParenthesizedWhitespace):
        return between, behind
    closing = behind.with_changes(first_line=cst.TrailingWhitespace(newline=behind.first_line.newline))
    return between.with_changes(first_line=behind.first_line), closing


def find_keyword(call: cst.BaseExpression, name: str) -> int | None:
    """The index of a keyword argument."""
    if isinstance(call, cst.Call):
        for index, arg in enumerate(call.args):
            if arg.keyword is not None and arg.keyword.value == name:
                return index
    return None


def edit_call(node: cst.BaseExpression, edit: CallEdit) -> cst.BaseExpression:
    """Carry out one edit of a call.

    Raises:
        CannotApply: the keyword is not there, or the expression cannot be called.
    """
    index = find_keyword(node, edit.name)
    match edit:
        case SetKeyword(name=name, code=code):
            value = argument(expression(code))
            if not isinstance(node, cst.Call):
                if not is_callee(node):
                    raise CannotApply(f"`{name}=` needs a call")
                return cst.Call(node, [cst.Arg(value, cst.Name(name), _TIGHT)])
            if index is None:
                return _with_keyword(node, cst.Arg(value, cst.Name(name), _TIGHT))
            args = list(node.args)
            args[index] = args[index].with_changes(value=value)
            return node.with_changes(args=args)
        case DropKeyword(name=name) if isinstance(node, cst.Call) and index is not None:
            return _without(node, index)
        case RenameKeyword(new=new) if isinstance(node, cst.Call) and index is not None:
            args = list(node.args)
            args[index] = args[index].with_changes(keyword=cst.Name(new))
            return node.with_changes(args=args)
    raise CannotApply(f"the call has no argument `{edit.name}`")


def expression(code: str) -> cst.BaseExpression:
    """An expression from its source.

    Raises:
        CannotApply: it is none.
    """
    try:
        return cst.parse_expression(code.strip())
    except Exception as error:  # libcst raises more than its own errors
        raise CannotApply(f"`{code}` is not an expression") from error


def _space_before(call: cst.Call, index: int) -> Space:
    if index == 0:
        return call.whitespace_before_args
    comma = call.args[index - 1].comma
    return comma.whitespace_after if isinstance(comma, cst.Comma) else cst.SimpleWhitespace("")


def _with_keyword(call: cst.Call, new: cst.Arg) -> cst.Call:
    args = list(call.args)
    if not args:
        space = call.whitespace_before_args
        return call.with_changes(
            args=[new.with_changes(whitespace_after_arg=space)], whitespace_before_args=cst.SimpleWhitespace("")
        )
    if len(args) == 1 and isinstance(args[0].value, cst.GeneratorExp) and not args[0].value.lpar:
        args[0] = args[0].with_changes(value=parenthesised(args[0].value))
    for index, arg in enumerate(args):
        if arg.star == "**":
            new = new.with_changes(comma=cst.Comma(whitespace_after=separator(_space_before(call, index))))
            return call.with_changes(args=[*args[:index], new, *args[index:]])
    last, before = args[-1], _space_before(call, len(args) - 1)
    if isinstance(last.comma, cst.Comma):
        between, closing = split_comment(last.comma.whitespace_after, before)
        args[-1] = last.with_changes(comma=last.comma.with_changes(whitespace_after=between))
        new = new.with_changes(comma=cst.Comma(whitespace_after=closing))
    else:
        between, closing = split_comment(last.whitespace_after_arg, before)
        if len(args) == 1 and all(isinstance(space, cst.ParenthesizedWhitespace) for space in (before, closing)):
            new = new.with_changes(comma=cst.Comma(whitespace_after=closing))
            closing = cst.SimpleWhitespace("")
        args[-1] = last.with_changes(
            comma=cst.Comma(whitespace_after=between), whitespace_after_arg=cst.SimpleWhitespace("")
        )
        new = new.with_changes(whitespace_after_arg=closing)
    return call.with_changes(args=[*args, new])


def over_lines(call: cst.Call, margin: str, unit: str) -> cst.Call:
    """The call with each argument on a line of its own, and a comma behind the last.

    Arguments:
        margin: what stands before the statement.
        unit: what a line is indented by.
    """

    def begun(text: str) -> cst.ParenthesizedWhitespace:
        return cst.ParenthesizedWhitespace(last_line=cst.SimpleWhitespace(text))

    inner, nothing = begun(margin + unit), cst.SimpleWhitespace("")
    ends = [*[inner] * (len(call.args) - 1), begun(margin)]
    args = [
        arg.with_changes(comma=cst.Comma(whitespace_after=end), whitespace_after_arg=nothing)
        for arg, end in zip(call.args, ends, strict=True)
    ]
    return call.with_changes(args=args, whitespace_before_args=inner)


def _without(call: cst.Call, index: int) -> cst.Call:
    args = list(call.args)
    gone = args.pop(index)
    if not args:
        space = call.whitespace_before_args
        empty = isinstance(space, cst.ParenthesizedWhitespace) and not _has_comment(space)
        return call.with_changes(args=[], whitespace_before_args=cst.SimpleWhitespace("") if empty else space)
    if index < len(args):
        return call.with_changes(args=args)
    last = args[-1]
    assert isinstance(last.comma, cst.Comma)
    between = last.comma.whitespace_after
    if isinstance(gone.comma, cst.Comma):
        space = _closing(between, gone.comma.whitespace_after)
        args[-1] = last.with_changes(comma=last.comma.with_changes(whitespace_after=space))
    else:
        args[-1] = last.with_changes(
            comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=_closing(between, gone.whitespace_after_arg)
        )
    return call.with_changes(args=args)


def _closing(between: Space, behind: Space) -> Space:
    """The space before the closing bracket when the last element goes, with the comments that stood before it.

    A comment on the line of the element that goes must not become one on its neighbour.
    """
    if isinstance(behind, cst.ParenthesizedWhitespace) and behind.first_line.comment is not None:
        raise CannotApply("a comment would be lost")
    if not isinstance(between, cst.ParenthesizedWhitespace) or not _has_comment(between):
        return behind
    if not isinstance(behind, cst.ParenthesizedWhitespace):
        return between
    if _has_comment(behind):
        raise CannotApply("a comment would be lost")
    return behind.with_changes(first_line=between.first_line, empty_lines=between.empty_lines)


def _has_comment(space: cst.ParenthesizedWhitespace) -> bool:
    return space.first_line.comment is not None or any(line.comment is not None for line in space.empty_lines)


def edit_parameters(function: cst.FunctionDef, edit: InsertParameter | RenameParameter) -> cst.FunctionDef:
    """Carry out one edit of a function's parameters.

    Raises:
        CannotApply: the parameter to rename is not there.
    """
    match edit:
        case InsertParameter(name=name):
            return _with_first(function, cst.Param(cst.Name(name)))
        case RenameParameter(name=name, new=new, annotation=annotation):
            for param in parameters(function.params):
                if param.name.value == name:
                    renamed = function.params.with_deep_changes(param, **_renamed(param, new, annotation))
                    return function.with_changes(params=renamed)
            raise CannotApply(f"`{function.name.value}` has no parameter `{name}`")


def parameters(params: cst.Parameters) -> list[cst.Param]:
    """All parameters, starred ones too."""
    starred = [each for each in (params.star_arg, params.star_kwarg) if isinstance(each, cst.Param)]
    return [*params.posonly_params, *params.params, *params.kwonly_params, *starred]


def _with_first(function: cst.FunctionDef, new: cst.Param) -> cst.FunctionDef:
    params, before = function.params, function.whitespace_before_params
    if not parameters(params) and isinstance(params.star_arg, cst.MaybeSentinel):
        return function.with_changes(
            params=params.with_changes(params=[new.with_changes(whitespace_after_param=before)]),
            whitespace_before_params=cst.SimpleWhitespace(""),
        )
    new = new.with_changes(comma=cst.Comma(whitespace_after=separator(before)))
    field = "posonly_params" if params.posonly_params else "params"
    return function.with_changes(params=params.with_changes(**{field: [new, *getattr(params, field)]}))


def _renamed(param: cst.Param, new: str, annotation: str | None) -> dict[str, object]:
    changes: dict[str, object] = {"name": cst.Name(new)}
    if annotation is None:
        changes["annotation"] = None
        if param.annotation is not None and param.default is not None:
            changes["equal"] = _TIGHT
        return changes
    value = expression(annotation)
    if param.annotation is not None:
        changes["annotation"] = param.annotation.with_changes(annotation=value)
        return changes
    changes["annotation"] = cst.Annotation(value)
    if param.default is not None:
        changes["equal"] = cst.AssignEqual()
    return changes
