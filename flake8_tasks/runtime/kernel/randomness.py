"""The same random numbers and message ids in every run."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any

_real = uuid.uuid4


@contextmanager
def same_numbers(seed: int, modules: Sequence[ModuleType] = ()) -> Iterator[None]:
    """`random` and `uuid4` give the same as in every other run with this seed; as they were when it ends.

    Arguments:
        seed: for both.
        modules: the program's, whose `from uuid import uuid4` counts too.
    """
    state = random.getstate()
    numbers = random.Random(seed)

    def numbered() -> uuid.UUID:
        return uuid.UUID(int=numbers.getrandbits(128), version=4)

    held = [(vars(uuid), "uuid4"), *_held(tuple(modules))]
    random.seed(seed)
    for names, name in held:
        names[name] = numbered
    try:
        yield
    finally:
        for names, name in held:
            if names.get(name) is numbered:
                names[name] = _real
        random.setstate(state)


@lru_cache(maxsize=16)
def _held(modules: tuple[ModuleType, ...]) -> tuple[tuple[dict[str, Any], str], ...]:
    return tuple((vars(module), name) for module in modules for name, value in vars(module).items() if value is _real)
