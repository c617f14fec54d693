"""TSK101 and why some of its fixes are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporary import TemporaryProject

from flake8_tasks.edit import Refusal
from flake8_tasks.rules.declaring.unknown_task_option import rule

Write = Callable[[str], TemporaryProject]


@pytest.mark.parametrize("decorator", ['@shared_task(**{"retry_limit": 4})', "@shared_task(**OPTIONS)"])
def test_an_option_that_is_no_keyword_of_the_decorator_is_not_renamed(write: Write, decorator: str) -> None:
    project = write(f"""\
# file: shop/tasks.py
from celery import shared_task

OPTIONS = {{"retry_limit": 4}}


{decorator}
def export(path):
    print(path)
""")
    [found] = project.findings([rule], fixes=True)
    assert found.fix == Refusal("the option is no keyword of the task's own decorator")
