"""Names of the smaller object mappers: Flask-SQLAlchemy, SQLModel, Peewee, MongoEngine."""

from __future__ import annotations

from typing import Final

# Flask-SQLAlchemy: calling this class returns an object whose attribute `Model` is a base and `session` a session.
FLASK_SQLALCHEMY: Final = frozenset({"flask_sqlalchemy.SQLAlchemy", "flask_sqlalchemy.extension.SQLAlchemy"})
FLASK_MODEL_ATTRIBUTE: Final = "Model"
FLASK_SESSION_ATTRIBUTE: Final = "session"
# Methods of that object that return an instance.
FLASK_GETTERS: Final = frozenset({"get_or_404", "first_or_404", "one_or_404"})

# SQLModel: a subclass is a model only with `table=True` in its class line, or in that of a base.
SQLMODEL_BASES: Final = frozenset({"sqlmodel.SQLModel", "sqlmodel.main.SQLModel"})
SQLMODEL_TABLE_KEYWORD: Final = "table"
# Class methods that make an instance.
SQLMODEL_MAKERS: Final = frozenset({"model_validate", "model_construct", "from_orm", "parse_obj"})

PEEWEE_BASES: Final = frozenset({"peewee.Model"})
# The object of this class has an attribute `Model` too.
PEEWEE_FLASK: Final = frozenset({"playhouse.flask_utils.FlaskDB"})
# Methods of model classes and selects, with the words of `django.QUERYSET_METHODS`.
PEEWEE_METHODS: Final[dict[str, str]] = {
    "get": "instance",
    "get_by_id": "instance",
    "create": "instance",
    "get_or_none": "instance or none",
    "first": "instance or none",
    "get_or_create": "pair",
    "select": "queryset",
    "filter": "queryset",
    "where": "queryset",
    "orwhere": "queryset",
    "order_by": "queryset",
    "group_by": "queryset",
    "join": "queryset",
    "limit": "queryset",
    "offset": "queryset",
    "paginate": "queryset",
    "distinct": "queryset",
    "switch": "queryset",
    "for_update": "queryset",
    "iterator": "instances",
    "prefetch": "instances",
    "dicts": "rows",
    "tuples": "rows",
    "namedtuples": "rows",
    "count": "plain",
    "exists": "plain",
    "scalar": "plain",
    "update": "plain",
    "delete": "plain",
}
PEEWEE_SAVES: Final = frozenset({"save"})
# Methods of a Peewee database that open a transaction as a block or a decorator.
PEEWEE_BEGINS: Final = frozenset({"atomic", "transaction", "savepoint"})
PEEWEE_DATABASES: Final = frozenset(
    {
        *("peewee.Database", "peewee.SqliteDatabase", "peewee.PostgresqlDatabase", "peewee.MySQLDatabase"),
        *("playhouse.pool.PooledPostgresqlDatabase", "playhouse.pool.PooledMySQLDatabase"),
        *(
            "playhouse.pool.PooledSqliteDatabase",
            "playhouse.postgres_ext.PostgresqlExtDatabase",
            "peewee.DatabaseProxy",
        ),
    }
)
PEEWEE_INSTANCE_FIELDS: Final = frozenset({"peewee.ForeignKeyField"})

MONGOENGINE_BASES: Final = frozenset(
    {
        *("mongoengine.Document", "mongoengine.DynamicDocument", "mongoengine.EmbeddedDocument"),
        *("mongoengine.DynamicEmbeddedDocument", "mongoengine.document.Document"),
        *("mongoengine.document.DynamicDocument", "mongoengine.document.EmbeddedDocument"),
        *("mongoengine.document.DynamicEmbeddedDocument",),
    }
)
# Calling a manager (`Document.objects(name="a")`) filters it.
MONGOENGINE_MANAGERS: Final = frozenset({"objects"})
MONGOENGINE_METHODS: Final[dict[str, str]] = {
    "get": "instance",
    "create": "instance",
    "upsert_one": "instance",
    "modify": "instance or none",
    "first": "instance or none",
    "with_id": "instance or none",
    "insert": "instances",
    "in_bulk": "mapping",
    "all": "queryset",
    "filter": "queryset",
    "order_by": "queryset",
    "limit": "queryset",
    "skip": "queryset",
    "only": "queryset",
    "exclude": "queryset",
    "none": "queryset",
    "clone": "queryset",
    "using": "queryset",
    "hint": "queryset",
    "batch_size": "queryset",
    "select_related": "queryset",
    "no_cache": "queryset",
    "search_text": "queryset",
    "scalar": "rows",
    "values_list": "rows",
    "as_pymongo": "rows",
    "aggregate": "plain",
    "average": "plain",
    "count": "plain",
    "delete": "plain",
    "distinct": "plain",
    "explain": "plain",
    "sum": "plain",
    "to_json": "plain",
    "update": "plain",
    "update_one": "plain",
}
MONGOENGINE_SAVES: Final = frozenset({"save", "cascade_save"})
MONGOENGINE_RELOADS: Final = frozenset({"reload"})
MONGOENGINE_INSTANCE_FIELDS: Final = frozenset(
    {
        *("mongoengine.ReferenceField", "mongoengine.LazyReferenceField", "mongoengine.CachedReferenceField"),
        *("mongoengine.GenericReferenceField", "mongoengine.EmbeddedDocumentField"),
    }
)
