"""How a task that waits is made to hand over: the shapes, what they become, and what stands against it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporary import TemporaryProject

from flake8_tasks.rules import all_rules

Write = Callable[[str], TemporaryProject]

[RULE] = [rule for rule in all_rules() if rule.code == "TSK301"]
HEAD = """from celery import Celery, chain, group, shared_task

app = Celery("shop")


@app.task
def price(n, m=0):
    return n + m


@app.task
def render(n, title=""):
    return f"{title}{n}"


"""


def mended(write: Write, task: str, head: str = HEAD) -> str:
    """What the fixer makes of a task."""
    return write(f"{head}{task}\n").fixed(RULE).removeprefix(head).rstrip("\n")


def refused(write: Write, program: str) -> set[str]:
    """Why the fixer leaves a program alone."""
    project = write(program)
    assert project.fixed(RULE) == program
    return {reason for _, reason in project.planned(RULE).refused}


@pytest.mark.parametrize(
    ("waited", "signature"),
    [
        ("price.delay(n).get()", "price.s(n)"),
        ("price.delay(n, m=2).get(timeout=5)", "price.s(n, m=2)"),
        ("price.delay(*n, **m).get(10)", "price.s(*n, **m)"),
        ("price.delay(n).wait(timeout=3, interval=0.1)", "price.s(n)"),
        ("price.delay(n).get(propagate=True)", "price.s(n)"),
        ("price.apply_async((n, 2)).get()", "price.s(n, 2)"),
        ("price.apply_async([n]).get()", "price.s(n)"),
        ("price.apply_async(args=(n,), kwargs=dict(m=2)).get()", "price.s(n, m=2)"),
        ("price.apply_async((n,), queue='a', countdown=3).get()", "price.s(n).set(queue='a', countdown=3)"),
        ("price.apply_async().get()", "price.s()"),
        ("price.s(n).delay().get()", "price.s(n)"),
        ("price.si(n).set(queue='a').apply_async().get()", "price.si(n).set(queue='a')"),
        ("chain(price.s(n), render.s())().get()", "chain(price.s(n), render.s())"),
    ],
)
def test_a_returned_wait_becomes_a_replacement(waited: str, signature: str, write: Write) -> None:
    task = f"@shared_task(bind=True)\ndef quote(self, n, m):\n    return {waited}"
    assert (
        mended(write, task) == f"@shared_task(bind=True)\ndef quote(self, n, m):\n    return self.replace({signature})"
    )


@pytest.mark.parametrize(
    "body",
    [
        "return {'price': price.delay(n).get()}",
        "return price.delay(n).get() or 0",
        "return price.delay(n).get(propagate=False)",
        "return price.delay(n).get(callback=print)",
        "return price.apply_async(n).get()",
        "return price.apply_async((n,), kwargs={'m': 1}).get()",
        "return price.apply_async((n,), link=render.s()).get()",
        "return price.apply_async((n,), task_id=n).get()",
        "return price.apply_async((n,), {}, None).get()",
        "return price.s(n).delay(2).get()",
        "return group(price.s(each) for each in n)().get()",
        "return chain(price.s(n), render.s()).apply_async((1,)).get()",
        "return price.apply((n,)).get()",
        "return app.send_task('shop.price', (n,)).get()",
        "price.delay(n).get()",
        "x = price.delay(n).get()\n    return [x]",
        "x = price.delay(n).get()\n    print(x)\n    return x",
        "x = price.delay(n).get()\n    return render.delay(x, title=len(n)).get()",
        "r = price.delay(n)\n    print(r.id)\n    return r.get()",
    ],
)
def test_other_shapes_have_no_fix(body: str, write: Write) -> None:
    program = f"{HEAD}@shared_task(bind=True)\ndef quote(self, n):\n    {body}\n"
    assert refused(write, program) == set()


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("x = price.delay(n).get()\n    return x", "price.s(n)"),
        ("r = price.delay(n)\n    return r.get()", "price.s(n)"),
        ("x = price.delay(n).get()\n    return render.delay(x).get()", "chain(price.s(n), render.s())"),
        ("x = price.delay(n).get()\n    y = render.delay(x).get()\n    return y", "chain(price.s(n), render.s())"),
        (
            "r = price.delay(n)\n    x = r.get()\n    q = render.apply_async((x, m), queue='a')\n    return q.get()",
            "chain(price.s(n), render.s(m).set(queue='a'))",
        ),
        (
            "x = price.delay(n).get()\n    y = price.delay(x, m).get(timeout=3)\n"
            "    return render.delay(y, title='a').get()",
            "chain(price.s(n), price.s(m), render.s(title='a'))",
        ),
        ("return render.delay(price.delay(n).get(), m).get()", "chain(price.s(n), render.s(m))"),
    ],
)
def test_a_straight_sequence_becomes_one_replacement(body: str, result: str, write: Write) -> None:
    head = "@app.task(bind=True)\ndef quote(self, n, m):\n    print(n)\n    "
    assert mended(write, head + body) == f"{head}return self.replace({result})"


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("x = price.delay(n).get()\n    return render.delay(1, x).get()", "render.s(1, x)"),
        ("x = price.delay(n).get()\n    y = render.delay(x, title=x).get()\n    return y", "render.s(x, title=x)"),
        ("x = price.delay(n).get()\n    print(x)\n    return render.delay(x).get()", "render.s(x)"),
    ],
)
def test_of_a_sequence_that_is_not_straight_only_the_last_wait_is_mended(body: str, result: str, write: Write) -> None:
    program = f"{HEAD}@app.task(bind=True)\ndef quote(self, n):\n    {body}\n"
    fixed = write(program).fixed(RULE)
    assert "x = price.delay(n).get()\n" in fixed
    assert fixed.endswith(f"    return self.replace({result})\n")


def test_the_import_of_chain_is_added(write: Write) -> None:
    head = HEAD.replace("chain, ", "")
    task = "@app.task(bind=True)\ndef quote(self, n):\n    return render.delay(price.delay(n).get()).get()"
    assert write(f"{head}{task}\n").fixed(RULE).startswith(HEAD.splitlines()[0].replace(", group, shared_task", ""))
    assert "return self.replace(chain(price.s(n), render.s()))" in write(f"{head}{task}\n").fixed(RULE)


@pytest.mark.parametrize(
    ("head", "result"),
    [
        ("@app.task\ndef quote(n):", "@app.task(bind=True)\ndef quote(self, n):"),
        ("@app.task()\ndef quote(n):", "@app.task(bind=True)\ndef quote(self, n):"),
        ("@app.task(bind=False)\ndef quote(n):", "@app.task(bind=True)\ndef quote(self, n):"),
        ("@shared_task(name='a')\ndef quote(n):", "@shared_task(name='a', bind=True)\ndef quote(self, n):"),
        ("@app.task(bind=True)\ndef quote(me, n):", "@app.task(bind=True)\ndef quote(me, n):"),
    ],
)
def test_the_task_is_bound_where_it_is_not(head: str, result: str, write: Write) -> None:
    name = "me" if "me," in head else "self"
    assert (
        mended(write, f"{head}\n    return price.delay(n).get()") == f"{result}\n    return {name}.replace(price.s(n))"
    )


QUOTE = "@app.task\ndef quote(n):\n    return price.delay(n).get()\n"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (f"{HEAD}{QUOTE}\n\ndef now(n):\n    return quote(n)\n", "`now` calls it directly"),
        (f"{HEAD}{QUOTE}\n\ndef now(n):\n    return quote.run(n)\n", "`now` calls it directly"),
        (f"{HEAD}@app.task\ndef quote(self):\n    return price.delay(self).get()\n", "`self` means something else"),
        (
            f"{HEAD}@app.task\ndef quote(n):\n    try:\n        return price.delay(n).get()\n"
            "    except ValueError:\n        return 0\n",
            "the `except` around it",
        ),
        (f"{HEAD}@app.task\ndef quote(n):\n    with n:\n        return price.delay(n).get()\n", "the `with` around it"),
        (
            f"{HEAD}from shop.locks import locked\n\n\n@app.task\n@locked\ndef quote(n):\n"
            "    return price.delay(n).get()\n",
            "another decorator stands between",
        ),
        (
            f"{HEAD}def work(**options):\n    return shared_task(acks_late=True, **options)\n\n\n@work()\n"
            "def quote(n):\n    return price.delay(n).get()\n",
            "stands between it and Celery",
        ),
        (
            f"{HEAD}class Quote(app.Task):\n    def run(self, n):\n        return price.delay(n).get()\n",
            "it is a task class",
        ),
        (
            f"{HEAD}@app.task\ndef quote(n):\n    x = price.delay(n).get()  # the first price\n    return x\n",
            "a comment would be lost",
        ),
    ],
)
def test_what_stands_against_it_is_said(program: str, reason: str, write: Write) -> None:
    [found] = refused(write, program)
    assert reason in found


def test_a_direct_call_in_a_test_of_another_file_counts(write: Write) -> None:
    test = "# file: tests/test_shop.py\nfrom shop.tasks import quote\n\n\ndef test_quote():\n    assert quote(1) == 1\n"
    program = f"# file: shop/tasks.py\n{HEAD}{QUOTE}{test}"
    [found] = refused(write, program)
    assert found == "`test_quote` calls it directly, where `replace` does not work"


def test_two_returns_of_one_task_are_both_mended(write: Write) -> None:
    task = "@app.task\ndef quote(n):\n    if n:\n        return price.delay(n).get()\n    return render.delay(n).get()"
    expected = (
        "@app.task(bind=True)\ndef quote(self, n):\n    if n:\n        return self.replace(price.s(n))\n"
        "    return self.replace(render.s(n))"
    )
    assert mended(write, task) == expected
