"""The same random numbers and message ids in every run."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any

# The machine's own: one is random, the other asks its clock and, by a process, its network card.
_REAL: dict[Callable[..., uuid.UUID], int] = {uuid.uuid1: 1, uuid.uuid4: 4}


@contextmanager
def same_numbers(seed: int, modules: Sequence[ModuleType] = ()) -> Iterator[None]:
    """`random`, `uuid1` and `uuid4` give the same as in every other run with this seed; as they were when it ends.

    Arguments:
        seed: for all.
        modules: the program's, whose `from uuid import uuid4` counts too.
    """
    state = random.getstate()
    numbers = random.Random(seed)

    def numbered(version: int) -> Callable[..., uuid.UUID]:
        return lambda *_, **__: uuid.UUID(int=numbers.getrandbits(128), version=version)

    ours = {real: numbered(version) for real, version in _REAL.items()}
    held = _held((uuid, *modules))
    random.seed(seed)
    for names, name, real in held:
        names[name] = ours[real]
    try:
        yield
    finally:
        for names, name, real in held:
            if names.get(name) is ours[real]:
                names[name] = real
        random.setstate(state)


@lru_cache(maxsize=16)
def _held(modules: tuple[ModuleType, ...]) -> tuple[tuple[dict[str, Any], str, Callable[..., uuid.UUID]], ...]:
    return tuple(
        (vars(module), name, real)
        for module in modules
        for name, value in vars(module).items()
        for real in _REAL
        if value is real
    )
