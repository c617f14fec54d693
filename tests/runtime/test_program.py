"""Programs are loaded whole, say clearly what is wrong with them, and leave nothing behind."""

from __future__ import annotations

import gc
import linecache
import logging
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from celery import _state, signals
from kombu import serialization

from flake8_tasks.rule import files_of
from flake8_tasks.rules import all_rules
from flake8_tasks.runtime.program import Program, ProgramError

SHOP = {
    "shop/celery.py": 'from celery import Celery\n\napp = Celery("shop")\n',
    "shop/prices.py": """\
import functools


def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


class Price:
    def __init__(self, amount):
        self.amount = amount

    @property
    def taxed(self):
        return self.amount * 1.2

    @staticmethod
    def free():
        return Price(0)


@logged
def total(prices):
    return sum(price.amount for price in prices)
""",
    "shop/tasks.py": """\
from celery import shared_task

from shop.celery import app
from shop.prices import Price, total


@app.task(bind=True, autoretry_for=(KeyError,))
def bill(self, amounts):
    return total([Price(amount) for amount in amounts])


@shared_task(name="cleaning")
def clean():
    return "clean"
""",
}
ORDERS = {
    "orders/celery.py": 'from celery import Celery\n\napp = Celery("orders")\n',
    "orders/models.py": """\
from django.contrib.auth.models import User
from django.db import models


class Order(models.Model):
    customer = models.ForeignKey(User, on_delete=models.CASCADE)


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
""",
    "orders/tasks.py": """\
from orders.celery import app
from orders.models import Order


@app.task
def ship(pk):
    return Order.objects.get(pk=pk).customer.username
""",
}


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = _footprint()
    yield
    assert _footprint() == before


def _footprint() -> dict[str, object]:
    own = ("shop", "orders", "people", "settings_of_the_program")
    return {
        "path": list(sys.path),
        "modules": [name for name in sys.modules if name.partition(".")[0] in own],
        "importers": [path for path in sys.path_importer_cache if "flake8-tasks-" in path],
        "lines": [path for path in linecache.cache if "flake8-tasks-" in path],
        "folder": Path.cwd(),
        "environment": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "zone": time.tzname,
        "loggers": [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in own],
        "handlers": list(logging.root.handlers),
        "app": _state._tls.current_app,
        "default app": _state.default_app,
        "receivers": len(signals.task_prerun.receivers),
        "serializers": sorted(serialization.registry.name_to_type),
    }


def test_modules_source_app_and_tasks_of_a_program() -> None:
    with Program(SHOP) as program:
        assert program.names == ("shop.celery", "shop.prices", "shop.tasks")
        assert program.app is program.module("shop.celery").app
        assert list(program.tasks) == ["cleaning", "shop.tasks.bill"]
        assert all(task.app is program.app for task in program.tasks.values())
        assert program.tasks["shop.tasks.bill"]([3, 4]) == 7
        assert program.source("shop/prices.py").startswith("import functools")
        assert program.models() == ()
        assert (program.root / "shop" / "tasks.py").read_text() == SHOP["shop/tasks.py"]


def test_functions_are_those_written_in_it_however_they_are_wrapped() -> None:
    with Program(SHOP) as program:
        functions = program.functions()
        assert [(function.__qualname__, function.__code__.co_name) for function in functions] == [
            ("logged", "logged"),
            ("total", "wrapper"),
            ("Price.__init__", "__init__"),
            ("Price.taxed", "taxed"),
            ("Price.free", "free"),
            ("total", "total"),
            ("bill", "bill"),
            ("clean", "clean"),
        ]
        code = functions[-2].__code__
        assert program.place(code.co_filename, code.co_firstlineno + 2) == "shop/tasks.py:9"
        assert program.place(os.__file__, 3) == ""


def test_two_programs_with_the_same_names_know_nothing_of_each_other() -> None:
    other = {"shop/tasks.py": SHOP["shop/celery.py"] + "\n@app.task\ndef bill():\n    return 'other'\n"}
    with Program(SHOP) as program:
        assert len(program.tasks) == 2
    with Program(other) as program:
        assert list(program.tasks) == ["shop.tasks.bill"]
        assert program.tasks["shop.tasks.bill"]() == "other"
        with pytest.raises(ProgramError, match=r"^shop\.celery: the program has no such module; it has shop\.tasks$"):
            program.module("shop.celery")


def test_only_one_program_at_a_time() -> None:
    with Program(SHOP), pytest.raises(ProgramError, match="loaded already"), Program(ORDERS):
        pass


def test_shared_tasks_without_an_app_belong_to_celerys_own() -> None:
    with Program(
        {"shop/tasks.py": "from celery import shared_task\n\n@shared_task\ndef clean():\n    pass\n"}
    ) as program:
        assert list(program.tasks) == ["shop.tasks.clean"]
        assert program.app.main == "default"


def test_what_a_program_registers_is_gone_afterwards() -> None:
    """Signals, serializers, loggers, variables: `_nothing_is_left` looks at them."""
    program = {
        "shop/tasks.py": """\
import logging
import os
import sys

from celery import Celery, signals
from kombu import serialization

app = Celery("shop")
os.environ["SHOP"] = "open"
os.environ.pop("HOME", None)
sys.path.append("/nowhere")
logging.getLogger("shop.tasks").warning("loaded")
logging.basicConfig(level="DEBUG")
serialization.register("shop", repr, eval, "application/x-shop")


@signals.task_prerun.connect(weak=False)
def before(**_):
    pass
"""
    }
    with Program(program):
        assert os.environ["SHOP"] == "open"
        assert "shop" in serialization.registry.name_to_type


def test_modules_of_the_same_name_that_were_there_before_come_back() -> None:
    mine = type(sys)("shop")
    sys.modules["shop"] = mine
    try:
        with Program(SHOP) as program:
            assert program.module("shop.tasks").__name__ == "shop.tasks"
            assert sys.modules["shop"] is not mine
        assert sys.modules["shop"] is mine
    finally:
        del sys.modules["shop"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import celery\n\ndef f(:\n", "shop/tasks.py:3: invalid syntax"),
        ("x = '\0'\n", "shop/tasks.py:1: source code string cannot contain null bytes"),
        (
            "\nimport nowhere.at_all\n",
            "shop/tasks.py:2: the program imports nowhere, but the package nowhere is not installed",
        ),
        ("import shop.models\n", "shop/tasks.py:1: the program has no module shop.models"),
        ("import celery.nothing\n", "shop/tasks.py:1: the installed package celery has no module celery.nothing"),
        ("from celery import Celery\n\nprint(unknown)\n", "shop/tasks.py:3: NameError: name 'unknown' is not defined"),
        ("import sys\nsys.exit(3)\n", "shop/tasks.py:2: SystemExit: 3"),
        ("from celery import shared_task\n\n@shared_task(base=3)\ndef f():\n    pass\n", "TypeError: "),
    ],
)
def test_a_program_that_cannot_be_loaded_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(ProgramError) as caught, Program({"shop/tasks.py": text}):
        pass
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("path", ["/etc/tasks.py", "shop/../../tasks.py"])
def test_files_stay_in_the_programs_folder(path: str) -> None:
    with pytest.raises(ProgramError, match="relative paths"):
        Program({path: ""})


@pytest.mark.parametrize("path", ["celery/tasks.py", "json.py"])
def test_a_program_does_not_take_a_librarys_name(path: str) -> None:
    with pytest.raises(ProgramError, match="a library has it"):
        Program({path: ""})


def test_a_program_with_django_has_models_and_settings_and_tasks_on_commit() -> None:
    for _ in range(2):
        with Program(ORDERS) as program:
            assert [model.__name__ for model in program.models()] == ["Order", "Line"]
            assert hasattr(program.tasks["orders.tasks.ship"], "delay_on_commit")
            from django.conf import settings
            from django.contrib.auth.models import User

            assert settings.TIME_ZONE == "UTC"
            assert settings.DATABASES["default"]["NAME"] == str(program.root / "database.sqlite3")
            assert [relation.name for relation in User._meta.related_objects if relation.name != "logentry"] == [
                "order"
            ]
        assert not settings.configured


def test_a_programs_own_settings_come_last() -> None:
    files = ORDERS | {"orders/settings.py": "TIME_ZONE = 'Asia/Tokyo'\nCELERY_TASK_ACKS_LATE = True\n"}
    files["orders/celery.py"] += "app.config_from_object('django.conf:settings', namespace='CELERY')\n"
    with Program(files) as program:
        from django.conf import settings

        assert settings.TIME_ZONE == "Asia/Tokyo"
        assert program.app.conf.task_acks_late is True


def test_mail_goes_to_the_world_with_mailers_and_without() -> None:
    with Program(ORDERS):
        from django.core import mail

        connection = mail.mailers.default if hasattr(mail, "mailers") else mail.get_connection()
        assert type(connection).__module__ == "flake8_tasks.runtime.world.email_backend"


def test_an_error_in_models_says_where() -> None:
    with (
        pytest.raises(ProgramError, match=r"^orders/models\.py:4: NameError: name 'fields' is not defined"),
        Program(
            ORDERS | {"orders/models.py": "from django.db import models\n\n\nclass Order(fields.Model):\n    pass\n"}
        ),
    ):
        pass
    with Program(ORDERS) as program:
        assert len(program.models()) == 2


def test_settings_of_the_user_are_not_touched() -> None:
    """In a process of its own, as Django can be configured once."""
    script = f"""
from django.conf import settings
settings.configure(SECRET_KEY="mine")
from flake8_tasks.runtime.program import Program, ProgramError
try:
    Program({ORDERS!r}).__enter__()
except ProgramError as error:
    print(error)
assert settings.SECRET_KEY == "mine"
with Program({SHOP!r}) as program:
    assert not hasattr(program.tasks["cleaning"], "delay_on_commit")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Django is configured already in this process, by settings.configure(), and stays so")


def test_a_written_program_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    program = Program(ORDERS)
    folder = program.write(tmp_path / "program")
    environment = {**os.environ, **program.environment(folder)}
    script = "import django; django.setup(); from orders.tasks import ship; print(ship.delay_on_commit, ship.name)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("<bound method DjangoTask.delay_on_commit")
    assert done.stdout.endswith(" orders.tasks.ship\n")


def test_a_process_that_runs_nothing_else_loads_a_written_program(tmp_path: Path) -> None:
    program = Program(ORDERS)
    folder = program.write(tmp_path / "program")
    script = f"""
from pathlib import Path
from flake8_tasks.runtime.program import Program
program = Program({ORDERS!r})
program.load(Path({str(folder)!r}))
print(*program.tasks, [model.__name__ for model in program.models()], program.root)
"""
    environment = {**os.environ, **program.environment(folder)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"orders.tasks.ship ['Order', 'Line'] {folder}\n"


def test_a_file_of_the_standard_librarys_name_inside_a_package_is_fine() -> None:
    with Program({"shop/email.py": "import email\n\nassert email.__name__ == 'email'\n"}) as program:
        assert program.names == ("shop.email",)
        assert program.tasks == {}


@pytest.mark.parametrize("files", [SHOP, ORDERS], ids=["shop", "orders"])
def test_closed_programs_are_freed(files: Mapping[str, str]) -> None:
    left: list[weakref.ref[object]] = []
    for _ in range(3):
        with Program(files) as program:
            left += [weakref.ref(module) for module in program.modules]
            left += [weakref.ref(function) for function in program.functions()]
            left += [weakref.ref(model) for model in program.models()]
            left.append(weakref.ref(program.app))
    del program
    gc.collect()
    assert [reference() for reference in left if reference() is not None] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_the_examples_of_every_rule_are_programs(rule: object) -> None:
    for example in (rule.bad, rule.good):
        with Program(files_of(example)) as program:
            assert program.tasks
            assert program.functions()
