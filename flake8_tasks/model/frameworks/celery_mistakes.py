"""Names of options that authors write and Celery ignores, and what they mean."""

from __future__ import annotations

from typing import Final, NamedTuple


class WrongOption(NamedTuple):
    """A name that authors write and Celery ignores.

    Arguments:
        right: the name that Celery reads.
        exact: the value means the same under the right name; otherwise it has to be looked at.
        note: where the wrong name comes from, or what to look at.
    """

    right: str
    exact: bool = True
    note: str = ""


_COUNTS_FIRST: Final = "may count the first run too, which max_retries does not"

KNOWN_WRONG_OPTIONS: Final[dict[str, WrongOption]] = {
    "retry_limit": WrongOption("max_retries"),
    "max_retry": WrongOption("max_retries"),
    "max_retires": WrongOption("max_retries"),
    "retries": WrongOption("max_retries", note="Huey's name"),
    "num_retries": WrongOption("max_retries"),
    "retry_count": WrongOption("max_retries"),
    "retry_max": WrongOption("max_retries"),
    "retry_times": WrongOption("max_retries"),
    "max_tries": WrongOption("max_retries", exact=False, note=_COUNTS_FIRST),
    "max_attempts": WrongOption("max_retries", exact=False, note=_COUNTS_FIRST),
    "retry_attempts": WrongOption("max_retries", exact=False, note=_COUNTS_FIRST),
    "retry_delay": WrongOption("default_retry_delay", note="Huey's name"),
    "default_retry_countdown": WrongOption("default_retry_delay"),
    "retry_countdown": WrongOption("default_retry_delay"),
    "retry_interval": WrongOption("default_retry_delay"),
    "retry_wait": WrongOption("default_retry_delay"),
    "countdown": WrongOption("default_retry_delay", exact=False, note="a task has no delay before its first run"),
    "autoretry": WrongOption("autoretry_for", exact=False, note="takes a tuple of exceptions"),
    "auto_retry": WrongOption("autoretry_for", exact=False, note="takes a tuple of exceptions"),
    "auto_retry_for": WrongOption("autoretry_for"),
    "autoretry_on": WrongOption("autoretry_for"),
    "retry_for": WrongOption("autoretry_for"),
    "retry_on": WrongOption("autoretry_for", exact=False, note="takes a tuple of exceptions"),
    "retry_exceptions": WrongOption("autoretry_for"),
    "dont_retry_for": WrongOption("dont_autoretry_for"),
    "no_autoretry_for": WrongOption("dont_autoretry_for"),
    "autoretry_kwargs": WrongOption("retry_kwargs"),
    "backoff": WrongOption("retry_backoff"),
    "autoretry_backoff": WrongOption("retry_backoff"),
    "exponential_backoff": WrongOption("retry_backoff", exact=False, note="takes seconds, not the base of a power"),
    "backoff_max": WrongOption("retry_backoff_max"),
    "max_backoff": WrongOption("retry_backoff_max", exact=False, note="Dramatiq's name, in milliseconds there"),
    "retry_max_backoff": WrongOption("retry_backoff_max"),
    "max_retry_backoff": WrongOption("retry_backoff_max"),
    "jitter": WrongOption("retry_jitter"),
    "backoff_jitter": WrongOption("retry_jitter"),
    "retry_backoff_jitter": WrongOption("retry_jitter"),
    "task_time_limit": WrongOption("time_limit", note="the setting's name"),
    "hard_time_limit": WrongOption("time_limit"),
    "hard_limit": WrongOption("time_limit"),
    "timelimit": WrongOption("time_limit"),
    "timeout": WrongOption("time_limit", exact=False, note="a hard limit kills, a soft one raises"),
    "time_out": WrongOption("time_limit", exact=False, note="a hard limit kills, a soft one raises"),
    "job_timeout": WrongOption("time_limit", note="RQ's name"),
    "task_soft_time_limit": WrongOption("soft_time_limit", note="the setting's name"),
    "soft_limit": WrongOption("soft_time_limit"),
    "soft_timeout": WrongOption("soft_time_limit"),
    "soft_timelimit": WrongOption("soft_time_limit"),
    "ignore_results": WrongOption("ignore_result"),
    "task_ignore_result": WrongOption("ignore_result", note="the setting's name"),
    "store_result": WrongOption("ignore_result", exact=False, note="the opposite"),
    "store_results": WrongOption("ignore_result", exact=False, note="Dramatiq's name, and the opposite"),
    "ack_late": WrongOption("acks_late"),
    "late_ack": WrongOption("acks_late"),
    "late_acks": WrongOption("acks_late"),
    "task_acks_late": WrongOption("acks_late", note="the setting's name"),
    "task_acks_on_failure_or_timeout": WrongOption("acks_on_failure_or_timeout", note="the setting's name"),
    "task_acks_on_failure": WrongOption("acks_on_failure", note="the setting's name"),
    "task_acks_on_timeout": WrongOption("acks_on_timeout", note="the setting's name"),
    "reject_on_worker_loss": WrongOption("reject_on_worker_lost"),
    "reject_on_lost_worker": WrongOption("reject_on_worker_lost"),
    "task_reject_on_worker_lost": WrongOption("reject_on_worker_lost", note="the setting's name"),
    "retry_on_worker_loss": WrongOption("retry_on_worker_lost"),
    "task_retry_on_worker_lost": WrongOption("retry_on_worker_lost", note="the setting's name"),
    "task_track_started": WrongOption("track_started", note="the setting's name"),
    "task_store_errors_even_if_ignored": WrongOption("store_errors_even_if_ignored", note="the setting's name"),
    "task_store_eager_result": WrongOption("store_eager_result", note="the setting's name"),
    "task_serializer": WrongOption("serializer", note="the setting's name"),
    "task_compression": WrongOption("compression", note="the setting's name"),
    "task_default_rate_limit": WrongOption("rate_limit", note="the setting's name"),
    "task_rate_limit": WrongOption("rate_limit"),
    "ratelimit": WrongOption("rate_limit"),
    "task_default_priority": WrongOption("priority", note="the setting's name"),
    "task_default_queue": WrongOption("queue", note="the setting's name"),
    "task_queue": WrongOption("queue"),
    "queue_name": WrongOption("queue", note="Dramatiq's and Django's name"),
    "task_name": WrongOption("name", note="taskiq's name"),
    "task_base": WrongOption("base"),
    "base_class": WrongOption("base"),
    "expire": WrongOption("expires"),
    "expiry": WrongOption("expires"),
    "expiration": WrongOption("expires", exact=False, note="AMQP's name, in milliseconds there"),
}

KNOWN_WRONG_CALL_OPTIONS: Final[dict[str, WrongOption]] = {
    "delay": WrongOption("countdown"),
    "count_down": WrongOption("countdown"),
    "delay_seconds": WrongOption("countdown"),
    "defer_by": WrongOption("countdown", exact=False, note="arq's name, where it may be a timedelta"),
    "run_at": WrongOption("eta"),
    "run_after": WrongOption("eta", exact=False, note="Django's name, where it may be a timedelta"),
    "expire": WrongOption("expires"),
    "expiry": WrongOption("expires"),
    "queue_name": WrongOption("queue"),
    "task_queue": WrongOption("queue"),
    "callback": WrongOption("link"),
    "on_success": WrongOption("link"),
    "errback": WrongOption("link_error"),
    "on_error": WrongOption("link_error"),
    "on_failure": WrongOption("link_error"),
    "id": WrongOption("task_id"),
    "job_id": WrongOption("task_id"),
    "task_time_limit": WrongOption("time_limit"),
    "task_soft_time_limit": WrongOption("soft_time_limit"),
    "soft_limit": WrongOption("soft_time_limit"),
    "ignore_results": WrongOption("ignore_result"),
}

# The same for `self.retry(...)` and `retry_kwargs`.
KNOWN_WRONG_RETRY_OPTIONS: Final[dict[str, WrongOption]] = {
    **KNOWN_WRONG_CALL_OPTIONS,
    "retry_limit": WrongOption("max_retries"),
    "max_retry": WrongOption("max_retries"),
    "max_retires": WrongOption("max_retries"),
    "max_tries": WrongOption("max_retries", exact=False, note=_COUNTS_FIRST),
    "max_attempts": WrongOption("max_retries", exact=False, note=_COUNTS_FIRST),
    "retry_delay": WrongOption("countdown"),
    "default_retry_delay": WrongOption("countdown"),
    "retry_countdown": WrongOption("countdown"),
    "exception": WrongOption("exc"),
    "error": WrongOption("exc"),
    "cause": WrongOption("exc"),
}
