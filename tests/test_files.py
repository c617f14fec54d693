"""Which files a run is about, on real folders and real git repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from flake8_tasks.config import Config
from flake8_tasks.files import NoSuchPath, find, may_hold_task_code, project_root, python_files, tree


def write(root: Path, *names: str, text: str = "") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=shop", "-c", "user.email=shop@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(("git", *settings, *arguments), cwd=folder, check=True, capture_output=True)


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    return folder


def names(root: Path, paths: list[str]) -> list[str]:
    return [os.path.relpath(path, root) for path in paths]


def no_excludes(root: Path) -> Config:
    return Config()


class TestTheByteSearch:
    @pytest.mark.parametrize(
        "text",
        [
            "from celery import shared_task",
            "@app.task\ndef f(): ...",
            "@cron_task(minute=3)\ndef f(): ...",
            "@tasks.task(bind=True)",
            "class Sync(BaseTask):\n    def run(self): ...",
            "refresh.delay(1)",
            "refresh.delay_on_commit(1)",
            "refresh.apply_async((1,))",
            "app.send_task('shop.refresh')",
            "transaction.on_commit(refresh)",
            "chain(a.s(1), b.si())",
            "schedule = crontab(hour=3)",
            "CELERY_TASK_TIME_LIMIT = 30",
            "broker_url = 'sqla+sqlite://'",
            "beat_schedule = {}",
            "task_time_limit = 30",
        ],
    )
    def test_finds_what_declares_dispatches_or_configures_tasks(self, text: str) -> None:
        assert may_hold_task_code(text.encode())

    @pytest.mark.parametrize(
        "text", ["", "import os\n", "# this asks for nothing\nx = masked", "class Car(Model): ..."]
    )
    def test_leaves_other_files(self, text: str) -> None:
        assert not may_hold_task_code(text.encode())

    def test_takes_words_from_the_configuration(self) -> None:
        assert not may_hold_task_code(b"enqueue(refresh)")
        assert may_hold_task_code(b"enqueue(refresh)", (b"enqueue",))


class TestProjectRoot:
    @pytest.mark.parametrize("marker", ["pyproject.toml", "setup.cfg", "setup.py", "manage.py"])
    def test_is_the_nearest_folder_with_a_marker(self, tmp_path: Path, marker: str) -> None:
        write(tmp_path, "setup.py", f"shop/{marker}", "shop/orders/tasks.py")
        assert project_root(tmp_path / "shop/orders/tasks.py") == tmp_path / "shop"
        assert project_root(tmp_path / "shop/orders") == tmp_path / "shop"
        assert project_root(tmp_path / "other.py") == tmp_path

    def test_is_no_package_that_has_a_module_of_this_name(self, tmp_path: Path) -> None:
        write(tmp_path, "manage.py", "shop/views/__init__.py", "shop/views/setup.py", "shop/views/orders.py")
        assert project_root(tmp_path / "shop/views/orders.py") == tmp_path
        assert names(tmp_path, python_files(tmp_path)) == [
            "manage.py",
            *("shop/views/__init__.py", "shop/views/orders.py", "shop/views/setup.py"),
        ]

    def test_is_the_git_top_level_where_nothing_is_marked(self, tmp_path: Path) -> None:
        write(repository(tmp_path / "shop"), "orders/tasks.py")
        assert project_root(tmp_path / "shop/orders/tasks.py") == tmp_path / "shop"

    def test_is_never_above_the_repository(self, tmp_path: Path) -> None:
        write(tmp_path, "pyproject.toml")
        write(repository(tmp_path / "shop"), "tasks.py")
        assert project_root(tmp_path / "shop/tasks.py") == tmp_path / "shop"

    def test_is_the_working_directory_at_last(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path, "shop/orders/tasks.py")
        monkeypatch.chdir(tmp_path)
        assert project_root(Path("shop/orders/tasks.py")) == tmp_path

    def test_of_a_stray_file_elsewhere_is_the_folder_of_its_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "there/shop/__init__.py", "there/shop/tasks.py", "here/x.py")
        monkeypatch.chdir(tmp_path / "here")
        assert project_root(tmp_path / "there/shop/tasks.py") == tmp_path / "there"

    def test_of_a_file_that_is_not_there_yet(self, tmp_path: Path) -> None:
        write(tmp_path, "pyproject.toml")
        assert project_root(tmp_path / "new/tasks.py") == tmp_path


class TestGit:
    def test_lists_tracked_and_new_files_but_no_ignored_ones(self, tmp_path: Path) -> None:
        root = repository(tmp_path)
        write(root, "tracked.py", "new.pyw", "secret.py", "sub/secret.py", "sub/ok.py", "notes.txt", "stubs.pyi")
        write(root, ".gitignore", text="secret.py\n")
        git(root, "add", "tracked.py")
        assert names(root, tree(str(root))) == ["new.pyw", "sub/ok.py", "tracked.py"]

    def test_a_tracked_file_that_was_deleted_is_not_listed(self, tmp_path: Path) -> None:
        root = repository(tmp_path)
        write(root, "gone.py", "here.py")
        git(root, "add", ".")
        (root / "gone.py").unlink()
        assert names(root, tree(str(root))) == ["here.py"]

    def test_a_file_in_conflict_is_listed_once(self, tmp_path: Path) -> None:
        root = repository(tmp_path)
        write(root, "a.py", text="x = 0\n")
        git(root, "add", ".")
        git(root, "commit", "-qm", "first")
        git(root, "checkout", "-qb", "other")
        write(root, "a.py", text="x = 1\n")
        git(root, "commit", "-qam", "other")
        git(root, "checkout", "-q", "-")
        write(root, "a.py", text="x = 2\n")
        git(root, "commit", "-qam", "mine")
        with pytest.raises(subprocess.CalledProcessError):
            git(root, "merge", "other")
        assert names(root, tree(str(root))) == ["a.py"]

    def test_strange_names_are_kept(self, tmp_path: Path) -> None:
        root = repository(tmp_path)
        odd = ["with space.py", "new\nline.py", "ünïcode.py", os.fsdecode(b"latin-\xe9.py")]
        write(root, *odd)
        assert sorted(names(root, tree(str(root)))) == sorted(odd)

    def test_submodules_and_repositories_inside_are_searched(self, tmp_path: Path) -> None:
        library = repository(tmp_path / "library")
        write(library, "lib.py")
        git(library, "add", ".")
        git(library, "commit", "-qm", "first")
        root = repository(tmp_path / "shop")
        write(root, "tasks.py")
        git(root, "submodule", "add", "-q", str(library), "vendor.d")
        write(repository(root / "checkout"), "tool.py")
        assert names(root, tree(str(root))) == ["checkout/tool.py", "tasks.py", "vendor.d/lib.py"]

    def test_a_submodule_that_was_not_fetched_is_empty(self, tmp_path: Path) -> None:
        library = repository(tmp_path / "library")
        write(library, "lib.py")
        git(library, "add", ".")
        git(library, "commit", "-qm", "first")
        root = repository(tmp_path / "shop")
        write(root, "tasks.py")
        git(root, "submodule", "add", "-q", str(library), "vendor")
        git(root, "commit", "-qm", "first")
        git(root, "submodule", "--quiet", "deinit", "-f", "vendor")
        assert names(root, tree(str(root))) == ["tasks.py"]

    def test_an_ignored_folder_is_searched_when_it_is_named(self, tmp_path: Path) -> None:
        root = repository(tmp_path)
        write(root, "generated/tasks.py", "tasks.py")
        write(root, ".gitignore", text="generated/\n")
        assert names(root, tree(str(root))) == ["tasks.py"]
        assert names(root, tree(str(root / "generated"))) == ["generated/tasks.py"]

    def test_a_virtual_environment_that_is_not_ignored_is_left_out(self, tmp_path: Path) -> None:
        root = repository(tmp_path)
        write(root, "tasks.py", "env/pyvenv.cfg", "env/lib/python3.11/site-packages/celery/app.py")
        assert names(root, tree(str(root))) == ["tasks.py"]

    def test_variables_of_a_hook_do_not_lead_elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(repository(tmp_path / "other"), "other.py")
        root = repository(tmp_path / "shop")
        write(root, "tasks.py")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
        assert names(root, tree(str(root))) == ["tasks.py"]

    def test_a_repository_cannot_make_us_run_its_programs(self, tmp_path: Path) -> None:
        root = repository(tmp_path)
        write(root, "tasks.py")
        git(root, "config", "core.fsmonitor", f"touch {tmp_path}/ran; false")
        assert names(root, tree(str(root))) == ["tasks.py"]
        assert not (tmp_path / "ran").exists()


@pytest.fixture(params=["no repository", "no git", "dubious ownership", "broken repository"])
def without_git(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which git cannot say anything, for one of the reasons there are."""
    root = tmp_path / "shop"
    root.mkdir()
    match request.param:
        case "no git":
            repository(root)
            monkeypatch.setenv("PATH", str(tmp_path))
        case "dubious ownership":
            repository(root)
            monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        case "broken repository":
            (root / ".git").mkdir()
    return root


class TestWithoutGit:
    def test_gitignore_files_hold(self, without_git: Path) -> None:
        root = without_git
        write(root, "tasks.py", "secret.py", "sub/secret.py", "sub/kept.py", "out/a.py", "sub/deep/x.py", "readme.md")
        write(root, ".gitignore", text="secret.py\n/out/\nsub/deep/*\n")
        write(root, "sub/.gitignore", text="!secret.py\n")
        assert names(root, tree(str(root))) == ["sub/kept.py", "sub/secret.py", "tasks.py"]

    def test_folders_that_hold_no_code_of_the_project_are_left_out(self, without_git: Path) -> None:
        root = without_git
        for folder in (".tox/py", "node_modules/x", "__pycache__", ".venv/lib", "build/lib", "dist", "shop.egg-info"):
            write(root, f"{folder}/x.py")
        write(root, "my-env/pyvenv.cfg", "my-env/lib/x.py", "tasks.py", "build.py", "shop/build/__init__.py")
        assert names(root, tree(str(root))) == ["build.py", "shop/build/__init__.py", "tasks.py"]

    def test_links_in_a_loop_end(self, without_git: Path) -> None:
        root = without_git
        write(root, "sub/tasks.py")
        (root / "sub/again").symlink_to(root)
        (root / "self.py").symlink_to("self.py")
        assert names(root, tree(str(root))) == ["sub/tasks.py"]

    def test_gitignore_files_above_hold_within_the_repository(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = repository(tmp_path)
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        write(root, "sub/tasks.py", "sub/secret.py")
        write(root, ".gitignore", text="secret.py\n")
        assert names(root, tree(str(root / "sub"))) == ["sub/tasks.py"]


@pytest.mark.parametrize("with_git", [True, False])
class TestLinks:
    def test_a_link_to_a_folder_is_not_followed(self, tmp_path: Path, with_git: bool) -> None:
        root = repository(tmp_path / "shop") if with_git else tmp_path / "shop"
        write(tmp_path, "shared/tasks.py", "shop/own.py")
        (root / "shared").symlink_to(tmp_path / "shared")
        assert names(root, tree(str(root))) == ["own.py"]

    def test_a_linked_file_is_taken_once(self, tmp_path: Path, with_git: bool) -> None:
        root = repository(tmp_path / "shop") if with_git else tmp_path / "shop"
        write(tmp_path, "outside.py", "shop/own.py")
        (root / "a.py").symlink_to("own.py")
        (root / "b.py").symlink_to(tmp_path / "outside.py")
        (root / "c.py").symlink_to(tmp_path / "outside.py")
        (root / "dangling.py").symlink_to("nowhere.py")
        assert names(root, tree(str(root))) == ["b.py", "own.py"]

    def test_a_folder_with_the_name_of_a_module_is_no_file(self, tmp_path: Path, with_git: bool) -> None:
        root = repository(tmp_path / "shop") if with_git else tmp_path / "shop"
        write(tmp_path, "shop/odd.py/inner.py")
        assert names(root, tree(str(root))) == ["odd.py/inner.py"]


def test_the_files_of_a_project_are_not_those_of_projects_in_it(tmp_path: Path) -> None:
    root = repository(tmp_path)
    write(root, "pyproject.toml", "tasks.py", "services/a/setup.py", "services/a/app/tasks.py", "services/common.py")
    write(repository(root / "checkout"), "tool.py")
    assert names(root, python_files(root)) == ["services/common.py", "tasks.py"]
    assert names(root, python_files(root / "services/a")) == ["services/a/app/tasks.py", "services/a/setup.py"]


class TestFind:
    def test_groups_by_project(self, tmp_path: Path) -> None:
        write(tmp_path, "setup.py", "tasks.py", "a/manage.py", "a/b/tasks.py")
        assert find([str(tmp_path)], no_excludes).groups == {
            tmp_path: [str(tmp_path / "setup.py"), str(tmp_path / "tasks.py")],
            tmp_path / "a": [str(tmp_path / "a/b/tasks.py"), str(tmp_path / "a/manage.py")],
        }

    def test_takes_named_files_whatever_they_are_called_and_each_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "setup.py", "script", "tasks.py")
        monkeypatch.chdir(tmp_path)
        found = find(["script", "tasks.py", ".", str(tmp_path / "script")], no_excludes).groups
        assert found == {tmp_path: [str(tmp_path / name) for name in ("script", "setup.py", "tasks.py")]}

    def test_names_a_path_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(NoSuchPath, match="nowhere"):
            find([str(tmp_path), str(tmp_path / "nowhere")], no_excludes)

    def test_a_link_that_leads_nowhere_is_a_path(self, tmp_path: Path) -> None:
        """It can be named, and the run says that it cannot be read."""
        (tmp_path / "dangling.py").symlink_to("nowhere.py")
        (files,) = find([str(tmp_path / "dangling.py")], no_excludes).groups.values()
        assert files == [str(tmp_path / "dangling.py")]

    def test_excludes_are_relative_to_each_project(self, tmp_path: Path) -> None:
        write(tmp_path, "setup.py", "old/x.py", "keep/old.py", "a/setup.py", "a/old/x.py", "a/b/migrations/x.py")

        def config_of(root: Path) -> Config:
            return Config(exclude=("old/*",) if root == tmp_path else ("migrations",), root=str(root))

        found = find([str(tmp_path)], config_of).groups
        assert names(tmp_path, found[tmp_path]) == ["keep/old.py", "setup.py"]
        assert names(tmp_path, found[tmp_path / "a"]) == ["a/old/x.py", "a/setup.py"]

    def test_excludes_leave_named_files_unless_forced(self, tmp_path: Path) -> None:
        write(tmp_path, "setup.py", "old/x.py")
        named = [str(tmp_path / "old/x.py")]

        def config_of(root: Path) -> Config:
            return Config(exclude=("old",), root=str(root))

        assert find(named, config_of).groups == {tmp_path: named}
        assert find(named, config_of, force_exclude=True).groups == {}

    def test_tells_all_files_of_the_projects_that_were_searched_as_a_whole(self, tmp_path: Path) -> None:
        write(tmp_path, "setup.py", "old/x.py", "a/setup.py", "a/b/x.py", "c/setup.py", "c/x.py")

        def config_of(root: Path) -> Config:
            return Config(exclude=("old",), root=str(root))

        given = [str(tmp_path / name) for name in ("", "a/b", "c/x.py")]
        assert find(given, config_of).whole == {tmp_path: python_files(tmp_path)}

    def test_a_folder_that_nothing_claims_is_one_project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path, "there/a/x.py", "there/b/y.py", "here/z.py")
        monkeypatch.chdir(tmp_path / "here")
        assert list(find([str(tmp_path / "there")], no_excludes).groups) == [tmp_path / "there"]
