"""`flake8-tasks check`: which files, which rules, which output."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from command import ASSERTS, BROKEN, CLEAN, CRASHES, DELETES, Shop

WAITS = CLEAN + "\n\n@shared_task(time_limit=30)\ndef wait():\n    return work.delay().get()\n"


class TestFiles:
    @pytest.mark.parametrize("with_git", [True, False])
    def test_checks_the_working_directory(self, shop: Shop, with_git: bool) -> None:
        if with_git:
            subprocess.run(["git", "init", "-q"], cwd=shop.root, check=True)
        shop.write("tasks.py", ASSERTS)
        shop.write("sub/tasks.py", ASSERTS)
        shop.write("other/tasks.py", ASSERTS)
        shop.write(".gitignore", "other/\n")
        assert shop.findings() == [("sub/tasks.py", 6, "TSK990"), ("tasks.py", 6, "TSK990")]

    def test_paths_are_relative_to_the_working_directory(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        inside = shop.write("sub/tasks.py", ASSERTS).parent
        assert shop.findings(cwd=inside) == [("tasks.py", 6, "TSK990")]
        assert shop.findings("..", cwd=inside) == [("../tasks.py", 6, "TSK990"), ("tasks.py", 6, "TSK990")]
        assert shop.findings(str(inside / "tasks.py")) == [("sub/tasks.py", 6, "TSK990")]

    def test_a_file_without_suffix_is_checked_when_it_is_named(self, shop: Shop) -> None:
        shop.write("worker", ASSERTS)
        assert shop.findings() == []
        assert shop.findings("worker") == [("worker", 6, "TSK990")]

    @pytest.mark.parametrize(
        "name", ["worker", "bin/worker.wsgi", "bin/worker.pyw", "ignored/jobs.py", "environment/jobs.py", "link.py"]
    )
    def test_a_file_that_is_named_is_understood_though_the_search_leaves_it_out(self, shop: Shop, name: str) -> None:
        """The task that it waits for is its own: what its names mean is known as in any other file."""
        subprocess.run(["git", "init", "-q"], cwd=shop.root, check=True)
        shop.write(".gitignore", "ignored/\n")
        shop.write("environment/pyvenv.cfg", "")
        shop.write("tasks.py", WAITS)
        if name == "link.py":
            (shop.root / name).symlink_to("tasks.py")
        else:
            shop.write(name, WAITS)
        selected = ("--select", "TSK301")
        assert shop.findings(name, *selected) == [(name, 11, "TSK301")]
        assert shop.findings("-", "--stdin-filename", name, *selected, stdin=WAITS) == [(name, 11, "TSK301")]

    def test_a_folder_that_git_ignores_is_understood_when_it_is_named(self, shop: Shop) -> None:
        subprocess.run(["git", "init", "-q"], cwd=shop.root, check=True)
        shop.write(".gitignore", "ignored/\n")
        shop.write("ignored/jobs.py", WAITS)
        assert shop.findings("ignored", "--select", "TSK301") == [("ignored/jobs.py", 11, "TSK301")]
        assert shop.findings("--select", "TSK301") == []

    def test_a_stub_holds_nothing_that_runs(self, shop: Shop) -> None:
        shop.write("tasks.pyi", ASSERTS)
        assert shop.findings("tasks.pyi") == []

    def test_standard_input_is_part_of_the_project(self, shop: Shop) -> None:
        shop.write("tasks.py", CLEAN)
        named = ("-", "--stdin-filename", "tasks.py")
        assert shop.findings(*named, stdin=ASSERTS) == [("tasks.py", 6, "TSK990")]
        shop.write("pyproject.toml", '[tool.flake8-tasks.per-file-ignores]\n"tasks.py" = ["TSK990"]\n')
        assert shop.findings(*named, stdin=ASSERTS) == []

    def test_standard_input_needs_no_name(self, shop: Shop) -> None:
        assert shop.findings("-", stdin=ASSERTS) == [("stdin.py", 6, "TSK990")]

    def test_excluded_files_are_left_out(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        shop.write("old/tasks.py", ASSERTS)
        shop.write("pyproject.toml", '[tool.flake8-tasks]\nexclude = ["old/"]\n')
        assert shop.findings() == [("tasks.py", 6, "TSK990")]
        assert shop.findings("old/tasks.py") == [("old/tasks.py", 6, "TSK990")]
        assert shop.findings("old/tasks.py", "--force-exclude") == []
        stdin = ("-", "--stdin-filename", "old/tasks.py", "--force-exclude")
        assert shop.findings(*stdin, stdin=ASSERTS) == []

    def test_projects_of_a_monorepo_have_their_own_configuration(self, shop: Shop) -> None:
        for name in ("a", "b"):
            shop.write(f"{name}/tasks.py", ASSERTS + "    del work\n")
        shop.write("a/pyproject.toml", '[tool.flake8-tasks]\nignore = ["TSK990"]\nextend-select = ["task-deletes"]\n')
        shop.write("b/pyproject.toml", "")
        assert shop.findings() == [("a/tasks.py", 7, "TSK991"), ("b/tasks.py", 6, "TSK990")]


class TestRules:
    def test_select_and_ignore(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS + "    del work\n")
        assert [code for *_, code in shop.findings()] == ["TSK990"]
        assert [code for *_, code in shop.findings("--select", "TSK99")] == ["TSK990"]
        assert [code for *_, code in shop.findings("--select", "TSK990,TSK991")] == ["TSK990", "TSK991"]
        assert [code for *_, code in shop.findings("--select", "TSK990", "--select", "task-deletes")] == [
            "TSK990",
            "TSK991",
        ]
        assert [code for *_, code in shop.findings("--extend-select", "TSK991")] == ["TSK990", "TSK991"]
        assert [code for *_, code in shop.findings("--select", "ALL", "--ignore", "TSK990")] == ["TSK991"]
        assert [code for *_, code in shop.findings("--ignore", "task-asserts")] == []

    def test_noqa_is_honoured(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS.replace("assert 1", "assert 1  # noqa: TSK990"))
        assert shop.findings() == []

    def test_a_rule_that_crashes_is_one_finding_and_the_others_go_on(self, shop: Shop) -> None:
        shop.write("a.py", CRASHES + "    assert 1\n")
        shop.write("b.py", ASSERTS)
        codes = [(path, code) for path, _, code in shop.findings()]
        assert sorted(codes) == [("a.py", "TSK000"), ("a.py", "TSK990"), ("b.py", "TSK990")]


class TestBadInput:
    def errors(self, shop: Shop, *arguments: str) -> dict[str, tuple[int, str]]:
        whole = shop.json(*arguments)
        assert [each["path"] for each in whole["findings"]] == ["good.py"]  # the rest of the run goes on
        return {each["path"]: (each["line"], each["message"]) for each in whole["errors"]}

    @pytest.fixture(autouse=True)
    def good(self, shop: Shop) -> None:
        shop.write("good.py", ASSERTS)

    def test_broken_syntax(self, shop: Shop) -> None:
        shop.write("bad.py", BROKEN)
        assert self.errors(shop) == {"bad.py": (5, "syntax error: invalid syntax")}

    def test_broken_syntax_without_task_code_is_told_of_files_that_are_named(self, shop: Shop) -> None:
        shop.write("bad.py", "x = (\n")
        assert self.errors(shop) == {}
        assert list(self.errors(shop, "good.py", "bad.py")) == ["bad.py"]

    def test_nul_bytes(self, shop: Shop) -> None:
        shop.write("bad.py", CLEAN + "x = '\0'\n")
        ((_, message),) = self.errors(shop).values()
        assert "null bytes" in message

    def test_an_encoding_that_is_not_declared(self, shop: Shop) -> None:
        shop.write("bad.py", CLEAN.encode() + "# Grüße\n".encode("latin-1"))
        ((line, message),) = self.errors(shop).values()
        assert line == 7
        assert "utf-8" in message

    def test_an_encoding_that_nobody_knows(self, shop: Shop) -> None:
        shop.write("bad.py", "# coding: klingon\n" + CLEAN)
        ((_, message),) = self.errors(shop).values()
        assert "klingon" in message

    def test_deep_nesting(self, shop: Shop) -> None:
        shop.write("deep.py", CLEAN + "x = " + "(" * 5000 + ")" * 5000 + "\n")
        shop.write("long.py", CLEAN + "x = a" + ".b" * 5000 + "\n")
        shop.write("sum.py", CLEAN + "x = 1" + " + 1" * 5000 + "\n")
        assert set(self.errors(shop)) <= {"deep.py", "long.py", "sum.py"}
        assert "deep.py" in self.errors(shop)

    @pytest.mark.parametrize("depth", [60, 200, 300, 600, 900])
    def test_nesting_that_can_be_parsed_but_hardly_walked(self, shop: Shop, depth: int) -> None:
        shop.write("deep.py", CLEAN + "x = a" + ".b" * depth + "\ny = " + "-" * depth + "1\n")
        assert set(self.errors(shop)) <= {"deep.py"}

    def test_a_file_that_cannot_be_read(self, shop: Shop) -> None:
        """A link that leads nowhere, since permissions do not stop every user."""
        (shop.root / "bad.py").symlink_to("nowhere.py")
        assert self.errors(shop, "good.py", "bad.py") == {"bad.py": (1, "cannot be read: No such file or directory")}

    def test_encodings_marks_and_line_ends_that_python_reads(self, shop: Shop) -> None:
        shop.write("latin.py", ("# coding: latin-1\n# Grüße\n" + ASSERTS).encode("latin-1"))
        shop.write("mark.py", b"\xef\xbb\xbf" + ASSERTS.encode())
        shop.write("dos.py", ASSERTS.replace("\n", "\r\n"))
        shop.write("feed.py", ASSERTS.replace("\n\n\n", "\n\f\n\n").replace("    ", "\t"))
        whole = shop.json()
        assert [(each["path"], each["line"], each["column"]) for each in whole["findings"]] == [
            ("dos.py", 6, 5),
            ("feed.py", 6, 2),
            ("good.py", 6, 5),
            ("latin.py", 8, 5),
            ("mark.py", 6, 5),
        ]
        assert whole["errors"] == []

    def test_a_name_that_is_not_utf_8(self, shop: Shop) -> None:
        shop.write(os.fsdecode(b"caf\xe9.py"), ASSERTS)
        assert len(shop.json()["findings"]) == 2
        assert shop.run("check").returncode == 1

    def test_a_file_that_cannot_be_checked_makes_the_run_fail(self, shop: Shop) -> None:
        shop.write("good.py", CLEAN)
        shop.write("bad.py", BROKEN)
        run = shop.run("check")
        assert run.returncode == 1
        assert "bad.py:5: error: syntax error: invalid syntax" in run.stdout


class TestOutput:
    def test_text(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        run = shop.run("check")
        assert (run.returncode, run.stderr) == (1, "")
        assert run.stdout.splitlines()[:3] == [
            "tasks.py:6:5: TSK990 this asserts",
            "  6 |     assert 1",
            "    |     ^~~~~~~~",
        ]

    def test_the_pointer_is_in_its_place_where_characters_are_escaped(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS.replace("assert 1", 'print("né…"); assert 1, "日"'))
        lines = shop.run("check", PYTHONIOENCODING="ascii").stdout.splitlines()
        assert lines[1:3] == [
            r'  6 |     print("n\xe9\u2026"); assert 1, "\u65e5"',
            r"    |                           ^~~~~~~~~~~~~~~~~~",
        ]

    def test_nothing_found(self, shop: Shop) -> None:
        shop.write("tasks.py", CLEAN)
        run = shop.run("check")
        assert (run.returncode, run.stdout, run.stderr) == (0, "No problems found in 2 files.\n", "")

    def test_json(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        assert shop.json() == {
            "version": 1,
            "findings": [
                {
                    "code": "TSK990",
                    "name": "task-asserts",
                    "path": "tasks.py",
                    "line": 6,
                    "column": 5,
                    "end_line": 6,
                    "end_column": 13,
                    "message": "this asserts",
                    "url": "https://flake8-tasks.readthedocs.io/en/stable/rules/made-up/task-asserts/",
                    "fix": None,
                    "related": [],
                }
            ],
            "errors": [],
        }

    def test_github(self, shop: Shop, tmp_path: Path) -> None:
        shop.write("tasks.py", ASSERTS)
        summary = tmp_path / "summary.md"
        run = shop.run("check", "--output-format", "github", GITHUB_STEP_SUMMARY=str(summary))
        assert run.stdout.startswith(
            "::error file=tasks.py,line=6,endLine=6,col=5,endColumn=13,title=TSK990::this asserts"
        )
        assert "tasks.py" in summary.read_text()

    def test_sarif(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        run = shop.run("check", "--output-format", "sarif")
        (result,) = json.loads(run.stdout)["runs"][0]["results"]
        assert result["ruleId"] == "TSK990"

    def test_an_output_file(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        run = shop.run("check", "--output-format", "json", "--output-file", "found.json")
        assert (run.returncode, run.stdout) == (1, "")
        assert json.loads((shop.root / "found.json").read_text())["findings"][0]["path"] == "tasks.py"

    def test_statistics(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS + "    assert 2\n")
        assert shop.run("check", "--statistics").stdout.splitlines()[-1] == "2  TSK990  task-asserts"
        run = shop.run("check", "--statistics", "--output-format", "json")
        assert len(json.loads(run.stdout)["findings"]) == 2
        assert run.stderr == "2  TSK990  task-asserts\n"

    def test_exit_zero(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        shop.write("bad.py", BROKEN)
        run = shop.run("check", "--exit-zero")
        assert run.returncode == 0
        assert "TSK990" in run.stdout

    def test_colour_on_demand(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        assert "\x1b[" not in shop.run("check").stdout
        assert "\x1b[" in shop.run("check", "--color", "always").stdout

    def test_verbose_says_how_much_was_checked(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        run = shop.run("check", "--verbose")
        assert run.stderr.startswith("checked 2 files of 1 project in ")

    def test_the_same_in_one_process_and_in_several(self, shop: Shop) -> None:
        for number in range(60):
            shop.write(f"tasks{number}.py", [ASSERTS, DELETES, BROKEN][number % 3])
        one = shop.run("check", "--jobs", "1", "--no-cache").stdout
        assert one.count("TSK990") == 20
        assert one.count("syntax error") == 20
        assert shop.run("check", "--jobs", "2", "--no-cache").stdout == one
        assert shop.run("check").stdout == one
        assert shop.run("check").stdout == one

    def test_the_cache_lies_in_the_users_cache_folder(self, shop: Shop, tmp_path: Path) -> None:
        shop.write("tasks.py", ASSERTS)
        del shop.environment["FLAKE8_TASKS_CACHE_DIR"]
        for number, folder in enumerate((str(tmp_path / "xdg"), "relative", "")):
            home = tmp_path / f"home{number}"
            shop.run("check", HOME=str(home), XDG_CACHE_HOME=folder)
            assert (home / ".cache" / "flake8-tasks").exists() is not os.path.isabs(folder)
        assert (tmp_path / "xdg" / "flake8-tasks").exists()
        assert not (shop.root / "relative").exists()

    def test_a_cache_that_cannot_be_written_does_no_harm(self, shop: Shop) -> None:
        shop.write("tasks.py", ASSERTS)
        in_the_way = shop.write("cache", "not a folder")
        assert shop.findings("--cache-dir", str(in_the_way)) == [("tasks.py", 6, "TSK990")]
