"""Who shows that a rule is right: each runs its rule's own `bad` and `good` in the reference runtime."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from flake8_tasks.rule import files_of
from flake8_tasks.rules import all_rules

if TYPE_CHECKING:
    from flake8_tasks.witnesses.witness import Case


@cache
def cases() -> tuple[Case, ...]:
    """Everything that can be proved, in the order of codes; a rule's variants come after it.

    Raises:
        ImportError: the extra `flake8-tasks[runtime]` is not installed.
    """
    return tuple(sorted(_cases(), key=lambda case: (case.code, case.slug)))


def _cases() -> Iterator[Case]:
    from flake8_tasks.witnesses.witness import Case, Witness

    rules = {rule.module.removeprefix("flake8_tasks.rules."): rule for rule in all_rules()}
    for found in pkgutil.walk_packages(__path__, f"{__name__}."):
        witness = getattr(import_module(found.name), "witness", None)
        if not isinstance(witness, Witness):
            continue
        place = found.name.removeprefix(f"{__name__}.")
        rule = rules.get(place)
        code = rule.code if rule else witness.code
        name = rule.name if rule else place.rpartition(".")[2].replace("_", "-")
        bad, good = (files_of(text) for text in ((rule.bad, rule.good) if rule else (witness.bad, witness.good)))
        path = place.replace(".", "/")
        yield Case(code, name, f"{path}.json", bad, good, witness.scenario, f"{found.name}:witness.scenario")
        for number, variant in enumerate(witness.variants):
            yield Case(
                code,
                f"{name}, {variant.title}",
                f"{path}-{variant.title.replace(' ', '-')}.json",
                {file: variant.changed(text) for file, text in bad.items()},
                {file: variant.changed(text) for file, text in good.items()},
                variant.scenario,
                f"{found.name}:witness.variants.{number}.scenario",
            )
