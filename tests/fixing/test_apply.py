"""Edits carried out: each kind, its style, what is refused."""

from __future__ import annotations

import ast
import textwrap

import pytest

from flake8_tasks.edit import (
    AddImport,
    DeleteStatement,
    DropKeyword,
    Edit,
    InsertParameter,
    InsertStatement,
    NameHandler,
    Place,
    RenameAttribute,
    RenameKeyword,
    RenameParameter,
    ReplaceExpression,
    ReplaceStatements,
    SetKeyword,
)
from flake8_tasks.fixing.apply import CannotApply, apply
from flake8_tasks.model.source import Source

PATH = "/project/shop/tasks.py"


class Code:
    """A text, and the places of its nodes by their own source."""

    def __init__(self, text: str) -> None:
        self.text = textwrap.dedent(text) if text.startswith("\n ") else text
        self.source = Source.of(PATH, self.text.encode())

    def at(self, segment: str, kind: type[ast.AST] = ast.expr, count: int = 0) -> Place:
        """The place of the node whose source begins with `segment` (the `count`-th one; the shortest first)."""
        found = [
            node
            for node in ast.walk(self.source.tree)
            if isinstance(node, kind) and self.source.segment(node).startswith(segment)
        ]
        found.sort(key=lambda node: len(self.source.segment(node)))
        return Place(PATH, self.source.span(found[count]))

    def after(self, *edits: Edit) -> str:
        return apply(PATH, self.text, edits)


def keywords(call: str, *names: str, **more: str) -> str:
    """A call with keywords set."""
    code = Code(call)
    place = Place(PATH, code.source.span(code.source.tree.body[0].value))  # type: ignore[attr-defined]
    return code.after(
        *(SetKeyword(place, name, "True") for name in names), *(SetKeyword(place, *item) for item in more.items())
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f()\n", "f(k=True)\n"),
        ("f(a)\n", "f(a, k=True)\n"),
        ("f(a,)\n", "f(a, k=True,)\n"),
        ("f(a, k=1, b=2)\n", "f(a, k=True, b=2)\n"),
        ("f(a, **b)\n", "f(a, k=True, **b)\n"),
        ("f(**b)\n", "f(k=True, **b)\n"),
        ("f(*b)\n", "f(*b, k=True)\n"),
        ("f(x for x in y)\n", "f((x for x in y), k=True)\n"),
        ("f(\n    a,\n    b=1,\n)\n", "f(\n    a,\n    b=1,\n    k=True,\n)\n"),
        ("f(\n    a,\n    b=1\n)\n", "f(\n    a,\n    b=1,\n    k=True\n)\n"),
        ("f(\n    a,\n    b=1,  # one\n)\n", "f(\n    a,\n    b=1,  # one\n    k=True,\n)\n"),
        ("f(\n    a,\n    b=1  # one\n)\n", "f(\n    a,\n    b=1,  # one\n    k=True\n)\n"),
        ("f(\n    a,\n    b=1,\n    # c=2,\n)\n", "f(\n    a,\n    b=1,\n    k=True,\n    # c=2,\n)\n"),
        ("f(\n    a,  # one\n    **b,  # two\n)\n", "f(\n    a,  # one\n    k=True,\n    **b,  # two\n)\n"),
        ("f(\n    a, b, c\n)\n", "f(\n    a, b, c, k=True\n)\n"),
        ("f(\n    a\n)\n", "f(\n    a,\n    k=True,\n)\n"),
        ("f(a,\n  b)\n", "f(a,\n  b,\n  k=True)\n"),
        ("f(\n    a,\n)\n", "f(\n    a,\n    k=True,\n)\n"),
        ("f({\n    'a': 1,\n})\n", "f({\n    'a': 1,\n}, k=True)\n"),
        ("f(  # why\n)\n", "f(k=True  # why\n)\n"),
        ("f(a  # why\n)\n", "f(a, k=True  # why\n)\n"),
        ("f(\r\n\ta,\r\n\tb,\r\n)\r\n", "f(\r\n\ta,\r\n\tb,\r\n\tk=True,\r\n)\r\n"),
        ("x.y\n", "x.y(k=True)\n"),
    ],
)
def test_a_keyword_is_set_in_the_style_of_the_call(before: str, after: str) -> None:
    assert keywords(before, "k") == after


L = "l" * 80


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(f"f(*a, {L}, **b)\n", f"f(\n    *a,\n    {L},\n    k=True,\n    **b,\n)\n", id="on one line"),
        pytest.param(f"f(\n    a, {L}\n)\n", f"f(\n    a,\n    {L},\n    k=True,\n)\n", id="between its brackets"),
        pytest.param(f"f(a, {L})\r\n", f"f(\r\n    a,\r\n    {L},\r\n    k=True,\r\n)\r\n", id="line ends"),
        pytest.param(f"f(a, {L})\n# {L}{L}\n", f"f(a, {L}, k=True)\n# {L}{L}\n", id="not among longer lines"),
        pytest.param(f"f(a,  # why\n  {L})\n", f"f(a,  # why\n  {L},\n  k=True)\n", id="not with comments"),
        pytest.param(f"f({L})  # noqa\n", f"f({L}, k=True)  # noqa\n", id="not before a comment"),
        pytest.param(f"f([a,\n   b], {L})\n", f"f([a,\n   b], {L}, k=True)\n", id="not with an argument over lines"),
    ],
)
def test_a_call_that_becomes_too_long_has_its_arguments_on_lines(before: str, after: str) -> None:
    assert keywords(before, "k") == after


def test_a_call_among_others_stays_on_its_line() -> None:
    code = Code(f"x = [f({L})]\n")
    assert code.after(SetKeyword(code.at("f("), "k", "True")) == f"x = [f({L}, k=True)]\n"


def test_several_keywords_of_one_call_are_set_together() -> None:
    assert keywords("f(\n    a,\n)\n", "b", "c") == "f(\n    a,\n    b=True,\n    c=True,\n)\n"


def test_a_keyword_value_is_put_in_parentheses_only_where_that_is_needed() -> None:
    assert keywords("f()\n", k="1, 2") == "f(k=(1, 2))\n"
    assert keywords("f()\n", k="lambda: 1 if a else 2") == "f(k=lambda: 1 if a else 2)\n"


def test_a_bare_decorator_becomes_a_call() -> None:
    code = Code("""
        @app.task  # keep
        @other
        def send(order_id):
            pass
    """)
    place = code.at("app.task")
    assert code.after(SetKeyword(place, "bind", "True"), SetKeyword(place, "max_retries", "3")) == code.text.replace(
        "app.task", "app.task(bind=True, max_retries=3)"
    )


def test_the_decorator_and_the_function_are_changed_together() -> None:
    code = Code("""
        @app.task
        def send(order: Order, *, now=None) -> None:
            \"\"\"Send it.\"\"\"

            # the mail
            return mail.delay(order).get(timeout=3)
    """)
    function = code.at("def send", ast.stmt)
    changed = code.after(
        SetKeyword(code.at("app.task"), "bind", "True"),
        InsertParameter(function, "self"),
        RenameParameter(function, "order", "order_pk", "int"),
        InsertStatement(function, "order = Order.objects.get(pk=order_pk)", "body"),
        ReplaceExpression(code.at("mail.delay(order).get("), "self.replace(mail.s(order))"),
    )
    assert changed == textwrap.dedent("""
        @app.task(bind=True)
        def send(self, order_pk: int, *, now=None) -> None:
            \"\"\"Send it.\"\"\"

            order = Order.objects.get(pk=order_pk)
            # the mail
            return self.replace(mail.s(order))
    """)


def test_a_call_and_its_argument_are_changed_together() -> None:
    code = Code("update.apply_async((event, 1), countdown=f(event), queue='x')\n")
    call = code.at("update.apply_async(")
    changed = code.after(
        SetKeyword(call, "expires", "60"),
        DropKeyword(call, "queue"),
        ReplaceExpression(code.at("event"), "event.pk"),
        RenameKeyword(call, "countdown", "eta"),
        RenameAttribute(code.at("update.apply_async"), "apply"),
    )
    assert changed == "update.apply((event.pk, 1), eta=f(event), expires=60)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f(k=1)\n", "f()\n"),
        ("f(a, k=1)\n", "f(a)\n"),
        ("f(a, k=1,)\n", "f(a,)\n"),
        ("f(k=1, a=2)\n", "f(a=2)\n"),
        ("f(a, k=1, b=2)\n", "f(a, b=2)\n"),
        ("f(\n    a,\n    k=1,\n)\n", "f(\n    a,\n)\n"),
        ("f(\n    a,  # one\n    k=1,\n)\n", "f(\n    a,  # one\n)\n"),
        ("f(\n    a,  # one\n    k=1\n)\n", "f(\n    a  # one\n)\n"),
        ("f(\n    k=1,\n    a=2,\n)\n", "f(\n    a=2,\n)\n"),
        ("f(\n    k=1,\n)\n", "f()\n"),
        ("f(a,\n  k=1)\n", "f(a)\n"),
    ],
)
def test_a_keyword_is_dropped_with_its_comma(before: str, after: str) -> None:
    code = Code(before)
    assert code.after(DropKeyword(code.at("f("), "k")) == after


@pytest.mark.parametrize("text", ["f(\n    a,\n    k=1,  # why\n)\n", "f(\n    k=1,  # why\n    a=2,\n)\n"])
def test_a_keyword_is_not_dropped_when_its_comment_would_go(text: str) -> None:
    code = Code(text)
    with pytest.raises(CannotApply, match="a comment would be lost"):
        code.after(DropKeyword(code.at("f("), "k"))


@pytest.mark.parametrize(
    ("text", "old", "new", "after"),
    [
        ("x = a * b\n", "b", "c + d", "x = a * (c + d)\n"),
        ("x = a + b\n", "a", "c + d", "x = c + d + b\n"),
        ("x = a - b\n", "b", "c + d", "x = a - (c + d)\n"),
        ("x = a and b\n", "b", "c == d", "x = a and c == d\n"),
        ("x = a and b\n", "b", "c or d", "x = a and (c or d)\n"),
        ("x = not a\n", "a", "c in d", "x = not c in d\n"),
        ("x = a ** b\n", "a", "-c", "x = (-c) ** b\n"),
        ("x = a ** b\n", "b", "-c", "x = a ** -c\n"),
        ("x = (a).y\n", "a", "c or d", "x = (c or d).y\n"),
        ("x = a.y\n", "a", "c or d", "x = (c or d).y\n"),
        ("x = a.y\n", "a", "1", "x = (1).y\n"),
        ("x = await_(a)\n", "a", "b, c", "x = await_((b, c))\n"),
        ("x = a\n", "a", "b, c", "x = b, c\n"),
        ("x = a if b else c\n", "b", "lambda: 1", "x = a if (lambda: 1) else c\n"),
        ("x = (1, 2).y\n", "(1, 2)", "z", "x = z.y\n"),
        ("x = ((1, 2))\n", "(1, 2)", "[1]", "x = ([1])\n"),
        ("f(a for a in b)\n", "(a for", "c", "f(c)\n"),
        ("x = [i for i in a if b]\n", "b", "c if d else e", "x = [i for i in a if (c if d else e)]\n"),
        ("f(*a)\n", "a", "b or c", "f(*b or c)\n"),
        ("f(**a)\n", "a", "b or c", "f(**b or c)\n"),
        ("x = [*a]\n", "a", "b or c", "x = [*(b or c)]\n"),
        ("x = a < b\n", "b", "c < d", "x = a < (c < d)\n"),
        ("x = -a\n", "a", "b + c", "x = -(b + c)\n"),
        ("x = a[b]\n", "b", "c, d", "x = a[c, d]\n"),
        ("if a:\n    pass\n", "a", "(b := c)", "if (b := c):\n    pass\n"),
        ("@a\ndef f(): pass\n", "a", "b or c", "@b or c\ndef f(): pass\n"),
    ],
)
def test_a_replaced_expression_gets_parentheses_where_precedence_needs_them(
    text: str, old: str, new: str, after: str
) -> None:
    code = Code(text)
    assert code.after(ReplaceExpression(code.at(old), new)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(): pass\n", "def f(self): pass\n"),
        ("def f(a, b=1): pass\n", "def f(self, a, b=1): pass\n"),
        ("def f(a, /, b): pass\n", "def f(self, a, /, b): pass\n"),
        ("def f(*, b): pass\n", "def f(self, *, b): pass\n"),
        ("def f(*b, **c): pass\n", "def f(self, *b, **c): pass\n"),
        ("def f(**c): pass\n", "def f(self, **c): pass\n"),
        ("async def f(\n    a,  # one\n    b,\n): pass\n", "async def f(\n    self,\n    a,  # one\n    b,\n): pass\n"),
        ("def f(  # why\n    a,\n): pass\n", "def f(  # why\n    self,\n    a,\n): pass\n"),
    ],
)
def test_a_first_parameter_is_put_in(before: str, after: str) -> None:
    code = Code(before)
    assert code.after(InsertParameter(code.at("", ast.stmt, -1), "self")) == after


@pytest.mark.parametrize(
    ("before", "annotation", "after"),
    [
        ("def f(a): pass\n", None, "def f(a_pk): pass\n"),
        ("def f(a: A = 1): pass\n", None, "def f(a_pk=1): pass\n"),
        ("def f(a: A): pass\n", "int", "def f(a_pk: int): pass\n"),
        ("def f(a=1): pass\n", "int | None", "def f(a_pk: int | None = 1): pass\n"),
        ("def f(b, *, a): pass\n", None, "def f(b, *, a_pk): pass\n"),
        ("def f(*a): pass\n", None, "def f(*a_pk): pass\n"),
    ],
)
def test_a_parameter_is_renamed_in_the_declaration(before: str, annotation: str | None, after: str) -> None:
    code = Code(before)
    assert code.after(RenameParameter(code.at("def f", ast.stmt), "a", "a_pk", annotation)) == after


@pytest.mark.parametrize(
    ("before", "where", "after"),
    [
        ("x\na\ny\n", "before", "x\nnew()\na\ny\n"),
        ("x\na\ny\n", "after", "x\na\nnew()\ny\n"),
        ("x\n\n# on a\na  # end\n", "before", "x\n\nnew()\n# on a\na  # end\n"),
        ("x\n\n# on a\na  # end\n", "after", "x\n\n# on a\na  # end\nnew()\n"),
        ("x; a; y  # end\n", "before", "x\nnew()\na\ny  # end\n"),
        ("if x: a  # end\n", "before", "if x:\n    new()\n    a  # end\n"),
        ("if x:\n\ta\n", "after", "if x:\n\ta\n\tnew()\n"),
        ("x\na", "after", "x\na\nnew()"),
        ("# header\na\n", "before", "# header\nnew()\na\n"),
        ("if x:\n    a\n    # tail\ny\n", "after", "if x:\n    a\n    new()\n    # tail\ny\n"),
    ],
)
def test_a_statement_is_inserted_beside_another(before: str, where: str, after: str) -> None:
    code = Code(before)
    assert code.after(InsertStatement(code.at("a", ast.stmt), "new()", where)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(): pass\n", "def f():\n    new()\n    pass\n"),
        ('def f():\n    """Doc."""\n', 'def f():\n    """Doc."""\n    new()\n'),
        ('def f():\n    """Doc."""; x\n', 'def f():\n    """Doc."""\n    new()\n    x\n'),
        ('def f(): """Doc."""\n', 'def f():\n    """Doc."""\n    new()\n'),
        ("def f():\n  # why\n  x\n", "def f():\n  new()\n  # why\n  x\n"),
        ("def f():\n\n    x\n", "def f():\n\n    new()\n    x\n"),
        ("def f():\n    x = 1; y = 2\n", "def f():\n    new()\n    x = 1; y = 2\n"),
    ],
)
def test_a_statement_is_put_first_into_a_body(before: str, after: str) -> None:
    code = Code(before)
    assert code.after(InsertStatement(code.at("def f", ast.stmt), "new()", "body")) == after


def test_inserted_code_takes_the_line_ends_and_the_indentation_of_the_file() -> None:
    code = Code("if x:\r\n\ta\r\n")
    assert code.after(InsertStatement(code.at("a", ast.stmt), "with b:\n    c('''\n''')", "after")) == (
        "if x:\r\n\ta\r\n\twith b:\r\n\t\tc('''\r\n''')\r\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x\na\ny\n", "x\ny\n"),
        ("if x:\n    a\n", "if x:\n    pass\n"),
        ("if x: a\n", "if x: pass\n"),
        ("x; a; y\n", "x; y\n"),
        ("x; a\n", "x\n"),
        ("x\n\n# on a\na\ny\n", "x\n\n# on a\ny\n"),
        ("if x:\n    b\n    # on a\n    a\ny\n", "if x:\n    b\n    # on a\ny\n"),
        ("x\n\na\n\ny\n", "x\n\ny\n"),
        ("a\n", ""),
    ],
)
def test_a_statement_is_deleted_and_the_comments_above_it_stay(before: str, after: str) -> None:
    code = Code(before)
    assert code.after(DeleteStatement(code.at("a", ast.stmt))) == after


def test_a_statement_with_a_comment_on_its_line_is_not_deleted() -> None:
    code = Code("x\na  # why\n")
    with pytest.raises(CannotApply, match="a comment would be lost"):
        code.after(DeleteStatement(code.at("a", ast.stmt)))


def test_statements_are_replaced_in_their_block() -> None:
    code = Code("""
        def f():
            x = 1
            # first
            a = one.delay(x).get()
            b = two.delay(a).get()
            return b  # last
    """)
    edit = ReplaceStatements(
        code.at("a =", ast.stmt), code.at("return", ast.stmt), "raise self.replace(\n    chain(x)\n)"
    )
    assert code.after(edit) == textwrap.dedent("""
        def f():
            x = 1
            # first
            raise self.replace(
                chain(x)
            )  # last
    """)


def test_statements_of_two_blocks_are_not_replaced() -> None:
    code = Code("if x:\n    a\nb\n")
    with pytest.raises(CannotApply, match="not in one block"):
        code.after(ReplaceStatements(code.at("a", ast.stmt), code.at("b", ast.stmt), "c"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("except E:  # why", "except E as error:  # why"),
        ("except (A, B):", "except (A, B) as error:"),
        ("except(A):", "except(A) as error:"),
        ("except:", "except Exception as error:"),
        ("except E as error:", "except E as error:"),
        ("except* E:", "except* E as error:"),
    ],
)
def test_a_handler_is_named(before: str, after: str) -> None:
    code = Code(f"try:\n    x\n{before}\n    y\n")
    assert code.after(NameHandler(code.at("except", ast.excepthandler), "error")) == code.text.replace(before, after)


def test_edits_keep_form_feeds_and_tabs_and_mixed_line_ends() -> None:
    code = Code("x = 'ä\u2028'\n\x0c\ndef f():\r\n\tif x:\n\t\tf('ä', g(1))\r\n\x0c\ny = 1\n")
    assert code.after(SetKeyword(code.at("g("), "k", "2")) == code.text.replace("g(1)", "g(1, k=2)")


@pytest.mark.parametrize(
    "text",
    [
        "\x0cg(1)\n",
        "x\n\x0cdef f():\n    g(1)\n",
        "if x:\r\n    y\r\n\x0c    g(1)\r\n",
        "if x:\n    y\n    \x0c    g(1)\n",
        "x = '''\n\x0cg(2)\n'''\n\x0c\n\x0c \x0c@g(1)\ndef f(): pass\n",
        "h(\n\x0c  g(1))\n",
        "x = 1\n\n\x0c\n\n# c\ng(1)\n\x0c",
    ],
)
def test_form_feeds_at_the_start_of_a_line_stay(text: str) -> None:
    code = Code(text)
    edits = [SetKeyword(code.at("g(1"), "k", "2"), AddImport(PATH, "os")]
    assert apply(PATH, code.text, edits[:1]) == code.text.replace("g(1)", "g(1, k=2)")
    assert code.after(*edits).count("\x0c") == code.text.count("\x0c")


def test_multi_line_strings_before_a_place_do_not_shift_it() -> None:
    code = Code("x = f'''é\n{y}\n''' + g(1, '''\né''') + h(f'{z}')\n")
    assert code.after(SetKeyword(code.at("h("), "k", "2")) == code.text.replace("h(f'{z}')", "h(f'{z}', k=2)")


def test_a_place_inside_an_f_string_is_refused() -> None:
    code = Code("x = f'{g(1)}'\n")
    with pytest.raises(CannotApply, match="f-string"):
        code.after(SetKeyword(code.at("g("), "k", "2"))


def test_an_edit_that_is_there_twice_is_done_once() -> None:
    code = Code("def f(a): pass\n")
    edit = InsertParameter(code.at("def f", ast.stmt), "self")
    assert code.after(edit, edit) == "def f(self, a): pass\n"


def test_edits_that_collide_are_refused() -> None:
    code = Code("if x:\n    f(a, k=g(b))\n")
    call, inner, statement = code.at("f("), code.at("g("), code.at("if", ast.stmt)
    for pair in [
        (SetKeyword(call, "k", "1"), SetKeyword(call, "k", "2")),
        (SetKeyword(call, "k", "1"), ReplaceExpression(inner, "c")),
        (ReplaceExpression(call, "1"), ReplaceExpression(inner, "c")),
        (ReplaceExpression(call, "1"), SetKeyword(call, "n", "c")),
        (DropKeyword(call, "k"), SetKeyword(inner, "n", "c")),
        (DeleteStatement(statement), SetKeyword(call, "n", "c")),
        (DeleteStatement(statement), InsertStatement(statement, "c", "body")),
        (RenameKeyword(call, "k", "n"), SetKeyword(call, "n", "c")),
    ]:
        for edits in (pair, pair[::-1]):
            with pytest.raises(CannotApply, match="collide"):
                code.after(*edits)


def test_statements_can_be_inserted_where_another_is_deleted() -> None:
    code = Code("x\na\ny\n")
    a = code.at("a", ast.stmt)
    assert code.after(InsertStatement(a, "b"), DeleteStatement(a), InsertStatement(a, "c", "after")) == "x\nb\nc\ny\n"


@pytest.mark.parametrize("name", ["", "a b", "class", "a.b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    code = Code("f(a)\n")
    with pytest.raises(CannotApply, match="is not a name"):
        code.after(SetKeyword(code.at("f("), name, "1"))


@pytest.mark.parametrize("new", ["a +", "b)", "x = 1", ""])
def test_code_that_is_no_expression_is_refused(new: str) -> None:
    code = Code("f(a)\n")
    with pytest.raises(CannotApply, match="is not an expression"):
        code.after(ReplaceExpression(code.at("a"), new))


def test_a_place_that_no_node_has_is_refused() -> None:
    code = Code("f(a, b)\n")
    place = code.at("f(")
    shifted = place._replace(span=place.span._replace(end_column=5))
    with pytest.raises(CannotApply, match="line 1: no expression has exactly this place"):
        code.after(SetKeyword(shifted, "k", "1"))


def test_a_parameter_given_twice_is_refused() -> None:
    code = Code("def f(self): pass\n")
    with pytest.raises(CannotApply, match="duplicate"):
        code.after(InsertParameter(code.at("def f", ast.stmt), "self"))


def test_an_elif_can_have_no_statement_before_it() -> None:
    code = Code("if a:\n    b\nelif c:\n    d\n")
    place = Place(PATH, code.source.span(code.source.tree.body[0].orelse[0]))  # type: ignore[attr-defined]
    with pytest.raises(CannotApply, match="does not stand in a block"):
        code.after(InsertStatement(place, "x"))
    assert code.after(InsertStatement(place, "x", "body")) == "if a:\n    b\nelif c:\n    x\n    d\n"


def test_no_edits_give_back_the_text_even_where_it_is_not_python() -> None:
    assert apply(PATH, "def (", []) == "def ("


def test_a_file_that_is_not_python_is_refused() -> None:
    with pytest.raises(CannotApply, match="line 1: syntax error"):
        apply(PATH, "def (", [AddImport(PATH, "os")])
