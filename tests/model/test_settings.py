"""The settings of a project are found wherever Celery would look, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from temporary import TemporaryProject

from flake8_tasks.config import Config
from flake8_tasks.model.project import Project
from flake8_tasks.model.settings.found import Settings
from flake8_tasks.model.values import Constant, Opaque, Reference

Write = Callable[[str], TemporaryProject]

DJANGO_APP = """
# file: shop/celery.py
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
"""
PLAIN_APP = """
# file: shop/celery.py
from celery import Celery
app = Celery("shop")
"""


@pytest.fixture
def read(write: Write) -> Callable[[str], Settings]:
    """The settings of a project written as one text."""

    def settings(text: str) -> Settings:
        return project_of(write(text).root).settings

    return settings


Read = Callable[[str], Settings]


def project_of(root: Path) -> Project:
    return Project(root, Config(root=str(root)))


def values(settings: Settings, name: str = "task_time_limit") -> list[object]:
    """The literals that a setting is given, `...` for any other value."""
    return [found.value.value if isinstance(found.value, Constant) else ... for found in settings.get(name)]


# Django.


def test_the_namespace_of_django_settings_is_taken_off(read: Read) -> None:
    settings = read(f"{DJANGO_APP}\n# file: shop/settings.py\nCELERY_TASK_TIME_LIMIT = 60\n")
    (found,) = settings.get("task_time_limit")
    assert (found.written, found.span.line) == ("CELERY_TASK_TIME_LIMIT", 1)
    assert isinstance(found.value, Constant)
    assert found.value.value == 60
    assert settings.unknown == ""


@pytest.mark.parametrize(
    ("line", "read_by_celery"),
    [
        ("CELERY_TASK_TIME_LIMIT = 60", True),
        ("CELERYD_TASK_TIME_LIMIT = 60", True),
        ("CELERY_TASK_TIME_LIMIT: int = 60", True),
        ("OTHER = CELERY_TASK_TIME_LIMIT = 60", True),
        ("if DEBUG:\n    CELERY_TASK_TIME_LIMIT = 60", True),
        ("try:\n    import x\nexcept ImportError:\n    CELERY_TASK_TIME_LIMIT = 60", True),
        ("class Production(Base):\n    CELERY_TASK_TIME_LIMIT = 60", True),
        ("TASK_TIME_LIMIT = 60", False),
        ("task_time_limit = 60", False),
        ("celery_task_time_limit = 60", False),
        ("SHARE_UPDATE_CELERY_TASK_TIME_LIMIT = 60", False),
        ("def f():\n    CELERY_TASK_TIME_LIMIT = 60", False),
        ("class TestSettings(Base):\n    CELERY_TASK_TIME_LIMIT = 60", False),
    ],
)
def test_which_names_count_in_django_settings(read: Read, line: str, read_by_celery: bool) -> None:
    settings = read(f"{DJANGO_APP}\n# file: shop/settings.py\n{line}\n")
    assert values(settings) == ([60] if read_by_celery else [])


@pytest.mark.parametrize(
    ("line", "read_by_celery"),
    [
        ("CELERYD_TASK_TIME_LIMIT = 60", True),
        ("CELERY_TASK_TIME_LIMIT = 60", False),
        ("TASK_TIME_LIMIT = 60", False),
    ],
)
def test_without_a_namespace_only_the_old_names_count_in_capitals(read: Read, line: str, read_by_celery: bool) -> None:
    app = DJANGO_APP.replace(', namespace="CELERY"', "")
    assert values(read(f"{app}\n# file: shop/settings.py\n{line}\n")) == ([60] if read_by_celery else [])


def test_another_namespace(read: Read) -> None:
    app = DJANGO_APP.replace('"CELERY"', '"JOBS"')
    settings = read(f"{app}\n# file: shop/settings.py\nJOBS_TASK_TIME_LIMIT = 60\nCELERY_TASK_TIME_LIMIT = 70\n")
    assert values(settings) == [60]


def test_the_settings_object_itself(read: Read) -> None:
    app = DJANGO_APP.replace('"django.conf:settings"', "settings").replace(
        "import os", "import os\nfrom django.conf import settings"
    )
    assert values(read(f"{app}\n# file: shop/settings.py\nCELERY_TASK_TIME_LIMIT = 60\n")) == [60]


def test_any_settings_file_of_the_project_counts(read: Read) -> None:
    """The settings that a server uses may be any of them; each that sets a limit is one."""
    settings = read(
        f"{DJANGO_APP}"
        "\n# file: shop/settings.py\nCELERY_TASK_SERIALIZER = 'json'\n"
        "\n# file: conf/production.py\nCELERY_TASK_TIME_LIMIT = 60\n"
        "\n# file: shop/settings_staging.py\nCELERY_TASK_TIME_LIMIT = 70\n"
    )
    assert sorted(str(value) for value in values(settings)) == ["60", "70"]


def test_a_settings_module_with_any_name_is_found_by_django_settings_module(read: Read) -> None:
    app = DJANGO_APP.replace("shop.settings", "shop.production")
    assert values(read(f"{app}\n# file: shop/production.py\nCELERY_TASK_TIME_LIMIT = 60\n")) == [60]
    assigned = app.replace(
        '.setdefault("DJANGO_SETTINGS_MODULE", "shop.production")', '["DJANGO_SETTINGS_MODULE"] = "shop.production"'
    )
    assert values(read(f"{assigned}\n# file: shop/production.py\nCELERY_TASK_TIME_LIMIT = 60\n")) == [60]


def test_star_imports_and_imported_names_between_settings_files(read: Read) -> None:
    settings = read(
        f"{DJANGO_APP}"
        "\n# file: shop/settings.py\nfrom shop.queues import *\nfrom shop.limits import CELERY_TASK_SOFT_TIME_LIMIT\n"
        "\n# file: shop/queues.py\nCELERY_TASK_TIME_LIMIT = 60\n"
        "\n# file: shop/limits.py\nCELERY_TASK_SOFT_TIME_LIMIT = 50\n"
    )
    assert values(settings) == [60]
    assert values(settings, "task_soft_time_limit") == [50]
    (soft,) = settings.get("task_soft_time_limit")
    assert soft.path.endswith("limits.py")


@pytest.mark.parametrize(
    "name", ["shop/test_settings.py", "tests/settings.py", "shop/settings/test.py", "shop/settings_ci.py"]
)
def test_settings_for_tests_do_not_count(read: Read, name: str) -> None:
    settings = read(
        f"{DJANGO_APP}\n# file: shop/settings.py\nX = 'CELERY'\n\n# file: {name}\nCELERY_TASK_TIME_LIMIT = 60\n"
    )
    assert values(settings) == []


def test_a_project_in_a_folder_named_tests_is_judged_by_its_inner_paths(tmp_path: Path) -> None:
    project = TemporaryProject.written(
        tmp_path / "tests", f"{DJANGO_APP}\n# file: shop/settings.py\nCELERY_TASK_TIME_LIMIT = 60\n"
    )
    assert values(project_of(project.root).settings) == [60]


def test_a_module_that_is_no_settings_file_sets_nothing(read: Read) -> None:
    settings = read(
        f"{DJANGO_APP}\n# file: shop/settings.py\nX = 'CELERY'\n"
        "\n# file: shop/catalogue.py\nCELERY_TASK_TIME_LIMIT = 60\n"
        "\n# file: shop/brokers.py\nbroker_url = 'sqla+sqlite:///celery.db'\nclass Broker:\n    broker_url = 'celery'\n"
    )
    assert values(settings) == []
    assert settings.get("broker_url") == ()


def test_a_property_of_a_settings_class_sets_an_unreadable_value(read: Read) -> None:
    settings = read(
        f"{DJANGO_APP}\n# file: shop/settings.py\nclass Base:\n    @property\n"
        f"    def CELERY_TASK_TIME_LIMIT(self):\n        return 3\n"
    )
    assert values(settings) == [...]


def test_a_project_without_an_app_has_django_settings(read: Read) -> None:
    settings = read("# file: shop/settings.py\nCELERY_TASK_TIME_LIMIT = 60\n")
    assert (settings.apps, settings.unknown) == ((), "")
    assert values(settings) == [60]


# What cannot be read.


@pytest.mark.parametrize(
    "line",
    [
        'app.config_from_envvar("CELERY_CONFIG")',
        'app.config_from_object(os.environ["CELERY_CONFIG"])',
        'app.config_from_object("elsewhere.config")',
        "app.config_from_object(make_config())",
        "app.conf.update(**options)",
        "app.conf.update(load())",
        "app.conf.update({**shared, 'task_serializer': 'json'})",
        "app.conf.update({**load(), 'task_serializer': 'json'})",
        'CONFIG = {}\nCONFIG["task_time_limit"] = 60\napp.conf.update(CONFIG)',
        "for key, value in load():\n    app.conf[key] = value",
        "for key, value in load():\n    setattr(app.conf, key, value)",
        "for key, value in load():\n    app.conf.setdefault(key, value)",
    ],
)
def test_a_source_that_cannot_be_read_is_said(read: Read, line: str) -> None:
    assert read(f"{PLAIN_APP}{line}\n").unknown


@pytest.mark.parametrize("line", ["from base_settings import *", "globals().update(load())", "locals().update(load())"])
def test_django_settings_that_cannot_be_read_are_said(read: Read, line: str) -> None:
    assert read(f"{DJANGO_APP}\n# file: shop/settings.py\nX = 'CELERY'\n{line}\n").unknown


def test_local_settings_that_no_repository_holds_are_not_missed(read: Read) -> None:
    text = (
        f"{DJANGO_APP}\n# file: shop/settings.py\ntry:\n"
        "    from .local_settings import *\nexcept ImportError:\n    pass\n"
    )
    assert read(text).unknown == ""


def test_django_settings_without_a_file_are_said(read: Read) -> None:
    assert read(DJANGO_APP).unknown


def test_an_app_class_of_a_package_is_an_app_whose_settings_are_unknown(read: Read) -> None:
    settings = read("# file: shop/__init__.py\nfrom company_utils.jobs import CompanyCelery\njobs = CompanyCelery()\n")
    assert [app.name for app in settings.apps] == ["shop.jobs"]
    assert "CompanyCelery" in settings.unknown


# app.conf.


@pytest.mark.parametrize(
    "line",
    [
        "app.conf.task_time_limit = 60",
        "app.conf.task_time_limit: int = 60",
        'app.conf["task_time_limit"] = 60',
        "app.conf.update(task_time_limit=60)",
        'app.conf.update({"task_time_limit": 60})',
        "app.conf.update(dict(task_time_limit=60))",
        "LIMITS = {'task_time_limit': 60}\napp.conf.update(LIMITS)",
        "app.conf.CELERYD_TASK_TIME_LIMIT = 60",
        "def configure(app):\n    app.conf.task_time_limit = 60",
        "if True:\n    app.conf.task_time_limit = 60",
        'app.config_from_object({"task_time_limit": 60})',
        'app.add_defaults({"task_time_limit": 60})',
        'app.conf.setdefault("task_time_limit", 60)',
        'setattr(app.conf, "task_time_limit", 60)',
        'SHARED = {"task_time_limit": 60}\napp.conf.update({**SHARED, "task_serializer": "json"})',
        'SHARED = {"task_time_limit": 60}\napp.conf.update(**SHARED)',
        "from celery.signals import celeryd_init\n@celeryd_init.connect\n"
        "def configure(conf=None, **options):\n    conf.task_time_limit = 60",
        "from celery import signals\n@signals.celeryd_after_setup.connect(sender='celery@slow')\n"
        "def configure(sender, instance, conf, **options):\n    conf['task_time_limit'] = 60",
        "from celery.signals import celeryd_init\n@celeryd_init.connect\n"
        "def configure(conf=None, **options):\n    conf.update(task_time_limit=60)",
    ],
)
def test_settings_of_the_app_object(read: Read, line: str) -> None:
    settings = read(f"{PLAIN_APP}{line}\n")
    assert values(settings) == [60]
    assert settings.unknown == ""


@pytest.mark.parametrize(
    "line",
    [
        "meeting.conf.task_time_limit = 60",
        "app.conf.TASK_TIME_LIMIT = 60",
        "app.task_time_limit = 60",
        'setattr(meeting.conf, "task_time_limit", 60)',
        "conf.task_time_limit = 60",
        "def configure(conf):\n    conf.task_time_limit = 60",
    ],
)
def test_what_is_no_setting_of_the_app(read: Read, line: str) -> None:
    assert values(read(f"{PLAIN_APP}{line}\n")) == []


def test_keywords_of_the_app(read: Read) -> None:
    settings = read(
        "# file: shop/celery.py\nfrom celery import Celery\n"
        "app = Celery('shop', broker='redis://', backend='rpc://', task_time_limit=60,\n"
        "             changes={'task_serializer': 'json'})\n"
    )
    assert values(settings, "broker_url") == ["redis://"]
    assert values(settings, "result_backend") == ["rpc://"]
    assert values(settings) == [60]
    assert values(settings, "task_serializer") == ["json"]


# Modules and classes.


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('"shop.jobs"', "task_time_limit = 60"),
        ('"shop.jobs:Jobs"', "class Jobs:\n    task_time_limit = 60"),
        ('"shop.jobs.Jobs"', "class Jobs:\n    task_time_limit = 60"),
        ("jobs", "task_time_limit = 60"),
        ("jobs.Jobs", "class Jobs:\n    task_time_limit = 60"),
        ("jobs.Jobs", "class Base:\n    task_time_limit = 60\nclass Jobs(Base):\n    pass"),
        ("jobs.Jobs()", "class Jobs:\n    task_time_limit: int = 60"),
        ("jobs.Jobs", "class Jobs:\n    CELERYD_TASK_TIME_LIMIT = 60"),
        ("jobs.current", "class Jobs:\n    task_time_limit = 60\ncurrent = Jobs()"),
        ("jobs.Site.CeleryJobs", "class Site:\n    class CeleryJobs:\n        task_time_limit = 60"),
    ],
)
def test_modules_and_classes_that_an_app_reads(read: Read, source: str, text: str) -> None:
    app = f"{PLAIN_APP}from shop import jobs\napp.config_from_object({source})\n"
    settings = read(f"{app}\n# file: shop/jobs.py\n{text}\n")
    assert values(settings) == [60]
    assert settings.unknown == ""


def test_a_class_that_no_app_reads_sets_nothing(read: Read) -> None:
    app = f"{PLAIN_APP}app.config_from_object('shop.jobs:Jobs')\n"
    settings = read(f"{app}\n# file: shop/jobs.py\nclass Jobs:\n    pass\nclass Other:\n    task_time_limit = 60\n")
    assert values(settings) == []


def test_a_class_with_an_unreadable_base_is_said(read: Read) -> None:
    app = f"{PLAIN_APP}app.config_from_object('shop.jobs:Jobs')\n"
    assert read(f"{app}\n# file: shop/jobs.py\nfrom company import Base\nclass Jobs(Base):\n    pass\n").unknown


def test_celeryconfig_is_read_by_its_name(read: Read) -> None:
    assert values(read(f"{PLAIN_APP}\n# file: celeryconfig.py\n# for Celery: celery\ntask_time_limit = 60\n")) == [60]


# Flask.


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('config_from_object(flask_app.config["CELERY"])', "class Config:\n    CELERY = {'task_time_limit': 60}"),
        ('conf.update(flask_app.config["CELERY"])', "class Config:\n    CELERY = dict(task_time_limit=60)"),
        ('conf.update(flask_app.config.get("CELERY", {}))', "CELERY = {'task_time_limit': 60}"),
        ("conf.update(flask_app.config)", "CELERYD_TASK_TIME_LIMIT = 60"),
        (
            'config_from_object(flask_app.config["CELERY"])',
            "class Config:\n    CELERY = {}\n    CELERY['task_time_limit'] = 60",
        ),
    ],
)
def test_flask_config_classes(read: Read, source: str, text: str) -> None:
    settings = read(
        "# file: shop/factory.py\nfrom celery import Celery\n"
        f"def make(flask_app):\n    celery = Celery(flask_app.name)\n    celery.{source}\n    return celery\n"
        f"\n# file: shop/config.py\n{text}\n"
    )
    assert values(settings) == [60]
    assert settings.unknown == ""


@pytest.mark.parametrize(
    "line",
    [
        "app.config.from_mapping(CELERY=dict(task_time_limit=60))",
        "app.config['CELERY'] = {'task_time_limit': 60}",
        "app.config.update(CELERY={'task_time_limit': 60})",
    ],
)
def test_flask_config_set_in_the_factory(read: Read, line: str) -> None:
    settings = read(
        "# file: shop/factory.py\nfrom celery import Celery\nfrom flask import Flask\n"
        f"def create_app():\n    app = Flask('shop')\n    {line}\n    init(app)\n    return app\n"
        "def init(app):\n    jobs = Celery(app.name)\n    jobs.config_from_object(app.config['CELERY'])\n"
    )
    assert values(settings) == [60]


# Apps and the base class of their tasks.


def origins(settings: Settings) -> list[tuple[str, str | None]]:
    return [(app.name, app.task_cls.origin if isinstance(app.task_cls, Reference) else None) for app in settings.apps]


@pytest.mark.parametrize("given", ['"shop.tasks:Base"', '"shop.tasks.Base"', "Base"])
def test_the_base_class_given_to_the_app(read: Read, given: str) -> None:
    settings = read(
        f"# file: shop/celery.py\nfrom celery import Celery\nfrom shop.tasks import Base\n"
        f"app = Celery(task_cls={given})\n"
    )
    assert origins(settings) == [("shop.celery.app", "shop.tasks.Base")]


def test_the_base_class_set_on_the_app(read: Read) -> None:
    settings = read(f"{PLAIN_APP}class Base(app.Task):\n    time_limit = 5\napp.Task = Base\n")
    assert origins(settings) == [("shop.celery.app", "shop.celery.Base")]


def test_the_base_class_that_a_subclass_of_celery_names(read: Read) -> None:
    settings = read(
        "# file: shop/celery.py\nfrom celery import Celery\nclass Jobs(Celery):\n"
        "    task_cls = 'shop.tasks:Base'\napp = Jobs()\n"
    )
    assert origins(settings) == [("shop.celery.app", "shop.tasks.Base")]


FACTORY = """
# file: shop/celery.py
from celery import Celery
def make(flask_app):
    celery = Celery(flask_app.name)
    TaskBase = celery.Task
    class ContextTask({base}):
        time_limit = 30
        def __call__(self, *args, **kwargs):
            with flask_app.app_context():
                return self.run(*args, **kwargs)
    celery.Task = ContextTask
    return celery
app = make(None)
@app.task
def send():
    pass
"""


@pytest.mark.parametrize("base", ["celery.Task", "TaskBase"])
def test_a_base_class_that_is_local_to_the_factory_is_read(write: Write, base: str) -> None:
    project = project_of(write(FACTORY.replace("{base}", base)).root)
    assert origins(project.settings) == [("shop.celery.app", "shop.celery.make.<locals>.ContextTask")]
    task = project.tasks.find("shop.celery.send")
    assert task is not None
    assert (task.literal("time_limit"), task.literal("max_retries"), task.unknown) == (30, None, "")


def test_an_app_that_lives_in_a_factory_only(read: Read) -> None:
    settings = read(
        "# file: shop/factory.py\nfrom celery import Celery, Task\n"
        "def init(app):\n    class FlaskTask(Task):\n        pass\n"
        "    jobs = Celery(app.name, task_cls=FlaskTask, broker='redis://')\n    return jobs\n"
    )
    assert origins(settings) == [("shop.factory.init.<locals>.jobs", "shop.factory.init.<locals>.FlaskTask")]
    assert values(settings, "broker_url") == ["redis://"]


def test_an_app_in_the_tests_is_not_the_projects(read: Read) -> None:
    assert read(PLAIN_APP.replace("shop/celery.py", "tests/celery.py")).apps == ()


# Annotations.


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ('{"shop.tasks.send": {"time_limit": 5}}', 5),
        ('{"*": {"time_limit": 5}}', 5),
        ('{"*": {"time_limit": 7}, "shop.tasks.send": {"time_limit": 5}}', 5),
        ('[{"other": {"time_limit": 7}}, {"*": {"time_limit": 5}}]', 5),
        ('{"other": {"time_limit": 5}}', None),
        ('{"*": {"rate_limit": "1/s"}}', None),
        ("None", None),
        ("make()", ...),
        ("{**others}", ...),
        ('{"*": LIMITS.copy()}', ...),
        ("{NAME(): {}}", ...),
        ("{NAME: {'time_limit': 5}}", 5),
        ("{OTHER: {'time_limit': 5}}", None),
    ],
)
def test_annotations_of_tasks(read: Read, annotations: str, expected: object) -> None:
    names = 'NAME = "shop.tasks.send"\nOTHER = "shop.tasks.other"\n'
    settings = read(f"{PLAIN_APP}{names}app.conf.task_annotations = {annotations}\n")
    found = settings.annotated("shop.tasks.send", "time_limit")
    if expected is ...:
        assert isinstance(found, Opaque)
    else:
        assert (found.value if isinstance(found, Constant) else None) == expected


# Files.


def test_the_settings_of_one_file_come_in_the_order_of_the_text(write: Write) -> None:
    written = write(
        f"{DJANGO_APP}\n# file: shop/settings.py\nCELERY_TASK_TIME_LIMIT = 60\n"
        f"CELERY_ACCEPT_CONTENT = ['json']\nCELERY_TASK_TIME_LIMIT = 70\n"
    )
    found = project_of(written.root).settings.of_file(str(written.root / "shop/settings.py"))
    assert [(each.name, each.span.line) for each in found] == [
        ("task_time_limit", 1),
        ("accept_content", 2),
        ("task_time_limit", 3),
    ]


def test_a_limit_written_into_the_settings_shows_at_once(write: Write) -> None:
    written = write(f"{DJANGO_APP}\n# file: shop/settings.py\nX = 'CELERY'\n")
    path = str(written.root / "shop/settings.py")
    overlaid = Project(written.root, Config(), overlay={path: b"CELERY_TASK_TIME_LIMIT = 60\n"})
    assert values(project_of(written.root).settings) == []
    assert values(overlaid.settings) == [60]


# ATOMIC_REQUESTS.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": True}}', True),
        ('DATABASES = {"default": {**env.db(), "ATOMIC_REQUESTS": True}}', True),
        ('DATABASES = {"default": dict(env.db(), ATOMIC_REQUESTS=True)}', True),
        ('DATABASES = {"default": env.db()}\nDATABASES["default"]["ATOMIC_REQUESTS"] = True', True),
        ('DATABASES = {}\nDATABASES["default"] = {"ATOMIC_REQUESTS": True}', True),
        ('DATABASES = {"default": env.db()}\nDATABASES["default"].update(ATOMIC_REQUESTS=True)', True),
        ('for database in DATABASES.values():\n    database["ATOMIC_REQUESTS"] = True', True),
        ('MAIN = {"ATOMIC_REQUESTS": True}\nDATABASES = {"default": MAIN}', True),
        ('class Base:\n    DATABASES = {"default": {"ATOMIC_REQUESTS": True}}', True),
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": env.bool("ATOMIC", default=True)}}', True),
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": env.bool("ATOMIC", default=False)}}', False),
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": False}}', False),
        ('DATABASES = {"default": {}}', False),
        ("ATOMIC_REQUESTS = True", False),
        ('CACHES = {"default": {"ATOMIC_REQUESTS": True}}', False),
    ],
)
def test_atomic_requests(read: Read, text: str, expected: bool) -> None:
    assert read(f"# file: shop/settings.py\n{text}\n").atomic_requests is expected


def test_atomic_requests_of_the_tests_do_not_count(read: Read) -> None:
    assert not read('# file: tests/settings.py\nDATABASES = {"default": {"ATOMIC_REQUESTS": True}}\n').atomic_requests
