"""Rows that are saved before a request and after it: what is found, what goes, and why something stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporary import TemporaryProject

from flake8_tasks.edit import Fix, Refusal
from flake8_tasks.rules.atomicity.save_before_request import rule

FILES = """\
# file: people/models.py
from django.db import models

class User(models.Model):
    token = models.TextField()
    status = models.TextField()
    name = models.TextField()
    note = models.TextField()
# file: people/tasks.py
import requests
from celery import shared_task
from django.db import transaction
from django.utils import timezone
from people.models import User

LABEL = "updated"

@shared_task
def other(pk):
    pass

@shared_task
def task(pk, value, flag):
    user = User.objects.get(pk=pk)
"""


def project_of(tmp_path: Path, *lines: str) -> TemporaryProject:
    tmp_path.mkdir(exist_ok=True)
    return TemporaryProject.written(tmp_path / "project", FILES + "".join(f"    {line}\n" for line in lines))


FIRST = ('user.status = "updated"', "user.save()")
ASK = 'user.name = requests.get("https://people.test", timeout=5).text'
SECOND = "user.save()"


@pytest.mark.parametrize(
    "value",
    [
        '"updated"',
        "LABEL",
        "User.DONE",
        "Status.Done",
        "timezone.now()",
        "True",
        "3",
        "Status.DONE.value",
        "value",
        "f(flag)",
    ],
)
def test_a_value_that_says_something_is_done_is_found(tmp_path: Path, value: str) -> None:
    project = project_of(tmp_path, f"user.status = {value}", "user.save()", ASK, SECOND)
    assert len(project.findings([rule])) == 1


@pytest.mark.parametrize(
    "value",
    [
        '"sending"',
        '"in_progress"',
        '"queued"',
        "Status.PENDING",
        "Status.STARTED.value",
        "None",
        '""',
        "[]",
        "{}",
        "False",
    ],
)
def test_a_value_that_says_that_it_has_begun_is_not(tmp_path: Path, value: str) -> None:
    project = project_of(tmp_path, f"user.status = {value}", "user.save()", ASK, SECOND)
    assert project.findings([rule]) == []


@pytest.mark.parametrize(
    "field", ["attempts", "started_at", "request_id", "locked_until", "idempotency_key", "updated_at", "task_id"]
)
def test_a_field_kept_for_the_work_itself_is_not_found(tmp_path: Path, field: str) -> None:
    project = project_of(tmp_path, f"user.{field} = 1", "user.save()", ASK, SECOND)
    assert project.findings([rule]) == []


@pytest.mark.parametrize(
    "request_line",
    [
        "user.name = requests.get(value).text",
        "user.name = requests.get(user.note).text",
        "user.name = requests.get(f'https://people.test/{user.pk}').text",
        "user.name = requests.post('https://people.test', json=user).text",
    ],
)
def test_data_that_the_request_needs_is_not_found(tmp_path: Path, request_line: str) -> None:
    project = project_of(tmp_path, "user.note = value", "user.save()", request_line, SECOND)
    assert project.findings([rule]) == []


@pytest.mark.parametrize(
    "lines",
    [
        (*FIRST, ASK, "user.refresh_from_db()"),
        (*FIRST, "user.save(update_fields=value)", ASK, "user.save(update_fields=['name'])"),
        (*FIRST, ASK, "user.save(update_fields=value)"),
        (*FIRST, ASK, "user.save(update_fields=['note'])"),
        ('user.status = "updated"', "user.save(update_fields=['note'])", ASK, SECOND),
        ("user.status += value", "user.save()", ASK, SECOND),
        (*FIRST, "requests.get('https://people.test')", SECOND),
        (
            "match flag:",
            "    case 1:",
            '        user.status = "updated"; user.save()',
            "    case _:",
            f"        {ASK}; user.save()",
        ),
        ("try:", f"    {ASK}", "except OSError:", '    user.status = "failed"; user.save()', "    raise", SECOND),
        (*FIRST, "try:", f"    {ASK}", "finally:", "    user.save()"),
    ],
)
def test_other_orders_are_not_found(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert project_of(tmp_path, *lines).findings([rule]) == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("user.status = 'updated'", "user.save(using='a')", ASK, SECOND), "the two saves have different arguments"),
        ((*FIRST, "other.delay(flag)", ASK, SECOND), "between the two saves may need"),
        ((*FIRST, "user.refresh_from_db()", ASK, SECOND), "between the two saves may need"),
        ((*FIRST, "User.objects.filter(token=value).update(note='')", ASK, SECOND), "between the two saves may need"),
        ((*FIRST, "print(user.pk)", ASK, SECOND), "gets the key of the row"),
        ((*FIRST, "if flag:", "    print(user.name)", "    return", ASK, SECOND), "answers a failure"),
        ((*FIRST, "try:", f"    {ASK}", "finally:", "    print(user.name)", SECOND), "answers a failure"),
        (('user.status = "updated"', "done = user.save()", ASK, SECOND), "part of a larger statement"),
        (('user.status = "updated"', "if flag:", "    user.save()", ASK, SECOND), "different blocks"),
        (("user = User()", *FIRST, ASK, SECOND), "makes the row"),
        ((*FIRST, ASK, "user.save(update_fields=['name'])"), "leave out"),
    ],
)
def test_a_save_that_is_needed_stays_and_the_reason_is_told(
    tmp_path: Path, lines: tuple[str, ...], reason: str
) -> None:
    found = project_of(tmp_path, *lines).findings([rule], fixes=True)
    assert [type(one.fix) for one in found] == [Refusal]
    assert isinstance(found[0].fix, Refusal)
    assert reason in found[0].fix.reason


@pytest.mark.parametrize(
    "between",
    [
        (),
        ("if not flag:", "    return"),
        ("if not flag:", "    raise ValueError(value)"),
        ("with open(value) as file:", "    print(file)"),
        ("try:", "    answer = requests.get(value)", "except OSError:", "    return"),
    ],
)
def test_the_first_save_goes_and_nothing_else(tmp_path: Path, between: tuple[str, ...]) -> None:
    project = project_of(tmp_path, *FIRST, *between, ASK, SECOND)
    assert [type(one.fix) for one in project.findings([rule], fixes=True)] == [Fix]
    kept = project_of(tmp_path / "other", FIRST[0], *between, ASK, SECOND)
    assert (
        project.fixed(rule).splitlines()
        == "".join(f"# file: {name}\n{text}" for name, text in kept.files.items()).splitlines()
    )


def test_the_second_places_are_the_request_and_the_second_save(tmp_path: Path) -> None:
    project = project_of(tmp_path, *FIRST, ASK, SECOND)
    (found,) = project.findings([rule])
    lines = project.files["people/tasks.py"].splitlines()
    assert [lines[related.span.line - 1].strip() for related in found.related] == [ASK, SECOND]
