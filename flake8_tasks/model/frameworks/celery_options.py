"""The options of Celery's tasks and calls: what Celery reads, and what its extensions read."""

from __future__ import annotations

from typing import Final, NamedTuple


class Option(NamedTuple):
    """One option of a task.

    Arguments:
        types: what it takes, as words: int, float, bool, str, none, tuple, dict, class, callable, datetime, object.
        default: what holds when neither the task nor the setting says anything.
        unit: "seconds", "retries", "runs per second" or None.
        setting: the setting it falls back to.
        where: who reads it: "task" (an attribute of the task), "autoretry" (beside `autoretry_for`), "publish" (sent
            with the message), "decorator" (a parameter of `app.task` and `shared_task`), "app.task" (a parameter of
            that decorator only), "hook" (a method that Celery calls), "class" (meant for class bodies).
        since: the version of Celery that brought it, where that is later than 5.4.
        removed: the version that is to drop it.
    """

    types: tuple[str, ...]
    default: object = None
    unit: str | None = None
    setting: str | None = None
    where: str = "task"
    since: str | None = None
    removed: str | None = None


_BOOL: Final = ("bool", "none")
_NUMBER: Final = ("int", "float", "none")
_TEXT: Final = ("str", "none")
_ERRORS: Final = ("tuple",)
_CALLABLE: Final = ("callable",)

TASK_OPTIONS: Final[dict[str, Option]] = {
    # parameters of the decorators
    "name": Option(_TEXT, where="decorator"),
    "base": Option(("class", "none"), where="decorator"),
    "bind": Option(("bool",), False, where="decorator"),
    "pydantic": Option(("bool",), False, where="decorator", since="5.5"),
    "pydantic_strict": Option(("bool",), False, where="decorator", since="5.5"),
    "pydantic_context": Option(("dict", "none"), where="decorator", since="5.5"),
    "pydantic_dump_kwargs": Option(("dict", "none"), where="decorator", since="5.5"),
    "shared": Option(("bool",), True, where="app.task"),
    "filter": Option(("callable", "none"), where="app.task"),
    "lazy": Option(("bool",), True, where="app.task"),
    # attributes of the task
    "max_retries": Option(("int", "none"), 3, "retries"),
    "default_retry_delay": Option(("int", "float"), 180, "seconds"),
    "time_limit": Option(_NUMBER, None, "seconds", "task_time_limit"),
    "soft_time_limit": Option(_NUMBER, None, "seconds", "task_soft_time_limit"),
    "rate_limit": Option(("str", "int", "float", "none"), None, "runs per second", "task_default_rate_limit"),
    "ignore_result": Option(_BOOL, False, setting="task_ignore_result"),
    "store_errors_even_if_ignored": Option(_BOOL, False, setting="task_store_errors_even_if_ignored"),
    "store_eager_result": Option(_BOOL, False, setting="task_store_eager_result"),
    "serializer": Option(_TEXT, "json", setting="task_serializer"),
    "backend": Option(("object", "str", "none")),
    "track_started": Option(_BOOL, False, setting="task_track_started"),
    "acks_late": Option(_BOOL, False, setting="task_acks_late"),
    "acks_on_failure_or_timeout": Option(_BOOL, True, setting="task_acks_on_failure_or_timeout", removed="7.0"),
    "acks_on_failure": Option(_BOOL, True, setting="task_acks_on_failure", since="5.7"),
    "acks_on_timeout": Option(_BOOL, True, setting="task_acks_on_timeout", since="5.7"),
    "reject_on_worker_lost": Option(_BOOL, None, setting="task_reject_on_worker_lost"),
    "retry_on_worker_lost": Option(_BOOL, False, setting="task_retry_on_worker_lost", since="5.7"),
    "throws": Option(_ERRORS, ()),
    "trail": Option(("bool",), True),
    "send_events": Option(("bool",), True),
    "typing": Option(_BOOL, True),
    "resultrepr_maxsize": Option(("int",), 1024),
    # read by autoretry alone
    "autoretry_for": Option(_ERRORS, (), where="autoretry"),
    "dont_autoretry_for": Option(_ERRORS, (), where="autoretry"),
    "retry_kwargs": Option(("dict",), {}, where="autoretry"),
    "retry_backoff": Option(("bool", "int", "float"), False, "seconds", where="autoretry"),
    "retry_backoff_max": Option(("int", "float"), 600, "seconds", where="autoretry"),
    "retry_jitter": Option(("bool",), True, where="autoretry"),
    "override_max_retries": Option(("int", "none"), unit="retries", where="autoretry"),
    # sent with the message
    "queue": Option(("str", "object", "none"), where="publish", removed="6.0"),
    "routing_key": Option(_TEXT, where="publish", removed="6.0"),
    "exchange": Option(("str", "object", "none"), where="publish", removed="6.0"),
    "exchange_type": Option(_TEXT, where="publish", removed="6.0"),
    "delivery_mode": Option(("int", "str", "none"), where="publish", removed="6.0"),
    "priority": Option(("int", "none"), None, setting="task_default_priority", where="publish", removed="6.0"),
    "expires": Option(("int", "float", "datetime", "none"), None, "seconds", where="publish"),
    "compression": Option(_TEXT, None, setting="task_compression", where="publish"),
    "immediate": Option(_BOOL, where="publish"),
    "mandatory": Option(_BOOL, where="publish"),
    # methods that Celery calls
    "before_start": Option(_CALLABLE, where="hook"),
    "on_success": Option(_CALLABLE, where="hook"),
    "on_failure": Option(_CALLABLE, where="hook"),
    "on_retry": Option(_CALLABLE, where="hook"),
    "after_return": Option(_CALLABLE, where="hook"),
    "on_replace": Option(_CALLABLE, where="hook"),
    "on_bound": Option(_CALLABLE, where="hook"),
    "shadow_name": Option(_CALLABLE, where="hook"),
    # meant for class bodies
    "abstract": Option(("bool",), where="class"),
    "app": Option(("object",), where="class"),
    "run": Option(_CALLABLE, where="class"),
    "Strategy": Option(("str", "callable"), "celery.worker.strategy:default", where="class"),
    "Request": Option(("str", "class"), "celery.worker.request:Request", where="class"),
    "from_config": Option(("tuple",), where="class"),
    "request_stack": Option(("object", "none"), where="class"),
}

# The parameters of the hooks after `self`, by position, as Celery passes them.
HOOKS: Final[dict[str, tuple[str, ...]]] = {
    "before_start": ("task_id", "args", "kwargs"),
    "on_success": ("retval", "task_id", "args", "kwargs"),
    "on_failure": ("exc", "task_id", "args", "kwargs", "einfo"),
    "on_retry": ("exc", "task_id", "args", "kwargs", "einfo"),
    "after_return": ("status", "retval", "task_id", "args", "kwargs", "einfo"),
    "on_replace": ("sig",),
    "shadow_name": ("args", "kwargs", "options"),
}

# The parameters of the calls, by position, after `self`.
POSITIONS: Final[dict[str, tuple[str, ...]]] = {
    "apply_async": ("args", "kwargs", "task_id", "producer", "link", "link_error", "shadow"),
    "apply": (
        *("args", "kwargs", "link", "link_error", "task_id", "retries", "throw", "logfile", "loglevel", "headers"),
    ),
    "retry": ("args", "kwargs", "exc", "throw", "eta", "countdown", "max_retries"),
    "send_task": (
        *("name", "args", "kwargs", "countdown", "eta", "task_id", "producer", "connection", "router", "result_cls"),
        *("expires", "publisher", "link", "link_error", "add_to_parent", "group_id", "group_index", "retries", "chord"),
        *("reply_to", "time_limit", "soft_time_limit", "root_id", "parent_id", "route_name", "shadow", "chain"),
        *("task_type", "replaced_task_nesting"),
    ),
    "update_state": ("task_id", "state", "meta"),
}

# What `apply_async`, `Signature.set` and `send_task` read. With `stamped_headers=` other names are headers, and legal.
CALL_OPTIONS: Final = frozenset(
    {
        *("args", "kwargs", "countdown", "eta", "expires", "task_id", "link", "link_error", "shadow", "immutable"),
        *("queue", "routing_key", "exchange", "exchange_type", "delivery_mode", "priority", "immediate", "mandatory"),
        *("serializer", "compression", "headers", "declare", "retry", "retry_policy", "timeout", "confirm_timeout"),
        *("time_limit", "soft_time_limit", "ignore_result", "add_to_parent", "producer", "publisher", "connection"),
        *("group_id", "group_index", "root_id", "parent_id", "chord", "chain", "retries", "route_name", "router"),
        *("task_type", "result_cls", "replaced_task_nesting", "stamped_headers", "stamps", "origin", "now", "timezone"),
        *("argsrepr", "kwargsrepr", "create_sent_event", "callbacks", "errbacks", "app", "interval"),
        # properties of the message, as kombu and the brokers know them
        *("content_type", "content_encoding", "application_headers", "correlation_id", "reply_to", "expiration"),
        *("message_id", "timestamp", "type", "user_id", "app_id", "cluster_id"),
        # Amazon SQS
        *("MessageGroupId", "MessageDeduplicationId", "message_attributes", "DelaySeconds"),
        # celery-once
        "once",
    }
)
RETRY_OPTIONS: Final = CALL_OPTIONS | {"exc", "throw", "max_retries"}

# The keys of `retry_policy`, which are about publishing the message; on a task they do nothing.
RETRY_POLICY: Final = frozenset({"max_retries", "interval_start", "interval_step", "interval_max", "retry_errors"})
INERT_POLICY_OPTIONS: Final = frozenset({"interval_start", "interval_step", "interval_max"})

# What only a call can say; on a task it is an attribute that nobody reads.
CALL_ONLY_OPTIONS: Final = frozenset({"eta", "countdown", "link", "link_error", "task_id", "retry_policy", "headers"})

# Attributes that well-known extensions read from the task: custom, and never a mistake.
KNOWN_CUSTOM_OPTIONS: Final[dict[str, str]] = {
    "once": "celery-once",
    "unique_on": "celery-singleton",
    "raise_on_duplicate": "celery-singleton",
    "lock_expiry": "celery-singleton",
    "heimdall": "celery-heimdall",
    "flush_every": "celery-batches",
    "flush_interval": "celery-batches",
    "tenant_cache_seconds": "tenant-schemas-celery",
    "tenant_databases": "tenant-schemas-celery",
    "significant_kwargs": "jobtastic",
    "herd_avoidance_timeout": "jobtastic",
    "cache_duration": "jobtastic",
    "cache_prefix": "jobtastic",
    "memleak_threshold": "jobtastic",
    "run_every": "periodic tasks of Celery 3, and wrappers that keep them",
    "relative": "periodic tasks of Celery 3, and wrappers that keep them",
    "options": "periodic tasks of Celery 3, and wrappers that keep them",
}

# Options that Celery no longer reads, and the version that dropped them.
REMOVED_OPTIONS: Final[dict[str, str]] = {
    "accept_magic_kwargs": "4.0",
    "send_error_emails": "4.0",
    "disable_error_emails": "4.0",
    "error_whitelist": "4.0",
    "autoregister": "4.0",
}
