"""What a rule's value becomes: its page, its row, its JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from flake8_tasks import catalogue
from flake8_tasks.edit import Safety
from flake8_tasks.options import OPTIONS
from flake8_tasks.rule import Rule

WAITING = "flake8_tasks.rules.waiting"

eager = Rule(
    f"{WAITING}.eager_wait",
    """A task waits
    too eagerly.

    The pool locks up.

    Nobody notices.
    """,
    code="TSK398",
    message="`{task}` waits",
    bad="""
        # file: shop/tasks.py
        def wait():
            pass
        # file: shop/views.py
        from shop.tasks import wait
        """,
    good="do_not_wait()",
    fix=Safety.UNSAFE,
    fix_notes="It refuses where it would be wrong.",
    ignore_when="Never.",
    options=("time-limit",),
    also=("TSK401", "TSK501"),
    see=(("Waiting, a talk", "https://example.org/waiting"), ("More", "https://example.org/more")),
)
late = Rule(
    f"{WAITING}.late_wait",
    "A task waits | late.\n\nIt is late.",
    code="TSK399",
    message="late",
    bad="wait()",
    good="go()",
    default=False,
    see=(("Late", "https://example.org/late"),),
    since="0.2.0",
    tests=True,
)


def test_a_page_says_everything_in_one_order() -> None:
    assert catalogue.page(eager) == (
        "# TSK398 eager-wait\n\n"
        "[Waiting](../../rules.md#waiting-tsk3xx) · on by default · since 0.1.0\n\n"
        "## What it flags\n\n"
        "A task waits too eagerly.\n\n"
        "> TSK398 `{task}` waits\n\n"
        "## What happens\n\n"
        "The pool locks up.\n\nNobody notices.\n\n"
        "## Bad\n\n"
        "`shop/tasks.py`\n\n```python\ndef wait():\n    pass\n```\n\n"
        "`shop/views.py`\n\n```python\nfrom shop.tasks import wait\n```\n\n"
        "This also shows TSK401 and TSK501.\n\n"
        "## Good\n\n"
        "```python\ndo_not_wait()\n```\n\n"
        "## Fix and its safety\n\n"
        "**Unsafe**: it changes what the program does, and is made only with `--unsafe-fixes`.\n\n"
        "It refuses where it would be wrong.\n\n"
        "## When to ignore it\n\n"
        "Never.\n\n"
        "One line: `# noqa: TSK398`. "
        'Everywhere: `ignore = ["eager-wait"]`, see [configuration](../../configuration.md).\n\n'
        "## Options\n\n"
        "- `time-limit = 300`: The time limit that fixes write, in seconds.\n\n"
        "## Sources\n\n"
        "- [Waiting, a talk](https://example.org/waiting)\n- [More](https://example.org/more)\n"
    )


@pytest.mark.parametrize(
    "words",
    ["off by default: select it by its code or name", "There is no fix", "reported in test modules", "since 0.2.0"],
)
def test_a_page_tells_what_is_unusual(words: str) -> None:
    assert words in catalogue.page(late)
    assert words not in catalogue.page(eager)


def test_what_good_changes_is_shown_and_what_it_leaves_is_named() -> None:
    files = "# file: {0}\nurgent = {1}\n"
    bad = "".join(files.format(path, False) for path in ("celery.py", "models.py", "tasks.py", "views.py"))
    changed = Rule(
        f"{WAITING}.urgent", "Waits.", code="TSK397", message="", bad=bad, good=bad.replace("False", "True", 1), see=()
    )
    assert catalogue.page(changed).partition("## Good\n\n")[2].partition("\n\n## ")[0] == (
        "`celery.py`\n\n```python\nurgent = True\n```\n\n`models.py`, `tasks.py` and `views.py` stay as they are."
    )


def test_a_page_has_no_empty_sections() -> None:
    assert "## Options" not in catalogue.page(late)


def test_the_index_has_a_row_for_each_rule_under_its_family() -> None:
    text = catalogue.index([eager, late])
    assert text.startswith("# The rules\n\n")
    assert text.endswith("|\n")
    assert text.count("## Waiting (TSK3xx)\n\nTasks that hold a worker slot while they wait.\n") == 1
    assert (
        "| TSK398 | [eager-wait](rules/waiting/eager-wait.md) | A task waits too eagerly. | on | unsafe |\n"
        r"| TSK399 | [late-wait](rules/waiting/late-wait.md) | A task waits \| late. | off | - |"
    ) in text


def test_json_has_one_object_for_each_rule() -> None:
    assert catalogue.as_json([eager, late]) == {
        "rules": [
            {
                "code": "TSK398",
                "name": "eager-wait",
                "family": "waiting",
                "summary": "A task waits too eagerly.",
                "default": True,
                "fix": "unsafe",
                "url": "https://flake8-tasks.readthedocs.io/en/stable/rules/waiting/eager-wait/",
                "since": "0.1.0",
            },
            {
                "code": "TSK399",
                "name": "late-wait",
                "family": "waiting",
                "summary": "A task waits | late.",
                "default": False,
                "fix": None,
                "url": "https://flake8-tasks.readthedocs.io/en/stable/rules/waiting/late-wait/",
                "since": "0.2.0",
            },
        ]
    }


def test_the_options_have_a_row_each_with_the_default_as_toml() -> None:
    rows = catalogue.options().splitlines()[2:]
    assert len(rows) == len(OPTIONS)
    defaults = {row.split(" | ")[0]: row.split(" | ")[2] for row in rows}
    assert defaults["| `select`"] == "`[]`"
    assert defaults["| `per-file-ignores`"] == "`{}`"
    assert defaults["| `celery-app`"] == '`""`'
    assert defaults["| `include-tests`"] == "`false`"
    assert defaults["| `time-limit`"] == "`300`"


def test_writing_replaces_what_is_generated_and_keeps_what_is_written(tmp_path: Path) -> None:
    gone = tmp_path / "rules" / "waiting" / "gone.md"
    gone.parent.mkdir(parents=True)
    gone.write_text("A rule that is no more.")
    configuration = tmp_path / "configuration.md"
    configuration.write_text(
        "Before\n<!-- options: written by `tox -e docs` -->\nstale rows\n<!-- end of options -->\nAfter\n"
    )

    catalogue.write(tmp_path)

    assert not gone.exists()
    assert (tmp_path / "rules.md").read_text(encoding="utf-8").startswith("# The rules\n")
    text = configuration.read_text(encoding="utf-8")
    assert text.startswith("Before\n<!-- options: written by `tox -e docs` -->\n| key |")
    assert text.endswith("|\n<!-- end of options -->\nAfter\n")
    assert "stale" not in text
