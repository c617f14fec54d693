"""A program of a few modules, loaded to be run many times, that leaves no trace in the process when it is closed."""

from __future__ import annotations

import ast
import importlib
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from itertools import accumulate
from pathlib import Path, PurePosixPath
from traceback import walk_tb
from types import FunctionType, ModuleType, TracebackType
from typing import Any, Self

from flake8_tasks.runtime import footprint
from flake8_tasks.runtime.folders import temporary_folder
from flake8_tasks.runtime.functions import functions

RESERVED = frozenset({"celery", "kombu", "billiard", "django", "flake8_tasks", "greenlet"}) | sys.stdlib_module_names


class ProgramError(Exception):
    """A program cannot be loaded; the message starts with the file and the line."""


_loaded: Program | None = None


class Program:
    """A program, loaded as a context manager; only one at a time.

    It is loaded once and run many times: a run gets a new world, not newly imported modules. What a run
    writes into a module's global names stays there for the next one.

    Arguments:
        files: path → text, paths with `/` and relative to the program's root; every folder is a package.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = dict(files)
        for path in self.files:
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise ProgramError(f"{path}: a program's files have relative paths")
        for package in self.packages:
            if package in RESERVED:
                raise ProgramError(f"{package}: a program cannot have a package of this name, a library has it")
        self._root: Path | None = None
        self._modules: dict[str, ModuleType] = {}
        self._stack = ExitStack()

    # What it is, before it is loaded.

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of its modules, in the order of its files."""
        return tuple(module_name(path) for path in self.files if path.endswith(".py"))

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """The names that it takes at the top level."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.names))

    @cached_property
    def imports(self) -> frozenset[str]:
        """The top-level names and the modules that it imports: `django`, `django.db`.

        Raises: ProgramError: a file is not Python.
        """
        found: set[str] = set()
        for path, text in self.files.items():
            if path.endswith(".py"):
                found.update(_imports(path, text))
        return frozenset(found)

    @cached_property
    def uses_django(self) -> bool:
        return "django" in self.imports or any("DJANGO_SETTINGS_MODULE" in text for text in self.files.values())

    def source(self, path: str) -> str:
        """The text of one of its files."""
        return self.files[path]

    def write(self, folder: Path) -> Path:
        """Write it to a folder, so that `celery -A` runs it there with `environment(folder)`; gives the folder."""
        for path, text in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            for parent in PurePosixPath(path).parents[:-1]:
                (folder / parent / "__init__.py").touch()
        if self.uses_django:
            from flake8_tasks.runtime.world import django

            settings = django.settings_of(self.files, self.imports)
            (folder / f"{django.SETTINGS}.py").write_text(settings, encoding="utf-8")
        return folder

    def environment(self, folder: Path) -> dict[str, str]:
        """The environment variables with which a process runs it in the folder it was written to."""
        here = str(Path(__file__).parents[2])
        before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        paths = [str(folder), *([] if here == sysconfig.get_path("purelib") else [here]), *before]
        variables = {"PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, paths)))}
        if self.uses_django:
            from flake8_tasks.runtime.world import django

            variables |= {"DJANGO_SETTINGS_MODULE": django.SETTINGS, django.DATABASE: str(folder / "database.sqlite3")}
        return variables

    # Loading.

    def __enter__(self) -> Self:
        from flake8_tasks.runtime.celery import isolation

        global _loaded
        if _loaded is not None:
            raise ProgramError("a program is loaded already: modules of two programs may have the same names")
        for path, text in self.files.items():
            if path.endswith(".py"):
                _parse(path, text)
        with ExitStack() as stack:
            _loaded = self
            stack.callback(self._forget)
            folder = stack.enter_context(temporary_folder())
            stack.callback(footprint.forget_files, folder)
            self._root = self.write(folder)
            stack.enter_context(footprint.kept(self.packages))
            stack.enter_context(isolation.isolated())
            os.environ.pop("DJANGO_SETTINGS_MODULE", None)
            os.environ.update(self.environment(folder))
            sys.path.insert(0, str(folder))
            if self.uses_django:
                from flake8_tasks.runtime.world import django

                if reason := django.refusal():
                    raise ProgramError(reason)
                stack.enter_context(django.configured())
            with footprint.loading_in(folder):
                self.load(folder)
            self._stack = stack.pop_all()
        return self

    def load(self, folder: Path) -> None:
        """Import its modules from the folder that it was written to, for good: in a process that runs nothing else.

        Raises: ProgramError: a module cannot be imported.
        """
        from flake8_tasks.runtime.celery import isolation

        self._root = folder
        with self._explained():
            if self.uses_django:
                from flake8_tasks.runtime.world import django

                django.set_up()
            for name in self.names:
                if name.rpartition(".")[2] not in ("__main__", "manage"):
                    self._modules[name] = importlib.import_module(name)
            isolation.finish_apps()
            self.app.finalize()

    def _forget(self) -> None:
        global _loaded
        _loaded, self._root = None, None
        self._modules = {}
        for name in ("app", "tasks"):
            vars(self).pop(name, None)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    # What it is, loaded.

    @property
    def root(self) -> Path:
        """The folder that it was written to."""
        assert self._root is not None, "the program is not loaded"
        return self._root

    @property
    def modules(self) -> tuple[ModuleType, ...]:
        """Its modules, in the order of its files."""
        return tuple(self._modules.values())

    def module(self, name: str) -> ModuleType:
        """One of its modules.

        Raises: ProgramError: it has none of this name.
        """
        if name not in self._modules:
            raise ProgramError(f"{name}: the program has no such module; it has {', '.join(self._modules)}")
        return self._modules[name]

    @cached_property
    def app(self) -> Any:
        """Its Celery app: the first that stands in one of its modules, else the one that shared tasks belong to."""
        from flake8_tasks.runtime.celery import isolation

        for module in self.modules:
            for value in vars(module).values():
                if isolation.is_app(value):
                    return value
        return isolation.current_app()

    @cached_property
    def tasks(self) -> dict[str, Any]:
        """The tasks that it declares, by name, as `program.app` has them; without Celery's own."""
        return {name: task for name, task in sorted(self.app.tasks.items()) if self._is_own(type(task).__module__)}

    def models(self) -> tuple[Any, ...]:
        """Its Django models, in the order in which they were declared."""
        if not self.uses_django:
            return ()
        from django.apps import apps

        return tuple(model for model in apps.get_models() if self._is_own(model.__module__))

    def functions(self) -> tuple[FunctionType, ...]:
        """The functions written in it, tasks and methods too, in the order of files and lines.

        Functions inside functions are those of a decorator that stands around another; the rest exists only in a run.
        """
        found: dict[tuple[int, int], FunctionType] = {}
        for index, module in enumerate(self.modules):
            values = [*vars(module).values(), *map(type, self.tasks.values())]
            for function in functions(values, module.__name__):
                if function.__code__.co_filename == module.__file__:
                    found[index, function.__code__.co_firstlineno] = function
        return tuple(function for _, function in sorted(found.items(), key=lambda item: item[0]))

    def place(self, filename: str, line: int) -> str:
        """A line of one of its files as people read it: "shop/tasks.py:12"; empty for other files."""
        file = Path(filename)
        return f"{file.relative_to(self.root).as_posix()}:{line}" if file.is_relative_to(self.root) else ""

    def _is_own(self, module: str) -> bool:
        return module.partition(".")[0] in self.packages

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ProgramError:
            raise
        except (Exception, SystemExit) as error:
            lines = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
            places = [place for place in (self.place(*line) for line in lines) if place]
            raise ProgramError(": ".join([*places[-1:], self._reason(error)])) from error

    def _reason(self, error: BaseException) -> str:
        if not isinstance(error, ModuleNotFoundError) or not error.name:
            return f"{type(error).__name__}: {error}"
        if self._is_own(error.name):
            return f"the program has no module {error.name}"
        package = error.name.partition(".")[0]
        if package in sys.modules:
            return f"the installed package {package} has no module {error.name}"
        return f"the program imports {error.name}, but the package {package} is not installed"


def module_name(path: str) -> str:
    """The name under which a file is imported: "shop/tasks.py" is `shop.tasks`."""
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def _parse(path: str, text: str) -> ast.Module:
    try:
        return ast.parse(text, path)
    except SyntaxError as error:
        raise ProgramError(f"{path}:{error.lineno or 1}: {error.msg}") from error
    except ValueError as error:
        raise ProgramError(f"{path}:1: {error}") from error


def _imports(path: str, text: str) -> Iterator[str]:
    for node in ast.walk(_parse(path, text)):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(module), level=0):
                names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
            case _:
                continue
        for name in names:
            yield from accumulate(name.split("."), "{}.{}".format)
