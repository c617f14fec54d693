"""Where a scenario stands, so that another process finds the same one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flake8_tasks.runtime.scenario import Scenario


def scenario_of(reference: str) -> Scenario:
    """The scenario that stands there.

    Arguments:
        reference: "package.module:name", with further attributes or numbers: "a.b:witness.variants.0.scenario".

    Raises:
        LookupError: there is none.
    """
    module, _, path = reference.partition(":")
    found: Any = import_module(module)
    try:
        for step in path.split("."):
            found = found[int(step)] if step.isdecimal() else getattr(found, step)
    except (AttributeError, IndexError) as error:
        raise LookupError(f"no scenario stands at {reference}: {error}") from error
    if not isinstance(found, Scenario):
        raise LookupError(f"no scenario stands at {reference}, but {found!r}")
    return found
