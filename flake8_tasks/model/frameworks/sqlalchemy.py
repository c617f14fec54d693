"""SQLAlchemy's names: declarative bases, sessions, what queries and results return, transactions."""

from __future__ import annotations

from typing import Final

# Classes to inherit from: the first of them that a project writes is its base, and no table of its own.
DECLARATIVE_BASES: Final = frozenset(
    {
        *("sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta"),
        *("sqlalchemy.orm.decl_api.DeclarativeBase", "sqlalchemy.orm.decl_api.DeclarativeBaseNoMeta"),
    }
)
# Metaclasses that make a base of the class that names them.
DECLARATIVE_METACLASSES: Final = frozenset(
    {
        *("sqlalchemy.orm.DeclarativeMeta", "sqlalchemy.orm.decl_api.DeclarativeMeta"),
        *("sqlalchemy.ext.declarative.DeclarativeMeta",),
    }
)
# Functions that return a base.
BASE_MAKERS: Final = frozenset(
    {
        *("sqlalchemy.orm.declarative_base", "sqlalchemy.orm.decl_api.declarative_base"),
        *("sqlalchemy.ext.declarative.declarative_base", "sqlalchemy.ext.automap.automap_base"),
    }
)
# Class decorators that make a base; and the registry, with its method that returns a base and those that map a class.
BASE_DECORATORS: Final = frozenset({"sqlalchemy.orm.as_declarative", "sqlalchemy.ext.declarative.as_declarative"})
REGISTRIES: Final = frozenset({"sqlalchemy.orm.registry", "sqlalchemy.orm.decl_api.registry"})
REGISTRY_BASES: Final = frozenset({"generate_base"})
REGISTRY_DECORATORS: Final = frozenset({"mapped", "mapped_as_dataclass"})
# Mixins: they alone make no model.
MIXINS: Final = frozenset({"sqlalchemy.orm.MappedAsDataclass", "sqlalchemy.ext.declarative.AbstractConcreteBase"})

SESSION_TYPES: Final = frozenset(
    {
        *("sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlalchemy.orm.scoped_session"),
        *("sqlalchemy.orm.scoping.scoped_session", "sqlalchemy.ext.asyncio.AsyncSession"),
        *("sqlalchemy.ext.asyncio.session.AsyncSession", "sqlalchemy.ext.asyncio.async_scoped_session"),
        *("sqlmodel.Session", "sqlmodel.orm.session.Session", "sqlmodel.ext.asyncio.session.AsyncSession"),
        *("flask_sqlalchemy.session.Session",),
    }
)
# What returns a session when its result is called.
SESSION_MAKERS: Final = frozenset(
    {
        *("sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.session.sessionmaker", "sqlalchemy.orm.scoped_session"),
        *("sqlalchemy.orm.scoping.scoped_session", "sqlalchemy.ext.asyncio.async_sessionmaker"),
        *("sqlalchemy.ext.asyncio.session.async_sessionmaker",),
    }
)
ENGINE_MAKERS: Final = frozenset(
    {
        *("sqlalchemy.create_engine", "sqlalchemy.engine.create_engine", "sqlalchemy.ext.asyncio.create_async_engine"),
        *("sqlmodel.create_engine",),
    }
)
SELECTS: Final = frozenset(
    {
        *("sqlalchemy.select", "sqlalchemy.sql.select", "sqlalchemy.sql.expression.select", "sqlalchemy.future.select"),
        *("sqlmodel.select",),
    }
)

# What methods return, in words: "instance", "instance or none", "instances" (a list or an iterator), "query", "scalars"
# (a ScalarResult), "rows" (a Result, or its tuples), "plain". Where `select` or `query` was given a column or a
# function, nothing of it is an instance.
SESSION_METHODS: Final[dict[str, str]] = {
    "get": "instance or none",
    "get_one": "instance",
    "merge": "instance",
    "merge_all": "instances",
    "scalar": "instance or none",
    "scalars": "scalars",
    "query": "query",
    "execute": "rows",
    "exec": "scalars",
    "stream_scalars": "scalars",
    "stream": "rows",
}
QUERY_METHODS: Final[dict[str, str]] = {
    "get": "instance or none",
    "first": "instance or none",
    "one": "instance",
    "one_or_none": "instance or none",
    "scalar": "instance or none",
    "all": "instances",
    "yield_per": "query",
    "filter": "query",
    "filter_by": "query",
    "where": "query",
    "order_by": "query",
    "group_by": "query",
    "having": "query",
    "limit": "query",
    "offset": "query",
    "slice": "query",
    "distinct": "query",
    "join": "query",
    "outerjoin": "query",
    "options": "query",
    "execution_options": "query",
    "params": "query",
    "select_from": "query",
    "populate_existing": "query",
    "enable_eagerloads": "query",
    "with_for_update": "query",
    "with_hint": "query",
    "with_parent": "query",
    "union": "query",
    "union_all": "query",
    "count": "plain",
    "delete": "plain",
    "exists": "plain",
    "update": "plain",
    "with_entities": "rows",
    "add_columns": "rows",
    "values": "rows",
    "first_or_404": "instance",
    "get_or_404": "instance",
    "one_or_404": "instance",
}
# Of the Result of `execute(select(Model))`, and of the ScalarResult of `scalars(select(Model))`.
RESULT_METHODS: Final[dict[str, str]] = {
    "scalar": "instance or none",
    "scalar_one": "instance",
    "scalar_one_or_none": "instance or none",
    "scalars": "scalars",
    "unique": "rows",
    "all": "rows",
    "first": "rows",
    "one": "rows",
    "one_or_none": "rows",
    "fetchall": "rows",
    "fetchone": "rows",
    "fetchmany": "rows",
    "mappings": "rows",
    "tuples": "rows",
}
SCALARS_METHODS: Final[dict[str, str]] = {
    "all": "instances",
    "fetchall": "instances",
    "fetchmany": "instances",
    "partitions": "plain",
    "first": "instance or none",
    "one": "instance",
    "one_or_none": "instance or none",
    "unique": "scalars",
    "yield_per": "scalars",
}

# Methods of sessions that write: `add` and `delete` mark, `flush` sends, `commit` ends the transaction.
SESSION_ADDS: Final = frozenset({"add", "add_all", "merge", "bulk_save_objects", "bulk_insert_mappings"})
SESSION_DELETES: Final = frozenset({"delete", "delete_all"})
SESSION_ENDS: Final = frozenset({"commit", "rollback", "close"})
SESSION_RELOADS: Final = frozenset({"refresh", "expire", "expire_all"})
# Methods that open a transaction as a block, of sessions, session makers, engines and connections.
BEGINS: Final = frozenset({"begin", "begin_nested"})

# What makes an attribute of a model an instance, or a list of them, of another.
RELATIONS: Final = frozenset({"sqlalchemy.orm.relationship", "sqlalchemy.orm.dynamic_loader", "sqlmodel.Relationship"})
