"""A report with something of everything in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flake8_tasks.diagnostic import Diagnostic, Failure, Related
from flake8_tasks.edit import Fix, Refusal, Safety, Span
from flake8_tasks.report import Report
from flake8_tasks.rule import Rule

FILES = {
    "/work/shop/views.py": (
        "def buy(order):\n    with atomic():\n        send.delay(order.pk)\n        send.delay(order)\n"
    ),
    "/work/shop/tasks.py": "@app.task\ndef send(order): ...\n",
    "/elsewhere/more.py": "x = send.delay(\n    1,\n)\n",
}

RULES = (
    Rule(
        "flake8_tasks.rules.arguments.model_argument",
        "A model instance is passed to a task.\n\nThe worker sees an *old* copy of it.",
        code="TSK201",
        message="'{name}' is a model instance",
        bad="send.delay(order)",
        good="send.delay(order.pk)",
        fix=Safety.UNSAFE,
        ignore_when="The copy is what you want.",
    ),
    Rule(
        "flake8_tasks.rules.transactions.dispatch_in_transaction",
        "A task is sent before the commit.",
        code="TSK602",
        message="sent before the commit",
        bad="send.delay(1)",
        good="on_commit(lambda: send.delay(1))",
        default=False,
        fix=Safety.UNSAFE,
    ),
)


def lines(path: str) -> list[str]:
    return FILES.get(path, "").splitlines(keepends=True)


@pytest.fixture
def report() -> Report:
    related = Related("/work/shop/tasks.py", Span(2, 5, 2, 9), "the task")
    views = "/work/shop/views.py"
    fix = Fix(Safety.UNSAFE, "Send it after the commit")
    safe = Fix(Safety.SAFE, "Pass the primary key")
    return Report(
        findings=(
            Diagnostic("TSK602", "dispatch-in-transaction", "/elsewhere/more.py", Span(1, 5, 3, 2), "sent: early, 5%"),
            Diagnostic("TSK602", "dispatch-in-transaction", views, Span(4, 9, 4, 26), "sent early", fix),
            Diagnostic("TSK201", "model-argument", views, Span(4, 20, 4, 25), "'order' is a model", safe, (related,)),
            Diagnostic("TSK602", "dispatch-in-transaction", views, Span(3, 9, 3, 29), "sent early", Refusal("used")),
        ),
        failures=(Failure("/work/shop/broken.py", 7, "syntax error: '(' was never closed"),),
        rules=RULES,
        files=4,
        root="/work",
        lines=lines,
    )


@pytest.fixture
def line_report() -> Callable[[str, Span], Report]:
    """A report with one finding in a file of one line."""

    def make(line: str, span: Span) -> Report:
        found = Diagnostic("TSK201", "model-argument", "/work/x.py", span, "message")
        return Report(findings=(found,), files=1, root="/work", lines=lambda _path: [line])

    return make
