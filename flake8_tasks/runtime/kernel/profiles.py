"""How kinds of brokers behave where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of broker behaves.

    Arguments:
        name: of the broker.
        returns_when_disconnected: whether unacknowledged messages come back as soon as their consumer is gone.
        visibility_timeout: seconds after which an unacknowledged message may be delivered again; None: never.
        scan_interval: seconds between two looks for such messages, 0 for "at once".
        highest_first: whether priority 9 goes before priority 0.
        tags_stay: whether a message keeps its tag when it is delivered again, so that an acknowledgement is for all.
        rejected_last: whether a message that is rejected and requeued goes behind all others, not to where it was.
    """

    name: str
    returns_when_disconnected: bool
    visibility_timeout: float | None
    scan_interval: float
    highest_first: bool
    tags_stay: bool = False
    rejected_last: bool = False

    def with_visibility_timeout(self, seconds: float | None) -> Profile:
        """The same with another visibility timeout, in seconds."""
        return self if seconds is None or self.visibility_timeout is None else replace(self, visibility_timeout=seconds)


# https://www.rabbitmq.com/docs/confirms#automatic-requeueing
RABBITMQ = Profile("rabbitmq", True, None, 0, True)
# kombu.transport.redis: `QoS.restore_visible` runs when a worker connects, then at every tenth tick of ten seconds; the
# tag is part of the message, and `QoS.ack` removes whatever has it. `QoS.reject` puts it where new messages go.
REDIS = Profile("redis", False, 3600, 100, False, True, True)
# kombu.transport.SQS: `Channel.default_visibility_timeout`
SQS = Profile("sqs", False, 1800, 0, False)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (RABBITMQ, REDIS, SQS)}
