"""What may break, by the names that witnesses, commands and pages use."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """A kind of fault; its description says what really happens."""

    CHILD_KILLED = "child-killed"
    NODE_KILLED = "node-killed"
    CLIENT_KILLED = "client-killed"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    ANSWER_LOST = "answer-lost"
    DUPLICATED = "duplicated"

    @property
    def description(self) -> str:
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Fault.CHILD_KILLED: "a worker's child process is killed (SIGKILL, the kernel out of memory)",
    Fault.NODE_KILLED: "a whole worker is killed, its children too, and starts again",
    Fault.CLIENT_KILLED: "the process that sends tasks is killed",
    Fault.REFUSED: "a server outside refuses a request, or an answer says that it failed",
    Fault.TIMED_OUT: "a request times out before it has reached the server",
    Fault.ANSWER_LOST: "a request takes effect, and its answer is lost",
    Fault.DUPLICATED: "the broker delivers a message twice",
}
