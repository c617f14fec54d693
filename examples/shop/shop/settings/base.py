"""Settings that every environment shares; on their own they serve a developer's machine."""

from pathlib import Path

from celery.schedules import crontab

BASE_DIR = Path(__file__).resolve().parent.parent.parent

SECRET_KEY = "only-for-development"
DEBUG = True
ALLOWED_HOSTS = ["localhost"]

INSTALLED_APPS = [
    "catalog",
    "orders",
    "newsletter",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
TIME_ZONE = "Europe/Vienna"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
    }
}

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = "shop@example.com"
REPORT_EMAIL = "office@example.com"

PAYMENT_URL = "http://localhost:9001"
WAREHOUSE_URL = "http://localhost:9002"
CARRIER_URL = "http://localhost:9003"
MAILING_LIST_URL = "http://localhost:9004"

CELERY_BROKER_URL = "redis://localhost:6379/0"
CELERY_RESULT_BACKEND = "redis://localhost:6379/1"
CELERY_RESULT_EXPIRES = 3600
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json", "pickle"]
CELERY_BEAT_SCHEDULE = {
    "import-supplier-feeds": {
        "task": "catalog.tasks.import_feeds",
        "schedule": crontab(minute=0, hour="*/6"),
    },
    "release-unpaid-orders": {
        "task": "orders.tasks.release_unpaid_orders",
        "schedule": crontab(minute="*/15"),
    },
    "daily-sales-report": {
        "task": "orders.tasks.daily_sales_report",
        "schedule": crontab(hour=3),
    },
    "remind-unconfirmed-subscribers": {
        "task": "newsletter.tasks.remind_unconfirmed",
        "schedule": crontab(minute=30, hour=8),
    },
    "prune-unconfirmed-subscribers": {
        "task": "newsletter.tasks.prune_unconfirmed",
        "schedule": crontab(minute=15, hour=4, day_of_week="sunday"),
    },
}
