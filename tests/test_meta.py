"""What every rule and the house around it must keep: codes, names, messages, mirrors, pages, layers."""

from __future__ import annotations

import importlib
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_tasks import catalogue
from flake8_tasks.options import THRESHOLDS
from flake8_tasks.rule import Rule
from flake8_tasks.rules import all_rules

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures"

# The contract with users: once published, a code keeps its name and a name its code.
CODES = {
    "TSK101": "unknown-task-option",
    "TSK201": "model-argument",
    "TSK202": "queryset-argument",
    "TSK205": "pickle-serializer",
    "TSK301": "result-in-task",
    "TSK401": "implicit-max-retries",
    "TSK402": "unbounded-retries",
    "TSK403": "autoretry-without-backoff",
    "TSK404": "backoff-without-jitter",
    "TSK406": "retry-without-cause",
    "TSK501": "missing-time-limit",
    "TSK601": "save-before-request",
    "TSK602": "dispatch-in-transaction",
    "TSK605": "fan-out-in-one-task",
    "TSK801": "database-broker",
    "TSK901": "crontab-every-minute",
}
HUNDREDS = {
    "declaring": "1",
    "arguments": "2",
    "waiting": "3",
    "retries": "4",
    "limits": "5",
    "atomicity": "6",
    "workflows": "7",
    "settings": "8",
    "periodic": "9",
}
# The longest message a rule may have, in characters, with its placeholders as they stand.
MESSAGE = 88

each_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)


def fixture_of(rule: Rule) -> Path:
    return FIXTURES.joinpath(*rule.module.split(".")[-2:]).with_suffix(".py")


def test_codes_keep_their_names() -> None:
    assert {rule.code: rule.name for rule in all_rules()} == CODES


def test_codes_are_unique() -> None:
    assert len({rule.code for rule in all_rules()}) == len(all_rules())


@each_rule
def test_a_code_is_in_the_hundred_of_its_family(rule: Rule) -> None:
    assert re.fullmatch(r"TSK[0-9]{3}", rule.code)
    assert rule.code[3] == HUNDREDS[rule.family]


@each_rule
def test_a_name_says_what_is_there_and_not_what_to_do(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.name)
    assert not rule.name.startswith(("no-", "use-", "avoid-"))


def test_messages_are_unique() -> None:
    messages = [rule.message for rule in all_rules()]
    assert sorted(set(messages)) == sorted(messages)


@each_rule
def test_a_message_is_one_short_line(rule: Rule) -> None:
    assert 0 < len(rule.message) <= MESSAGE
    assert "\n" not in rule.message
    assert not rule.message.endswith(".")
    fields = [field for _, field, _, _ in string.Formatter().parse(rule.message) if field is not None]
    assert all(field.isidentifier() for field in fields)


@each_rule
def test_a_docstring_says_what_and_why(rule: Rule) -> None:
    assert rule.summary.endswith(".")
    assert rule.why.endswith(".")


@each_rule
def test_a_rule_names_its_sources(rule: Rule) -> None:
    assert rule.see
    for title, url in rule.see:
        assert title
        assert url.startswith("https://")


@each_rule
def test_what_a_rule_refers_to_is_there(rule: Rule) -> None:
    codes = {each.code for each in all_rules()}
    assert set(rule.also) <= codes - {rule.code}
    assert set(rule.options) <= set(THRESHOLDS)


@each_rule
def test_a_rule_has_checks_and_examples(rule: Rule) -> None:
    assert rule.checks
    assert rule.bad.strip()
    assert rule.good.strip()
    assert rule.bad != rule.good


@each_rule
def test_a_fixture_has_more_silent_lines_than_flagged_ones(rule: Rule) -> None:
    lines = [line.strip() for line in fixture_of(rule).read_text(encoding="utf-8").splitlines()]
    code = [line for line in lines if line and not line.startswith("#")]
    flagged = [line for line in code if re.search(rf"#.*\b{rule.code}\b", line)]
    assert 0 < len(flagged) < len(code) - len(flagged)


@each_rule
def test_a_fixture_has_its_fixed_form_exactly_where_the_rule_has_a_fix(rule: Rule) -> None:
    assert fixture_of(rule).with_suffix(".fixed.py").exists() == (rule.fix is not None)


def test_fixtures_mirror_the_rules() -> None:
    expected = {fixture_of(rule) for rule in all_rules()}
    expected |= {fixture_of(rule).with_suffix(".fixed.py") for rule in all_rules() if rule.fix}
    assert expected == set(FIXTURES.glob("*/*.py"))


@pytest.mark.parametrize("family", sorted({rule.family for rule in all_rules()}))
def test_a_family_has_its_paragraph(family: str) -> None:
    doc = importlib.import_module(f"flake8_tasks.rules.{family}").__doc__
    assert doc is not None
    assert doc.strip().endswith(".")


def test_pages_are_in_step_with_the_rules() -> None:
    """`tox -e docs` writes them."""
    docs = ROOT / "docs"
    for path, text in catalogue.generated(docs).items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is out of date: run `tox -e docs`"
    pages = {path for path in catalogue.generated(docs) if path.parent.parent.name == "rules"}
    assert pages == set(docs.glob("rules/*/*.md"))


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")], ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text(encoding="utf-8")):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), f"{target} in {page}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"#{anchor} in {page}"


def test_imports_go_downwards() -> None:
    """The layers of the package, as pyproject.toml has them."""
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_continuous_integration_runs_what_the_readme_tells() -> None:
    command = "tox -e py"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert command in re.sub(r'"\$\w+/bin/tox"', "tox", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
