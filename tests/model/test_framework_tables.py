"""The tables of names against the installed libraries: a new release that adds an option or moves a name shows here."""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

import celery
import pytest
from celery.app import defaults
from celery.app.autoretry import add_autoretry_behaviour
from celery.canvas import Signature, chain, chord, chunks, group, xmap, xstarmap
from celery.local import Proxy
from kombu.connection import Connection
from kombu.messaging import Producer

from flake8_tasks.model import frameworks as tables
from flake8_tasks.model.frameworks import celery as table


def found(dotted: str) -> object:
    """What a dotted name stands for: the longest module in it, then attributes."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            value = getattr(value, name)
        return value
    raise ModuleNotFoundError(dotted)


def parameters(function: object) -> tuple[str, ...]:
    """Names of the positional parameters, without self."""
    named = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return tuple(p.name for p in named if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self")


# Celery: names


@pytest.mark.parametrize(("alias", "canonical"), table.CANONICAL.items())
def test_an_alias_is_the_same_object_as_its_canonical_name(alias: str, canonical: str) -> None:
    value = found(alias)
    if alias != canonical:  # `celery.registry.tasks` and `celery.execute.send_task` are made anew at each look
        assert value is found(canonical)


def test_every_workflow_name_that_celery_exports_is_known() -> None:
    exported = {"chain", "group", "chord", "chunks", "xmap", "xstarmap", "signature", "maybe_signature", "Signature"}
    assert exported == set(import_module("celery.canvas").__all__)
    assert {f"celery.{name}" for name in exported} == table.CANVAS


@pytest.mark.parametrize("name", table.REMOVED)
def test_a_removed_name_is_gone(name: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        found(name)


@pytest.mark.parametrize("name", sorted({new for new in table.REMOVED.values() if new} - {"celery_batches.Batches"}))
def test_what_stands_in_for_a_removed_name_exists(name: str) -> None:
    assert found(name) is not None


def test_attributes_of_tasks_are_complete() -> None:
    assert {name for name in dir(celery.Task) if not name.startswith("_")} == table.TASK_ATTRIBUTES


def test_attributes_of_signatures_are_complete() -> None:
    types = (Signature, chain, chord, group, chunks, xmap, xstarmap)
    names = {name for kind in types for name in dir(kind) if not name.startswith("_")}
    assert names - set(dir(dict)) == table.SIGNATURE_ATTRIBUTES


def test_dispatching_and_signature_methods_exist() -> None:
    django_task = found("celery.contrib.django.task.DjangoTask")
    for name in table.DISPATCH | table.SIGNATURE | table.RUNS_INLINE:
        assert callable(getattr(django_task, name)), name
    for name in table.DEFERRED_DISPATCH:
        assert not hasattr(celery.Task, name)
    for name in table.APP_DISPATCH | table.APP_SIGNATURE | table.APP_RESULTS:
        assert hasattr(celery.Celery, name), name


def test_calling_a_workflow_sends_it_where_the_table_says_so() -> None:
    """A plain signature, a map and a starmap run here when they are called; the others are sent."""
    with celery.Celery(broker="memory://", backend="cache+memory://", set_as_current=False) as app:

        @app.task(ignore_result=True)
        def add(*numbers: int) -> int:
            return sum(numbers)

        assert not hasattr(add.s(1)(), "id")
        for kind, workflow in {
            "celery.chain": chain(add.s(1), add.s(1)),
            "celery.group": group([add.s(1), add.s(2)], app=app),
            "celery.chord": chord([add.s(1), add.s(2)], add.s(), app=app),
            "celery.chunks": add.chunks([(1,), (2,)], 1),
        }.items():
            assert kind in table.SENT_BY_CALL
            assert hasattr(workflow(), "id"), kind


@pytest.mark.parametrize("name", sorted(table.WAITS))
def test_a_wait_raises_in_a_task_although_the_result_is_there(name: str) -> None:
    result = import_module("celery.result")
    with celery.Celery(backend="cache+memory://", set_as_current=False) as app:
        app.backend.store_result("one", 1, "SUCCESS")
        single = result.AsyncResult("one", app=app)
        values = [single, result.GroupResult("many", [single], app=app), result.EagerResult("eager", 1, "SUCCESS")]
        waiting = [value for value in values if hasattr(value, name)]
        assert waiting
        for value in waiting:
            with result.denied_join_result(), pytest.raises(RuntimeError, match="Never call"):
                list(getattr(value, name)())  # a generator raises when it is read


def test_names_of_the_exceptions_that_a_broad_except_catches() -> None:
    for name in table.SWALLOWABLE:
        kind = found(name)
        assert isinstance(kind, type)
        assert issubclass(kind, Exception)


# Celery: options


def test_every_attribute_that_falls_back_to_a_setting_names_that_setting() -> None:
    for option, setting in celery.Task.from_config:
        assert table.TASK_OPTIONS[option].setting == setting


def test_settings_named_by_options_exist() -> None:
    named = {option.setting for option in table.TASK_OPTIONS.values() if option.setting}
    assert named <= table.SETTINGS.keys()


def test_defaults_of_options_are_those_in_force_without_settings() -> None:
    with celery.Celery(set_as_current=False) as app:

        @app.task(shared=False)
        def probe() -> None: ...

        for name, option in table.TASK_OPTIONS.items():
            if option.where == "task" and name != "backend":
                assert getattr(probe, name) == option.default, name


def test_options_read_by_autoretry_are_those_of_the_table() -> None:
    source = inspect.getsource(add_autoretry_behaviour)
    table_says = {name for name, option in table.TASK_OPTIONS.items() if option.where == "autoretry"}
    names = {
        "autoretry_for",
        "dont_autoretry_for",
        "retry_kwargs",
        "retry_backoff",
        "retry_backoff_max",
        "retry_jitter",
    }
    assert table_says == names | {"override_max_retries"}
    assert all(f"'{name}'" in source for name in table_says)
    assert source.count("options.get(") == len(names)


def test_parameters_of_the_decorators_are_those_of_the_table() -> None:
    taken = set(parameters(celery.Celery._task_from_fun)) - {"fun"}
    assert taken == {name for name, option in table.TASK_OPTIONS.items() if option.where == "decorator"}
    source = inspect.getsource(celery.Celery.task)
    own = {name for name, option in table.TASK_OPTIONS.items() if option.where == "app.task"}
    assert own == {"shared", "filter", "lazy"}
    assert "def inner_create_task_cls(shared=True, filter=None, lazy=True, **opts)" in source


def test_options_sent_with_the_message_are_those_of_the_table() -> None:
    with celery.Celery(set_as_current=False) as app:

        @app.task(shared=False)
        def probe() -> None: ...

        sent = {name for name, option in table.TASK_OPTIONS.items() if option.where == "publish"}
        assert set(probe._get_exec_options()) - {"serializer", "time_limit", "soft_time_limit"} == sent - {
            "exchange_type"
        }


def test_every_data_attribute_of_a_task_is_an_option() -> None:
    """Methods and properties apart: what is left can be given to the decorator."""
    data = {
        name
        for name in table.TASK_ATTRIBUTES
        if not callable(inspect.getattr_static(celery.Task, name))
        and not isinstance(inspect.getattr_static(celery.Task, name), (property, classmethod, staticmethod))
    }
    assert data <= table.TASK_OPTIONS.keys() | {"request"}


def test_hooks_take_the_parameters_of_the_table() -> None:
    for name, expected in table.HOOKS.items():
        assert parameters(getattr(celery.Task, name)) == expected


def test_positions_of_the_parameters_of_calls() -> None:
    for name, expected in table.POSITIONS.items():
        owner = celery.Celery if name == "send_task" else celery.Task
        assert parameters(getattr(owner, name)) == expected, name


def test_everything_that_a_call_names_is_a_call_option() -> None:
    amqp = import_module("celery.app.amqp").AMQP
    sender = celery.Celery(set_as_current=False).amqp.send_task_message
    named = {
        *parameters(celery.Task.apply_async),
        *parameters(celery.Celery.send_task),
        *parameters(amqp.as_task_v2),
        *parameters(Producer.publish),
        *parameters(sender),
        *(name for name, _ in import_module("amqp.basic_message").Message.PROPERTIES),
        *import_module("celery.app.task").Context().as_execution_options(),
    }
    assert named - {"name", "body", "message", "event_dispatcher"} <= table.CALL_OPTIONS


def test_retry_takes_what_the_table_says() -> None:
    assert set(parameters(celery.Task.retry)) <= table.RETRY_OPTIONS


def test_keys_of_the_retry_policy_are_those_that_kombu_reads() -> None:
    assert set(parameters(Connection.ensure)) - {"obj", "fun", "errback", "on_revive"} == table.RETRY_POLICY


@pytest.mark.parametrize("wrong", sorted(table.KNOWN_WRONG_OPTIONS))
def test_a_known_wrong_option_is_unknown_to_celery_and_its_right_name_is_known(wrong: str) -> None:
    assert wrong not in table.TASK_OPTIONS
    assert wrong not in table.TASK_ATTRIBUTES
    assert wrong not in table.KNOWN_CUSTOM_OPTIONS
    assert table.KNOWN_WRONG_OPTIONS[wrong].right in table.TASK_OPTIONS


def test_known_wrong_names_in_calls_and_retries() -> None:
    for mistakes, known in (
        (table.KNOWN_WRONG_CALL_OPTIONS, table.CALL_OPTIONS),
        (table.KNOWN_WRONG_RETRY_OPTIONS, table.RETRY_OPTIONS),
    ):
        assert not mistakes.keys() & known
        assert {mistake.right for mistake in mistakes.values()} <= known


def test_options_for_calls_only_do_nothing_on_a_task() -> None:
    assert not table.CALL_ONLY_OPTIONS & table.TASK_OPTIONS.keys()
    assert table.CALL_ONLY_OPTIONS <= table.CALL_OPTIONS
    assert not table.INERT_POLICY_OPTIONS & table.TASK_OPTIONS.keys()


def test_custom_options_of_extensions_and_removed_ones_are_not_celerys_own() -> None:
    assert not table.KNOWN_CUSTOM_OPTIONS.keys() & table.TASK_OPTIONS.keys()
    assert not table.REMOVED_OPTIONS.keys() & (table.TASK_OPTIONS.keys() | table.TASK_ATTRIBUTES)


# Celery: settings


def test_settings_are_those_of_celery() -> None:
    old = {new: name for name, new in defaults._TO_NEW_KEY.items()}
    assert len(old) == len(defaults._TO_NEW_KEY)
    assert {name: setting.old for name, setting in table.SETTINGS.items()} == old
    assert table.SETTINGS.keys() == defaults.SETTING_KEYS
    assert table.OLD_SETTINGS == defaults._TO_NEW_KEY


def test_defaults_and_types_of_settings_are_those_of_celery() -> None:
    def flat(namespace: dict[str, object], prefix: str = "") -> Iterator[tuple[str, defaults.Option]]:
        for name, option in namespace.items():
            if isinstance(option, defaults.Option):
                yield prefix + name, option
            else:
                assert isinstance(option, dict)
                yield from flat(option, f"{prefix}{name}_")

    for name, option in flat(defaults.NAMESPACES):
        default = option.default.total_seconds() if isinstance(option.default, timedelta) else option.default
        type_name = {"str": "string", int: "int"}.get(option.type, option.type)
        assert (table.SETTINGS[name].default, table.SETTINGS[name].type) == (default, type_name), name


def test_groups_of_settings_are_settings() -> None:
    assert table.SETTINGS.keys() >= table.SERIALIZER_SETTINGS | table.ACCEPT_SETTINGS | table.BROKER_SETTINGS


# Celery: bases and brokers


@pytest.mark.parametrize("name", [name for name in table.TASK_BASES if name.startswith("celery.contrib.")])
def test_bases_that_come_with_celery_set_and_add_what_the_table_says(name: str) -> None:
    kind = found(name)
    assert isinstance(kind, type)
    own = {key for key in vars(kind) if not key.startswith("_")}
    assert own & table.TASK_OPTIONS.keys() - {"abstract"} == set(table.TASK_BASES[name].options)
    assert own & table.DISPATCH == table.TASK_BASES[name].methods


def test_bases_inherit_from_bases_in_the_table() -> None:
    for base in table.TASK_BASES.values():
        assert set(base.bases) <= table.TASK_BASES.keys()


def test_database_brokers_are_transports_of_kombu_or_gone() -> None:
    known = import_module("kombu.transport").TRANSPORT_ALIASES
    assert {prefix.rstrip("+:") for prefix in table.DATABASE_BROKERS} - known.keys() == {"django"}
    assert {known[name] for name in ("sqla", "sqlalchemy", "filesystem")} <= table.DATABASE_TRANSPORTS


def test_pickle_has_these_names() -> None:
    registry = import_module("kombu.serialization").registry
    assert registry.type_to_name["application/x-python-serialize"] == "pickle"
    assert registry.name_to_type["pickle"] in table.PICKLE_NAMES


# All tables


def test_the_tables_import_nothing_of_the_libraries() -> None:
    names = [f"{tables.__name__}.{module.name}" for module in pkgutil.iter_modules(tables.__path__)]
    assert f"{tables.__name__}.celery" in names
    heavy = {"celery", "django", "sqlalchemy", "requests", "ast", "dataclasses", "inspect"}
    # A named tuple alone imports `ast` in Python 3.14.
    program = "import sys, importlib\nfrom typing import NamedTuple\nNamedTuple('Pair', [('first', 'int')])\n"
    program += f"before = set(sys.modules)\nlist(map(importlib.import_module, {names}))\n"
    program += f"print({heavy} & (sys.modules.keys() - before))\n"
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_lazy_object_is_found_as_it_is_and_not_resolved() -> None:
    """Otherwise all lazy objects that lead to one app would look alike."""
    assert isinstance(found("celery.current_app"), Proxy)
