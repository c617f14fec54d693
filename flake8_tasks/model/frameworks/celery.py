"""Celery's names: where they come from, what methods of tasks, signatures, results and apps do, known base classes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from flake8_tasks.model.frameworks.celery_mistakes import (
    KNOWN_WRONG_CALL_OPTIONS,
    KNOWN_WRONG_OPTIONS,
    KNOWN_WRONG_RETRY_OPTIONS,
    WrongOption,
)
from flake8_tasks.model.frameworks.celery_options import (
    CALL_ONLY_OPTIONS,
    CALL_OPTIONS,
    HOOKS,
    INERT_POLICY_OPTIONS,
    KNOWN_CUSTOM_OPTIONS,
    POSITIONS,
    REMOVED_OPTIONS,
    RETRY_OPTIONS,
    RETRY_POLICY,
    TASK_OPTIONS,
    Option,
)
from flake8_tasks.model.frameworks.celery_settings import (
    ACCEPT_SETTINGS,
    BROKER_SETTINGS,
    OLD_SETTINGS,
    SERIALIZER_SETTINGS,
    SETTINGS,
    Setting,
)

__all__ = [
    "ACCEPT_SETTINGS",
    "APP_DISPATCH",
    "APP_RESULTS",
    "APP_SIGNATURE",
    "BROKER_SETTINGS",
    "CALL_ONLY_OPTIONS",
    "CALL_OPTIONS",
    "CANONICAL",
    "CANVAS",
    "DATABASE_BROKERS",
    "DATABASE_TRANSPORTS",
    "DEFERRED_DISPATCH",
    "DISPATCH",
    "HOOKS",
    "INERT_POLICY_OPTIONS",
    "KNOWN_CUSTOM_OPTIONS",
    "KNOWN_WRONG_CALL_OPTIONS",
    "KNOWN_WRONG_OPTIONS",
    "KNOWN_WRONG_RETRY_OPTIONS",
    "OLD_SETTINGS",
    "PICKLE_NAMES",
    "POLLS",
    "POSITIONS",
    "REMOVED",
    "REMOVED_OPTIONS",
    "RESULT_TYPES",
    "RETRY_OPTIONS",
    "RETRY_POLICY",
    "RUNS_INLINE",
    "SENT_BY_CALL",
    "SERIALIZER_SETTINGS",
    "SETTINGS",
    "SIGNATURE",
    "SIGNATURE_ATTRIBUTES",
    "SWALLOWABLE",
    "TASK_ATTRIBUTES",
    "TASK_BASES",
    "TASK_OPTIONS",
    "WAITS",
    "WAIT_BYPASSES",
    "Option",
    "Setting",
    "TaskBase",
    "WrongOption",
]

_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "celery.shared_task": ("celery.app.shared_task",),
    "celery.Celery": ("celery.app.Celery", "celery.app.base.Celery", "celery.app.base.App"),
    "celery.Task": ("celery.app.task.Task", "celery.app.task.BaseTask"),
    "celery.current_app": ("celery._state.current_app",),
    "celery.current_task": ("celery._state.current_task",),
    "celery.app.app_or_default": ("celery._state.app_or_default",),
    "celery.app.default_app": (),
    "celery._state.get_current_app": (),
    "celery.Signature": ("celery.canvas.Signature",),
    "celery.signature": ("celery.subtask", "celery.canvas.signature", "celery.canvas.subtask"),
    "celery.maybe_signature": ("celery.canvas.maybe_signature", "celery.canvas.maybe_subtask"),
    "celery.chain": ("celery.canvas.chain",),
    "celery.group": ("celery.canvas.group",),
    "celery.chord": ("celery.canvas.chord", "celery.canvas._chord"),
    "celery.chunks": ("celery.canvas.chunks",),
    "celery.xmap": ("celery.canvas.xmap",),
    "celery.xstarmap": ("celery.canvas.xstarmap",),
    "celery.result.AsyncResult": (),
    "celery.result.GroupResult": (),
    "celery.result.ResultSet": (),
    "celery.result.ResultBase": (),
    "celery.result.EagerResult": (),
    "celery.result.allow_join_result": (),
    "celery.result.denied_join_result": (),
    "celery.result.result_from_tuple": (),
    "celery.schedules.crontab": (),
    "celery.schedules.schedule": (),
    "celery.schedules.solar": (),
    "celery.contrib.django.task.DjangoTask": (),
    "celery.contrib.abortable.AbortableTask": (),
    "celery.contrib.abortable.AbortableAsyncResult": (),
    "celery.utils.log.get_task_logger": (),
    "celery.utils.log.get_logger": (),
    "celery.execute.send_task": (),
    "celery.registry.tasks": (),
    "celery.exceptions.Retry": ("celery.exceptions.RetryTaskError",),
    "celery.exceptions.Ignore": (),
    "celery.exceptions.Reject": (),
    "celery.exceptions.TaskPredicate": (),
    "celery.exceptions.TaskError": (),
    "celery.exceptions.CeleryError": (),
    "celery.exceptions.MaxRetriesExceededError": ("celery.app.task.MaxRetriesExceededError",),
    "celery.exceptions.SoftTimeLimitExceeded": ("billiard.exceptions.SoftTimeLimitExceeded",),
    "celery.exceptions.TimeLimitExceeded": ("billiard.exceptions.TimeLimitExceeded",),
    "celery.exceptions.WorkerLostError": ("billiard.exceptions.WorkerLostError",),
    "celery.exceptions.Terminated": ("billiard.exceptions.Terminated",),
    "celery.exceptions.OperationalError": ("kombu.exceptions.OperationalError",),
    "celery.exceptions.TimeoutError": (),
    "celery.exceptions.ChordError": (),
    "celery.exceptions.ImproperlyConfigured": (),
    "celery.exceptions.NotRegistered": (),
    "celery.exceptions.TaskRevokedError": (),
    "celery.exceptions.QueueNotFound": (),
    "celery.exceptions.BackendError": (),
    "celery.exceptions.InvalidTaskError": (),
}

# Every public name that stands for one of ours, itself included, to the one name that the rest of the model uses.
CANONICAL: Final[dict[str, str]] = {
    name: canonical for canonical, aliases in _ALIASES.items() for name in (canonical, *aliases)
}

# Names that Celery has dropped, to what stands in their place (None: nothing, or a setting).
REMOVED: Final[dict[str, str | None]] = {
    "celery.task": "celery.shared_task",
    "celery.task.task": "celery.shared_task",
    "celery.task.base.task": "celery.shared_task",
    "celery.decorators.task": "celery.shared_task",
    "celery.task.Task": "celery.Task",
    "celery.task.base.Task": "celery.Task",
    "celery.task.periodic_task": None,
    "celery.task.base.periodic_task": None,
    "celery.decorators.periodic_task": None,
    "celery.task.PeriodicTask": None,
    "celery.task.base.PeriodicTask": None,
    "celery.task.TaskSet": "celery.group",
    "celery.task.sets.TaskSet": "celery.group",
    "celery.task.group": "celery.group",
    "celery.task.chord": "celery.chord",
    "celery.task.subtask": "celery.signature",
    "celery.task.sets.subtask": "celery.signature",
    "celery.task.schedules.crontab": "celery.schedules.crontab",
    "celery.task.control": "celery.current_app.control",
    "celery.task.http.HttpDispatchTask": None,
    "celery.result.TaskSetResult": "celery.result.GroupResult",
    "celery.contrib.methods.task_method": None,
    "celery.contrib.methods.task": None,
    "celery.contrib.batches.Batches": "celery_batches.Batches",
    "celery.backends.amqp": None,
    "celery.five": None,
    "celery.utils.encoding": "kombu.utils.encoding",
    "djcelery": None,
}

# Methods of tasks and signatures that send, and those of them that wait for the commit and return None.
DISPATCH: Final = frozenset({"delay", "apply_async", "delay_on_commit", "apply_async_on_commit"})
DEFERRED_DISPATCH: Final = frozenset({"delay_on_commit", "apply_async_on_commit"})
# Methods of tasks that build a signature.
SIGNATURE: Final = frozenset({"s", "si", "signature", "subtask", "map", "starmap", "chunks"})
# Methods of tasks and signatures that run the task here and now.
RUNS_INLINE: Final = frozenset({"apply", "__call__", "run"})
# Methods of an app, by what they do.
APP_DISPATCH: Final = frozenset({"send_task"})
APP_SIGNATURE: Final = frozenset({"signature"})
APP_RESULTS: Final = frozenset({"AsyncResult", "GroupResult", "ResultSet"})

# Workflows and signatures, by canonical name; those of them that are sent when the object is called.
CANVAS: Final = frozenset(
    {
        *("celery.signature", "celery.Signature", "celery.maybe_signature", "celery.chain", "celery.group"),
        *("celery.chord", "celery.chunks", "celery.xmap", "celery.xstarmap"),
    }
)
SENT_BY_CALL: Final = frozenset({"celery.chain", "celery.group", "celery.chord", "celery.chunks"})

RESULT_TYPES: Final = frozenset(
    {
        *("celery.result.AsyncResult", "celery.result.GroupResult", "celery.result.ResultSet"),
        *("celery.result.EagerResult", "celery.contrib.abortable.AbortableAsyncResult"),
    }
)
# Methods of results that raise RuntimeError in a task, whether or not the result is there (prefork, threads, solo).
WAITS: Final = frozenset({"get", "wait", "join", "join_native", "collect", "get_leaf"})
# What switches that check off; `disable_sync_subtasks` is a keyword of the waits.
WAIT_BYPASSES: Final = frozenset({"celery.result.allow_join_result", "disable_sync_subtasks"})
# What looks at a result and does not block: a loop around it does.
POLLS: Final = frozenset({"ready", "successful", "failed", "state", "status", "result", "info", "waiting"})

# Exceptions that steer Celery and that `except Exception` catches.
SWALLOWABLE: Final = frozenset(
    {
        *("celery.exceptions.Retry", "celery.exceptions.Ignore", "celery.exceptions.Reject"),
        *("celery.exceptions.SoftTimeLimitExceeded", "celery.exceptions.MaxRetriesExceededError"),
    }
)

# Every public attribute of `celery.Task`, and of signatures beside those of dict.
TASK_ATTRIBUTES: Final = frozenset(
    {
        *("AsyncResult", "MaxRetriesExceededError", "OperationalError", "Request", "Strategy", "abstract", "acks_late"),
        *("acks_on_failure", "acks_on_failure_or_timeout", "acks_on_timeout", "add_around", "add_to_chord"),
        *("add_trail", "after_return", "annotate", "app", "apply", "apply_async", "backend", "before_start", "bind"),
        *("chunks", "default_retry_delay", "delay", "expires", "from_config", "ignore_result", "map", "max_retries"),
        *("name", "on_bound", "on_failure", "on_replace", "on_retry", "on_success", "pop_request", "priority"),
        *("push_request", "rate_limit", "reject_on_worker_lost", "replace", "request", "request_stack"),
        *("resultrepr_maxsize", "retry", "retry_on_worker_lost", "run", "s", "send_event", "send_events"),
        *("serializer", "shadow_name", "si", "signature", "signature_from_request", "soft_time_limit", "starmap"),
        *("start_strategy", "store_errors_even_if_ignored", "subtask", "subtask_from_request", "throws"),
        *("time_limit", "track_started", "trail", "typing", "update_state"),
    }
)
SIGNATURE_ATTRIBUTES: Final = frozenset(
    {
        *("AsyncResult", "TYPES", "app", "append_to_list_option", "apply", "apply_async", "apply_chunks", "args"),
        *("body", "clone", "delay", "election", "extend_list_option", "flatten_links", "freeze", "from_dict", "group"),
        *("id", "immutable", "kwargs", "link", "link_error", "name", "on_error", "options", "parent_id", "partial"),
        *("prepare_steps", "register_type", "replace", "reprcall", "root_id", "run", "set", "set_immutable", "skew"),
        *("stamp", "stamp_links", "subtask_type", "task", "tasks", "type", "unchain_tasks"),
    }
)


class TaskBase(NamedTuple):
    """A base class for tasks that comes with Celery or a package.

    Arguments:
        options: the task options that it sets, as written; those named here and no others.
        bases: the names it inherits from, nearest first.
        methods: dispatching methods that it adds.
        signature_known: its tasks take the arguments that `run` declares.
    """

    options: Mapping[str, object] = MappingProxyType({})
    bases: tuple[str, ...] = ("celery.Task",)
    methods: frozenset[str] = frozenset()
    signature_known: bool = True


_JOBTASTIC: Final = frozenset({"async_or_eager", "async_or_fail", "delay_or_eager", "delay_or_fail", "delay_or_run"})

TASK_BASES: Final[dict[str, TaskBase]] = {
    "celery.Task": TaskBase(bases=()),
    "celery.contrib.django.task.DjangoTask": TaskBase(methods=DEFERRED_DISPATCH),
    "celery.contrib.abortable.AbortableTask": TaskBase(),
    "celery_once.QueueOnce": TaskBase(),
    "celery_once.tasks.QueueOnce": TaskBase(),
    "celery_singleton.Singleton": TaskBase(),
    "celery_singleton.singleton.Singleton": TaskBase(),
    "celery_heimdall.HeimdallTask": TaskBase(),
    "celery_heimdall.task.HeimdallTask": TaskBase(),
    "celery_batches.Batches": TaskBase(signature_known=False),
    "tenant_schemas_celery.task.TenantTask": TaskBase(
        bases=("celery.contrib.django.task.DjangoTask", "celery.Task"), methods=DEFERRED_DISPATCH
    ),
    "jobtastic.JobtasticTask": TaskBase(methods=_JOBTASTIC, signature_known=False),
    "jobtastic.task.JobtasticTask": TaskBase(methods=_JOBTASTIC, signature_known=False),
}

# How the address of a broker begins that is a database or a folder, and the same as names of transports.
DATABASE_BROKERS: Final = ("sqla+", "sqlalchemy+", "sqla:", "sqlalchemy:", "django:", "filesystem:")
DATABASE_TRANSPORTS: Final = frozenset(
    {
        *("sqla", "sqlalchemy", "django", "filesystem", "kombu.transport.sqlalchemy:Transport"),
        *(
            "kombu.transport.django:Transport",
            "kombu.transport.django.Transport",
            "djkombu.transport.DatabaseTransport",
        ),
        "kombu.transport.filesystem:Transport",
    }
)

# How pickle is called in serializers and content types.
PICKLE_NAMES: Final = frozenset({"pickle", "application/x-python-serialize"})
