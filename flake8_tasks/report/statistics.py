"""How many findings there are of each rule."""

from __future__ import annotations

from collections import Counter

from flake8_tasks.report import Report


def render(report: Report) -> str:
    """One line a rule, the most frequent first: the number, the code and the name."""
    numbers = Counter((found.code, found.name) for found in report.findings)
    width = max((len(str(number)) for number in numbers.values()), default=0)
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{number:>{width}}  {code}  {name}\n" for (code, name), number in ordered)
