"""A program for test_mapper_and_effect_tables: what Django says about dotted names and its queryset methods.

It runs apart because Django's settings can be made once in a process. It reads names as JSON and writes JSON.
"""

from __future__ import annotations

import inspect
import json
import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.management import call_command

# A query for each method, on a table with one row.
CALLS: dict[str, tuple[object, ...] | dict[str, object]] = {
    **dict.fromkeys(
        ("get", "first", "last", "iterator", "in_bulk", "all", "alias", "annotate", "distinct", "exclude"), ()
    ),
    **dict.fromkeys(
        ("extra", "filter", "none", "prefetch_related", "reverse", "select_for_update", "select_related"), ()
    ),
    **dict.fromkeys(("values", "values_list", "aggregate", "count", "delete", "exists", "explain"), ()),
    **dict.fromkeys(("defer", "only", "order_by"), ("name",)),
    **dict.fromkeys(("earliest", "latest"), ("id",)),
    "get_or_create": {"domain": "example.com"},
    "update_or_create": {"domain": "example.com"},
    "create": {"domain": "b.example", "name": "b"},
    "update": {"name": "c"},
    "using": ("default",),
    "complex_filter": ({},),
    "raw": ("select 1 as id",),
    "bulk_create": ([],),
    "bulk_update": ([], ["name"]),
}


def found(dotted: str) -> object:
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


def sort_of(value: object) -> str:
    from django.db import models

    match value:
        case models.Model():
            return "instance"
        case models.QuerySet():
            return "queryset" if value._iterable_class is models.query.ModelIterable else "rows"
        case models.query.RawQuerySet():
            return "raw"
        case (models.Model(), bool()):
            return "pair"
        case dict() if value and all(isinstance(item, models.Model) for item in value.values()):
            return "mapping"
        case _:
            return "instances" if isinstance(value, list) or inspect.isgenerator(value) else "plain"


def results() -> dict[str, str]:
    """What each method returned, in the words of the table."""
    from django.contrib.sites.models import Site
    from django.db import models, transaction

    some = Site.objects.all()
    calls = CALLS | dict.fromkeys(("difference", "intersection", "union"), (some,)) | {"contains": (some.get(),)}
    if django.VERSION >= (6, 1):
        calls["fetch_mode"] = (models.FETCH_PEERS,)
    kinds = {}
    for name, arguments in calls.items():
        with transaction.atomic():
            method = getattr(Site.objects.all(), name)
            kinds[name] = sort_of(method(**arguments) if isinstance(arguments, dict) else method(*arguments))
            transaction.set_rollback(True)
    return kinds


def main() -> None:
    settings.configure(
        INSTALLED_APPS=[
            *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites"),
            *(
                "django.contrib.flatpages",
                "django.contrib.redirects",
                "django.contrib.admin",
                "django.contrib.messages",
            ),
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.contrib.sites.models import Site
    from django.db import models, transaction
    from django.views import View

    values: dict[str, object] = {}
    missing = []
    for name in json.load(sys.stdin):
        try:
            values[name] = found(name)
        except AttributeError:
            missing.append(name)
    classes = {name: value for name, value in values.items() if inspect.isclass(value)}
    transactions = ("atomic", "on_commit", "set_autocommit")
    answer = {
        "missing": missing,
        "models": [name for name, value in classes.items() if issubclass(value, models.Model)],
        "views": [name for name, value in classes.items() if issubclass(value, View)],
        "with save": [name for name, value in classes.items() if hasattr(value, "save")],
        "signals": [name for name, value in values.items() if hasattr(value, "send_robust")],
        "results": results(),
        "first of none": [Site.objects.none().first(), Site.objects.none().last()],
        "queryset": sorted({name for name in dir(models.QuerySet) + dir(models.Manager) if name[0] != "_"}),
        "model": dir(models.Model),
        "user": dir(User),
        "positions": {name: [*inspect.signature(getattr(transaction, name)).parameters] for name in transactions},
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
