"""The tables of object mappers and external effects against the installed libraries."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import flask_sqlalchemy
import httpx
import mongoengine
import peewee
import pytest
import requests
import sqlalchemy as sa
import sqlmodel
import urllib3
from mongoengine.queryset import QuerySet as MongoQuerySet
from sqlalchemy import orm

from flake8_tasks.model.frameworks import django, http, others, sqlalchemy


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


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


# Django: in a process of its own, because settings can be made once in a process

# Other packages than Django, and what needs libraries of geography: read in their source, not imported here.
APART = ("polymorphic.", "mptt.", "treebeard.", "model_utils.", "django_extensions.", "taggit.", "oauth2_provider.")
APART += ("guardian.", "rest_framework.", "modelcluster.", "wagtail.", "django_celery_", "django.contrib.gis.")


def own(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith(APART)}


@pytest.fixture(scope="module")
def installed_django() -> Any:
    names = own(
        {
            *(django.MODEL_BASES | django.QUERYSET_TYPES | django.MANAGER_TYPES | django.INSTANCE_FIELDS),
            *(django.MANAGER_FIELDS | django.SHORTCUTS.keys() | django.MODEL_GETTERS | django.REQUEST_TYPES),
            *(django.FORM_BASES | django.FORMSET_BASES | django.VIEW_BASES | django.VIEW_DECORATORS),
            *(django.SIGNALS.keys() | django.RECEIVERS | django.ATOMIC | django.ON_COMMIT | django.NON_ATOMIC),
            *(django.ENDS_TRANSACTION | django.AUTOCOMMIT | django.RESPONSES),
            *(django.ADMIN_BASES | django.ADMIN_ACTIONS | django.ADMIN_REGISTERS),
            *(name for name in http.CLASSES | http.FUNCTIONS if name.startswith("django.")),
        }
    )
    program = [sys.executable, str(Path(__file__).with_name("django_names.py"))]
    done = subprocess.run(program, input=json.dumps(sorted(names)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_name_of_django_exists(installed_django: Any) -> None:
    assert installed_django["missing"] == []


def test_model_bases_are_models_and_view_bases_are_views(installed_django: Any) -> None:
    assert set(installed_django["models"]) == own(django.MODEL_BASES)
    assert set(installed_django["views"]) == own(django.VIEW_BASES)


def test_forms_can_be_saved(installed_django: Any) -> None:
    assert set(installed_django["with save"]) >= own(django.FORM_BASES)


NEW_IN_DJANGO_6_1 = {"fetch_mode"}


def test_every_method_of_querysets_and_managers_is_in_the_table(installed_django: Any) -> None:
    inner = {"as_manager", "db", "ordered", "query", "resolve_expression", "auto_created", "check", "creation_counter"}
    inner |= {"contribute_to_class", "deconstruct", "from_queryset", "totally_ordered", "use_in_migrations"}
    assert set(installed_django["queryset"]) - inner | NEW_IN_DJANGO_6_1 == django.QUERYSET_METHODS.keys()


def test_methods_of_querysets_return_what_the_table_says(installed_django: Any) -> None:
    """Each was called on a table with one row; the asynchronous ones are compared with their twins below."""
    results = installed_django["results"]
    assert results == {name: django.QUERYSET_METHODS[name].removesuffix(" or none") for name in results}
    asynchronous = {f"a{name}" for name in results} & django.QUERYSET_METHODS.keys()
    managers_own = {"get_queryset", "db_manager"}
    of_dates = {"dates", "datetimes"}
    assert django.QUERYSET_METHODS.keys() - results.keys() - asynchronous - NEW_IN_DJANGO_6_1 == managers_own | of_dates


def test_first_and_last_of_nothing_are_none(installed_django: Any) -> None:
    assert installed_django["first of none"] == [None, None]


def test_asynchronous_methods_return_what_their_twins_return() -> None:
    for name, kind in django.QUERYSET_METHODS.items():
        assert django.QUERYSET_METHODS.get(f"a{name}", kind) == kind, name


def test_groups_of_methods_name_methods(installed_django: Any) -> None:
    assert django.QUERYSET_METHODS.keys() >= django.QUERYSET_WRITES
    assert set(installed_django["model"]) >= django.MODEL_SAVES | django.MODEL_DELETES | django.MODEL_RELOADS
    assert set(installed_django["user"]) >= http.USER_MAILS


def test_signals_are_signals(installed_django: Any) -> None:
    assert set(installed_django["signals"]) == django.SIGNALS.keys()
    saving = {"pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed"}
    assert {name.rpartition(".")[2] for name in django.SAVE_SIGNALS} == saving


def test_positions_of_the_parameters_of_transactions(installed_django: Any) -> None:
    positions = installed_django["positions"]
    assert {name: tuple(names) for name, names in positions.items()} == django.TRANSACTION_POSITIONS


# SQLAlchemy


@pytest.mark.parametrize(
    "name",
    sorted(
        sqlalchemy.DECLARATIVE_BASES
        | sqlalchemy.DECLARATIVE_METACLASSES
        | sqlalchemy.BASE_MAKERS
        | sqlalchemy.BASE_DECORATORS
        | sqlalchemy.REGISTRIES
        | sqlalchemy.MIXINS
        | sqlalchemy.SESSION_TYPES
        | sqlalchemy.SESSION_MAKERS
        | sqlalchemy.ENGINE_MAKERS
        | sqlalchemy.SELECTS
        | sqlalchemy.RELATIONS
        | others.FLASK_SQLALCHEMY
        | others.SQLMODEL_BASES
        | others.PEEWEE_BASES
        | others.PEEWEE_DATABASES
        | others.PEEWEE_INSTANCE_FIELDS
        | others.MONGOENGINE_BASES
        | others.MONGOENGINE_INSTANCE_FIELDS
    ),
)
def test_a_name_of_a_mapper_exists(name: str) -> None:
    assert callable(found(name))


def test_methods_of_sessions_queries_and_results_exist() -> None:
    asynchronous = found("sqlalchemy.ext.asyncio.AsyncSession")
    assert isinstance(asynchronous, type)
    session = public(orm.Session) | public(asynchronous) | public(sqlmodel.Session)
    written = (
        sqlalchemy.SESSION_ADDS | sqlalchemy.SESSION_DELETES | sqlalchemy.SESSION_ENDS | sqlalchemy.SESSION_RELOADS
    )
    assert session >= sqlalchemy.SESSION_METHODS.keys() | written | sqlalchemy.BEGINS
    flask_query = found("flask_sqlalchemy.query.Query")
    assert isinstance(flask_query, type)
    assert public(orm.Query) | public(flask_query) >= sqlalchemy.QUERY_METHODS.keys()
    assert public(sa.Result) >= sqlalchemy.RESULT_METHODS.keys()
    assert public(sa.ScalarResult) >= sqlalchemy.SCALARS_METHODS.keys()
    assert public(orm.registry) >= sqlalchemy.REGISTRY_BASES | sqlalchemy.REGISTRY_DECORATORS
    for kind in (orm.Session, sa.Engine, orm.sessionmaker):
        assert callable(getattr(kind, "begin", None))


def test_sessions_queries_and_results_return_what_the_tables_say() -> None:
    class Base(orm.DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "shop_order"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)

    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)

    def kind_of(value: object) -> str:
        match value:
            case None:
                return "none"
            case Order():
                return "instance"
            case list() if value and all(isinstance(item, Order) for item in value):
                return "instances"
            case sa.ScalarResult():
                return "scalars"
            case orm.Query():
                return "query"
            case _:
                return "plain"

    select = sa.select(Order)
    nothing = select.where(Order.id == 0)
    with orm.Session(engine) as session, session.begin():
        session.add(Order(id=1))
        session.flush()
        assert {
            "get": kind_of(session.get(Order, 1)),
            "get_one": kind_of(session.get_one(Order, 1)),
            "merge": kind_of(session.merge(Order(id=1))),
            "scalar": kind_of(session.scalar(select)),
            "scalars": kind_of(session.scalars(select)),
            "query": kind_of(session.query(Order)),
        } == {
            name: sqlalchemy.SESSION_METHODS[name].removesuffix(" or none")
            for name in ("get", "get_one", "merge", "scalar", "scalars", "query")
        }
        for name in ("first", "one", "one_or_none", "all", "scalar"):
            expected = sqlalchemy.QUERY_METHODS[name].removesuffix(" or none")
            assert kind_of(getattr(session.query(Order), name)()) == expected, name
        for name in ("first", "one", "one_or_none", "all", "fetchall"):
            expected = sqlalchemy.SCALARS_METHODS[name].removesuffix(" or none")
            assert kind_of(getattr(session.scalars(select), name)()) == expected, name
        for name in ("scalar", "scalar_one", "scalar_one_or_none", "scalars"):
            expected = sqlalchemy.RESULT_METHODS[name].removesuffix(" or none")
            assert kind_of(getattr(session.execute(select), name)()) == expected, name
        for name in ("first", "one_or_none", "scalar"):
            assert getattr(session.query(Order).filter(Order.id == 0), name)() is None
        assert session.scalar(nothing) is None
        queries = {"filter": (Order.id == 1,), "filter_by": (), "order_by": (Order.id,), "limit": (1,), "distinct": ()}
        for name, arguments in queries.items():
            assert kind_of(getattr(session.query(Order), name)(*arguments)) == sqlalchemy.QUERY_METHODS[name], name
        assert isinstance(session.execute(select).all()[0], sa.Row)
    engine.dispose()


# The smaller ones


def test_flask_sqlalchemy_has_a_model_a_session_and_getters() -> None:
    assert public(flask_sqlalchemy.SQLAlchemy) >= others.FLASK_GETTERS
    parameters = inspect.signature(flask_sqlalchemy.SQLAlchemy.__init__).parameters
    assert "model_class" in parameters
    source = inspect.getsource(flask_sqlalchemy.SQLAlchemy.__init__)
    assert f"self.{others.FLASK_MODEL_ATTRIBUTE} =" in source
    assert f"self.{others.FLASK_SESSION_ATTRIBUTE} =" in source


def test_methods_of_peewee_exist() -> None:
    assert public(peewee.Model) | public(peewee.ModelSelect) >= others.PEEWEE_METHODS.keys()
    assert public(peewee.Model) >= others.PEEWEE_SAVES
    assert public(peewee.Database) >= others.PEEWEE_BEGINS


def test_methods_of_peewee_return_what_the_table_says() -> None:
    database = peewee.SqliteDatabase(":memory:")

    class Order(peewee.Model):  # type: ignore[misc]
        class Meta:
            pass

    Order.bind(database)
    with database:
        Order.create_table()
        order = Order.create()
        assert isinstance(order, Order)
        assert isinstance(Order.get(), Order)
        assert isinstance(Order.get_by_id(order.id), Order)
        assert Order.get_or_none(Order.id == 0) is None
        assert Order.select().where(Order.id == 0).first() is None
        assert [type(part) for part in Order.get_or_create(id=order.id)] == [Order, bool]
        queries = {"limit": (1,), "offset": (1,), "where": (Order.id == 1,), "order_by": (Order.id,), "distinct": ()}
        for name, arguments in queries.items():
            assert isinstance(getattr(Order.select(), name)(*arguments), peewee.ModelSelect), name
            assert others.PEEWEE_METHODS[name] == "queryset"


def test_methods_of_mongoengine_exist() -> None:
    assert public(MongoQuerySet) >= others.MONGOENGINE_METHODS.keys()
    assert public(mongoengine.Document) >= others.MONGOENGINE_SAVES | others.MONGOENGINE_RELOADS


def test_a_class_of_sqlmodel_is_a_table_only_when_it_says_so() -> None:
    class Plain(sqlmodel.SQLModel):
        id: int

    assert not hasattr(Plain, "__table__")
    assert others.SQLMODEL_TABLE_KEYWORD in inspect.getsource(type(sqlmodel.SQLModel))
    assert public(sqlmodel.SQLModel) >= others.SQLMODEL_MAKERS


# External effects

STANDARD = ("urllib.", "socket.", "http.", "ftplib.", "smtplib.")


@pytest.mark.parametrize("name", sorted(name for name in http.FUNCTIONS if name.startswith((*STANDARD, "requests."))))
def test_timeouts_of_functions(name: str) -> None:
    effect = http.FUNCTIONS[name]
    parameters = inspect.signature(found(name)).parameters  # type: ignore[arg-type]
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    assert (effect.timeout in parameters or open_ended) is (effect.timeout is not None)
    if effect.position is not None:
        assert [*parameters][effect.position] == effect.timeout


@pytest.mark.parametrize(
    "name", sorted(name for name in http.CLASSES if name.startswith((*STANDARD, "urllib3.", "httpx.")))
)
def test_methods_and_timeouts_of_classes(name: str) -> None:
    effect = http.CLASSES[name]
    kind = found(name)
    assert isinstance(kind, type)
    assert public(kind) >= effect.methods
    if effect.timeout_in == "constructor":
        parameters = [*inspect.signature(kind).parameters]
        assert effect.timeout in parameters
        if effect.position is not None:
            assert parameters[effect.position] == effect.timeout


def test_methods_of_sessions_of_requests() -> None:
    for name in ("requests.Session", "requests.sessions.Session"):
        assert public(requests.Session) >= http.CLASSES[name].methods
        assert found(name) is requests.Session
    assert "timeout" in inspect.signature(requests.Session.request).parameters


def test_httpx_waits_five_seconds_unless_told() -> None:
    default = httpx.Client().timeout
    for name in ("httpx.get", "httpx.Client", "httpx.AsyncClient"):
        assert (http.FUNCTIONS | http.CLASSES)[name].seconds == default.read == default.connect
    for name in http.FUNCTIONS:
        if name.startswith("httpx."):
            assert "timeout" in inspect.signature(found(name)).parameters  # type: ignore[arg-type]


def test_urllib3_takes_a_timeout_at_its_place() -> None:
    position = http.FUNCTIONS["urllib3.request"].position
    assert position is not None
    assert [*inspect.signature(urllib3.request).parameters][position] == "timeout"


def test_kinds_and_reading_methods() -> None:
    effects = [*http.FUNCTIONS.values(), *http.CLASSES.values(), *http.FACTORIES.values()]
    assert {effect.kind for effect in effects} == {"request"} | http.RECIPIENT_KINDS
    assert set(http.FACTORY_MESSAGES.values()) <= http.RECIPIENT_KINDS
    assert http.CLASSES["requests.Session"].methods >= http.READING_METHODS


@pytest.mark.parametrize("path", sorted(Path(django.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_no_table_holds_a_name_twice(path: Path) -> None:
    """Of two equal keys in a literal the last one wins without a word."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            assert len(keys) == len(set(keys))
