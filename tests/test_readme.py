"""The pages show what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest
import readme

each_page = pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.stem)


@each_page
def test_the_page_shows_output(page: Path) -> None:
    assert readme.SHOWN.search(page.read_text(encoding="utf-8"))


@each_page
def test_the_output_in_the_page_is_what_the_commands_print(page: Path) -> None:
    """`tox -e docs` writes it."""
    assert page.read_text(encoding="utf-8") == readme.fresh(page)


@pytest.mark.parametrize(("picture", "code"), readme.PICTURES.items(), ids=readme.PICTURES.values())
def test_the_picture_is_what_is_drawn(picture: Path, code: str) -> None:
    """`tox -e docs` draws it."""
    assert picture.read_text(encoding="utf-8") == readme.drawn(code)
