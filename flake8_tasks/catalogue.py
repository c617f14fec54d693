"""What the rules say of themselves, as pages, a table and JSON.  `python -m flake8_tasks.catalogue docs` writes."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from flake8_tasks.edit import Safety
from flake8_tasks.options import OPTION, OPTIONS, Kind
from flake8_tasks.proofs.pages import proved
from flake8_tasks.rule import Rule, files_of
from flake8_tasks.rules import all_rules

_SAFETY = {
    Safety.SAFE: "**Safe**: it keeps what the program means, or loses nothing but a certain crash.",
    Safety.UNSAFE: "**Unsafe**: it changes what the program does, and is made only with `--unsafe-fixes`.",
}
_OPTIONS = re.compile(r"(?<=<!-- options: written by `tox -e docs` -->\n).*(?=<!-- end of options -->)", re.DOTALL)


def page(rule: Rule) -> str:
    """A rule's page, as Markdown."""
    return "\n\n".join(_page(rule)) + "\n"


def index(rules: Sequence[Rule]) -> str:
    """The page of all rules: a paragraph and a table for each family, as Markdown."""
    return "\n".join(_index(rules))


def as_json(rules: Iterable[Rule]) -> dict[str, Any]:
    """The rules as `flake8-tasks rules --output-format json` shows them."""
    return {
        "rules": [
            {
                "code": rule.code,
                "name": rule.name,
                "family": rule.family,
                "summary": rule.summary,
                "default": rule.default,
                "fix": rule.fix.value if rule.fix else None,
                "url": rule.url,
                "since": rule.since,
            }
            for rule in rules
        ]
    }


def options() -> str:
    """Everything that can be set, as a Markdown table."""
    rows = (
        f"| `{option.name}` | {option.kind.value} | `{_toml(option.default, option.kind)}` | {option.help} |"
        for option in OPTIONS
    )
    return "\n".join(("| key | takes | default | what it does |", "|---|---|---|---|", *rows, ""))


def generated(docs: Path) -> Mapping[Path, str]:
    """What `write` makes of a documentation folder: file → text."""
    rules = all_rules()
    pages = {docs / "rules" / rule.family / f"{rule.name}.md": page(rule) for rule in rules}
    configuration = docs / "configuration.md"
    text = _OPTIONS.sub(lambda _: options(), configuration.read_text(encoding="utf-8"))
    return {docs / "rules.md": index(rules), configuration: text, **pages}


def write(docs: Path) -> None:
    """Write the pages into a documentation folder, and remove those of rules that are gone."""
    texts = generated(docs)
    for old in docs.glob("rules/*/*.md"):
        if old not in texts:
            old.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _page(rule: Rule) -> Iterator[str]:
    yield f"# {rule.code} {rule.name}"
    default = "on by default" if rule.default else "off by default: select it by its code or name"
    yield f"[{_title(rule.family)}](../../rules.md#{_anchor(rule)}) · {default} · since {rule.since}"
    yield "## What it flags"
    yield rule.summary
    yield f"> {rule.code} {rule.message}"
    if rule.tests:
        yield "It is reported in test modules too."
    yield "## What happens"
    yield rule.why
    yield from proved(rule.module)
    yield "## Bad"
    yield from _example(rule.bad)
    if rule.also:
        yield f"This also shows {' and '.join(rule.also)}."
    yield "## Good"
    yield from _example(rule.good, rule.bad)
    yield "## Fix and its safety"
    yield _SAFETY[rule.fix] if rule.fix else "There is no fix: what to write instead depends on what is meant."
    if rule.fix_notes:
        yield rule.fix_notes
    yield "## When to ignore it"
    if rule.ignore_when:
        yield rule.ignore_when
    ignored = f'Everywhere: `ignore = ["{rule.name}"]`, see [configuration](../../configuration.md).'
    yield f"One line: `# noqa: {rule.code}`. {ignored}"
    if rule.options:
        yield "## Options"
        yield "\n".join(
            f"- `{OPTION[name].name} = {OPTION[name].default}`: {OPTION[name].help}" for name in rule.options
        )
    yield "## Sources"
    yield "\n".join(f"- [{title}]({url})" for title, url in rule.see)


def _example(example: str, before: str = "") -> Iterator[str]:
    """The files of an example; those that are as they were before are named."""
    files, known = files_of(example), files_of(before)
    same = [f"`{path}`" for path, text in files.items() if known.get(path) == text]
    for path, text in files.items():
        if f"`{path}`" in same:
            continue
        if len(files) > 1:
            yield f"`{path}`"
        yield f"```python\n{text.strip(chr(10))}\n```"
    if same:
        *others, last = same
        verb = "stay as they are" if others else "stays as it is"
        yield f"{', '.join(others)}{' and ' if others else ''}{last} {verb}."


def _index(rules: Sequence[Rule]) -> Iterator[str]:
    yield "# The rules"
    yield ""
    yield (
        "Each finding names its rule's code; `flake8-tasks explain CODE` prints the rule's page. "
        "A rule that is off by default is reported when its full code or its name is selected, or `ALL`; "
        "a prefix never switches it on. A safe fix is made by `flake8-tasks fix`, an unsafe one only with "
        "`--unsafe-fixes`."
    )
    for _, group in groupby(rules, key=lambda rule: (rule.code[:4], rule.family)):
        family = list(group)
        yield ""
        yield f"## {_title(family[0].family)} ({family[0].code[:4]}xx)"
        yield ""
        yield inspect.cleandoc(importlib.import_module(family[0].module.rpartition(".")[0]).__doc__ or "")
        yield ""
        yield "| code | name | what it flags | default | fix |"
        yield "|---|---|---|---|---|"
        for rule in family:
            link = f"[{rule.name}](rules/{rule.family}/{rule.name}.md)"
            fix = rule.fix.value if rule.fix else "-"
            summary = rule.summary.replace("|", r"\|")
            yield f"| {rule.code} | {link} | {summary} | {'on' if rule.default else 'off'} | {fix} |"
    yield ""


def _title(family: str) -> str:
    return family.replace("-", " ").capitalize()


def _anchor(rule: Rule) -> str:
    return f"{rule.family}-{rule.code[:4].lower()}xx"


def _toml(value: object, kind: Kind) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return "{}" if kind is Kind.SELECTORS_BY_PATTERN else "[]"
        case str():
            return f'"{value}"'
    return str(value)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
