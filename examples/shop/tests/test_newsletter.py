from datetime import timedelta
from urllib.parse import urlsplit

from django.core import mail
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from newsletter.models import Issue, Subscriber
from newsletter.tasks import prune_unconfirmed, remind_unconfirmed

from .partner import PartnerMixin


class NewsletterTests(PartnerMixin, TestCase):
    def subscriber(self, email, days=0, **values):
        subscriber = Subscriber.objects.create(email=email, **values)
        Subscriber.objects.filter(pk=subscriber.pk).update(
            created=timezone.now() - timedelta(days=days)
        )
        return subscriber

    def post(self, name, data=None, **kwargs):
        url = reverse(name, kwargs=kwargs)
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(url, data or {}, content_type="application/json")

    def test_a_new_subscriber_is_asked_to_confirm(self):
        self.post("newsletter-subscribe", {"email": "ann@example.com"})
        subscriber = Subscriber.objects.get()
        self.client.get(urlsplit(mail.outbox[0].body).path)
        subscriber.refresh_from_db()
        self.assertIsNotNone(subscriber.confirmed)

    def test_a_made_up_confirmation_is_not_found(self):
        subscriber = self.subscriber("ann@example.com")
        response = self.client.get(
            reverse("newsletter-confirm", kwargs={"token": str(subscriber.pk)})
        )
        self.assertEqual(response.status_code, 404)
        subscriber.refresh_from_db()
        self.assertIsNone(subscriber.confirmed)

    def test_an_unsubscribed_reader_leaves_the_mailing_list_too(self):
        self.subscriber("ann@example.com")
        self.partner.answers["DELETE /ann@example.com"] = {}
        self.post("newsletter-unsubscribe", {"email": "ann@example.com"})
        self.assertFalse(Subscriber.objects.get().active)
        self.assertEqual(self.partner.requests, [("DELETE /ann@example.com", None)])

    def test_an_issue_goes_once_to_every_active_confirmed_reader(self):
        now = timezone.now()
        self.subscriber("ann@example.com", confirmed=now)
        self.subscriber("bob@example.com", confirmed=now)
        self.subscriber("eve@example.com", confirmed=now, active=False)
        self.subscriber("joe@example.com")
        issue = Issue.objects.create(subject="May", text="News")
        for status in 202, 404:
            response = self.post("newsletter-send", pk=issue.pk)
            self.assertEqual(response.status_code, status)
        self.assertEqual(
            sorted(message.to[0] for message in mail.outbox), ["ann@example.com", "bob@example.com"]
        )

    def test_the_unconfirmed_are_reminded_after_a_week_and_removed_after_a_month(self):
        for name, days in ("ann", 1), ("bob", 8), ("eve", 31):
            self.subscriber(f"{name}@example.com", days)
        prune_unconfirmed.delay()
        remind_unconfirmed.delay()
        self.assertEqual([message.to for message in mail.outbox], [["bob@example.com"]])
        self.assertEqual(Subscriber.objects.count(), 2)
