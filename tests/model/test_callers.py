"""Which calls certainly reach a function, and the transactions that come with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporary import TemporaryProject

from flake8_tasks.config import Config
from flake8_tasks.model.facts import Dispatch
from flake8_tasks.model.project import Project
from flake8_tasks.model.reader import Reader

Write = Callable[[str], TemporaryProject]

HEAD = """
# file: shop/tasks.py
from celery import shared_task


@shared_task
def ship(order_id):
    print(order_id)
# file: shop/services.py
from django.db import transaction
from shop.tasks import ship
"""
ATOMIC = "from django.db import transaction\n"


def callers(project: TemporaryProject, module: str, qualname: str) -> list[tuple[str, str]]:
    """Module and function of each call of a function."""
    model = Project(project.root, Config(root=str(project.root)))
    return [(site.module, site.call.caller) for site in model.callers.of(module, qualname)]


def opened_by(project: TemporaryProject, **options: object) -> list[str]:
    """For each dispatch of `shop/services.py` the function that reaches it in a transaction, "" for none."""
    config = Config(root=str(project.root), **options)  # type: ignore[arg-type]
    model = Project(project.root, config)
    module = model.module(str(project.root / "shop" / "services.py"))
    assert module is not None
    sent = [fact for fact in Reader(module, model).facts if isinstance(fact, Dispatch) and fact.sends]
    return [found.caller if (found := fact.transaction) else "" for fact in sent]


@pytest.mark.parametrize(
    "call",
    [
        "from shop.services import send\n@transaction.atomic\ndef place():\n    send(1)",
        "from shop.services import send as tell\n@transaction.atomic\ndef place():\n    tell(1)",
        "from shop import services\n@transaction.atomic\ndef place():\n    services.send(1)",
        "import shop.services\n@transaction.atomic\ndef place():\n    shop.services.send(1)",
        "@transaction.atomic\ndef place():\n    from .services import send\n    send(1)",
        "from shop.services import send\ndef place():\n    if 1:\n        with transaction.atomic():\n"
        "            return [send(1)]",
        "from shop.services import send\n@transaction.atomic\ndef place():\n    inner()\ndef inner():\n    send(1)",
    ],
)
def test_a_call_by_name_from_another_file_counts(call: str, write: Write) -> None:
    project = write(f"{HEAD}def send(o):\n    ship.delay(o)\n# file: shop/orders.py\n{ATOMIC}{call}\n")
    assert opened_by(project) == ["place"]


def test_a_call_through_a_re_export_counts(write: Write) -> None:
    project = write(
        f"{HEAD}def send(o):\n    ship.delay(o)\n# file: shop/api.py\nfrom shop.services import send\n"
        f"# file: shop/orders.py\n{ATOMIC}from shop.api import send\n@transaction.atomic\ndef place():\n    send(1)\n"
    )
    assert opened_by(project) == ["place"]


@pytest.mark.parametrize(
    "call",
    [
        "@transaction.atomic\ndef place(sender):\n    sender.send(1)",
        "def send(o):\n    pass\n@transaction.atomic\ndef place():\n    send(1)",
        "from other import send\n@transaction.atomic\ndef place():\n    send(1)",
        "from shop.services import send\ndef place():\n    send(1)",
        "from shop.services import send\n@transaction.atomic\ndef place():\n    transaction.on_commit(lambda: send(1))",
        "from shop.services import send\n@transaction.atomic\ndef place():\n    transaction.on_commit(send)",
        "from shop.services import send\n@transaction.atomic\ndef place():\n    def later():\n        send(1)\n"
        "    transaction.on_commit(later)",
        "from shop.services import send\n@transaction.atomic\ndef place(send):\n    send(1)",
        "from shop.services import send\n@transaction.atomic\ndef place():\n    pass\nsend(1)",
    ],
)
def test_what_is_no_certain_call_in_a_transaction_does_not_count(call: str, write: Write) -> None:
    project = write(f"{HEAD}def send(o):\n    ship.delay(o)\n# file: shop/orders.py\n{ATOMIC}{call}\n")
    assert opened_by(project) == [""]


@pytest.mark.parametrize("name", ["tests/orders.py", "shop/test_orders.py", "shop/conftest.py"])
def test_calls_in_tests_do_not_count(name: str, write: Write) -> None:
    project = write(
        f"{HEAD}def send(o):\n    ship.delay(o)\n# file: {name}\n{ATOMIC}from shop.services import send\n"
        "@transaction.atomic\ndef place():\n    send(1)\n"
    )
    assert opened_by(project) == [""]


def test_calls_in_a_file_that_imports_pytest_do_not_count(write: Write) -> None:
    project = write(
        f"{HEAD}def send(o):\n    ship.delay(o)\n# file: shop/checks.py\nimport pytest\n{ATOMIC}"
        "from shop.services import send\n@transaction.atomic\ndef place():\n    send(1)\n"
    )
    assert opened_by(project) == [""]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "class A:\n    @transaction.atomic\n    def run(self):\n        self.send()\n    def send(self):\n"
            "        ship.delay(1)",
            "A.run",
        ),
        (
            "class A:\n    def send(self):\n        ship.delay(1)\nclass B(A):\n    @transaction.atomic\n"
            "    def run(self):\n        self.send()",
            "B.run",
        ),
        (
            "class A:\n    def send(self):\n        ship.delay(1)\nclass B(A):\n    @transaction.atomic\n"
            "    def send(self):\n        super().send()",
            "B.send",
        ),
        (
            "class A:\n    @transaction.atomic\n    def run(self):\n        self.send()\nclass B(A):\n"
            "    def send(self):\n        ship.delay(1)",
            "A.run",
        ),
        (
            "class A:\n    @classmethod\n    def send(cls):\n        ship.delay(1)\n@transaction.atomic\n"
            "def run():\n    A.send()",
            "run",
        ),
        (
            "class A:\n    def send(self):\n        ship.delay(1)\n@transaction.atomic\ndef run():\n    A().send()",
            "run",
        ),
        (
            "class A:\n    def send(self):\n        ship.delay(1)\nclass B(A):\n    pass\n@transaction.atomic\n"
            "def run():\n    b = B()\n    b.send()",
            "run",
        ),
        # The subclass has a method of its own, so that the call does not get to the other.
        (
            "class A:\n    def send(self):\n        ship.delay(1)\nclass B(A):\n    @transaction.atomic\n"
            "    def run(self):\n        self.send()\n    def send(self):\n        print(1)",
            "",
        ),
        # Another class with an equal method name.
        (
            "class A:\n    def send(self):\n        ship.delay(1)\nclass B:\n    @transaction.atomic\n"
            "    def run(self):\n        self.send()",
            "",
        ),
        # The subclass runs without the base class's transaction.
        (
            "class A:\n    @transaction.atomic\n    def run(self):\n        self.send()\nclass B(A):\n"
            "    def run(self):\n        self.send()\n    def send(self):\n        ship.delay(1)",
            "",
        ),
        (
            "class A:\n    def send(self):\n        ship.delay(1)\n@transaction.atomic\ndef run(a):\n    a.send()",
            "",
        ),
        # It calls itself, and nobody else does.
        ("def send(n):\n    ship.delay(n)\n    send(n + 1)", ""),
        # Round in a circle, with a way in.
        (
            "def one(n):\n    ship.delay(n)\n    two(n)\ndef two(n):\n    one(n)\n@transaction.atomic\n"
            "def run():\n    two(1)",
            "run",
        ),
        # A function in a function, called where it stands, and handed on.
        ("def run():\n    def send():\n        ship.delay(1)\n    with transaction.atomic():\n        send()", "run"),
        (
            "def run(pool):\n    def send():\n        ship.delay(1)\n    with transaction.atomic():\n"
            "        pool.add(send)",
            "",
        ),
    ],
)
def test_methods_are_told_by_their_class(body: str, expected: str, write: Write) -> None:
    assert opened_by(write(f"{HEAD}{body}\n")) == [expected]


def test_the_transaction_of_a_task_that_is_sent_is_not_that_of_its_sender(write: Write) -> None:
    body = """
@shared_task
def prepare(o):
    ship.delay(o)


@transaction.atomic
def place(o):
    transaction.on_commit(lambda: prepare.delay(o))
"""
    assert opened_by(write(f"{HEAD}from celery import shared_task\n{body}")) == ["", ""]


def test_a_decorator_that_puts_the_call_off_is_known(write: Write) -> None:
    body = """
def later(function):
    def run(*args):
        transaction.on_commit(lambda: function(*args))
    return run


@later
def send(o):
    ship.delay(o)


@transaction.atomic
def place(o):
    send(o)
"""
    assert opened_by(write(HEAD + body)) == [""]


def test_a_configured_helper_as_decorator_puts_the_call_off(write: Write) -> None:
    sending = "from elsewhere import later\n@later\ndef send(o):\n    ship.delay(o)\n"
    body = f"{sending}@transaction.atomic\ndef place(o):\n    send(o)\n"
    assert opened_by(write(HEAD + body)) == ["place"]
    assert opened_by(write(HEAD + body), on_commit_helpers=("elsewhere.later",)) == [""]


def test_the_nearest_transaction_is_named(write: Write) -> None:
    body = """
def send(o):
    ship.delay(o)


def near(o):
    with transaction.atomic():
        send(o)


@transaction.atomic
def far(o):
    near(o)
"""
    assert opened_by(write(HEAD + body)) == ["near"]


def test_calls_are_found_with_the_functions_around_them(write: Write) -> None:
    project = write(
        f"{HEAD}def send(o):\n    ship.delay(o)\n# file: shop/orders.py\n{ATOMIC}transaction.atomic\n"
        "from shop.services import send\nclass Orders:\n    def place(self):\n        send(1)\n"
        "    def cancel(self):\n        return lambda: send(2)\n"
    )
    assert callers(project, "shop.services", "send") == [
        ("shop.orders", "Orders.place"),
        ("shop.orders", "Orders.cancel.<locals>.<lambda>"),
    ]


def test_a_name_within_a_longer_one_is_no_call(write: Write) -> None:
    body = "def resend(o):\n    pass\ndef other():\n    resend(1)\n    send_all()\n"
    project = write(f"{HEAD}def send(o):\n    ship.delay(o)\n{body}")
    assert callers(project, "shop.services", "send") == []


def test_what_was_kept_of_a_file_gives_the_same_calls(write: Write) -> None:
    project = write(f"{HEAD}def send(o):\n    ship.delay(o)\n@transaction.atomic\ndef place():\n    send(1)\n")
    cache = project.root.parent / "cache"
    found = []
    for _ in range(2):
        model = Project(project.root, Config(root=str(project.root)), cache=cache)
        found.append(model.callers.of("shop.services", "send"))
        model.cache.close()
    assert found[0] == found[1]
    assert [site.call.caller for site in found[1]] == ["place"]
