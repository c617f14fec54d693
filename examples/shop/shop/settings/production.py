import os

from .base import *  # noqa: F403

SECRET_KEY = os.environ.get("SECRET_KEY", "")
DEBUG = False
ALLOWED_HOSTS = ["shop.example.com"]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "db.example.com",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": os.environ.get("DATABASE_PASSWORD", ""),
    }
}

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "mail.example.com"

PAYMENT_URL = "https://payments.example.com"
WAREHOUSE_URL = "https://warehouse.example.com"
CARRIER_URL = "https://carrier.example.com"
MAILING_LIST_URL = "https://lists.example.com"

# The operators run one PostgreSQL server for us; the password comes from ~/.pgpass.
CELERY_BROKER_URL = "sqla+postgresql+psycopg://shop@db.example.com/queue"
CELERY_RESULT_BACKEND = "redis://cache.example.com:6379/1"
