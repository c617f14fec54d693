"""What the README shows is what happens."""

from __future__ import annotations

import readme


def test_the_readme_shows_output() -> None:
    assert readme.SHOWN.search(readme.README.read_text(encoding="utf-8"))


def test_output_in_the_readme_is_that_of_a_real_run() -> None:
    """`tox -e docs` writes it."""
    assert readme.README.read_text(encoding="utf-8") == readme.fresh()
