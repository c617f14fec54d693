"""Each program calls `see`; what the ORM says of its argument stands in the comment behind."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from flake8_tasks.config import Config
from flake8_tasks.model.orm.reading import Instance, Orm, Queryset
from flake8_tasks.model.project import Project

MODELS = """
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.conf import settings


class Stamped(models.Model):
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class PublishedQuerySet(models.QuerySet):
    def live(self):
        return self.filter(live=True)


class Published(models.Manager):
    pass


class User(AbstractUser):
    pass


class Event(Stamped):
    name = models.CharField(max_length=20)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    order = models.ForeignKey("shop.Order", null=True, on_delete=models.CASCADE)
    before = models.OneToOneField("self", null=True, on_delete=models.CASCADE)
    guests = models.ManyToManyField(User)
    published = Published()
    live = PublishedQuerySet.as_manager()
    objects = models.Manager()


class Order(Stamped):
    event = models.ForeignKey("Event", on_delete=models.CASCADE)

    @property
    def total(self):
        return 1
"""
SETTINGS = """
CELERY_TASK_TIME_LIMIT = 10
AUTH_USER_MODEL = "shop.User"
"""
FORMS = """
from django import forms
from rest_framework import serializers
from shop.models import Event, Order


class EventForm(forms.ModelForm):
    class Meta:
        model = Event
        fields = ["name"]


class OddForm(EventForm):
    def save(self, commit=True):
        super().save(commit)
        return {"ok": True}


class KindForm(EventForm):
    def save(self, commit=True):
        event = super().save(commit=commit)
        return event


class PlainForm(forms.Form):
    pass


class OrderSerializer(serializers.ModelSerializer):
    class Meta:
        model = Order
        fields = "__all__"
"""
FILES = {
    "manage.py": "",
    "conf.py": SETTINGS,
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/forms.py": FORMS,
}


def said(orm: Orm, found: Instance | Queryset | None) -> str:
    """The answer in short."""
    match found:
        case Instance(model, name):
            return (model or "?").rpartition(".")[2] + ("" if name == "django" else f" of {name}")
        case Queryset(model, name, kind):
            return f"{kind} of {(model or '?').rpartition('.')[2]}" + ("" if name == "django" else f" of {name}")
    return "-"


def answers(tmp_path: Path, program: str, **files: str) -> tuple[list[str], list[str]]:
    """What was said of each `see(x)` in `shop/code.py`, and what its comment expects."""
    text = textwrap.dedent(program)
    for name, content in {**FILES, "shop/code.py": text, **{f"shop/{k}.py": v for k, v in files.items()}}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
    project = Project(tmp_path, Config())
    module = project.module(str(tmp_path / "shop" / "code.py"))
    assert module is not None
    orm = Orm(project)
    got: list[str] = []
    expected: list[str] = []
    for node in module.source.tree.body:
        for site in module.walk(node, module.top):
            call = site.node
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "see":
                line = module.source.lines[call.lineno - 1]
                got.append(f"{call.lineno}: {said(orm, orm.of(call.args[0], site.frame, module))}")
                expected.append(f"{call.lineno}: {line.partition('#')[2].strip()}")
    assert got, "the program asks nothing"
    return got, expected


PROGRAMS = {
    "managers": """
        from shop.models import Event
        from shop import models

        def work(pk, **fields):
            event = Event.objects.get(pk=pk)
            see(event)  # Event
            see(event.pk)  # -
            see(event.name)  # -
            see(models.Event.objects.create(**fields))  # Event
            see(Event.objects.filter(pk=1).order_by("name").first())  # Event
            see(Event._default_manager.latest("name"))  # Event
            see(Event.published.get(pk=1))  # Event
            see(Event.live.get(pk=1))  # Event
            see(Event.objects.filter(pk=1))  # instances of Event
            see(Event.objects.values("pk"))  # values of Event
            see(Event.objects.filter(a=1).values_list("pk", flat=True).distinct())  # values_list of Event
            see(Event.objects.values("pk").first())  # -
            see(Event.objects.count())  # -
            see(Event.objects.filter(pk=1).update(name="a"))  # -
            see(Event.objects)  # -
            see(Event)  # -
            see(Event(name="a"))  # Event
            see(Event.objects.all()[0])  # Event
            see(Event.objects.all()[:10])  # instances of Event
            see(Event.objects.in_bulk([1])[1])  # Event
            see(Event.DoesNotExist)  # -
            see(str(event))  # -
        """,
    "unpacking": """
        from shop.models import Event

        def work():
            event, created = Event.objects.get_or_create(pk=1)
            see(event)  # Event
            see(created)  # -
            see(Event.objects.get_or_create(pk=1)[0])  # Event
            one, two = Event.objects.first(), 3
            see(one)  # Event
            see(two)  # -
            first, *rest = Event.objects.all()
            see(first)  # Event
            see(rest)  # -
        """,
    "loops": """
        from shop.models import Event

        def work(ids):
            for event in Event.objects.filter(pk__in=ids):
                see(event)  # Event
            for event in Event.objects.filter(pk__in=ids).iterator():
                see(event)  # Event
            for row in Event.objects.values("pk"):
                see(row)  # -
            for number, event in enumerate(Event.objects.all()):
                see(event)  # Event
                see(number)  # -
            for pk, event in Event.objects.in_bulk(ids).items():
                see(event)  # Event
                see(pk)  # -
            for pk in Event.objects.values_list("pk", flat=True):
                see(pk)  # -
            for event in list(Event.objects.all()):
                see(event)  # Event
            [see(event) for event in Event.objects.all()]  # Event
            [see(event) for event in Event.objects.all() for event in event.things]  # -
            {event.pk: see(event) for event in sorted(Event.objects.all(), key=str)}  # Event
            if (found := Event.objects.first()) is not None:
                see(found)  # Event
            events = [Event(name=str(pk)) for pk in ids]
            for event in events:
                see(event)  # Event
            see(events)  # -
        """,
    "awaited": """
        from shop.models import Event

        async def work():
            event = await Event.objects.aget(pk=1)
            see(event)  # Event
            late = Event.objects.aget(pk=1)
            see(late)  # -
            event, new = await Event.objects.aget_or_create(pk=1)
            see(event)  # Event
            async for event in Event.objects.filter(pk=1).aiterator():
                see(event)  # Event
        """,
    "annotations": """
        from typing import Optional, Union, cast
        from django.db.models import QuerySet
        from shop.models import Event, Order

        def work(
            a: Event, b: Optional[Event], c: Event | None, d: "Event", e: "shop.models.Event", f: "Event | None",
            g: QuerySet[Event], h: list[Event], i: int, j: Event | int, k: Union[Event, Order], l: type[Event],
            *rest: Event, m: Event = None, **more: Event,
        ):
            see(a)  # Event
            see(b)  # Event
            see(c)  # Event
            see(d)  # Event
            see(e)  # Event
            see(f)  # Event
            see(g)  # instances of Event
            see(h)  # -
            see(h[0])  # Event
            see(i)  # -
            see(j)  # -
            see(k)  # ?
            see(l)  # -
            see(l())  # Event
            see(rest)  # -
            see(m)  # Event
            see(more)  # -
            n: Event = strange()
            see(n)  # Event
            see(cast(Event, strange()))  # Event

        def asks(a: Event):
            if isinstance(a, Event):
                see(a)  # -
        """,
    "relations": """
        from shop.models import Event, Order

        def work():
            event = Event.objects.get()
            see(event.owner)  # User
            see(event.order)  # Order
            see(event.order.event.before)  # Event
            see(event.order_id)  # -
            see(event.guests)  # -
            see(event.guests.all())  # instances of User
            see(event.guests.first())  # User
            see(event.created)  # -
            order = Order.objects.get()
            see(order.total)  # -
            see(order.total.first())  # -
            for line in order.lines.filter(on=True):
                see(line)  # ?
            see(order.lines)  # -
            see(order.cache.get("a"))  # -
            see(event.name.all())  # -
        """,
    "methods of models": """
        from django.db import models
        from shop.models import Stamped

        class Ticket(Stamped):
            def send(self, other):
                see(self)  # Ticket
                see(other)  # -
                see(lambda: self)  # -
                later(lambda: see(self))  # Ticket
                see(type(self).objects.get())  # Ticket
                see(self.__class__.objects.all())  # instances of Ticket

            @classmethod
            def make(cls):
                see(cls)  # -
                see(cls())  # Ticket
                see(cls.objects.create())  # Ticket

            @staticmethod
            def plain(self):
                see(self)  # -

        class TicketManager(models.Manager):
            def make(self):
                see(self)  # -
                see(self.create(name="a"))  # ?
                see(self.model())  # ?

        class Helper:
            def send(self):
                see(self)  # -
        """,
    "receivers": """
        from django.conf import settings
        from django.db.models.signals import post_save, pre_delete
        from django.dispatch import receiver
        from shop.models import Event, Order

        @receiver(post_save, sender=Event)
        def one(sender, instance, created, **kwargs):
            see(instance)  # Event
            see(sender)  # -

        @receiver([post_save, pre_delete])
        def both(sender, instance, **kwargs):
            see(instance)  # ?

        @receiver(post_save, sender="shop.Order")
        def labelled(sender, instance, **kwargs):
            see(instance)  # Order

        @receiver(post_save, sender=settings.AUTH_USER_MODEL)
        def user(sender, instance, **kwargs):
            see(instance)  # User

        def connected(sender, instance, **kwargs):
            see(instance)  # Order

        post_save.connect(connected, sender=Order)

        def stranger(sender, instance, **kwargs):
            see(instance)  # -
        """,
    "requests": """
        from django.http import HttpRequest
        from django.shortcuts import get_object_or_404, get_list_or_404, render
        from django.views.generic import UpdateView, View, CreateView, DetailView
        from shop.forms import EventForm
        from shop.models import Event

        def page(request, pk):
            see(request.user)  # ?
            user = request.user
            see(user)  # ?
            see(request.user.pk)  # -
            see(request.session)  # -
            see(get_object_or_404(Event, pk=pk))  # Event
            see(get_object_or_404(Event.objects.filter(a=1), pk=pk))  # Event
            for event in get_list_or_404(Event):
                see(event)  # Event

        def typed(call: HttpRequest):
            see(call.user)  # ?

        def other(name, request):
            see(request.user)  # -

        class Simple(View):
            def get(self, request):
                see(request.user)  # ?
                see(self.request.user)  # ?
                see(self.get_object())  # -

        class Edit(UpdateView):
            model = Event
            form_class = EventForm

            def form_valid(self, form):
                see(self.get_object())  # Event
                see(self.object)  # Event
                see(form.save())  # Event
                see(form.instance)  # Event
                self.object = form.save(commit=False)
                see(self.object)  # Event

        class Show(DetailView):
            queryset = Event.objects.filter(live=True)

            def later(self):
                see(self.get_object())  # Event

        class Own(DetailView):
            model = Event

            def get_object(self):
                return {"a": 1}

            def later(self):
                see(self.get_object())  # -

        class Bare(CreateView):
            model = Event
            fields = ["name"]

            def form_valid(self, form):
                see(form.save())  # Event
        """,
    "forms": """
        from shop.forms import EventForm, OddForm, KindForm, OrderSerializer, PlainForm

        def work(data, form):
            see(form.save())  # -
            form = EventForm(data)
            see(form.save())  # Event
            see(form.save(commit=False))  # Event
            see(form)  # -
            see(OddForm(data).save())  # -
            see(KindForm(data).save())  # Event
            see(PlainForm(data).save())  # -
            serializer = OrderSerializer(data=data)
            see(serializer.save())  # Order
            see(OrderSerializer(data=data, many=True).save())  # -
            see(serializer.data)  # -
        """,
    "users": """
        from django.contrib.auth import get_user_model
        from django.apps import apps
        User = get_user_model()

        def work():
            see(User.objects.get(pk=1))  # User
            Event = apps.get_model("shop", "Event")
            see(Event.objects.get())  # Event
            see(get_user_model().objects.first())  # User
        """,
    "rebinding": """
        from shop.models import Event, Order

        def straight(pk):
            event = Event.objects.get(pk=pk)
            see(event)  # Event
            event = event.pk
            see(event)  # -
            event = Order.objects.get(pk=event)
            see(event)  # Order

        def branch(pk):
            event = None
            if pk:
                event = Event.objects.get(pk=pk)
            see(event)  # Event
            if pk > 3:
                event = pk
            see(event)  # -

        def leaves(event):
            if event.old:
                event = event.pk
                return see(event)  # -
            else:
                event = Event()
            see(event)  # Event

        def either(pk):
            thing = Event.objects.get() if pk else Order.objects.get()
            see(thing)  # ?
            thing = Event.objects.get() if pk else None
            see(thing)  # Event
            thing = Event.objects.first() or Event()
            see(thing)  # Event
            thing = Event.objects.first() or pk
            see(thing)  # -

        def loop(pks):
            event = Event()
            for pk in pks:
                see(event)  # -
                event = pk

        def target(pks):
            for event in Event.objects.all():
                see(event)  # Event
                event = event.pk
                see(event)  # -

        def tried(pk):
            try:
                event = Event.objects.get(pk=pk)
            except Event.DoesNotExist:
                return
            see(event)  # Event
            try:
                event = pk
                event = Event.objects.get(pk=event)
            except ValueError:
                see(event)  # -
            else:
                see(event)  # Event
            finally:
                see(event)  # -

        def later(pk):
            event = Event.objects.get()
            on_commit(lambda: see(event))  # -
            event = pk

        def given(event):
            if not event:
                event = Event.objects.get()
            see(event)  # -

        def context(event, pk):
            with open(pk) as event:
                see(event)  # -
            event = Event()
            event += 1
            see(event)  # -
        """,
}


OWN = {
    "own methods of managers and querysets": """
        from django.db import models

        class ShipQuerySet(models.QuerySet):
            def afloat(self):
                return self.filter(sunk=False)

            def newest(self):
                found = self.order_by("-pk").first()
                return found

            def names(self):
                return self.values_list("name", flat=True)

            def number(self):
                return self.count()

            def captain(self):
                return Captain.objects.first()

            def first_or(self, other):
                return self.first() or other

            async def find(self, pk):
                return await self.aget(pk=pk)

            def fleet(self) -> "models.QuerySet[Ship]":
                return self._chain()

        class ShipManager(models.Manager.from_queryset(ShipQuerySet)):
            def build(self, name):
                ship = self.model(name=name)
                ship.save()
                return ship

            def launch(self, name):
                return self.create(name=name), True

            @cached
            def kept(self):
                return self.first()

        Made = models.Manager.from_queryset(ShipQuerySet)

        class Captain(models.Model):
            objects = ShipQuerySet.as_manager()

        class Ship(models.Model):
            objects = ShipManager()
            made = Made()
            plain = models.Manager()

        def work(other):
            see(Ship.objects.afloat())  # instances of Ship
            see(Ship.objects.filter(pk=1).afloat().newest())  # Ship
            see(Ship.made.afloat())  # instances of Ship
            see(Captain.objects.afloat())  # instances of Captain
            see(Captain.objects.newest())  # Captain
            see(Ship.objects.captain())  # Captain
            see(Ship.objects.names())  # values_list of Ship
            see(Ship.objects.names().first())  # -
            see(Ship.objects.number())  # -
            see(Ship.objects.first_or(other))  # -
            see(Ship.objects.build("a"))  # Ship
            see(Ship.objects.launch("a")[1])  # -
            see(Ship.objects.kept())  # -
            see(Ship.objects.fleet())  # instances of Ship
            see(Ship.objects.unknown())  # -
            for ship in Ship.objects.afloat():
                see(ship)  # Ship

        async def later():
            see(await Ship.objects.find(1))  # Ship
        """,
    "own methods and properties of models": """
        from functools import cached_property
        from django.db import models
        from shop.models import Event, Order

        class Ticket(models.Model):
            event = models.ForeignKey(Event, on_delete=models.CASCADE)

            def owner_of_event(self):
                return self.event.owner

            def refund(self):
                return self.pk

            def either(self):
                return self.event if self.pk else self.pk

            def again(self):
                return self.again()

            @property
            def last(self):
                return Event.objects.last()

            @cached_property
            def kept(self):
                return self.event

            @property
            def label(self):
                return self.event.name

            @classmethod
            def for_event(cls, event):
                return cls.objects.filter(event=event).first()

            @staticmethod
            def order():
                return Order.objects.get()

        class Special(Ticket):
            def refund(self):
                return self

            def owner_of_event(self):
                return super().owner_of_event()

        def work(ticket: Ticket, special: Special):
            see(ticket.owner_of_event())  # User
            see(special.owner_of_event())  # User
            see(ticket.refund())  # -
            see(special.refund())  # Special
            see(ticket.either())  # -
            see(ticket.again())  # -
            see(ticket.last)  # Event
            see(ticket.last.pk)  # -
            see(ticket.kept)  # Event
            see(ticket.label)  # -
            see(ticket.refund)  # -
            see(ticket.last())  # -
            see(Ticket.for_event(1))  # Ticket
            see(Ticket.order())  # Order
            see(Special.for_event(1))  # Ticket
        """,
    "super of forms, serializers and views": """
        from django import forms
        from django.views.generic import UpdateView
        from rest_framework import serializers
        from shop.forms import EventForm, KindForm, OddForm
        from shop.models import Event, Order

        class Form(forms.ModelForm):
            class Meta:
                model = Event
                fields = ["name"]

            def save(self, commit=True):
                event = super().save(commit=commit)
                see(event)  # Event
                see(super().clean())  # -
                return event

        class Child(OddForm):
            def save(self, commit=True):
                see(super().save(commit))  # -
                return {}

        class Kind(KindForm):
            def save(self, commit=True):
                see(super(Kind, self).save(commit))  # Event
                return 1

        class Serializer(serializers.ModelSerializer):
            class Meta:
                model = Order
                fields = "__all__"

            def create(self, validated_data):
                order = super().create(validated_data)
                see(order)  # Order
                return order

            def update(self, instance, validated_data):
                see(super().update(instance, validated_data))  # Order
                see(super().to_representation(instance))  # -

        class View(UpdateView):
            model = Event

            def get_object(self, queryset=None):
                event = super().get_object(queryset)
                see(event)  # Event
                return event

            def get_queryset(self):
                see(super().get_queryset())  # instances of Event
                return Order.objects.all()

            def chosen(self):
                return Event.objects.get(pk=self.kwargs["pk"])

            def post(self, request):
                see(self.get_object())  # Event
                see(self.chosen())  # Event
                see(self.get_queryset())  # instances of Order
                see(super().post(request))  # -

        class Plain:
            def save(self):
                see(super().save())  # -
        """,
    "what the admin and views hand over": """
        from django.contrib import admin
        from rest_framework import serializers, viewsets
        from shop.models import Event, Order

        @admin.action(description="send")
        def send(modeladmin, request, queryset):
            see(queryset)  # instances of ?
            see(request.user)  # ?
            for order in queryset:
                see(order)  # ?

        def listed(modeladmin, request, queryset):
            see(queryset)  # instances of ?

        def unlisted(modeladmin, request, queryset):
            see(queryset)  # -

        @admin.register(Order)
        class OrderAdmin(admin.ModelAdmin):
            actions = [listed, "own"]

            def own(self, request, queryset):
                see(queryset)  # instances of Order
                see(queryset.count())  # -

            def save_model(self, request, obj, form, change):
                super().save_model(request, obj, form, change)
                see(obj)  # Order
                see(obj.event)  # Event
                see(form)  # -

            def has_change_permission(self, request, obj=None):
                see(obj)  # -

        class Elsewhere:
            def own(self, request, queryset):
                see(queryset)  # -

        class Serializer(serializers.ModelSerializer):
            class Meta:
                model = Order
                fields = "__all__"

            def update(self, instance, validated_data):
                see(instance)  # Order
                see(validated_data)  # -

            def to_representation(self, instance):
                see(instance)  # -

        class Orders(viewsets.ModelViewSet):
            queryset = Order.objects.all()
            serializer_class = Serializer

            def perform_destroy(self, instance):
                see(instance)  # Order

            def perform_update(self, serializer):
                see(serializer.save())  # Order
                see(serializer)  # -
        """,
    "what self carries": """
        from functools import cached_property
        from shop.models import Event, Order

        class Send:
            order: Order
            number: int = 1
            event = None
            shared = None

            def __init__(self, event: Event, shared, pk):
                self.event = event
                self.shared = shared
                self.pk = event.pk
                self.either = event
                self.nothing = None
                self.made, self.new = Order.objects.get_or_create(pk=pk)
                self.rows = list(Event.objects.all())
                for self.looped in Event.objects.all():
                    pass
                self.annotated: Event = load()

            def reset(self):
                self.either = 1

            @property
            def last(self):
                return Event.objects.last()

            @cached_property
            def name(self):
                return self.event.name

            def run(self, other):
                see(self.order)  # Order
                see(self.number)  # -
                see(self.event)  # Event
                see(self.shared)  # -
                see(self.pk)  # -
                see(self.either)  # -
                see(self.nothing)  # -
                see(self.made)  # Order
                see(self.new)  # -
                see(self.rows[0])  # Event
                see(self.looped)  # -
                see(self.annotated)  # -
                see(self.last)  # Event
                see(self.name)  # -
                see(self.event.order)  # Order
                see(other.event)  # -

            @staticmethod
            def apart(self):
                see(self.event)  # Event
        """,
}


@pytest.mark.parametrize("program", OWN.values(), ids=OWN)
def test_what_classes_of_the_project_define_themselves(program: str, tmp_path: Path) -> None:
    got, expected = answers(tmp_path, program)
    assert got == expected


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_django(program: str, tmp_path: Path) -> None:
    got, expected = answers(tmp_path, program)
    assert got == expected


OTHERS = {
    "sqlalchemy": """
        from sqlalchemy import select
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, declarative_base, relationship

        class Base(DeclarativeBase):
            pass

        class Event(Base):
            key: Mapped[int] = mapped_column(primary_key=True)

        Old = declarative_base()

        class Order(Old):
            pass

        def work(session, pk, given: Event):
            see(session.get(Event, pk))  # Event of sqlalchemy
            see(session.query(Event).filter(Event.key == 1).first())  # Event of sqlalchemy
            see(session.query(Order).get(pk))  # Order of sqlalchemy
            see(session.query(Event.key).first())  # -
            see(session.query(Event, Order).first())  # -
            see(session.query(Event))  # instances of Event of sqlalchemy
            see(session.scalar(select(Event).where(Event.key == 1)))  # Event of sqlalchemy
            see(session.scalar(select(Event.key)))  # -
            see(session.scalars(select(Event)).one())  # Event of sqlalchemy
            see(session.execute(select(Event)).scalar_one())  # Event of sqlalchemy
            see(session.execute(select(Event)).first())  # -
            see(Order(name="a"))  # Order of sqlalchemy
            see(given)  # Event of sqlalchemy
            see(given.key)  # -
            for event in session.scalars(select(Event)):
                see(event)  # Event of sqlalchemy
            for event in session.query(Event).all():
                see(event)  # Event of sqlalchemy
            see({}.get(Event, pk))  # Event of sqlalchemy

        class Guest(Base):
            event: Mapped[Event] = relationship()
            orders: Mapped[list["Order"]] = relationship(back_populates="guest")
            maybe: Mapped["Event | None"] = relationship()
            bare = relationship("Event")
            name: Mapped[str]

        def related(guest: Guest):
            see(guest.event)  # Event of sqlalchemy
            see(guest.orders)  # -
            see(guest.orders[0])  # Order of sqlalchemy
            see(guest.maybe)  # Event of sqlalchemy
            see(guest.bare)  # -
            see(guest.name)  # -
            for order in guest.orders:
                see(order)  # Order of sqlalchemy

        async def later(session, pk):
            event = await session.get(Event, pk)
            see(event)  # Event of sqlalchemy
            result = await session.execute(select(Event))
            see(result.scalar_one_or_none())  # Event of sqlalchemy
        """,
    "flask-sqlalchemy": """
        from flask_sqlalchemy import SQLAlchemy
        db = SQLAlchemy()

        class Event(db.Model):
            id = db.Column(db.Integer, primary_key=True)

        def work(pk):
            see(Event.query.get(pk))  # Event of sqlalchemy
            see(Event.query.filter_by(id=1).one())  # Event of sqlalchemy
            see(Event.query.get_or_404(pk))  # Event of sqlalchemy
            see(db.get_or_404(Event, pk))  # Event of sqlalchemy
            see(db.session.get(Event, pk))  # Event of sqlalchemy
            see(Event.query.filter_by(id=1))  # instances of Event of sqlalchemy
            see(Event.query.count())  # -
            query = db.select(Event).filter_by(id=1).order_by(Event.id)
            see(query)  # -
            see(db.session.scalars(query).first())  # Event of sqlalchemy
            see(db.session.execute(db.select(Event)).scalar_one())  # Event of sqlalchemy
            see(db.session.execute(db.select(Event.id)).scalar_one())  # -
            see(db.session.scalar(db.select(Event)))  # Event of sqlalchemy
            see(db.one_or_404(db.select(Event)))  # Event of sqlalchemy
            see(db.first_or_404(db.select(Event.id)))  # -
            for event in db.session.execute(db.select(Event)).scalars():
                see(event)  # Event of sqlalchemy
        """,
    "relationships without annotations": """
        from typing import TYPE_CHECKING
        from flask_sqlalchemy import SQLAlchemy
        from sqlalchemy import Column, ForeignKey, Integer, orm
        from sqlalchemy.orm import declarative_base, relationship
        from elsewhere import relationship as other

        if TYPE_CHECKING:
            Base = object
        else:
            Base = declarative_base()
        db = SQLAlchemy()

        class User(Base):
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)
            orders = relationship("Order", back_populates="user")
            lately = relationship("Order", lazy="dynamic")
            kept = relationship("Order", collection_class=set)
            address = relationship("Address", uselist=False)
            groups = orm.relationship("Group", secondary="members")
            friends = relationship("User")

        class Address(Base):
            __tablename__ = "addresses"
            user_id = Column(ForeignKey(User.id))
            user = relationship(User)
            pairs = relationship("Pair")

        class Group(Base):
            __tablename__ = "groups"

        class Pair(Base):
            __tablename__ = "pairs"
            one_id = Column(ForeignKey("addresses.id"))
            other_id = Column(ForeignKey("addresses.id"))
            one = relationship("Address", foreign_keys=[one_id])
            other = relationship("Address", primaryjoin="Pair.other_id == Address.id")
            single = relationship("Address", primaryjoin="Pair.other_id == Address.id", uselist=False)

        class Order(Base):
            __tablename__ = "orders"
            user_id = Column(Integer, ForeignKey("users.id"))
            group_id = Column(Integer)
            user = relationship("User", back_populates="orders")
            group = relationship("Group")
            strange = other("User")
            total = Column(Integer)

        class Line(db.Model):
            __tablename__ = "lines"
            order_id = db.Column(db.ForeignKey("orders.id"))
            order = db.relationship(Order)

        def work(user: User, order: Order, address: Address, pair: Pair, line: Line):
            see(order.user)  # User of sqlalchemy
            see(order.user.id)  # -
            see(order.total)  # -
            see(order.group)  # -
            see(order.strange)  # -
            see(user.orders)  # -
            see(user.orders[0])  # Order of sqlalchemy
            for each in user.orders:
                see(each)  # Order of sqlalchemy
            for each in user.groups:
                see(each)  # Group of sqlalchemy
            for each in user.lately:
                see(each)  # -
            for each in user.kept:
                see(each)  # -
            for each in user.friends:
                see(each)  # -
            see(user.address)  # Address of sqlalchemy
            see(address.user)  # User of sqlalchemy
            see(pair.one)  # Address of sqlalchemy
            see(pair.other)  # -
            see(pair.single)  # Address of sqlalchemy
            see(line.order)  # Order of sqlalchemy
        """,
    "sqlmodel": """
        from sqlmodel import SQLModel, select

        class EventBase(SQLModel):
            name: str

        class Event(EventBase, table=True):
            pass

        def work(session, body: EventBase, event: Event):
            see(body)  # -
            see(event)  # Event of sqlmodel
            see(EventBase(name="a"))  # -
            see(Event(name="a"))  # Event of sqlmodel
            see(session.get(Event, 1))  # Event of sqlmodel
            see(Event.model_validate(body))  # Event of sqlmodel
            see(Event.model_validate(body, update={"name": "a"}).model_dump())  # -
            see(EventBase.model_validate(event))  # -
        """,
    "peewee and mongoengine": """
        import peewee
        from mongoengine import Document

        class Event(peewee.Model):
            pass

        class Order(Document):
            pass

        def work(event: Event, order: Order):
            see(event)  # Event of peewee
            see(order)  # Order of mongoengine
            see(Event.get_by_id(1))  # Event of peewee
            see(Event.select().where(1))  # instances of Event of peewee
            see(Order.objects(name="a").first())  # Order of mongoengine
            see(Order.objects.get(id=1))  # Order of mongoengine
            see(Order())  # Order of mongoengine
        """,
}


@pytest.mark.parametrize("program", OTHERS.values(), ids=OTHERS)
def test_other_mappers(program: str, tmp_path: Path) -> None:
    got, expected = answers(tmp_path, program)
    assert got == expected


def test_models_are_found_through_the_bases_of_other_files(tmp_path: Path) -> None:
    answers(tmp_path, "see(1)  # -")
    orm = Orm(Project(tmp_path, Config()))
    assert orm.is_model("shop.models.Event")
    assert orm.is_model("shop.models.Stamped")
    assert orm.is_model("shop.forms.Event"), "by any name it is imported under"
    assert orm.is_model("django.contrib.auth.models.User")
    assert not orm.is_model("shop.forms.EventForm")
    assert not orm.is_model("shop.models.Published")
    assert not orm.is_model("nowhere.Event")
    assert not orm.is_model(None)


def test_a_class_with_model_fields_and_a_base_from_an_unknown_package_is_a_model(tmp_path: Path) -> None:
    program = """
        from strange_package import Base
        from django.db import models

        class Event(Base):
            name = models.CharField()

        class Filter(Base):
            name = 1

        class Mixin:
            name = models.CharField()

        def work(event: Event, other: Filter, mixin: Mixin):
            see(event)  # Event
            see(other)  # -
            see(mixin)  # -
        """
    got, expected = answers(tmp_path, program)
    assert got == expected


def test_a_class_in_the_models_of_an_installed_package_is_a_model_where_it_has_objects(tmp_path: Path) -> None:
    program = """
        from waffle.models import Flag
        from waffle.things import Thing
        from shop.models import Nothing

        def work():
            see(Flag.objects.get(name="a"))  # Flag
            see(Flag(name="a"))  # -
            see(Thing.objects.get(name="a"))  # -
            see(Nothing.objects.get(name="a"))  # -
        """
    got, expected = answers(tmp_path, program)
    assert got == expected


def test_functions_of_the_project_return_what_their_returns_say(tmp_path: Path) -> None:
    program = """
        from shop.models import Event
        from shop.more import find, find_all, maybe, odd, early, wrapped, told, loops, generated

        def near():
            return find(1)

        async def work():
            event = find(1)
            see(event)  # Event
            see(near())  # Event
            see(find_all())  # instances of Event
            see(maybe(1))  # Event
            see(odd(1))  # -
            see(wrapped(1))  # -
            see(told(1))  # Event
            see(loops(1))  # -
            see(generated(1))  # -
            see(early(1))  # -
            see(await early(1))  # Event
        """
    more = """
        from functools import wraps
        from shop.models import Event

        def find(pk):
            found = Event.objects.get(pk=pk)
            return found

        def find_all():
            return Event.objects.all()

        def maybe(pk):
            if not pk:
                return None
            def inner():
                return 1
            return Event.objects.filter(pk=pk).first()

        def odd(pk):
            if not pk:
                return pk
            return Event.objects.get(pk=pk)

        async def early(pk):
            return await Event.objects.aget(pk=pk)

        @strange
        def wrapped(pk):
            return Event.objects.get(pk=pk)

        def told(pk) -> "Event | None":
            return strange(pk)

        def loops(pk):
            return loops(pk)

        def generated(pk):
            yield pk
            return Event.objects.get(pk=pk)
        """
    got, expected = answers(tmp_path, program, more=more)
    assert got == expected


def test_primary_keys(tmp_path: Path) -> None:
    program = """
        from sqlalchemy import Column
        from sqlalchemy.orm import DeclarativeBase, mapped_column

        class Base(DeclarativeBase):
            pass

        class Event(Base):
            key = mapped_column(primary_key=True)
            id = Column()

        class Pair(Base):
            a = Column(primary_key=True)
            b = Column(primary_key=True)

        class Bare(Base):
            pass

        see(1)
        """
    answers(tmp_path, program)
    orm = Orm(Project(tmp_path, Config()))
    assert orm.primary_key("shop.models.Event") == "pk"
    assert orm.primary_key("shop.code.Event") == "key"
    assert orm.primary_key("shop.code.Pair") is None
    assert orm.primary_key("shop.code.Bare") is None
    assert orm.primary_key("shop.code.Nothing") is None


def test_the_reason_is_told_in_a_few_words(tmp_path: Path) -> None:
    program = """
        from shop.models import Event

        def work(given: Event):
            one = Event.objects.filter(name="a", other="b").first()
            see(one)
            see(given)
            for event in Event.objects.all():
                see(event)
            see(given.owner)
        """
    answers(tmp_path, program)
    project = Project(tmp_path, Config())
    module = project.module(str(tmp_path / "shop" / "code.py"))
    assert module is not None
    orm = Orm(project)
    reasons = [
        found.how
        for site in module.walk(module.source.tree.body[-1], module.top)
        if isinstance(site.node, ast.Call) and isinstance(site.node.func, ast.Name)
        if (found := orm.of(site.node.args[0], site.frame, module)) is not None
    ]
    assert reasons == [
        "assigned from Event.objects.filter().first()",
        "parameter annotated Event",
        "one of Event.objects.all()",
        "given.owner",
    ]
