"""The command line as users have it: a process of its own, on a project in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2]

# Rules of the tests' own beside the real ones, so that nothing here hangs on what those find.
RULE = '''\
"""A task {verb}.

Made for tests.
"""

import ast

from flake8_tasks.model.facts import Declared
from flake8_tasks.rule import Problem, Rule

rule = Rule(
    __name__, __doc__, code="{code}", message="this {verb}", bad="assert 1", good="1", default={default}, tests=True
)


@rule.on(Declared)
def check(declared):
    for node in ast.walk(declared.node):
        if isinstance(node, ast.{node}):
            {body}
            yield Problem(declared.module.source.span(node))
'''
RULES = {
    "task_asserts": {"code": "TSK990", "verb": "asserts", "default": True, "node": "Assert", "body": "pass"},
    "task_deletes": {"code": "TSK991", "verb": "deletes", "default": False, "node": "Delete", "body": "pass"},
    "task_crashes": {"code": "TSK992", "verb": "crashes", "default": True, "node": "Await", "body": "1 / 0"},
}
SITE = """\
import flake8_tasks.rules
flake8_tasks.rules.__path__.append({path!r})
"""

CLEAN = "from celery import shared_task\n\n\n@shared_task(time_limit=30)\ndef work():\n    return open('work')\n"
ASSERTS = CLEAN.replace("return open('work')", "assert 1")
DELETES = CLEAN.replace("return open('work')", "del work")
CRASHES = CLEAN.replace("def work", "async def work").replace("return open('work')", "await work()")
BROKEN = CLEAN.replace("work():", "work(:")


class Shop:
    """A project in a folder, and the command in it."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = dict(environment)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "flake8_tasks", *arguments]

    def run(
        self, *arguments: str, stdin: str | bytes = b"", cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        run = subprocess.run(
            self.command(*arguments),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=cwd or self.root,
            env={**self.environment, **environment},
            timeout=120,
        )
        assert b"Traceback" not in run.stderr, run.stderr.decode()
        out, err = (stream.decode("utf-8", "surrogateescape") for stream in (run.stdout, run.stderr))
        return subprocess.CompletedProcess(run.args, run.returncode, out, err)

    def json(self, *arguments: str, **more: Any) -> dict[str, Any]:
        run = self.run("check", "--output-format", "json", *arguments, **more)
        assert run.returncode in (0, 1), run.stderr
        whole = json.loads(run.stdout)
        assert isinstance(whole, dict)
        assert run.returncode == (1 if whole["findings"] or whole["errors"] else 0)
        return whole

    def findings(self, *arguments: str, **more: Any) -> list[tuple[str, int, str]]:
        return [(each["path"], each["line"], each["code"]) for each in self.json(*arguments, **more)["findings"]]


class _Bound(Shop):
    def command(self, *arguments: str) -> list[str]:
        dropped = "-dac_override,-dac_read_search"
        return ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}", *super().command(*arguments)]


def bound_by_modes(shop: Shop) -> Shop:
    """The same project for somebody whom the modes of files and folders bind: root may read and write everything."""
    return _Bound(shop.root, shop.environment) if os.getuid() == 0 else shop
