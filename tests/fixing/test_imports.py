"""Imports added: where they go, and when they are not needed."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from flake8_tasks.edit import AddImport
from flake8_tasks.fixing.apply import CannotApply, apply

PATH = "/project/shop/views.py"


def added(text: str, module: str, name: str | None = None) -> str:
    return apply(PATH, text, [AddImport(PATH, module, name)])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from m import b\n", "from m import b, n\n"),
        ("from m import b, z\n", "from m import b, n, z\n"),
        ("from m import z, b\n", "from m import z, b, n\n"),
        ("from m import B, C, z\n", "from m import B, C, n, z\n"),
        ("from m import b as n_b\n", "from m import b as n_b, n\n"),
        ("from m import n as k\n", "from m import n as k, n\n"),
        ("from m import (b, z)\n", "from m import (b, n, z)\n"),
        ("from m import (b, d)\n", "from m import (b, d, n)\n"),
        ("from m import (\n    b,\n    z,\n)\n", "from m import (\n    b,\n    n,\n    z,\n)\n"),
        ("from m import (\n    b,\n    d,\n)\n", "from m import (\n    b,\n    d,\n    n,\n)\n"),
        ("from m import (\n    b,\n    d\n)\n", "from m import (\n    b,\n    d,\n    n\n)\n"),
        ("from m import (\n    z,  # last\n)\n", "from m import (\n    n,\n    z,  # last\n)\n"),
        ("from m import (\n    b,  # one\n)\n", "from m import (\n    b,  # one\n    n,\n)\n"),
        ("from m import (\n    b  # one\n)\n", "from m import (\n    b,  # one\n    n\n)\n"),
        ("from m import b  # noqa\n", "from m import b, n  # noqa\n"),
        ("from m import *\n", "from m import *\nfrom m import n\n"),
        ("x = 1\nfrom m import b\n", "x = 1\nfrom m import b, n\n"),
        ("from m import b\r\n", "from m import b, n\r\n"),
        ("def f():\n    from m import b\n", "from m import n\n\n\ndef f():\n    from m import b\n"),
    ],
)
def test_a_name_joins_the_import_of_its_module(before: str, after: str) -> None:
    assert added(before, "m", "n") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "from functools import partial\n"),
        ("x = 1\n", "from functools import partial\n\nx = 1\n"),
        (
            "# coding: utf-8\n# licence\n\nx = 1\n",
            "# coding: utf-8\n# licence\n\nfrom functools import partial\n\nx = 1\n",
        ),
        ('"""Doc."""\n', '"""Doc."""\n\nfrom functools import partial\n'),
        ('"""Doc."""\n\n\ndef f(): pass\n', '"""Doc."""\n\nfrom functools import partial\n\n\ndef f(): pass\n'),
        (
            '"""Doc."""\n\nfrom __future__ import annotations\n\nx = 1\n',
            '"""Doc."""\n\nfrom __future__ import annotations\n\nfrom functools import partial\n\nx = 1\n',
        ),
        (
            "from celery import shared_task\n\nx = 1\n",
            "from functools import partial\n\nfrom celery import shared_task\n\nx = 1\n",
        ),
        (
            "from __future__ import annotations\n\nfrom celery import shared_task\n",
            "from __future__ import annotations\n\nfrom functools import partial\n\nfrom celery import shared_task\n",
        ),
        (
            "import os\nfrom typing import Any\n\nimport celery\n",
            "import os\nfrom functools import partial\nfrom typing import Any\n\nimport celery\n",
        ),
        (
            "import os\nimport sys\n\nimport celery\n",
            "import os\nimport sys\nfrom functools import partial\n\nimport celery\n",
        ),
        (
            "from collections import abc\nimport os\n",
            "from collections import abc\nfrom functools import partial\nimport os\n",
        ),
        ("import sys\nimport os\nx = 1\n", "import sys\nimport os\nfrom functools import partial\nx = 1\n"),
        (
            "import os\nfrom celery import shared_task\nfrom shop import x\n",
            "import os\nfrom functools import partial\nfrom celery import shared_task\nfrom shop import x\n",
        ),
        (
            "from celery import shared_task\nfrom .x import y\n",
            "from functools import partial\nfrom celery import shared_task\nfrom .x import y\n",
        ),
        (
            "# about typing\nfrom typing import Any\n",
            "# about typing\nfrom functools import partial\nfrom typing import Any\n",
        ),
        (
            "import celery\n\n# about typing\nfrom typing import Any\n",
            "import celery\n\nfrom functools import partial\n# about typing\nfrom typing import Any\n",
        ),
    ],
)
def test_a_standard_import_goes_into_the_first_section(before: str, after: str) -> None:
    assert added(before, "functools", "partial") == after


SECTIONS = """import os

from celery import shared_task
from django.conf import settings

from shop.models import Order

from . import signals
"""


@pytest.mark.parametrize(
    ("module", "name", "line", "follows"),
    [
        ("django.db", "transaction", "from django.db import transaction", "from django.conf import settings\n"),
        ("amqp", "x", "from amqp import x", "import os\n\n"),
        ("shop.tasks", "send", "from shop.tasks import send", "from shop.models import Order\n"),
        (".models", "Item", "from .models import Item", "from . import signals\n"),
        ("json", None, "import json", ""),
        ("django.db", None, "import django.db", "import os\n\n"),
    ],
)
def test_an_import_goes_into_its_section(module: str, name: str | None, line: str, follows: str) -> None:
    place = SECTIONS.index(follows) + len(follows)
    assert added(SECTIONS, module, name) == f"{SECTIONS[:place]}{line}\n{SECTIONS[place:]}"


@pytest.mark.parametrize(
    "text",
    [
        "from m import n\n",
        "from m import (a, n)\n",
        "x = 1\nfrom m import n\n",
        "try:\n    from m import n\nexcept ImportError:\n    pass\n",
        "from m import n as n\n",
    ],
)
def test_nothing_is_done_where_the_name_is_imported(text: str) -> None:
    assert added(text, "m", "n") == text


@pytest.mark.parametrize("text", ["import a.b\n", "import x, a.b\n"])
def test_nothing_is_done_where_the_module_is_imported(text: str) -> None:
    assert added(text, "a.b") == text


def test_another_submodule_of_the_package_is_imported_beside() -> None:
    assert added("import a.c\n", "a.b") == "import a.b\nimport a.c\n"


def test_an_import_for_type_checking_does_not_count_and_is_not_joined() -> None:
    text = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from m import b, n\n"
    assert added(text, "m", "n") == (
        "from typing import TYPE_CHECKING\n\nfrom m import n\n\nif TYPE_CHECKING:\n    from m import b, n\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "n = 1\n",
        "from other import n\n",
        "from .m import n\n",
        "import n\n",
        "import x as n\n",
        "from m import x as n\n",
        "def n(): pass\n",
        "class n: pass\n",
        "for n in x: pass\n",
        "with x as n: pass\n",
        "if (n := x): pass\n",
        "(a, *n) = x\n",
        "try:\n    from m import n\nexcept ImportError:\n    n = None\n",
        "try:\n    x\nexcept E as n:\n    pass\n",
        "match x:\n    case [n]: pass\n",
        "def f():\n    global n\n    n = 1\n",
        "n: int\n",
    ],
)
def test_a_name_that_means_something_else_is_refused(text: str) -> None:
    with pytest.raises(CannotApply, match="`n` already means something else"):
        added(text, "m", "n")


@pytest.mark.parametrize("text", ["def f(n):\n    n = 1\n", "class A:\n    n = 1\n", "f(n=1)\nx = lambda n: n\n"])
def test_a_name_of_an_inner_scope_does_not_matter(text: str) -> None:
    assert "from m import n\n" in added(text, "m", "n")


def test_two_imports_of_one_module_become_one_line() -> None:
    edits = [AddImport(PATH, "m", "b"), AddImport(PATH, "m", "a")]
    assert apply(PATH, "", edits) == "from m import a, b\n"


@pytest.mark.parametrize(("module", "name"), [("a b", "c"), ("a", "class"), ("", None), (".a", None), ("a..b", "x y")])
def test_what_is_no_import_is_refused(module: str, name: str | None) -> None:
    with pytest.raises(CannotApply):
        added("", module, name)


NAMES = st.from_regex(r"[a-cA-C]{1,2}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
MODULES = st.sampled_from(["os", "functools", "celery", "django.db", "shop.models", ".x", "..y", "json"])
IMPORTS = st.one_of(
    st.builds(lambda module, names: f"from {module} import {', '.join(names)}", MODULES, st.lists(NAMES, min_size=1)),
    st.sampled_from(["import os", "import django.db", "", "", "# comment", "if x:\n    import json", "x = 1"]),
)


@settings(deadline=None)
@given(st.lists(IMPORTS), MODULES, NAMES)
def test_adding_an_import_twice_is_adding_it_once_and_keeps_the_other_lines(
    lines: list[str], module: str, name: str
) -> None:
    text = "".join(f"{line}\n" for line in lines)
    try:
        once = added(text, module, name)
    except CannotApply as error:
        event(error.reason)
        return
    assert added(once, module, name) == once
    new = once.splitlines()
    missing = [line for line in text.splitlines() if line and line not in new]
    assert len(missing) <= 1
    assert all(line.startswith(f"from {module} import") for line in missing)
