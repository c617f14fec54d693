"""Which calls wait for the result of a task, and in which tasks they run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporary import TemporaryProject

from flake8_tasks.config import Config
from flake8_tasks.model.facts import Wait
from flake8_tasks.model.project import Project
from flake8_tasks.model.reader import Reader

Write = Callable[[str], TemporaryProject]

HEAD = """
# file: shop/tasks.py
from celery import Celery, chain, chord, group, shared_task
from celery.result import AsyncResult, EagerResult, GroupResult, ResultSet, allow_join_result

app = Celery("shop")


@shared_task
def add(a, b):
    return a + b


"""


def waits(project: TemporaryProject, name: str = "shop/tasks.py") -> list[Wait]:
    """The waits of a file."""
    model = Project(project.root, Config(root=str(project.root)))
    module = model.module(str(project.root / name))
    assert module is not None
    return [fact for fact in Reader(module, model).facts if isinstance(fact, Wait)]


def in_task(body: str) -> str:
    """A program with a task whose body is given."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{HEAD}@shared_task\ndef work(n):\n{lines}"


@pytest.mark.parametrize(
    "body",
    [
        "return add.delay(1, n).get()",
        "return add.apply_async((1, n), countdown=1).wait(timeout=3)",
        "return add.apply((1, n)).get()",
        "found = {each: add.delay(1, each) for each in n}\nfor key, one in found.items():\n    one.get()",
        "found = {}\nfor each in n:\n    found[each] = add.delay(1, n)\nreturn {k: v.get() for k, v in found.items()}",
        "for place, one in enumerate([add.delay(1, 2)]):\n    one.get()",
        "return add.s(1, n).apply().get()",
        "return add.s(1).delay(n).get()",
        "return add.s(1, n).set(queue='x').apply_async().get()",
        "return app.send_task('shop.add', (1, n)).get()",
        "return chain(add.s(1, n), add.s(2))().get()",
        "return (add.s(1, n) | add.s(2))().get()",
        "return (add.s(1, n) | add.s(2)).apply_async().get()",
        "return group(add.s(1, each) for each in n)().join()",
        "return chord([add.s(1, each) for each in n])(add.s(1)).get()",
        "return chord([add.s(1, each) for each in n], add.s(1)).apply_async().get()",
        "return add.chunks(zip(n, n), 10)().get()",
        "return list(chain(add.s(1, n), add.s(2))().collect())",
        "return chain(add.s(1, n), add.s(2))().get_leaf()",
        "return chain(add.s(1, n), add.s(2))().parent.get()",
        "return group(add.s(1, each) for each in n)().children[0].get()",
        "return AsyncResult(n).get()",
        "return app.AsyncResult(n).get()",
        "return add.AsyncResult(n).get()",
        "return GroupResult.restore(n).join()",
        "return ResultSet([add.delay(1, 2)]).join_native()",
        "r = add.delay(1, n)\nreturn r.get()",
        "r = None\nif n:\n    r = add.delay(1, n)\nelse:\n    r = add.delay(2, n)\nreturn r.get()",
        "r = None\nif n:\n    r = add.delay(1, n)\nreturn r and r.get()",
        "r = {}\nr = add.delay(1, n)\nreturn r.get()",
        "r: AsyncResult = add.delay(1, n)\nreturn r.get()",
        "if (r := add.delay(1, n)):\n    return r.get()",
        "a, b = add.delay(1, n), n\nreturn a.get()",
        "return [r.get() for r in [add.delay(1, each) for each in n]]",
        "rs = [add.delay(1, each) for each in n]\nfor r in rs:\n    r.get()",
        "rs = []\nfor each in n:\n    rs.append(add.delay(1, each))\nreturn [r.get() for r in rs]",
        "rs = [add.delay(1, each) for each in n]\nreturn rs[0].get()",
        "rs = {each: add.delay(1, each) for each in n}\nreturn [r.get() for r in rs.values()]",
        "rs = {}\nfor each in n:\n    rs[each] = add.delay(1, each)\nreturn rs[1].get()",
        "return (add.delay(1, n) if n else add.delay(2, n)).get()",
    ],
)
def test_a_wait_for_a_result_is_known(body: str, write: Write) -> None:
    [wait] = waits(write(in_task(body)))
    assert [(task.name, place) for task, place in wait.tasks_around] == [("work", None)]
    assert not wait.is_allowed


@pytest.mark.parametrize(
    "body",
    [
        "return {}.get(n)",
        "return n.get()",
        "r = add.delay(1, n)\nr = {}\nreturn r.get(n)",
        "r = add.delay(1, n) if n else {}\nreturn r.get(n)",
        "return add.delay(1, n).result",
        "return add.delay(1, n).ready()",
        "return add(1, n).get(n)",
        "return add.s(1, n)().get(n)",
        "return add.delay_on_commit(1, n)",
        "return ', '.join(n)",
        "rs = [{}, add.delay(1, n)]\nreturn rs[0].get(n)",
        "for r in [add.delay(1, n)]:\n    pass\nr = n\nreturn r.get()",
        "return EagerResult(n, n, 'SUCCESS').get()",
        "for key, one in {add.delay(1, n): {}}.items():\n    one.get(n)",
        "for place, one in enumerate([{}]):\n    one.get(n)",
        "for one, other in zip([{}], [add.delay(1, n)]):\n    one.get(n)",
    ],
)
def test_other_gets_are_no_waits(body: str, write: Write) -> None:
    assert waits(write(in_task(body))) == []


@pytest.mark.parametrize(
    "body",
    [
        "return add.delay(1, n).get(disable_sync_subtasks=False)",
        "return add.delay(1, n).get(disable_sync_subtasks=n)",
        "with allow_join_result():\n    return add.delay(1, n).get()",
        "with open(n), allow_join_result():\n    return [add.delay(1, n).get()]",
    ],
)
def test_a_wait_with_the_check_switched_off_is_another_rules(body: str, write: Write) -> None:
    [wait] = waits(write(in_task(body)))
    assert wait.is_allowed


def reached(project: TemporaryProject, name: str = "shop/tasks.py") -> list[list[str]]:
    """For each wait the tasks in which it runs."""
    return [[task.name for task, _ in wait.tasks_around] for wait in waits(project, name)]


@pytest.mark.parametrize(
    ("body", "tasks"),
    [
        ("def total(n):\n    return add.delay(1, n).get()\n@shared_task\ndef work(n):\n    return total(n)", ["work"]),
        ("def total(n):\n    return add.delay(1, n).get()\ndef view(n):\n    return total(n)", []),
        (
            "def total(n):\n    return add.delay(1, n).get()\ndef middle(n):\n    return total(n)\n@shared_task\n"
            "def work(n):\n    return middle(n)\n@shared_task\ndef other(n):\n    return total(n)",
            ["other", "work"],
        ),
        (
            "def total(n):\n    return add.delay(1, n).get()\n@shared_task\ndef work(n):\n"
            "    with allow_join_result():\n        return total(n)",
            [],
        ),
        ("def total(n):\n    return add.delay(1, n).get()\n@shared_task\ndef work(n):\n    n.submit(total)", []),
        (
            "class Sums:\n    def start(self, n):\n        self.r = add.delay(1, n)\n    def end(self):\n"
            "        return self.r.get()\n@shared_task\ndef work(n):\n    sums = Sums()\n    sums.start(n)\n"
            "    return sums.end()",
            ["work"],
        ),
        ("class Work(app.Task):\n    def run(self, n):\n        return add.delay(1, n).get()", ["Work"]),
        (
            "class Work(app.Task):\n    def run(self, n):\n        return self.total(n)\n    def total(self, n):\n"
            "        return add.delay(1, n).get()",
            ["Work"],
        ),
        (
            "@shared_task\ndef work(n):\n    r = add.delay(1, n)\n    def later():\n        return r.get()\n"
            "    n.submit(later)",
            [],
        ),
        (
            "@shared_task\ndef work(n):\n    r = add.delay(1, n)\n    def now():\n        return r.get()\n"
            "    return now()",
            ["work"],
        ),
        ("@shared_task\ndef work(n):\n    r = add.delay(1, n)\n    n.submit(lambda: r.get())", []),
        ("@shared_task(bind=True)\ndef work(this, n):\n    return this.AsyncResult(n).get()", ["work"]),
        ("def total(r: AsyncResult):\n    return r.get()\n@shared_task\ndef work(n):\n    return total(n)", ["work"]),
    ],
)
def test_a_wait_runs_in_the_tasks_that_call_its_function(body: str, tasks: list[str], write: Write) -> None:
    assert reached(write(f"{HEAD}{body}\n")) == [tasks]


@pytest.mark.parametrize("sent", ["self.delay(1)", "self.apply_async((1,))", "self.s(1).delay()"])
def test_a_bound_task_may_wait_for_itself(sent: str, write: Write) -> None:
    found = waits(write(f"{HEAD}@shared_task(bind=True)\ndef work(self, n):\n    return {sent}.get()"))
    assert len(found) == 1


def test_a_wait_in_another_file_knows_the_task_and_the_call(write: Write) -> None:
    project = write(
        f"{HEAD}# file: shop/sums.py\nfrom shop.tasks import add\n\n\ndef total(n):\n    return add.delay(1, n).get()\n"
        "# file: shop/jobs.py\nfrom celery import shared_task\nfrom shop.sums import total\n\n\n@shared_task\n"
        "def work(n):\n    return total(n)\n"
    )
    [wait] = waits(project, "shop/sums.py")
    [(task, call)] = wait.tasks_around
    assert call is not None
    assert (task.name, call.path, call.span) == ("work", str(project.root / "shop" / "jobs.py"), (7, 12, 7, 20))
