from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from timeline_runs import PEOPLE, half_saved, proof, saved_once

from flake8_tasks.runtime.kernel.timeline.html import html

SOURCES = {"people/tasks.py": PEOPLE, "people/celery.py": "app = 1 < 2\n"}
VOID = {"meta", "br", "path", "rect", "circle"}


class Page(HTMLParser):
    """Checks that elements are closed in the order in which they were opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.identifiers: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.identifiers += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def page() -> str:
    return html(proof(half_saved(), saved_once()), SOURCES, SOURCES)


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    read = Page(page())
    assert read.open == []
    assert len(read.identifiers) == len(set(read.identifiers))
    assert not {"script", "link", "img", "iframe"} & set(read.tags)
    assert re.findall(r"""(?:href|src)=|@import|url\((?!#)""", page()) == []


def test_it_has_the_verdict_the_picture_and_both_runs_as_text() -> None:
    text = page()
    assert "hazard in 6 of 12 schedules" in text
    assert text.count('role="img" aria-labelledby="title desc"') == 1
    assert text.count("What happened, event by event") == 2
    assert "✗        worker/0  update_data#1  FAULT refused before request" in text
    assert "prefers-color-scheme:dark" in text


def test_the_lines_of_the_program_say_what_a_fault_there_does() -> None:
    rows = re.findall(r'<tr class="found-(\w+)">.*?class="number">(\d+)</td>', page())
    of_bad = rows[len(SOURCES["people/celery.py"].splitlines()) :][: len(PEOPLE.splitlines())]
    assert [int(number) for finding, number in of_bad if finding == "breaks"] == [10, 12]
    assert [int(number) for finding, number in of_bad if finding == "holds"] == [8, 9]
    assert "<title>a fault here breaks it</title>" in page()


def test_files_without_a_finding_are_closed_and_sources_are_escaped() -> None:
    assert "<details><summary>people/celery.py</summary>" in page()
    assert "<details open><summary>people/tasks.py</summary>" in page()
    assert "app = 1 &lt; 2" in page()


def test_a_side_without_a_run_is_not_shown() -> None:
    found = proof(half_saved(), saved_once())
    text = html(replace(found, good=replace(found.good, shown=None)))
    assert text.count("What happened, event by event") == 1
    assert Page(text).open == []
