"""What counts as a slip in an option's name, and what is another word."""

from __future__ import annotations

import pytest

from flake8_tasks.model.frameworks.celery import KNOWN_CUSTOM_OPTIONS, KNOWN_WRONG_OPTIONS, TASK_OPTIONS
from flake8_tasks.model.tasks.spelling import Mistake, meant, mistake

KNOWN = ("max_retries", "retry_backoff", "retry_backoff_max", "time_limit", "soft_time_limit", "autoretry_for", "queue")


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("max_retires", "max_retries"),  # changed places
        ("max_retris", "max_retries"),  # too few
        ("max_retriess", "max_retries"),  # too many
        ("max_retrees", "max_retries"),  # wrong
        ("maxretries", "max_retries"),
        ("maxRetries", "max_retries"),
        ("MAX_RETRIES", "max_retries"),
        ("soft_timelimit", "soft_time_limit"),
        ("autoretry_fro", "autoretry_for"),
        ("auto_retry_for", "autoretry_for"),
    ],
)
def test_one_slip_is_recognised(written: str, right: str) -> None:
    assert meant(written, KNOWN) == right


@pytest.mark.parametrize(
    "written",
    [
        "max_retries",
        "retry_backoff_min",  # two letters: another word
        "may_retry",
        "min_retries",
        "lock_time_limit",
        "autoretry_on",
        "queues",  # short names are near to too many words
        "fields",
    ],
)
def test_another_word_is_no_slip(written: str) -> None:
    assert meant(written, KNOWN) is None


def test_a_name_between_two_is_not_decided() -> None:
    assert meant("task_cool", ("task_pool", "task_tool")) is None


def test_names_that_celery_or_its_extensions_read_are_no_mistakes() -> None:
    assert [name for name in (*TASK_OPTIONS, *KNOWN_CUSTOM_OPTIONS) if mistake(name)] == []


def test_every_known_mistake_leads_to_an_option() -> None:
    for name in KNOWN_WRONG_OPTIONS:
        found = mistake(name)
        assert found is not None
        assert found.right in TASK_OPTIONS


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("retry_limit", Mistake("name", "max_retries")),
        ("timeout", Mistake("unclear", "time_limit")),
        ("interval_start", Mistake("policy")),
        ("link_error", Mistake("call")),
        ("retry_policy", Mistake("call")),
        ("send_error_emails", Mistake("removed", "4.0")),
        ("serialiser", Mistake("name", "serializer")),
        ("owner", None),
    ],
)
def test_kinds_of_mistakes(option: str, expected: Mistake | None) -> None:
    assert mistake(option) == expected
