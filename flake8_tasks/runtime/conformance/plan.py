"""What is to break in a run of the real engine, and the files by which its processes agree on it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from flake8_tasks.runtime.kernel.choices import FAULT, SWITCH, Choice
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.trace import Event

OTHERS_FIRST = "others go first"
WAITING = "waiting"
PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault of a run, or that others go first.

    Arguments:
        label: where it happens, as in a simulation's `Choice.label`: "charge#1 before request POST https://…".
        fault: what happens; None: others go first.
        occurrence: the how manieth time somebody comes there, from 0.
    """

    label: str
    fault: Fault | None
    occurrence: int = 0

    def __str__(self) -> str:
        again = f" (time {self.occurrence + 1})" if self.occurrence else ""
        return f"{self.fault or OTHERS_FIRST}: {self.label}{again}"


def planned(choices: Iterable[Choice]) -> tuple[PlannedFault, ...]:
    """The faults of a simulated run, and where others go first, to be acted out for real."""
    seen: Counter[tuple[str, str]] = Counter()
    faults = []
    for choice in choices:
        if choice.kind in (FAULT, SWITCH):
            where = choice.kind, choice.label
            if choice.taken:
                fault = Fault(choice.options[choice.taken]) if choice.kind == FAULT else None
                faults.append(PlannedFault(choice.label, fault, seen[where]))
            seen[where] += 1
    return tuple(faults)


class Plan:
    """A run's folder: what is planned, what has happened, what messages are called. Many processes share it.

    Every step is one file made exclusively, so that a process killed at any moment leaves it whole.

    Arguments:
        folder: of this run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        document = json.loads((folder / "plan.json").read_text("utf-8"))
        self.began: float = document["began"]
        self._faults = [
            PlannedFault(each["label"], each["fault"] and Fault(each["fault"]), each["occurrence"])
            for each in document["faults"]
        ]
        self._labels = {fault.label for fault in self._faults if fault.fault}
        self._pauses = {fault.label for fault in self._faults if not fault.fault}

    @classmethod
    def written(cls, folder: Path, faults: Iterable[PlannedFault], began: float) -> Plan:
        """A new plan.

        Arguments:
            folder: of the run; it is made.
            faults: what is to break.
            began: when the run begins, in seconds since 1970.
        """
        for name in ("times", "names", "messages", "acknowledged", "requeued", "happened"):
            (folder / name).mkdir(parents=True)
        document = {"began": began, "faults": [asdict(fault) for fault in faults]}
        (folder / "plan.json").write_text(json.dumps(document), "utf-8")
        return cls(folder)

    def at(self, label: str, possible: Iterable[str]) -> Fault | None:
        """Somebody has come here: the fault that happens now, if there is one; it counts as having happened."""
        if label not in self._labels:
            return None
        times = self._next("times", hashlib.sha256(label.encode()).hexdigest()[:16])
        for number, fault in enumerate(self._faults):
            if fault.fault and fault.label == label and fault.occurrence == times and fault.fault in possible:
                with suppress(FileExistsError):
                    (self.folder / "happened" / str(number)).touch(exist_ok=False)
                    return fault.fault
        return None

    def let_others_go_first(self, label: str) -> None:
        """Somebody has come here: when it is planned so, wait until all others are at rest."""
        if label not in self._pauses:
            return
        planned = PlannedFault(label, None, self._next("times", hashlib.sha256(f"{label} ".encode()).hexdigest()[:16]))
        if planned in self._faults:
            (self.folder / "happened" / str(self._faults.index(planned))).touch()
            waiting = self.folder / WAITING
            waiting.touch()
            while waiting.exists():
                time.sleep(PAUSE)

    @property
    def waits(self) -> bool:
        """Whether somebody lets others go first."""
        return (self.folder / WAITING).exists()

    def go_on(self) -> None:
        """All others are at rest."""
        (self.folder / WAITING).unlink()

    @property
    def happened(self) -> tuple[PlannedFault, ...]:
        """Those planned faults that have happened."""
        numbers = {int(path.name) for path in (self.folder / "happened").iterdir()}
        return tuple(fault for number, fault in enumerate(self._faults) if number in numbers)

    def name(self, message: str, task: str) -> str:
        """What a message is called: "charge#1" is the first that was sent of a task whose name ends in `charge`.

        Arguments:
            message: its id, which is kept when it is sent again.
            task: the whole name of the task.
        """
        link = self.folder / "messages" / message
        base = task.rpartition(".")[2]
        if not link.is_symlink():
            with suppress(FileExistsError):
                link.symlink_to(f"{base}#{self._next('names', base) + 1}")
        return os.readlink(link)

    @property
    def messages(self) -> dict[str, str]:
        """Message id → what it is called, of all that were sent."""
        return {link.name: os.readlink(link) for link in (self.folder / "messages").iterdir()}

    def received(self, message: str) -> None:
        """A worker has it, and has not acknowledged it."""
        (self.folder / "acknowledged" / message).unlink(missing_ok=True)
        (self.folder / "requeued" / message).unlink(missing_ok=True)

    def acknowledged(self, message: str) -> None:
        """The worker's parent process has acknowledged it."""
        (self.folder / "acknowledged" / message).touch()
        (self.folder / "requeued" / message).unlink(missing_ok=True)

    def requeued(self, message: str) -> None:
        """A worker gives it back, and no broker tells where it is until a worker has it again."""
        (self.folder / "requeued" / message).touch()

    @property
    def on_its_way(self) -> bool:
        """Whether a message was given back that no worker has yet."""
        return any((self.folder / "requeued").iterdir())

    def is_acknowledged(self, message: str) -> bool:
        return (self.folder / "acknowledged" / message).exists()

    def record(self, event: Event) -> None:
        """Something happened."""
        file = os.open(self.folder / "events", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, b"\n" + json.dumps(event).encode())
        finally:
            os.close(file)

    @property
    def events(self) -> list[Event]:
        """What happened in all processes, as far as they could say it; and the faults."""
        events = [Event(0.0, "", "fault", detail=str(fault)) for fault in self.happened]
        with suppress(FileNotFoundError):
            for line in (self.folder / "events").read_text("utf-8").splitlines():
                with suppress(ValueError):  # Torn by a kill.
                    events.append(Event(*json.loads(line)))
        return sorted(events, key=lambda event: event.time)

    def _next(self, kind: str, name: str) -> int:
        number = 0
        while True:
            try:
                (self.folder / kind / f"{name}.{number}").touch(exist_ok=False)
            except FileExistsError:
                number += 1
            else:
                return number
