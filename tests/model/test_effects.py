"""What a function does to the outside, told in the order it happens."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from flake8_tasks.config import Config
from flake8_tasks.model.effects.effect import UNKNOWN_FIELDS, Effect, effects, may_follow
from flake8_tasks.model.orm.reading import Orm
from flake8_tasks.model.project import Project

FILES = {
    "manage.py": "",
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.contrib.auth.models import AbstractUser
        from django.db import models

        class User(AbstractUser):
            pass

        class Order(models.Model):
            user = models.ForeignKey(User, on_delete=models.CASCADE)
            status = models.TextField()
        """,
    "shop/tasks.py": """
        from celery import shared_task

        @shared_task
        def ship(pk):
            pass
        """,
    "shop/bank.py": """
        import requests
        from django.core.mail import send_mail

        session = requests.Session()

        class Api(requests.Session):
            pass

        def bank_request(path):
            return requests.post(path, timeout=5)

        def charge(order):
            return bank_request(f"/{order.pk}")

        def far(order):
            return charge(order)

        def farther(order):
            return far(order)

        def again(order):
            return again(order)

        def later(order):
            def send():
                requests.post("/")
            return send

        def tell(user):
            if user.email:
                send_mail("a", "b", "c", [user.email])

        class Bank:
            def pay(self):
                return self.talk()

            def talk(self):
                requests.post("/")
        """,
}


def found(tmp_path: Path, program: str) -> tuple[Effect, ...]:
    """The effects of the last function, or method of the last class, of `shop/code.py`."""
    for name, content in {**FILES, "shop/code.py": program}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
    project = Project(tmp_path, Config())
    module = project.module(str(tmp_path / "shop" / "code.py"))
    assert module is not None
    function, frame = module.functions[-1]
    return effects(function, frame, module, project, Orm(project))


def told(effect: Effect) -> str:
    """An effect in a line."""
    fields = "" if effect.fields is None else f" ({', '.join(effect.fields)})"
    through = f" through {effect.through}" if effect.through else ""
    return f"{effect.kind} {effect.subject or effect.what}{fields}{through}"


def test_a_save_a_request_and_a_save_again_stand_in_the_order_they_happen(tmp_path: Path) -> None:
    program = """
        import requests
        from shop.models import Order
        from shop.tasks import ship

        def pay(pk):
            order = Order.objects.get(pk=pk)
            order.status = "sending"
            order.save()
            order.status = requests.post("/pay", json=str(order)).json()["status"]
            order.save(update_fields=["status"])
            ship.delay(order.pk)
        """
    assert [told(effect) for effect in found(tmp_path, program)] == [
        "bind order",
        "assign order (status)",
        "save order",
        "request requests.post",
        "assign order (status)",
        "save order (status)",
        "dispatch ship.delay",
    ]


def test_only_instances_are_saved(tmp_path: Path) -> None:
    program = """
        def pay(form, order, image):
            form.save()
            order.save()
            image.status = 1
            image.save("a.png")
        """
    assert found(tmp_path, program) == ()


def test_the_fields_of_a_save(tmp_path: Path) -> None:
    program = """
        from shop.models import Order

        def pay(order: Order, names, **options):
            order.save()
            order.save(update_fields=("a", "b"))
            order.save(update_fields=names)
            order.save(update_fields=None)
            order.save(**options)
            order.user.save()
        """
    saves = found(tmp_path, program)
    assert [effect.fields for effect in saves] == [None, ("a", "b"), UNKNOWN_FIELDS, None, UNKNOWN_FIELDS, None]
    assert [effect.subject for effect in saves] == ["order"] * 5 + ["order.user"]
    assert {effect.instance.model for effect in saves if effect.instance} == {"shop.models.Order", "shop.models.User"}


def test_rows_that_are_made_updated_and_reloaded(tmp_path: Path) -> None:
    program = """
        from shop.models import Order

        async def pay(self):
            order = Order.objects.create(status="new")
            other, created = await Order.objects.aget_or_create(pk=1)
            Order.objects.create(status="lost")
            Order.objects.filter(pk=1).update(status="old")
            order.refresh_from_db()
            {}.update(status="none")
        """
    assert [told(effect) for effect in found(tmp_path, program) if effect.kind not in ("assign", "bind")] == [
        "create order (status)",
        "create other (pk)",
        "create Order.objects.create (status)",
        "update Order.objects.filter().update (status)",
        "reload order",
    ]


def test_sqlalchemy_writes_what_is_added_to_a_session(tmp_path: Path) -> None:
    program = """
        from sqlalchemy.orm import DeclarativeBase

        class Base(DeclarativeBase):
            pass

        class Event(Base):
            pass

        def work(session, seen):
            event = session.get(Event, 1)
            event.name = "a"
            session.add(event)
            seen.add("a")
        """
    assert [told(effect) for effect in found(tmp_path, program)] == [
        "bind event",
        "assign event (name)",
        "save event",
    ]


def test_assignments_in_every_form(tmp_path: Path) -> None:
    program = """
        from shop.models import Order

        def pay(order: Order, other):
            order.a, (order.b, unseen) = 1, (2, 3)
            order.count += 1
            order.note: str = "x"
            other.a = 1
            for order.c in range(3):
                pass
            order.save()
            order = None
        """
    effects_of = found(tmp_path, program)
    assert [told(effect) for effect in effects_of] == [
        "assign order (a)",
        "assign order (b)",
        "assign order (count)",
        "assign order (note)",
        "assign order (c)",
        "save order",
        "bind order",
    ]
    assert [ast.unparse(effect.value) if effect.value else None for effect in effects_of][:4] == ["1", "2", "1", "'x'"]


def test_the_blocks_around_an_effect(tmp_path: Path) -> None:
    program = """
        import requests
        from shop.models import Order

        def pay(orders: list[Order]):
            for order in orders:
                try:
                    requests.post("/")
                except requests.HTTPError:
                    order.status = "failed"
                    order.save()
                finally:
                    order.seen = True
        """
    saves = found(tmp_path, program)
    blocks = {
        told(effect): [(type(frame.node).__name__, frame.part) for frame in effect.site.frame.here()]
        for effect in saves
    }
    assert blocks == {
        "bind order": [("FunctionDef", "body")],
        "request requests.post": [("Try", "body"), ("For", "body"), ("FunctionDef", "body")],
        "assign order (status)": [("ExceptHandler", "handler"), ("For", "body"), ("FunctionDef", "body")],
        "save order": [("ExceptHandler", "handler"), ("For", "body"), ("FunctionDef", "body")],
        "assign order (seen)": [("Try", "finally"), ("For", "body"), ("FunctionDef", "body")],
    }
    request = next(effect for effect in saves if effect.leaves)
    assert [type(frame.node) for frame in request.within(ast.For, ast.While)] == [ast.For]


CALLS = {
    "requests.get('/')": "request requests.get",
    "requests.exceptions.HTTPError('/')": "",
    "rq.post('/')": "request rq.post",
    "httpx.Client().post('/')": "request httpx.Client().post",
    "httpx.Client().close()": "",
    "urlopen('/')": "request urlopen",
    "send_mail('a', 'b', 'c', [])": "mail send_mail",
    "EmailMessage('a').send()": "mail EmailMessage().send",
    "bank.session.post('/')": "request bank.session.post",
    "session.post('/')": "request session.post",
    "mine.put('/')": "request mine.put",
    "mine.mount('/')": "",
    "bank.Api().get('/')": "request bank.Api().get",
    "given.post('/')": "request given.post",
    "unknown.post('/')": "",
    "several.post('/')": "",
    "stripe.Charge.create(a=1)": "request stripe.Charge.create",
    "stripe.api_key.lower()": "",
    "boto3.client('s3').put_object()": "request boto3.client().put_object",
    "boto3.client('ses').send_email()": "mail boto3.client().send_email",
    "boto3.client('s3').generate_presigned_url()": "",
    "boto3.resource('s3').Bucket('a')": "",
    "boto3.resource('s3').Bucket('a').upload_file('b')": "request boto3.resource().Bucket().upload_file",
    "boto3.resource('s3').Bucket('a').objects.all()": "",
    "OpenAI().chat.completions.create()": "request OpenAI().chat.completions.create",
    "user.email_user('a')": "mail user.email_user",
    "bank.bank_request('/')": "request requests.post through bank.bank_request",
    "bank.charge(1)": "request requests.post through bank.charge",
    "bank.far(1)": "",
    "bank.again(1)": "",
    "bank.later(1)": "",
    "bank.tell(user)": "mail send_mail through bank.tell",
    "bank.session": "",
    "ship.delay(1)": "dispatch ship.delay",
    "ship.s(1)": "",
    "ship(1)": "",
    "on_commit(lambda: requests.post('/'))": "",
}


@pytest.mark.parametrize(("call", "expected"), CALLS.items(), ids=CALLS)
def test_what_leaves_the_process(call: str, expected: str, tmp_path: Path) -> None:
    program = f"""
        import boto3, httpx, requests, stripe
        import requests as rq
        from django.core.mail import EmailMessage, send_mail
        from openai import OpenAI
        from urllib.request import urlopen
        from shop import bank
        from shop.bank import session
        from shop.models import User
        from shop.tasks import ship

        def work(user: User, given: requests.Session, unknown):
            with requests.Session() as mine:
                several = requests.Session() if unknown else None
                several = unknown
                {call}
        """
    assert [told(effect) for effect in found(tmp_path, program)] == ([expected] if expected else [])


METHODS = {
    "self.made.post('/')": "request self.made.post",
    "self.shared.post('/')": "request self.shared.post",
    "self.lazy.post('/')": "request self.lazy.post",
    "self.mixed.post('/')": "",
    "self.unknown.post('/')": "",
    "self.send()": "request self.made.post through self.send",
    "self.pay()": "request requests.post through self.pay",
    "self.nothing()": "",
}


@pytest.mark.parametrize(("call", "expected"), METHODS.items(), ids=METHODS)
def test_clients_and_methods_of_self(call: str, expected: str, tmp_path: Path) -> None:
    program = f"""
        import httpx, requests
        from functools import cached_property
        from shop.bank import Bank

        class Service(Bank):
            shared = requests.Session()

            def __init__(self, client=None):
                self.made = httpx.Client()
                self.mixed = requests.Session()
                self.mixed = client
                self.unknown = client

            @cached_property
            def lazy(self):
                return requests.Session()

            def nothing(self):
                return 1

            def send(self):
                self.made.post("/")

            def work(self):
                {call}
        """
    assert [told(effect) for effect in found(tmp_path, program)] == ([expected] if expected else [])


FLOWS = {
    "straight on": ("{first}\n{second}", True),
    "into a branch": ("{first}\nif a:\n    {second}", True),
    "out of a branch": ("if a:\n    {first}\n{second}", True),
    "exclusive branches": ("if a:\n    {first}\nelse:\n    {second}", False),
    "exclusive branches, one deeper": ("if a:\n    {first}\nelif b:\n    if c:\n        {second}", False),
    "two decisions": ("if a:\n    {first}\nif b:\n    {second}", True),
    "a branch that returns": ("if a:\n    {first}\n    return\n{second}", False),
    "a branch that raises": ("try:\n    {first}\nexcept E:\n    raise\n{second}", True),
    "a handler that raises": ("try:\n    a()\nexcept E:\n    {first}\n    raise\n{second}", False),
    "a body and its handler": ("try:\n    {first}\nexcept E:\n    {second}", True),
    "a body and its finally": ("try:\n    {first}\n    return\nfinally:\n    {second}", True),
    "an error and its handler": ("try:\n    {first}\n    raise E\nexcept E:\n    {second}", True),
    "two handlers": ("try:\n    a()\nexcept E:\n    {first}\nexcept F:\n    {second}", False),
    "a handler and else": ("try:\n    a()\nexcept E:\n    {first}\nelse:\n    {second}", False),
    "a loop that goes on": ("for a in b:\n    if a:\n        {first}\n        continue\n    {second}", False),
    "with": ("with a:\n    {first}\n{second}", True),
}


@pytest.mark.parametrize(("body", "expected"), FLOWS.values(), ids=FLOWS)
def test_whether_one_effect_can_follow_another(body: str, expected: bool, tmp_path: Path) -> None:
    text = body.format(first="order.save()", second="requests.post('/')")
    program = "import requests\nfrom shop.models import Order\n\ndef work(order: Order, a, b, c):\n"
    first, second = found(tmp_path, program + textwrap.indent(text, "    "))
    assert may_follow(first, second) is expected
