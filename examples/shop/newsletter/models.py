from django.core import signing
from django.db import models


class Subscriber(models.Model):
    email = models.EmailField(unique=True)
    active = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)
    confirmed = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.email

    @property
    def token(self) -> str:
        return signing.dumps(self.pk, salt="newsletter")


class Issue(models.Model):
    subject = models.CharField(max_length=200)
    text = models.TextField()
    sent = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.subject
