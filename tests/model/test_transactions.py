"""Which transaction a dispatch runs in: around it, around the request, or around a call of its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from temporary import TemporaryProject

from flake8_tasks.config import Config
from flake8_tasks.model.facts import Dispatch
from flake8_tasks.model.project import Project
from flake8_tasks.model.reader import Reader
from flake8_tasks.model.transactions.around import Transaction

Write = Callable[[str], TemporaryProject]

TASKS = """
# file: shop/tasks.py
from celery import shared_task


@shared_task
def ship(order_id):
    print(order_id)
"""
ATOMIC_REQUESTS = """
# file: shop/settings.py
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "ATOMIC_REQUESTS": True}}
# file: manage.py
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
"""


def around(project: TemporaryProject, **options: object) -> list[Transaction | None]:
    """The transactions of everything that `shop/services.py` sends, in the order of the text."""
    config = Config(root=str(project.root), **options)  # type: ignore[arg-type]
    model = Project(project.root, config)
    module = model.module(str(project.root / "shop" / "services.py"))
    assert module is not None
    return [
        fact.transaction
        for fact in Reader(module, model).facts
        if isinstance(fact, Dispatch) and fact.sends and not fact.is_deferred
    ]


def services(body: str, **files: str) -> str:
    """A program with `shop/services.py`, which imports what it needs, and other modules of the shop."""
    head = "from functools import partial\nfrom django.db import transaction\nfrom shop.tasks import ship\n"
    others = "".join(f"# file: shop/{name}.py\n{text}\n" for name, text in files.items())
    return f"{TASKS}{others}# file: shop/services.py\n{head}\n{body}\n"


@pytest.mark.parametrize(
    "body",
    [
        "def place(o):\n    with transaction.atomic():\n        ship.delay(o)",
        "def place(o):\n    with transaction.atomic:\n        ship.delay(o)",
        "@transaction.atomic\ndef place(o):\n    ship.delay(o)",
        "@transaction.atomic(savepoint=False)\ndef place(o):\n    ship.delay(o)",
        "async def place(o):\n    with transaction.atomic():\n        ship.delay(o)",
        "def place(o):\n    with open(o) as file, transaction.atomic():\n        ship.delay(file.read())",
        "def place(o):\n    with transaction.atomic():\n        for each in o:\n            try:\n"
        "                ship.delay(each)\n            except OSError:\n                pass",
        "def place(o):\n    with transaction.atomic():\n        [ship.delay(each) for each in o]",
        "class Place:\n    @transaction.atomic\n    def run(self, o):\n        ship.delay(o)",
        "from django.db.transaction import atomic as safe\ndef place(o):\n    with safe():\n        ship.delay(o)",
    ],
)
def test_atomic_around_the_call_is_a_transaction_of_the_default_database(body: str, write: Write) -> None:
    [found] = around(write(services(body)))
    assert found is not None
    assert (found.kind, found.using) == ("atomic", None)


@pytest.mark.parametrize(
    "body",
    [
        "def place(o):\n    with transaction.atomic():\n        o.save()\n    ship.delay(o)",
        "def place(o):\n    try:\n        with transaction.atomic():\n            o.save()\n"
        "    finally:\n        ship.delay(o)",
        "def place(o):\n    with transaction.atomic():\n        transaction.on_commit(lambda: ship.delay(o))",
        "@transaction.atomic\ndef place(o):\n    def later():\n        ship.delay(o)\n    transaction.on_commit(later)",
        "def place(o):\n    with o.atomic():\n        ship.delay(o)",
        "def atomic(f):\n    return f\n@atomic\ndef place(o):\n    ship.delay(o)",
        "def place(o):\n    transaction.set_autocommit(False)\n    ship.delay(o)\n    transaction.commit()",
        "with transaction.atomic():\n    class Place:\n        def run(self, o):\n            ship.delay(o)",
    ],
)
def test_a_call_outside_or_deferred_is_in_no_transaction(body: str, write: Write) -> None:
    assert around(write(services(body))) == [None]


@pytest.mark.parametrize(
    ("opener", "using"),
    [
        ('transaction.atomic(using="archive")', '"archive"'),
        ('transaction.atomic("archive")', '"archive"'),
        ("transaction.atomic(using=database)", "database"),
        ('transaction.atomic(using="default")', None),
        ("transaction.atomic(using=None, durable=True)", None),
    ],
)
def test_the_database_is_kept_as_it_is_written(opener: str, using: str | None, write: Write) -> None:
    [found] = around(write(services(f"def place(o, database):\n    with {opener}:\n        ship.delay(o)")))
    assert found is not None
    assert found.using == using


@pytest.mark.parametrize(
    ("module", "body"),
    [
        (
            "from contextlib import contextmanager\nfrom django.db import transaction\n\n\n@contextmanager\n"
            "def traced():\n    with transaction.atomic():\n        yield\n",
            "def place(o):\n    with traced():\n        ship.delay(o)",
        ),
        (
            "from contextlib import contextmanager\nfrom django.db import transaction\n\n\n@contextmanager\n"
            "def inner():\n    with transaction.atomic():\n        with open('x'):\n            yield\n\n\n"
            "@contextmanager\ndef traced():\n    with inner():\n        yield\n",
            "@traced()\ndef place(o):\n    ship.delay(o)",
        ),
        (
            "from functools import wraps\nfrom django.db import transaction\n\n\ndef traced(function):\n"
            "    @wraps(function)\n    def run(*args):\n        with transaction.atomic():\n"
            "            return function(*args)\n    return run\n",
            "@traced\ndef place(o):\n    ship.delay(o)",
        ),
        (
            "from django.db import transaction\n\n\ndef traced(name):\n    def outer(function):\n"
            "        def run(*args):\n            with transaction.atomic():\n                return function(*args)\n"
            "        return run\n    return outer\n",
            "@traced('x')\ndef place(o):\n    ship.delay(o)",
        ),
        (
            "from django.db import transaction\n\n\ndef traced(function):\n    return transaction.atomic(function)\n",
            "@traced\ndef place(o):\n    ship.delay(o)",
        ),
        (
            "from django.db import transaction\n\ntraced = transaction.atomic(savepoint=False)\n",
            "def place(o):\n    with traced:\n        ship.delay(o)",
        ),
        (
            "from functools import partial\nfrom django.db import transaction as t\n\ntraced = partial(t.atomic)\n",
            "def place(o):\n    with traced():\n        ship.delay(o)",
        ),
        (
            "from django.db.transaction import Atomic\n\n\nclass traced(Atomic):\n    pass\n",
            "def place(o):\n    with traced(None, True, False):\n        ship.delay(o)",
        ),
    ],
    ids=["manager", "nested", "decorator", "factory", "wrapped", "object", "partial", "class"],
)
def test_what_the_project_makes_of_atomic_opens_one_too(module: str, body: str, write: Write) -> None:
    [found] = around(write(services(f"from shop.database import traced\n{body}", database=module)))
    assert found is not None
    assert found.kind == "atomic"


STACK = "from contextlib import AsyncExitStack, ExitStack, closing\n"


@pytest.mark.parametrize(
    "body",
    [
        "def place(o):\n    with ExitStack() as stack:\n        stack.enter_context(transaction.atomic())\n"
        "        ship.delay(o)",
        "def place(o):\n    with open(o), ExitStack() as stack:\n        try:\n"
        "            stack.enter_context(open(o))\n            stack.enter_context(transaction.atomic())\n"
        "            for each in o:\n                ship.delay(each)\n        except OSError:\n            pass",
        "async def place(o):\n    async with AsyncExitStack() as stack:\n"
        "        await stack.enter_async_context(transaction.atomic())\n        ship.delay(o)",
        "def place(o):\n    with ExitStack() as stack:\n        stack.close()\n"
        "        opened = stack.enter_context(transaction.atomic())\n        ship.delay(opened)",
    ],
)
def test_what_an_exit_stack_has_entered_is_open_until_its_block_ends(body: str, write: Write) -> None:
    [found] = around(write(services(STACK + body)))
    assert found is not None
    assert (found.kind, found.using) == ("atomic", None)


@pytest.mark.parametrize(
    "body",
    [
        "def place(o):\n    with ExitStack() as stack:\n        ship.delay(o)\n"
        "        stack.enter_context(transaction.atomic())",
        "def place(o):\n    with ExitStack() as stack:\n        stack.enter_context(transaction.atomic())\n"
        "    ship.delay(o)",
        "def place(o):\n    with ExitStack() as stack:\n        if o:\n"
        "            stack.enter_context(transaction.atomic())\n        ship.delay(o)",
        "def place(o):\n    with ExitStack() as stack:\n        stack.enter_context(transaction.atomic())\n"
        "        stack.close()\n        ship.delay(o)",
        "def place(o):\n    with ExitStack() as stack:\n        stack.enter_context(transaction.atomic())\n"
        "        kept = stack.pop_all()\n        kept.close()\n        ship.delay(o)",
        "def place(o, other):\n    with ExitStack() as stack:\n        other.enter_context(transaction.atomic())\n"
        "        ship.delay(o)",
        "def place(o):\n    with closing(o) as stack:\n        stack.enter_context(transaction.atomic())\n"
        "        ship.delay(o)",
        "def place(o):\n    with ExitStack() as stack:\n        stack.push(transaction.atomic())\n"
        "        ship.delay(o)",
    ],
)
def test_what_no_stack_has_certainly_entered_there_is_no_transaction(body: str, write: Write) -> None:
    assert around(write(services(STACK + body))) == [None]


def test_a_context_manager_that_closes_its_transaction_before_it_yields_opens_none(write: Write) -> None:
    module = (
        "from contextlib import contextmanager\nfrom django.db import transaction\n\n\n@contextmanager\n"
        "def traced():\n    with transaction.atomic():\n        print('start')\n    yield\n"
    )
    body = "from shop.database import traced\ndef place(o):\n    with traced():\n        ship.delay(o)"
    assert around(write(services(body, database=module))) == [None]


def test_the_parameter_of_a_context_manager_is_the_database(write: Write) -> None:
    module = (
        "from contextlib import contextmanager\nfrom django.db import transaction\n\n\n@contextmanager\n"
        "def traced(alias):\n    with transaction.atomic(using=alias):\n        yield\n"
    )
    body = "from shop.database import traced\ndef place(o):\n    with traced('archive'):\n        ship.delay(o)"
    [found] = around(write(services(body, database=module)))
    assert found is not None
    assert found.using == "'archive'"


def test_a_database_that_is_named_elsewhere_cannot_be_written_here(write: Write) -> None:
    module = "from django.db import transaction\nNAME = open('x').read()\ntraced = transaction.atomic(using=NAME)\n"
    body = "from shop.database import traced\ndef place(o):\n    with traced:\n        ship.delay(o)"
    [found] = around(write(services(body, database=module)))
    assert found is not None
    assert found.using is ...


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (
            "from sqlalchemy.orm import Session\ndef place(o):\n    with Session(o) as s, s.begin():\n"
            "        ship.delay(1)",
            1,
        ),
        (
            "from sqlalchemy.orm import Session\ndef place(s: Session):\n    with s.begin_nested():\n"
            "        ship.delay(1)",
            1,
        ),
        ("def place(s):\n    with s.begin():\n        ship.delay(1)", 0),
    ],
)
def test_a_session_that_begins_is_a_transaction(body: str, kind: int, write: Write) -> None:
    [found] = around(write(services(body)))
    assert (found.kind if found else None) == ("session" if kind else None)


SESSIONS = """
from contextlib import contextmanager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

engine = create_engine("sqlite://")
Maker = sessionmaker(engine)
Scoped = scoped_session(Maker)
db = SQLAlchemy()


class OwnSession(Session):
    pass


class Other:
    def begin(self):
        return self


other = Other()
"""


@pytest.mark.parametrize(
    ("imported", "opener", "is_session"),
    [
        ("Maker", "Maker.begin() as s", True),
        ("Maker", "Maker() as s, s.begin()", True),
        ("Maker", "Maker() as s, s.begin_nested()", True),
        ("Scoped", "Scoped.begin()", True),
        ("Scoped", "Scoped().begin()", True),
        ("engine", "engine.begin() as connection", True),
        ("OwnSession", "OwnSession() as s, s.begin()", True),
        ("db", "db.session.begin()", True),
        ("db", "db.session.begin_nested()", True),
        ("other", "other.begin()", False),
        ("Other", "Other().begin()", False),
        ("db", "db.begin()", False),
        ("db", "db.engine", False),
    ],
)
def test_a_session_made_in_another_file_begins_too(imported: str, opener: str, is_session: bool, write: Write) -> None:
    body = f"from shop.database import {imported}\ndef place(o):\n    with {opener}:\n        ship.delay(1)"
    [found] = around(write(services(body, database=SESSIONS)))
    assert (found.kind if found else None) == ("session" if is_session else None)


SCRIPTS = """
from contextlib import contextmanager
from celery import Celery
from pyramid.request import Request
from pyramid.scripting import prepare

app = Celery("shop")


class OwnRequest(Request):
    pass


class Other:
    pass


@contextmanager
def opened(registry):
    with prepare(registry=registry) as env:
        request = env["request"]
        yield request


@contextmanager
def timed(registry):
    yield registry


def bootstrap(sender, registry):
    @contextmanager
    def request_context():
        with prepare(registry=registry) as env:
            yield env["request"]

    sender.app.request_context = request_context
    sender.app.timed = timed
"""
WRITES_AND_SENDS = "        request.db.add(o)\n        ship.delay(o.id)"


@pytest.mark.parametrize(
    ("head", "opener", "is_managed"),
    [
        ("from pyramid.request import Request\ndef place(o, request: Request):", "request.tm", True),
        ("from shop.scripts import OwnRequest\ndef place(o, request: OwnRequest):", "request.tm", True),
        ("from shop.scripts import Other\ndef place(o, request: Other):", "request.tm", False),
        ("from pyramid.request import Request\ndef place(o, request: Request):", "request.other", False),
        ("def place(o, request):", "request.tm", False),
        ("from shop.scripts import app\ndef place(o):", "app.request_context() as request, request.tm", True),
        ("from shop.scripts import app\ndef place(o):", "app.timed() as request, request.tm", False),
        ("from shop.scripts import app\ndef place(o):", "app.unknown() as request, request.tm", False),
        ("from shop.scripts import opened\ndef place(o, r):", "opened(r) as request, request.tm", True),
        ("from shop.scripts import timed\ndef place(o, r):", "timed(r) as request, request.tm", False),
        ("from pyramid.paster import bootstrap\ndef place(o):", "bootstrap('a.ini') as e, e['request'].tm", True),
        ("from pyramid.paster import bootstrap\ndef place(o):", "bootstrap('a.ini') as e, e['root'].tm", False),
        ("import transaction as zope\ndef place(o, request):", "zope.manager", True),
        ("from transaction import TransactionManager\ndef place(o, request):", "TransactionManager()", True),
        ("from shop import transaction as zope\ndef place(o, request):", "zope.manager", False),
    ],
)
def test_a_manager_of_the_transaction_package_opens_one(head: str, opener: str, is_managed: bool, write: Write) -> None:
    body = f"{head}\n    with {opener}:\n{WRITES_AND_SENDS}"
    project = write(services(body, scripts=SCRIPTS, transaction="manager = None"))
    assert [found.kind if found else None for found in around(project)] == ["session" if is_managed else None]


@pytest.mark.parametrize(
    ("inside", "kinds"),
    [
        ("ship.delay(request.db.get(o).id)\n        ship.apply_async((1,))", [None, None]),
        ("ship.delay(request.db.get(o).id)\n        o.state = 'sent'", ["session"]),
    ],
)
def test_such_a_transaction_counts_where_something_is_written(
    inside: str, kinds: list[str | None], write: Write
) -> None:
    head = "from pyramid.request import Request\ndef place(o, request: Request):\n    with request.tm:\n        "
    assert [found.kind if found else None for found in around(write(services(head + inside)))] == kinds


def test_a_task_that_is_sent_by_a_hook_after_the_commit_is_deferred(write: Write) -> None:
    tasks = TASKS.replace(
        "@shared_task\n",
        "class Late(Task):\n    def apply_async(self, *args, **kwargs):\n"
        "        self.request.tm.get().addAfterCommitHook(self.send, args, kwargs)\n\n\n@shared_task(base=Late)\n",
    ).replace("import shared_task", "import Task, shared_task")
    body = f"import transaction as zope\ndef place(o, request):\n    with zope.manager:\n{WRITES_AND_SENDS}"
    assert around(write(services(body).replace(TASKS, tasks))) == []


def test_a_caller_in_a_session_of_another_file_opens_the_transaction(write: Write) -> None:
    body = "def send(o):\n    ship.delay(o)"
    caller = (
        "from shop.database import Maker\nfrom shop.services import send\ndef place():\n"
        "    with Maker() as session:\n        with session.begin():\n            send(1)"
    )
    [found] = around(write(services(body, database=SESSIONS, places=caller)))
    assert found is not None
    assert (found.kind, found.caller) == ("session", "place")


def test_receivers_and_model_save_are_left_to_their_own_rule(write: Write) -> None:
    body = """
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver


@receiver(post_save)
@transaction.atomic
def saved(sender, instance, **kwargs):
    ship.delay(instance.pk)


class Order(models.Model):
    @transaction.atomic
    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        ship.delay(self.pk)
"""
    assert around(write(services(body))) == [None, None]


CONNECTED = "@transaction.atomic\ndef saved(sender, instance, **kwargs):\n    ship.delay(instance.pk)\n"


@pytest.mark.parametrize(
    ("connects", "is_receiver"),
    [
        ("from django.db.models.signals import post_save\npost_save.connect(saved)", True),
        ("from django.db.models import signals\nsignals.post_save.connect(sender='a.B', receiver=saved)", True),
        ("from django.core.signals import request_finished\nrequest_finished.connect(saved)", True),
        ("from django.dispatch import Signal\nplaced = Signal()\nplaced.connect(saved)", True),
        ("from django.db.models.signals import post_save\npost_save.connect(print)", False),
        ("import sqlite3\nsqlite3.connect(saved)", False),
        ("from elsewhere import bus\nbus.connect(saved)", False),
        ("placed = dict()\nplaced.connect(saved)", False),
    ],
)
def test_a_function_that_a_signal_is_connected_to_is_a_receiver(connects: str, is_receiver: bool, write: Write) -> None:
    assert [found is None for found in around(write(services(f"{CONNECTED}{connects}")))] == [is_receiver]


def test_a_receiver_may_be_connected_in_another_file(write: Write) -> None:
    apps = """
from django.apps import AppConfig
from django.db.models.signals import post_save


class ShopConfig(AppConfig):
    def ready(self):
        from shop import services

        post_save.connect(services.saved, sender="shop.Order")
"""
    assert around(write(services(CONNECTED, apps=apps))) == [None]


VIEWS: Mapping[str, tuple[str, bool]] = {
    "handler": (
        "from django.views import View\nclass Place(View):\n    def post(self, request):\n"
        "        request.user.save()\n        ship.delay(1)",
        True,
    ),
    "action": (
        "from rest_framework.viewsets import ModelViewSet\nfrom rest_framework.decorators import action\n"
        "class Place(ModelViewSet):\n    @action(detail=True)\n    def pay(self, request):\n"
        "        self.get_object().save()\n        ship.delay(1)",
        True,
    ),
    "marked function": (
        "from django.views.decorators.http import require_POST\n@require_POST\ndef place(request):\n"
        "    request.user.save()\n    ship.delay(1)",
        True,
    ),
    "annotated function": (
        "from django.http import HttpRequest\ndef place(request: HttpRequest):\n    request.user.save()\n"
        "    ship.delay(1)",
        True,
    ),
    "function that answers": (
        "from django.shortcuts import redirect\ndef place(request):\n    request.user.save()\n    ship.delay(1)\n"
        "    return redirect('/')",
        True,
    ),
    "function that refuses": (
        "from django import http\ndef place(request, pk):\n    if not pk:\n"
        "        return http.HttpResponseBadRequest()\n    request.user.save()\n    ship.delay(1)\n"
        "    response = http.HttpResponse()\n    return response",
        True,
    ),
    "function that answers and is kept out": (
        "from django.http import HttpResponse\n@transaction.non_atomic_requests\ndef place(request):\n"
        "    request.user.save()\n    ship.delay(1)\n    return HttpResponse()",
        False,
    ),
    "function that asks somebody else": (
        "import requests\ndef place(request):\n    request.user.save()\n    ship.delay(1)\n"
        "    return requests.post('http://shop', timeout=3)",
        False,
    ),
    "function within a function": (
        "from django.http import HttpResponse\ndef middleware(get_response):\n    def handle(request):\n"
        "        request.user.save()\n        ship.delay(1)\n        return HttpResponse()\n    return handle",
        False,
    ),
    "helper of a handler": (
        "from django.views import View\ndef send(o):\n    ship.delay(o)\nclass Place(View):\n"
        "    def post(self, request):\n        request.user.save()\n        send(1)",
        True,
    ),
    "writes nothing": (
        "from django.views import View\nclass Place(View):\n    def post(self, request):\n        ship.delay(1)",
        False,
    ),
    "writes afterwards": (
        "from django.views import View\nclass Place(View):\n    def post(self, request):\n"
        "        ship.delay(1)\n        request.user.save()",
        False,
    ),
    "writes a file, a cache and a message": (
        "import shutil\nfrom django.contrib import messages\nfrom django.core.cache import cache\n"
        "from django.core.files.storage import default_storage\n"
        "from django.views import View\nclass Place(View):\n    def post(self, request):\n"
        "        default_storage.save('a', request.FILES['a'])\n        shutil.copy('a', 'b')\n"
        "        cache.delete('a')\n        messages.add_message(request, 1, 'a')\n        request.GET.copy()\n"
        "        ship.delay(1)",
        False,
    ),
    "kept out": (
        "from django.views.decorators.http import require_POST\n@transaction.non_atomic_requests\n@require_POST\n"
        "def place(request):\n    request.user.save()\n    ship.delay(1)",
        False,
    ),
    "async": (
        "from django.views import View\nclass Place(View):\n    async def post(self, request):\n"
        "        request.user.save()\n        ship.delay(1)",
        False,
    ),
    "no view": ("def place(request):\n    request.user.save()\n    ship.delay(1)", False),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_request_is_a_transaction_where_the_settings_say_so_and_the_view_writes(name: str, write: Write) -> None:
    body, expected = VIEWS[name]
    found = around(write(services(body) + ATOMIC_REQUESTS))
    assert [each is not None for each in found] == [expected]


@pytest.mark.parametrize("name", VIEWS)
def test_without_atomic_requests_no_view_is_in_a_transaction(name: str, write: Write) -> None:
    assert around(write(services(VIEWS[name][0]))) == [None]


def test_a_view_in_another_file_counts_though_it_says_nothing_of_tasks_or_transactions(write: Write) -> None:
    body = services("def send(o):\n    ship.delay(o)")
    view = (
        "# file: shop/views.py\nfrom django.views import View\nfrom shop.services import send\n"
        "class Place(View):\n    def post(self, request):\n        request.user.save()\n        send(1)\n"
    )
    [found] = around(write(body + view + ATOMIC_REQUESTS))
    assert found is not None
    assert found.caller == "Place.post"


SWITCHED = {
    "off, and asked around the call": (
        "def send(o, loud=True):\n    if loud:\n        ship.delay(o)",
        "send(1, loud=False)",
        False,
    ),
    "off, and asked before it": (
        "def send(o, loud=True):\n    if not loud or o is None:\n        return\n    ship.delay(o)",
        "send(1, loud=False)",
        False,
    ),
    "off, and asked with something else": (
        "def send(o, loud=True):\n    if o and loud:\n        ship.delay(o)",
        "send(1, loud=None)",
        False,
    ),
    "off, and handed on": (
        "def send(o, loud=True):\n    if loud:\n        ship.delay(o)\n"
        "def pack(o, noisy=True):\n    send(o, loud=noisy)",
        "pack(1, noisy=False)",
        False,
    ),
    "off on the way": (
        "def send(o):\n    ship.delay(o)\ndef pack(o, loud=True):\n    if not loud:\n        return\n    send(o)",
        "pack(1, loud=False)",
        False,
    ),
    "off, and handed on with the others": (
        "def send(o, loud=True):\n    if loud:\n        ship.delay(o)\ndef pack(o, **options):\n    send(o, **options)",
        "pack(1, loud=False)",
        False,
    ),
    "off where it goes no further": (
        "def send(o, loud=True):\n    if loud:\n        ship.delay(o)\ndef pack(o, loud=True):\n    send(o)",
        "pack(1, loud=False)",
        True,
    ),
    "on": ("def send(o, loud=True):\n    if loud:\n        ship.delay(o)", "send(1, loud=True)", True),
    "left out": ("def send(o, loud=True):\n    if loud:\n        ship.delay(o)", "send(1)", True),
    "asked for the contrary": (
        "def send(o, quiet=True):\n    if quiet:\n        return\n    ship.delay(o)",
        "send(1, quiet=False)",
        True,
    ),
    "asked with or": (
        "def send(o, loud=True):\n    if loud or o:\n        ship.delay(o)",
        "send(1, loud=False)",
        True,
    ),
    "given another value": (
        "def send(o, loud=True):\n    loud = loud or o\n    if loud:\n        ship.delay(o)",
        "send(1, loud=False)",
        True,
    ),
    "only one of two ways": (
        "def send(o):\n    ship.delay(o)\ndef pack(o, loud=True):\n    if loud:\n        send(o)\n    send(o)",
        "pack(1, loud=False)",
        True,
    ),
    "another parameter": (
        "def send(o, loud=True, fast=True):\n    if loud:\n        ship.delay(o)",
        "send(1, fast=False)",
        True,
    ),
}


@pytest.mark.parametrize("name", SWITCHED)
def test_a_caller_may_switch_the_dispatch_off(name: str, write: Write) -> None:
    functions, call, expected = SWITCHED[name]
    body = f"{functions}\ndef place():\n    with transaction.atomic():\n        {call}"
    assert [found is not None for found in around(write(services(body)))] == [expected]
