"""TSK901's message shows the schedule."""

from __future__ import annotations

import pytest
from temporary import Write

from flake8_tasks.rules.periodic.crontab_every_minute import rule


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ('crontab(hour="3")', 'crontab(hour="3")'),
        ("crontab(\n    hour=3,  # at night\n    day_of_week=1,\n)", "crontab(hour=3, day_of_week=1)"),
        ('crontab(day_of_week="mon,tue,wed,thu,fri,sat,sun", month_of_year="1-12")', "crontab(…)"),
    ],
)
def test_the_message_shows_the_schedule_in_one_line_and_without_comments(
    write: Write, schedule: str, shown: str
) -> None:
    program = f"# file: shop/celery.py\nfrom celery.schedules import crontab\n\nnight = {schedule}\n"
    (found,) = write(program).findings([rule])
    assert found.message == f"`{shown}` fires every minute of that time: say which `minute`"
