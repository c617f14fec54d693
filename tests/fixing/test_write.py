"""Files written: atomically, with their mode, all or none of a group."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from flake8_tasks.fixing.write import write_all


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_files_are_written_and_keep_their_mode_and_leave_nothing_behind(tmp_path: Path) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_bytes(b"a\r\n")
    second.write_bytes(b"b")
    first.chmod(0o751)
    result = write_all({str(first): b"A\r\n", str(second): b"B"}, {str(first): b"a\r\n", str(second): b"b"})
    assert result.paths == (str(first), str(second))
    assert result.failures == ()
    assert contents(tmp_path) == {"a.py": b"A\r\n", "b.py": b"B"}
    assert stat.S_IMODE(first.stat().st_mode) == 0o751


def test_a_symbolic_link_stays_one_and_the_file_behind_it_changes(tmp_path: Path) -> None:
    real, link = tmp_path / "real.py", tmp_path / "link.py"
    real.write_bytes(b"a")
    link.symlink_to(real)
    assert write_all({str(link): b"b"}, {str(link): b"a"}).failures == ()
    assert link.is_symlink()
    assert real.read_bytes() == b"b"


def test_two_paths_of_one_file_are_written_once_when_they_agree(tmp_path: Path) -> None:
    real, link = tmp_path / "real.py", tmp_path / "link.py"
    real.write_bytes(b"a")
    link.symlink_to(real)
    before = {str(link): b"a", str(real): b"a"}
    assert write_all({str(link): b"b", str(real): b"b"}, before).failures == ()
    assert real.read_bytes() == b"b"
    before = {str(link): b"b", str(real): b"b"}
    assert len(write_all({str(link): b"c", str(real): b"d"}, before).failures) == 1


def test_a_file_of_several_names_changes_under_all_of_them(tmp_path: Path) -> None:
    """Hard links stay links, whether one name is changed or both are."""
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_bytes(b"longer")
    other.hardlink_to(one)
    assert write_all({str(one): b"b"}, {str(one): b"longer"}).paths == (str(one),)
    assert contents(tmp_path) == {"one.py": b"b", "other.py": b"b"}
    both = [str(one), str(other)]
    assert write_all(dict.fromkeys(both, b"c"), dict.fromkeys(both, b"b"), [frozenset(both)]).failures == ()
    assert contents(tmp_path) == {"one.py": b"c", "other.py": b"c"}
    assert one.samefile(other)


def test_a_file_that_someone_else_changed_is_left_alone(tmp_path: Path) -> None:
    changed, fine, gone = tmp_path / "changed.py", tmp_path / "fine.py", tmp_path / "gone.py"
    changed.write_bytes(b"theirs")
    fine.write_bytes(b"a")
    paths = [str(changed), str(fine), str(gone)]
    result = write_all(dict.fromkeys(paths, b"b"), dict.fromkeys(paths, b"a"))
    assert result.paths == (str(fine),)
    assert [(each.path, each.message) for each in result.failures] == [
        (str(changed), "not written: it was changed by someone else since it was read"),
        (str(gone), "not written: it is gone since it was read"),
    ]
    assert contents(tmp_path) == {"changed.py": b"theirs", "fine.py": b"b"}


def test_a_group_is_written_all_or_not_at_all(tmp_path: Path) -> None:
    changed, partner, alone = (tmp_path / name for name in ("changed.py", "partner.py", "alone.py"))
    changed.write_bytes(b"theirs")
    partner.write_bytes(b"a")
    alone.write_bytes(b"a")
    paths = [str(changed), str(partner), str(alone)]
    result = write_all(
        dict.fromkeys(paths, b"b"), dict.fromkeys(paths, b"a"), [frozenset({str(changed), str(partner)})]
    )
    assert result.paths == (str(alone),)
    assert [each.path for each in result.failures] == [str(changed), str(partner)]
    assert f"together with {changed}" in result.failures[1].message
    assert contents(tmp_path) == {"changed.py": b"theirs", "partner.py": b"a", "alone.py": b"b"}


def test_a_group_is_rolled_back_when_its_last_file_cannot_be_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, linked, second = tmp_path / "a.py", tmp_path / "a2.py", tmp_path / "b.py"
    first.write_bytes(b"a")
    second.write_bytes(b"a")
    linked.write_bytes(b"a")
    (tmp_path / "other.py").hardlink_to(linked)
    paths = [str(first), str(linked), str(second)]
    replace = os.replace

    def failing(source: str, target: str) -> None:
        if target == str(second):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    result = write_all(dict.fromkeys(paths, b"b"), dict.fromkeys(paths, b"a"), [frozenset(paths)])
    assert result.paths == ()
    assert [each.path for each in result.failures] == paths
    assert "No space left on device" in result.failures[2].message
    assert contents(tmp_path) == dict.fromkeys(("a.py", "a2.py", "b.py", "other.py"), b"a")
    assert linked.samefile(tmp_path / "other.py")


SCRIPT = """
    import os, sys
    from flake8_tasks.fixing.write import write_all
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    for failure in write_all({sys.argv[1]: b"b"}, {sys.argv[1]: b"a"}).failures:
        print(failure.path, failure.message)
"""


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "words"),
    [
        (0o444, 0o777, "no permission to write it"),
        (0o666, 0o555, "no permission to write in its folder, where its new content is put first"),
    ],
)
def test_no_permission_is_told_with_the_path(file_mode: int, folder_mode: int, words: str) -> None:
    """Also where only the folder may not be written; root may write everything, so another user tries."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "open"
        folder.mkdir()
        Path(name).chmod(0o755)
        file = folder / "a.py"
        file.write_bytes(b"a")
        file.chmod(file_mode)
        folder.chmod(folder_mode)
        package = Path(__file__).parents[2]
        result = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), str(file)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(package)},
        )  # fmt: skip
        folder.chmod(0o755)
        assert result.stdout == f"{file} not written: {words}\n"
        assert contents(folder) == {"a.py": b"a"}


INTERRUPTED = """
    import os, signal, sys
    from flake8_tasks.fixing.write import write_all
    calls, at, name, number = 0, int(sys.argv[1]), sys.argv[2], getattr(signal, sys.argv[3])
    signal.signal(number, signal.default_int_handler)
    real = getattr(os, name)
    def interrupting(*arguments, **others):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), number)
        return real(*arguments, **others)
    setattr(os, name, interrupting)
    paths = sys.argv[4:]
    try:
        write_all(dict.fromkeys(paths, b"new"), dict.fromkeys(paths, b"old"), [frozenset(paths[:2])])
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.parametrize("name", ["open", "fsync", "replace"])
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_an_interruption_leaves_every_file_old_or_new_and_no_other(
    tmp_path: Path, name: str, at: int, number: str
) -> None:
    paths = [tmp_path / f"{letter}.py" for letter in "abcd"]
    for path in paths:
        path.write_bytes(b"old")
    package = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(at), name, number, *map(str, paths)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(package)},
    )  # fmt: skip
    assert result.stdout == "interrupted\n"
    found = contents(tmp_path)
    assert found.keys() == {"a.py", "b.py", "c.py", "d.py"}
    assert set(found.values()) <= {b"old", b"new"}
    assert found["a.py"] == found["b.py"]
