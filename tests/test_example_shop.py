"""The example shop works, and the linter reports exactly the hazards that its README lists."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
SHOP = REPOSITORY / "examples" / "shop"
SIXTEEN = {
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
ROW = re.compile(
    r"\| (?P<code>TSK\d{3}) \| (?P<name>[a-z-]+) \| `(?P<file>[^`]+)` \| (?:`(?P<function>\w+)` )?"
    r"\| `(?P<line>[^`]+)`(?P<first> \(first\))? \| .+ \|"
)


def rows() -> list[re.Match[str]]:
    """The rows of the README's table; a row that does not read is an error and not a row less."""
    lines = (SHOP / "README.md").read_text(encoding="utf-8").splitlines()
    found = [(line, ROW.fullmatch(line)) for line in lines if line.startswith("| TSK")]
    assert [line for line, row in found if row is None] == []
    return [row for _, row in found if row is not None]


def line_of(row: re.Match[str]) -> int:
    """The number of the one line (or the first, where the row says so) that the row quotes, in its function."""
    text = (SHOP / row["file"]).read_text(encoding="utf-8")
    lines = text.splitlines()
    start, end = 1, len(lines)
    if row["function"]:
        [function] = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and node.name == row["function"]
        ]
        assert function.end_lineno is not None
        start = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        end = function.end_lineno
    numbers = [number for number in range(start, end + 1) if lines[number - 1].strip() == row["line"]]
    assert len(numbers) == 1 or (row["first"] and numbers), f"{row['file']}: {row['line']} stands in lines {numbers}"
    return numbers[0]


def test_the_readme_of_the_shop_lists_a_hazard_for_each_of_the_sixteen_rules() -> None:
    assert {row["code"]: row["name"] for row in rows()} == SIXTEEN


def test_the_shops_own_tests_pass() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    run = subprocess.run(
        [sys.executable, "manage.py", "test", "--noinput"],
        cwd=SHOP,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    [count] = re.findall(r"Ran (\d+) tests", run.stderr)
    assert int(count) >= 20


def test_the_linter_reports_the_hazards_of_the_readme_and_nothing_else() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "flake8_tasks", "check", "examples/shop", "--output-format", "json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    report = json.loads(run.stdout)
    assert report["errors"] == []
    found = sorted((finding["path"], finding["line"], finding["code"]) for finding in report["findings"])
    assert found == sorted((f"examples/shop/{row['file']}", line_of(row), row["code"]) for row in rows())
