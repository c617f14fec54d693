"""Which failures stay where they happen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from flake8_tasks.config import Config
from flake8_tasks.model.effects.failures import is_contained, is_silenced
from flake8_tasks.model.module import Site
from flake8_tasks.model.project import Project


def site_of(tmp_path: Path, body: str) -> Site:
    """The call of `send` in a function with this body."""
    (tmp_path / "work.py").write_text("def work():\n" + "".join(f"    {line}\n" for line in body.split("\n")))
    module = Project(tmp_path, Config()).module(str(tmp_path / "work.py"))
    assert module is not None
    function = module.source.tree.body[0]
    sites = module.inside(function, module.top)
    return next(
        site
        for site in sites
        if isinstance(site.node, ast.Call) and isinstance(site.node.func, ast.Name) and site.node.func.id == "send"
    )


def is_contained_in_function(tmp_path: Path, body: str, *stops: type[ast.stmt]) -> bool:
    site = site_of(tmp_path, body)
    return is_contained(site.frame, site.module.source.tree.body[0], stops=stops)


@pytest.mark.parametrize(
    "body",
    [
        "try:\n    send()\nexcept Exception:\n    pass",
        "try:\n    send()\nexcept:\n    log()",
        "try:\n    send()\nexcept (KeyError, requests.HTTPError):\n    log()",
        "try:\n    if x:\n        send()\nexcept OSError:\n    return",
        "try:\n    send()\nexcept OSError:\n    def later():\n        raise",
        "try:\n    send()\nexcept errors():\n    log()",
        "with suppress(OSError):\n    send()",
        "with contextlib.suppress(OSError), lock:\n    send()",
        "with ignoring:\n    send()",
    ],
)
def test_a_failure_that_is_caught_is_contained(tmp_path: Path, body: str) -> None:
    assert is_contained_in_function(tmp_path, body)


@pytest.mark.parametrize(
    "body",
    [
        "send()",
        "try:\n    send()\nfinally:\n    log()",
        "try:\n    send()\nexcept OSError:\n    raise",
        "try:\n    send()\nexcept OSError as error:\n    if x:\n        raise Failed from error",
        "try:\n    send()\nexcept OSError as error:\n    self.retry(exc=error)",
        "try:\n    send()\nexcept User.DoesNotExist:\n    pass",
        "try:\n    send()\nexcept (KeyError, ValueError):\n    pass",
        "try:\n    find()\nexcept OSError:\n    send()",
        "try:\n    find()\nexcept OSError:\n    pass\nelse:\n    send()",
        "with lock():\n    send()",
        "if x:\n    pass\nelse:\n    send()",
    ],
)
def test_a_failure_that_goes_on_to_the_caller_is_not(tmp_path: Path, body: str) -> None:
    assert not is_contained_in_function(tmp_path, body)


def test_a_clause_that_ends_a_loop_does_not_contain_a_failure_in_it(tmp_path: Path) -> None:
    body = "try:\n    send()\nexcept OSError:\n    return"
    assert not is_contained_in_function(tmp_path, body, ast.Return)


@pytest.mark.parametrize(
    ("call", "silenced"),
    [("send(fail_silently=True)", True), ("send(fail_silently=False)", False), ("send(fail_silently=x)", False)],
)
def test_a_call_may_be_asked_not_to_fail(tmp_path: Path, call: str, silenced: bool) -> None:
    node = site_of(tmp_path, call).node
    assert isinstance(node, ast.Call)
    assert is_silenced(node) is silenced
