"""Every rule against its own page and fixture: what it flags, what it leaves alone, what its fix makes of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from temporary import TemporaryProject

from flake8_tasks.edit import Fix
from flake8_tasks.rule import Rule, files_of
from flake8_tasks.rules import all_rules

FIXTURES = Path(__file__).parent / "fixtures"
Write = Callable[[str], TemporaryProject]

each_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
each_fixing_rule = pytest.mark.parametrize(
    "rule", [rule for rule in all_rules() if rule.fix], ids=lambda rule: rule.name
)


def fixture_of(rule: Rule) -> Path:
    return FIXTURES.joinpath(*rule.module.split(".")[-2:]).with_suffix(".py")


def codes(project: TemporaryProject, rule: Rule) -> set[str]:
    """The codes that a user sees who has set nothing but this rule."""
    return {found.code for found in project.findings(one for one in all_rules() if one.default or one is rule)}


def parse(text: str) -> None:
    """Hold that each file of a program is Python, down to what only the compiler sees."""
    for name, content in files_of(text).items():
        compile(ast.parse(content), name, "exec", dont_inherit=True)


@each_rule
def test_bad_shows_the_code_and_no_others_than_it_says(rule: Rule, write: Write) -> None:
    parse(rule.bad)
    assert codes(write(rule.bad), rule) == {rule.code, *rule.also}


@each_rule
def test_good_shows_nothing_that_bad_does_not_admit(rule: Rule, write: Write) -> None:
    parse(rule.good)
    assert codes(write(rule.good), rule) <= set(rule.also)


@each_fixing_rule
def test_the_fixer_makes_good_of_bad(rule: Rule, write: Write) -> None:
    assert write(rule.bad).fixed(rule) == rule.good


@each_fixing_rule
def test_fixing_good_changes_nothing(rule: Rule, write: Write) -> None:
    assert write(rule.good).fixed(rule) == rule.good


@each_rule
def test_a_fix_says_what_it_does_in_a_few_words(rule: Rule, write: Write) -> None:
    for found in write(rule.bad).findings([rule], fixes=True):
        if isinstance(found.fix, Fix):
            assert found.fix.safety is rule.fix
            assert re.fullmatch(r"[A-Z][^\n]{3,70}[^.\n]", found.fix.title)


@each_rule
def test_a_message_names_the_users_own_code(rule: Rule, write: Write) -> None:
    for found in write(rule.bad).findings([rule]):
        assert "`" in found.message
        assert "{" not in found.message


@each_rule
def test_the_marked_lines_of_the_fixture_are_flagged_and_no_others(rule: Rule, write: Write) -> None:
    text = fixture_of(rule).read_text(encoding="utf-8")
    parse(text)
    project = write(text)
    expected = {
        (name, number)
        for name, content in project.files.items()
        for number, line in enumerate(content.splitlines(), 1)
        if re.search(rf"\S.*# .*\b{rule.code}\b", line)
    }
    found = [one for one in project.findings(all_rules()) if one.code in (rule.code, "TSK000")]
    assert {(Path(one.path).relative_to(project.root).as_posix(), one.span.line) for one in found} == expected


@each_fixing_rule
def test_the_fixer_makes_the_fixed_form_of_the_fixture(rule: Rule, write: Write) -> None:
    fixture = fixture_of(rule)
    fixed = write(fixture.read_text(encoding="utf-8")).fixed(rule)
    parse(fixed)
    assert fixed == fixture.with_suffix(".fixed.py").read_text(encoding="utf-8")


@each_fixing_rule
def test_fixing_twice_is_fixing_once(rule: Rule, write: Write) -> None:
    fixed = write(fixture_of(rule).read_text(encoding="utf-8")).fixed(rule)
    assert write(fixed).fixed(rule) == fixed
