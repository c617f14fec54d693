"""What happens in a file, in the words of the field: dispatches, waits, retries, schedules, settings.

Rules ask these their questions.
"""

from __future__ import annotations

from flake8_tasks.model.facts.call import CallFact
from flake8_tasks.model.facts.declared import Declared, TaskClass
from flake8_tasks.model.facts.dispatch import Dispatch
from flake8_tasks.model.facts.retry import Retry
from flake8_tasks.model.facts.settings import RootForced, Schedule, Setting
from flake8_tasks.model.facts.shared import SharedOption
from flake8_tasks.model.facts.wait import Wait

__all__ = [
    "CallFact",
    "Declared",
    "Dispatch",
    "Fact",
    "Retry",
    "RootForced",
    "Schedule",
    "Setting",
    "SharedOption",
    "TaskClass",
    "Wait",
]

Fact = Dispatch | Wait | Retry | Schedule | Setting | Declared | TaskClass | RootForced | SharedOption
