from datetime import timedelta
from smtplib import SMTPException

import requests
from celery import group, shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from .models import Issue, Subscriber


@shared_task(time_limit=3600, soft_time_limit=3500)
def send_issue(issue_pk):
    issue = Issue.objects.get(pk=issue_pk)
    readers = Subscriber.objects.filter(active=True, confirmed__isnull=False)
    for reader in readers:
        send_mail(issue.subject, issue.text, settings.DEFAULT_FROM_EMAIL, [reader.email])
    issue.sent = timezone.now()
    issue.save(update_fields=["sent"])


@shared_task(
    autoretry_for=(SMTPException,),
    max_retries=5,
    retry_backoff=60,
    time_limit=60,
)
def ask_for_confirmation(subscriber_pk):
    subscriber = Subscriber.objects.get(pk=subscriber_pk)
    if subscriber.confirmed:
        return
    link = f"https://shop.example.com/newsletter/confirm/{subscriber.token}/"
    send_mail("Please confirm", link, settings.DEFAULT_FROM_EMAIL, [subscriber.email])


@shared_task(time_limit=60)
def remind_unconfirmed():
    week = timezone.now() - timedelta(days=7)
    pks = Subscriber.objects.filter(confirmed=None, created__lt=week).values_list("pk", flat=True)
    group(ask_for_confirmation.si(pk) for pk in pks).delay()


@shared_task
def prune_unconfirmed():
    month = timezone.now() - timedelta(days=30)
    Subscriber.objects.filter(confirmed=None, created__lt=month).delete()


@shared_task(
    autoretry_for=(requests.RequestException,),
    max_retries=5,
    retry_backoff=30,
    retry_jitter=False,
    time_limit=30,
)
def remove_from_mailing_list(subscriber_pk):
    subscriber = Subscriber.objects.get(pk=subscriber_pk)
    response = requests.delete(f"{settings.MAILING_LIST_URL}/{subscriber.email}", timeout=10)
    response.raise_for_status()
