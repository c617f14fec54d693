"""Moments of a message when time passes faster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from flake8_tasks.runtime.conformance.pace import sooner


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_what_is_due_in_a_minute_is_due_in_a_second(zone: timezone) -> None:
    before = datetime.now(UTC)
    moment = sooner((before + timedelta(seconds=60)).astimezone(zone).isoformat(), 60)
    assert moment is not None
    after = datetime.now(UTC)
    # A moment later the minute is shorter by that moment's sixtieth.
    assert before + timedelta(seconds=1) <= datetime.fromisoformat(moment) <= after + timedelta(seconds=1)


def test_a_moment_without_a_zone_is_taken_as_utc() -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    moment = sooner(due.replace(tzinfo=None).isoformat(), 3600)
    assert moment is not None
    assert timedelta(0) < datetime.fromisoformat(moment) - datetime.now(UTC) <= timedelta(seconds=1)


def test_no_moment_stays_none() -> None:
    assert sooner(None, 60) is None
