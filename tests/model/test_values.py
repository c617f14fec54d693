"""What is kept of a file comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from flake8_tasks.config import Config
from flake8_tasks.model.project import Project
from flake8_tasks.model.records import Assigned
from flake8_tasks.model.values import Opaque, pack, unpack

PROGRAM = """\
import os.path as paths
from celery import Celery, shared_task

app = Celery("shop", broker=f"redis://{paths.sep}", **{})
app.conf["task_time_limit"] = -60
app.conf.update({"task_serializer": "json", **paths})
RATES = [0.5, 1e400, None, True, "a\\ud800", ("nested", ())]
Constant: int = 1


class Work(app.Task, abstract=True):
    max_retries = None

    def run(self, order: "Order", /, *rest, key=1, **more): ...


@shared_task(bind=True)
async def work(self):
    return app.task(name="work")(self).delay
"""
HUGE = f"0x{'f' * 4000}"  # Python refuses to write it as a decimal number


def test_a_summary_that_was_packed_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(PROGRAM)
    summary = Project(tmp_path, Config()).summary(str(tmp_path / "shop.py"))
    assert summary is not None
    assert unpack(pack(summary)) == summary


@pytest.mark.parametrize("text", ["", "[", '{"@Nothing": []}', '{"@Opaque": []}', "[1, 2]"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        unpack(text)


@pytest.mark.parametrize("number", [HUGE, f"-{HUGE}"])
def test_a_huge_number_is_opaque_and_its_file_is_kept(tmp_path: Path, number: str) -> None:
    (tmp_path / "shop.py").write_text(f"NUMBER = {number}\n")
    project = Project(tmp_path, Config(), cache=tmp_path / "cache")
    summary = project.summary(str(tmp_path / "shop.py"))
    project.close()
    assert summary is not None
    [assigned] = summary.names["NUMBER"]
    assert isinstance(assigned, Assigned)
    assert isinstance(assigned.value, Opaque)
