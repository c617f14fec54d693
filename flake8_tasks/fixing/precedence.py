"""Whether an expression needs parentheses where it is put."""

from __future__ import annotations

import libcst as cst

# From loosest to tightest, as the grammar has them.
_TUPLE, _ASSIGNMENT, _LAMBDA, _CONDITION, _OR, _AND, _NOT, _COMPARISON = range(8)
_BINARY: tuple[tuple[type[cst.BaseBinaryOp], ...], ...] = (
    (cst.BitOr,),
    (cst.BitXor,),
    (cst.BitAnd,),
    (cst.LeftShift, cst.RightShift),
    (cst.Add, cst.Subtract),
    (cst.Multiply, cst.MatrixMultiply, cst.Divide, cst.FloorDivide, cst.Modulo),
)
_UNARY = _COMPARISON + len(_BINARY) + 1
_POWER, _AWAIT, _ATOM = _UNARY + 1, _UNARY + 2, _UNARY + 3


def parenthesised(expression: cst.BaseExpression) -> cst.BaseExpression:
    """The same expression in parentheses."""
    return expression.with_changes(lpar=[cst.LeftParen(), *expression.lpar], rpar=[*expression.rpar, cst.RightParen()])


def fitted(expression: cst.BaseExpression, parent: cst.CSTNode, old: cst.CSTNode) -> cst.BaseExpression:
    """An expression as it can stand in its parent instead of `old`, in parentheses where they are needed."""
    if not expression.lpar and _tightness(expression) < _needed(parent, old):
        return parenthesised(expression)
    if isinstance(parent, cst.Attribute) and isinstance(expression, cst.Integer) and not expression.lpar:
        return parenthesised(expression)
    return expression


def argument(expression: cst.BaseExpression) -> cst.BaseExpression:
    """An expression as it can stand behind `name=` in a call."""
    return parenthesised(expression) if not expression.lpar and _tightness(expression) < _LAMBDA else expression


def is_callee(expression: cst.BaseExpression) -> bool:
    """Whether `(…)` can follow directly."""
    return bool(expression.lpar) or _tightness(expression) == _ATOM


def _binary(operator: cst.BaseBinaryOp) -> int:
    if isinstance(operator, cst.Power):
        return _POWER
    return next(_COMPARISON + 1 + level for level, kinds in enumerate(_BINARY) if isinstance(operator, kinds))


def _tightness(expression: cst.BaseExpression) -> int:
    match expression:
        case cst.Tuple() | cst.Yield() | cst.GeneratorExp():
            return _TUPLE
        case cst.NamedExpr():
            return _ASSIGNMENT
        case cst.Lambda():
            return _LAMBDA
        case cst.IfExp():
            return _CONDITION
        case cst.BooleanOperation(operator=cst.Or()):
            return _OR
        case cst.BooleanOperation():
            return _AND
        case cst.UnaryOperation(operator=cst.Not()):
            return _NOT
        case cst.Comparison():
            return _COMPARISON
        case cst.BinaryOperation(operator=operator):
            return _binary(operator)
        case cst.UnaryOperation():
            return _UNARY
        case cst.Await():
            return _AWAIT
        case _:
            return _ATOM


def _needed(parent: cst.CSTNode, old: cst.CSTNode) -> int:
    """How tight an expression must be to stand in `old`'s place without parentheses."""
    match parent:
        case cst.Assign() | cst.Return() | cst.Expr() | cst.Index():
            return _TUPLE
        case cst.Arg(star="") | cst.Element() | cst.DictElement() | cst.Param() | cst.Annotation() | cst.AnnAssign():
            return _LAMBDA
        case cst.If() | cst.While() | cst.Assert() | cst.AugAssign() | cst.WithItem() | cst.Raise() | cst.Slice():
            return _LAMBDA
        case cst.For() | cst.From() | cst.Arg() | cst.NamedExpr() | cst.Lambda() | cst.Yield() | cst.Decorator():
            return _LAMBDA
        case cst.ListComp() | cst.SetComp() | cst.GeneratorExp() | cst.DictComp():
            return _LAMBDA
        case cst.IfExp():
            return _LAMBDA if parent.orelse is old else _OR
        case cst.CompIf() | cst.CompFor():
            return _OR
        case cst.BooleanOperation(operator=cst.Or()):
            return _OR if parent.left is old else _AND
        case cst.BooleanOperation():
            return _AND if parent.left is old else _NOT
        case cst.UnaryOperation(operator=cst.Not()):
            return _NOT
        case cst.Comparison() | cst.ComparisonTarget():
            return _COMPARISON + 1
        case cst.BinaryOperation(operator=cst.Power()):
            return _AWAIT if parent.left is old else _UNARY
        case cst.BinaryOperation(operator=operator):
            return _binary(operator) + (parent.left is not old)
        case cst.UnaryOperation():
            return _UNARY
        case _:
            return _ATOM
