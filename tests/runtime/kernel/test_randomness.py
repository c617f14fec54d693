"""Random numbers and ids of a run."""

from __future__ import annotations

import random
import uuid
from types import ModuleType

from flake8_tasks.runtime.kernel.randomness import same_numbers


def drawn(module: ModuleType) -> tuple[float, uuid.UUID, uuid.UUID, uuid.UUID]:
    return random.random(), uuid.uuid1(), uuid.uuid4(), module.new_id()


def test_every_run_draws_the_same_and_leaves_nothing() -> None:
    program = ModuleType("program")
    program.__dict__["new_id"] = uuid.uuid4
    real = (uuid.uuid1, uuid.uuid4)
    random.seed(1)
    before = random.getstate()
    with same_numbers(7, (program,)):
        first = drawn(program)
    with same_numbers(7, (program,)):
        assert drawn(program) == first
    with same_numbers(8, (program,)):
        assert drawn(program) != first
    assert [one.version for one in first[1:]] == [1, 4, 4]
    assert len(set(first)) == 4
    assert (uuid.uuid1, uuid.uuid4) == real
    assert program.new_id is uuid.uuid4
    assert random.getstate() == before
