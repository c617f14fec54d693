import os
import tempfile
from pathlib import Path

from .base import *  # noqa: F403

# A file, because the worker thread of the tests has a connection of its own.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
        "TEST": {"NAME": Path(tempfile.gettempdir()) / f"shop-test-{os.getpid()}.sqlite3"},
    }
}

CELERY_BROKER_URL = "memory://"
CELERY_RESULT_BACKEND = "cache+memory://"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.02}
