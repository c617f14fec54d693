"""Any Python program: checking it neither fails nor crashes a rule, and fixing it leaves a program."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import hypothesmith
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flake8_tasks.config import Config
from flake8_tasks.diagnostic import Diagnostic
from flake8_tasks.fixing.plan import plan
from flake8_tasks.model.source import Unreadable, parse
from flake8_tasks.run import Outcome, check_file, selected

LIBRARY = Path(sysconfig.get_path("stdlib"))
NAMES = ["asyncio/tasks", "argparse", "contextlib", "dataclasses", "decimal", "functools", "smtplib", "typing"]
# What is said of tasks, put in at random lines of other code: as often as not, it stands where nobody would write it.
LINES = [
    "from celery import shared_task",
    "from django.db import models, transaction",
    "class Order(models.Model): pass",
    "app = Celery(broker='django://')",
    "app.conf.task_serializer = 'pickle'",
    "order = Order.objects.get(pk=1)",
    "orders = Order.objects.all()",
    "work.delay(order, *orders, **order)",
    "work.apply_async((Order(), orders), countdown=1)",
    "work.delay(1).get()",
    "self.retry()",
    "raise self.retry(max_retries=None)",
    "order.save(); requests.post(order); order.save()",
    "for order in orders: work.delay(order)",
    "x = [work.s(order) for order in orders]",
    "group(x)().get()",
    "crontab(hour=1)",
]
HEADS = [
    "@shared_task(bind=True, retry_limit=3)",
    "@app.task(autoretry_for=(OSError,), retry_backoff=True, retry_jitter=False)",
    "@shared_task",
]
BLOCKS = [
    "with transaction.atomic():",
    "def work(self, order: Order, *rest):",
    "async def work(order):",
    "class Work(Task):",
    "for order in orders:",
    "try:",
    "while True:",
    "if order:",
]
CONFIG = Config(extend_select=("ALL",), include_tests=True)


def checked(root: Path, overlay: Mapping[str, bytes]) -> list[Outcome]:
    from flake8_tasks.model.project import Project

    project = Project(root, CONFIG, overlay=overlay)
    return [check_file(path, project, selected(CONFIG), named=True) for path in sorted(overlay)]


def assert_checked_and_fixed(root: Path, data: bytes, path: Path) -> None:
    def check(overlay: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        outcomes = checked(root, {str(path): data, **overlay})
        assert [each.failure for each in outcomes] == [None] * len(outcomes)
        found = [found for each in outcomes for found in each.findings]
        assert [each for each in found if each.code == "TSK000"] == []
        return found

    planned = plan(check, lambda _: data, unsafe=True, allowed=lambda _: True)
    for changed in planned.changed.values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(changed)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("any")
    (folder / "setup.py").touch()
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_files_of_the_standard_library(root: Path, name: str) -> None:
    assert_checked_and_fixed(root, (LIBRARY / f"{name}.py").read_bytes(), root / "tasks.py")


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(hypothesmith.from_grammar())
def test_programs_of_the_grammar(root: Path, text: str) -> None:
    try:
        parse(text)
    except Unreadable:
        return
    assert_checked_and_fixed(root, text.encode("utf-8", "surrogatepass"), root / "tasks.py")


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Lines about tasks in blocks about tasks, nested anyhow."""

    def block(depth: int) -> list[str]:
        written = []
        for _ in range(draw(st.integers(1, 4))):
            if depth < 4 and draw(st.booleans()):
                head = draw(st.sampled_from(BLOCKS))
                if "def " in head and draw(st.booleans()):
                    written.append(draw(st.sampled_from(HEADS)))
                written += [head, *(f"    {line}" for line in block(depth + 1))]
                if head == "try:":
                    written += ["except OSError as error:", *(f"    {line}" for line in block(depth + 1))]
            else:
                written.append(draw(st.sampled_from(LINES)))
        return written

    return "\n".join([*LINES[:3], *block(0), ""])


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(programs())
def test_programs_about_tasks(root: Path, text: str) -> None:
    try:
        parse(text)
    except Unreadable:  # an `else` of nothing
        return
    assert_checked_and_fixed(root, text.encode(), root / "tasks.py")


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(NAMES[:4]), st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(LINES)), max_size=30))
def test_files_of_the_standard_library_with_task_code_in_them(
    root: Path, name: str, added: list[tuple[int, str]]
) -> None:
    held = (LIBRARY / f"{name}.py").read_text(encoding="utf-8").splitlines()
    for place, line in added:
        at = place % len(held)
        indentation = held[at][: len(held[at]) - len(held[at].lstrip())]
        held.insert(at, indentation + line)
    text = "\n".join(held)
    try:
        parse(text)
    except Unreadable:
        return
    assert_checked_and_fixed(root, text.encode(), root / "tasks.py")
