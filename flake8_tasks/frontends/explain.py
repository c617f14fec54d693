"""`flake8-tasks explain` and `flake8-tasks rules`: what the rules are, from the same text as the documentation."""

from __future__ import annotations

import argparse
import json
import re

from flake8_tasks import catalogue
from flake8_tasks.config import suggestion
from flake8_tasks.frontends.cli import CLEAN, UsageError
from flake8_tasks.rule import DOCUMENTATION
from flake8_tasks.rules import all_rules

_SITE = DOCUMENTATION.removesuffix("/rules")
_PAGE = re.compile(r"\]\(\.\./\.\./([\w-]+)\.md(#[\w-]+)?\)")  # a link to another page of the documentation


def explain(asked: argparse.Namespace) -> int:
    """Print the page of a rule; the exit status."""
    word = asked.rule.strip()
    for rule in all_rules():
        if word.upper() == rule.code or word.lower().replace("_", "-") == rule.name:
            print(_PAGE.sub(rf"]({_SITE}/\1/\2)", catalogue.page(rule)), end="")
            return CLEAN
    if word and (begun := [rule.code for rule in all_rules() if rule.code.startswith(word.upper())]):
        raise UsageError(f"{word!r} is only the beginning of a code: {', '.join(begun)}")
    known = [name for rule in all_rules() for name in (rule.code, rule.name)]
    raise UsageError(f"no rule is called {word!r}{suggestion(word, known)}")


def rules(asked: argparse.Namespace) -> int:
    """List the rules; the exit status."""
    if asked.output_format == "json":
        print(json.dumps(catalogue.as_json(all_rules()), indent=2))
        return CLEAN
    width = max((len(rule.name) for rule in all_rules()), default=0)
    for rule in all_rules():
        marks = [] if rule.default else ["opt-in"]
        if rule.fix:
            marks.append(f"{rule.fix.value} fix")
        print(f"{rule.code}  {rule.name:{width}}  {rule.summary}" + (f" [{', '.join(marks)}]" if marks else ""))
    return CLEAN
