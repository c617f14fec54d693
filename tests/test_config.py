"""The configuration: what is read, what is refused, and which selector wins."""

from __future__ import annotations

import pickle
from dataclasses import fields
from pathlib import Path

import pytest

from flake8_tasks.config import Config, ConfigError, load, matches
from flake8_tasks.options import OPTIONS, THRESHOLDS

EVERY_KEY = """\
[tool.flake8-tasks]
select = ["TSK3", "ALL"]
extend-select = ["TSK304", "spread-out-retries"]
ignore = ["TSK501"]
exclude = ["migrations"]
src = ["lib"]
celery-app = "shop.celery:app"
task-decorators = ["shop.queue.background"]
dispatchers = ["shop.queue.send"]
on-commit-helpers = ["shop.database.after_commit"]
include-tests = true
max-retries = 3
soft-time-limit = 50
time-limit = 60

[tool.flake8-tasks.per-file-ignores]
"tests/*" = ["TSK"]
"""


def project(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def table(folder: Path, text: str) -> Path:
    return project(folder, f"[tool.flake8-tasks]\n{text}\n")


def test_every_key_is_read(tmp_path: Path) -> None:
    assert load(project(tmp_path, EVERY_KEY)) == Config(
        select=("TSK3", "ALL"),
        extend_select=("TSK304", "spread-out-retries"),
        ignore=("TSK501",),
        per_file_ignores=(("tests/*", ("TSK",)),),
        exclude=("migrations",),
        src=("lib",),
        celery_app="shop.celery.app",
        task_decorators=("shop.queue.background",),
        dispatchers=("shop.queue.send",),
        on_commit_helpers=("shop.database.after_commit",),
        include_tests=True,
        thresholds={"max-retries": 3, "soft-time-limit": 50, "time-limit": 60},
        root=str(tmp_path),
    )


def test_the_table_of_options_and_the_fields_are_the_same() -> None:
    named = {option.name.replace("-", "_"): option.default for option in OPTIONS if option.name not in THRESHOLDS}
    defaults = Config()
    assert named == {
        each.name: getattr(defaults, each.name)
        for each in fields(Config)
        if each.name not in ("thresholds", "asked", "root")
    }
    assert defaults.thresholds == THRESHOLDS


@pytest.mark.parametrize("text", ["", "[tool.black]\nline-length = 88\n", "[tool.flake8-tasks]\n", "[project]\n"])
def test_without_a_table_of_ours_the_defaults_hold(tmp_path: Path, text: str) -> None:
    assert load(project(tmp_path, text)) == Config(root=str(tmp_path))


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path) == Config(root=str(tmp_path))
    assert load(tmp_path / "absent") == Config(root=str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "selct: unknown key, did you mean 'select'?"),
        ("max_retries = 3", "max_retries: unknown key, did you mean 'max-retries'?"),
        ("extend-ignore = []", "extend-ignore: unknown key, did you mean 'ignore'?"),
        ("colour = 3", "colour: unknown key"),
        ('select = "TSK1"', "select: expected a list of codes, prefixes of codes, names of rules, or ALL, not 'TSK1'"),
        (
            "ignore = [3]",
            "ignore: expected a list of codes, prefixes of codes, names of rules, or ALL, not one with 3 in it",
        ),
        (
            'ignore = ["TSK1", ""]',
            "ignore: expected a list of codes, prefixes of codes, names of rules, or ALL, not one with '' in it",
        ),
        (
            'per-file-ignores = ["TSK1"]',
            "per-file-ignores: expected a table of file patterns, each with a list of codes, prefixes, names of rules,"
            " or ALL, not ['TSK1']",
        ),
        (
            'per-file-ignores = {"a.py" = "TSK1"}',
            "per-file-ignores: expected a table of file patterns, each with a list of codes, prefixes, names of rules,"
            " or ALL, not one with 'TSK1' for 'a.py'",
        ),
        (
            'per-file-ignores = {"a.py" = ["TSK1"], "b.py" = ["TSK1", 2]}',
            "per-file-ignores: expected a table of file patterns, each with a list of codes, prefixes, names of rules,"
            " or ALL, not one with ['TSK1', 2] for 'b.py'",
        ),
        ('src = ["a", ""]', "src: expected a list of strings that are not empty, not one with '' in it"),
        ('exclude = ["a", "!"]', "exclude: expected a list of gitignore patterns, not one with '!' in it"),
        ("exclude = ['a\\']", "exclude: expected a list of gitignore patterns, not one with 'a\\\\' in it"),
        ("dispatchers = ['a', 'a b']", "dispatchers: expected a list of dotted names, not one with 'a b' in it"),
        ("celery-app = 'a:b:c'", "celery-app: expected a dotted name, not 'a:b:c'"),
        ("include-tests = 1", "include-tests: expected true or false, not 1"),
        ("max-retries = -1", "max-retries: expected a whole number of 0 or more, not -1"),
        ("max-retries = true", "max-retries: expected a whole number of 0 or more, not True"),
        ("max-retries = 1.5", "max-retries: expected a whole number of 0 or more, not 1.5"),
        ("time-limit = 0", "time-limit: expected a whole number of 1 or more, not 0"),
        ("max-retries = '3'", "max-retries: expected a whole number of 0 or more, not '3'"),
    ],
)
def test_an_error_names_the_file_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(table(tmp_path, text))
    assert str(caught.value) == f"{tmp_path / 'pyproject.toml'}: [tool.flake8-tasks] {message}"


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nflake8-tasks = 3"])
def test_something_else_in_place_of_the_table_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"pyproject\.toml: \[tool\.flake8-tasks\]: expected a table, not 3"):
        load(project(tmp_path, text))


def test_the_name_of_the_package_in_place_of_the_tables_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pyproject\.toml: \[tool\.flake8_tasks\]: the table is called"):
        load(project(tmp_path, "[tool.flake8_tasks]\nignore = ['TSK1']"))


@pytest.mark.parametrize("text", ["[tool.flake8-tasks\n", "[tool.flake8-tasks]\na = " + "[" * 100_000])
def test_broken_toml_is_an_error_with_the_files_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"pyproject\.toml: not TOML: \S+"):
        load(project(tmp_path, text))


def test_bytes_that_are_not_utf_8_are_an_error_with_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.flake8-tasks]\na = '\xe9'")
    with pytest.raises(ConfigError, match=r"pyproject\.toml: not UTF-8: invalid continuation byte at byte 25"):
        load(tmp_path)


@pytest.mark.parametrize(
    "data", [b"{%- if cookiecutter.use_celery %}\n[tool.ruff]\n", b"a = '\xe9'", b"a = " + b"[" * 100_000]
)
def test_a_file_that_is_no_toml_and_does_not_speak_of_us_holds_no_settings(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(data)
    assert load(tmp_path) == Config(root=str(tmp_path))


def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(ConfigError, match=r"pyproject\.toml: cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("config", "on", "opt_in"),
    [
        (Config(), True, False),
        (Config(select=("TSK",)), True, False),
        (Config(select=("T",)), True, False),
        (Config(select=("TSK3",)), True, False),
        (Config(select=("TSK30",)), True, False),
        (Config(select=("TSK304",)), True, True),
        (Config(select=("the-rule",)), True, True),
        (Config(select=("ALL",)), True, True),
        (Config(select=("TSK5", "another-rule", "TSK305")), False, False),
        (Config(select=("TSK5",), extend_select=("TSK3",)), True, False),
        (Config(extend_select=("TSK5",)), True, False),
        (Config(extend_select=("TSK304",)), True, True),
        (Config(extend_select=("ALL",)), True, True),
        (Config(extend_select=("TSK3",)), True, False),
        (Config(ignore=("TSK5",)), True, False),
        (Config(ignore=("TSK3",)), False, False),
        (Config(ignore=("ALL",)), False, False),
        (Config(ignore=("the-rule",)), False, False),
        # the more specific one wins
        (Config(select=("TSK3",), ignore=("TSK",)), True, False),
        (Config(select=("TSK3",), ignore=("TSK30",)), False, False),
        (Config(select=("TSK304",), ignore=("TSK30",)), True, True),
        (Config(select=("ALL",), ignore=("T",)), False, False),
        (Config(select=("the-rule",), ignore=("TSK30",)), True, True),
        # of equals, ignoring
        (Config(select=("TSK3",), ignore=("TSK3",)), False, False),
        (Config(select=("TSK304",), ignore=("the-rule",)), False, False),
        (Config(select=("ALL",), ignore=("ALL",)), False, False),
        # a prefix does not select an opt-in rule, so that ALL stands
        (Config(select=("ALL", "TSK3")), True, True),
    ],
)
def test_the_most_specific_selector_wins(config: Config, on: bool, opt_in: bool) -> None:
    """Asked for one and the same rule: once as if it were on by default, once as an opt-in rule."""
    assert config.reports("TSK304", "the-rule", True) is on
    assert config.reports("TSK304", "the-rule", False) is opt_in


@pytest.mark.parametrize(
    ("path", "pattern", "matched"),
    [
        ("shop/tasks.py", "shop/tasks.py", True),
        ("shop/tasks.py", "./shop/tasks.py", True),
        ("shop/tasks.py", "/shop/tasks.py", True),
        ("shop/tasks.py", "tasks.py", True),
        ("shop/tasks.py", "*.py", True),
        ("shop/tasks.py", "shop", True),
        ("shop/tasks.py", "shop/", True),
        ("shop/tasks.py", "shop/*", True),
        ("shop/a/b/tasks.py", "shop/*.py", True),
        ("shop/a/b/tasks.py", "shop/a", True),
        ("shop/a/b/tasks.py", "a", True),
        ("tests/test_a.py", "**/tests/*.py", True),
        ("shop/tests/test_a.py", "**/tests/*.py", True),
        ("shop/tests/test_a.py", "shop/**/test_a.py", True),
        ("shop/test_a.py", "shop/**/test_a.py", True),
        ("shop/tests/test_a.py", "tests/*.py", False),
        ("shop/tasks.py", "task.py", False),
        ("shop/tasks.py", "hop", False),
        ("shop/tasks.py", "shop/task", False),
        ("shop/tasks.py", "", False),
    ],
)
def test_patterns_are_matched_against_the_path_its_name_and_the_folders_above(
    path: str, pattern: str, matched: bool
) -> None:
    assert matches(path, pattern) is matched


def test_a_files_own_ignores_hold_whatever_is_selected(tmp_path: Path) -> None:
    config = load(table(tmp_path, 'select = ["TSK304"]\nper-file-ignores = {"tests/*" = ["TSK3"]}'))
    assert config.reports("TSK304", "the-rule", True, "shop/tasks.py")
    assert not config.reports("TSK304", "the-rule", True, "tests/test_shop.py")
    assert not config.reports("TSK304", "the-rule", True, str(tmp_path / "tests" / "test_shop.py"))
    assert config.reports("TSK304", "the-rule", True, str(tmp_path.parent / "tests" / "test_shop.py"))


def test_excluded_files_are_known_by_absolute_and_relative_path(tmp_path: Path) -> None:
    config = load(table(tmp_path, 'exclude = ["migrations", "*_pb2.py", "!shop_pb2.py"]'))
    assert config.excludes("shop/migrations/0001_first.py")
    assert config.excludes(str(tmp_path / "orders_pb2.py"))
    assert not config.excludes(str(tmp_path / "shop_pb2.py"))
    assert not config.excludes("shop/tasks.py")
    assert not Config().excludes("shop/tasks.py")


def test_the_command_lines_select_takes_the_place_of_what_the_file_selects() -> None:
    config = Config(select=("TSK1",), extend_select=("TSK304",)).overlaid({"select": "TSK5,TSK6", "ignore": None})
    assert (config.select, config.extend_select) == (("TSK5", "TSK6"), ())


def test_select_and_extend_select_of_the_command_line_go_together_in_any_order() -> None:
    given = {"extend-select": "TSK304", "select": "TSK5"}
    for values in (given, dict(reversed(given.items()))):
        config = Config(extend_select=("TSK9",)).overlaid(values)
        assert (config.select, config.extend_select) == (("TSK5",), ("TSK304",))


def test_extend_select_and_ignore_of_the_command_line_are_added_to_the_files() -> None:
    config = Config(extend_select=("TSK304",), ignore=("TSK5",)).overlaid({"extend-select": ["TSK9"], "ignore": "TSK1"})
    assert (config.extend_select, config.ignore) == (("TSK304", "TSK9"), ("TSK5", "TSK1"))


def test_of_equally_specific_selectors_the_command_lines_wins() -> None:
    ignoring = Config(ignore=("TSK501",))
    assert ignoring.overlaid({"select": "TSK501"}).reports("TSK501", "the-rule", True)
    assert ignoring.overlaid({"select": "the-rule"}).reports("TSK501", "the-rule", True)
    assert not ignoring.overlaid({"select": "TSK5"}).reports("TSK501", "the-rule", True)
    assert not ignoring.overlaid({"select": "TSK501", "ignore": "TSK501"}).reports("TSK501", "the-rule", True)
    assert not Config(select=("TSK501",)).overlaid({"ignore": "TSK501"}).reports("TSK501", "the-rule", True)


def test_texts_become_what_the_options_take() -> None:
    config = Config(dispatchers=("old.send",)).overlaid(
        {
            "src": " lib,\n app ",
            "dispatchers": "",
            "celery-app": " shop.celery:app ",
            "include-tests": "Yes",
            "max-retries": " 3 ",
            "time-limit": 7,
        }
    )
    assert (config.src, config.dispatchers, config.celery_app) == (("lib", "app"), (), "shop.celery.app")
    assert config.include_tests
    assert config.thresholds == {**THRESHOLDS, "max-retries": 3, "time-limit": 7}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("max-retries", "many", "--max-retries: expected a whole number of 0 or more, not 'many'"),
        ("max-retries", "-3", "--max-retries: expected a whole number of 0 or more, not -3"),
        ("max-retries", "9" * 5000, f"--max-retries: expected a whole number of 0 or more, not {'9' * 5000!r}"),
        ("include-tests", "maybe", "--include-tests: expected true or false, not 'maybe'"),
        ("dispatchers", "a.b 3", "--dispatchers: expected a list of dotted names, not one with '3' in it"),
        ("slect", "TSK1", "--slect: unknown key, did you mean 'select'?"),
    ],
)
def test_an_error_on_the_command_line_names_the_option(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config().overlaid({name: text})
    assert str(caught.value) == message


RULES = [("TSK101", "unknown-task-option"), ("TSK501", "missing-time-limit")]


@pytest.mark.parametrize("selector", ["ALL", "T", "TSK", "TSK1", "TSK101", "missing-time-limit"])
def test_selectors_that_select_something_are_known(selector: str) -> None:
    Config(select=(selector,)).check_selectors(RULES)


def test_a_selector_that_selects_nothing_is_an_error_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    cases = {
        'ignore = ["mising-time-limit"]': "ignore: no rule is called 'mising-time-limit', "
        "did you mean 'missing-time-limit'?",
        'select = ["tsk101"]': "select: no rule is called 'tsk101', did you mean 'TSK101'?",
        'select = ["TSK1O1"]': "select: no rule is called 'TSK1O1', did you mean 'TSK101'?",
        'per-file-ignores = {"a.py" = ["TSK7"]}': "per-file-ignores: no rule is called 'TSK7'",
        'ignore = ["TSK399"]': "ignore: no rule is called 'TSK399'",
        'ignore = ["E501"]': "ignore: no rule is called 'E501'",
        'ignore = ["TSK1234"]': "ignore: no rule is called 'TSK1234'",
    }
    for text, message in cases.items():
        with pytest.raises(ConfigError) as caught:
            load(table(tmp_path, text)).check_selectors(RULES)
        assert str(caught.value) == f"{file}: [tool.flake8-tasks] {message}"
    with pytest.raises(ConfigError, match=r"^--ignore: no rule is called 'x'$"):
        Config().overlaid({"ignore": "x"}).check_selectors(RULES)


def test_the_digest_tells_settings_apart_and_not_places(tmp_path: Path) -> None:
    here = load(project(tmp_path, EVERY_KEY))
    (tmp_path / "copy").mkdir()
    assert load(project(tmp_path / "copy", EVERY_KEY)).digest() == here.digest()
    digests = {
        Config().digest(),
        here.digest(),
        Config(ignore=("TSK5",)).digest(),
        Config().overlaid({"ignore": "TSK5"}).digest(),
        Config(thresholds={**THRESHOLDS, "max-retries": 11}).digest(),
    }
    assert len(digests) == 5


def test_a_configuration_travels_between_processes(tmp_path: Path) -> None:
    config = load(project(tmp_path, EVERY_KEY)).overlaid({"select": "TSK1"})
    assert pickle.loads(pickle.dumps(config)) == config
