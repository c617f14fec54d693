"""Real packages from the package index: how many findings of each rule they have, and that nothing fails on them."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages import COUNTS, NoPackage, checked, counted, known, unpacked, wheel


@pytest.mark.parametrize("name", known())
def test_the_findings_of_a_package_are_as_many_as_they_were(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It needs the package index, once: the wheels stay in pytest's cache.

    When the counts changed and shall have: `python tests/real/packages.py`.
    """
    each = known()[name]
    assert request.config.cache is not None
    try:
        file = wheel(name, each["version"], request.config.cache.mkdir("packages"), each["sha256"])
    except NoPackage as error:
        pytest.fail(str(error), pytrace=False)
    whole = checked(unpacked(file, tmp_path))
    assert [found for found in whole["findings"] if found["code"] == "TSK000"] == []
    expected = {"findings": each["findings"], "errors": each["errors"]}
    assert counted(whole) == expected, f"rewrite {COUNTS.name} with `python tests/real/packages.py` if this is right"
