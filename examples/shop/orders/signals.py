from functools import partial

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from .models import Order
from .tasks import charge_order


@receiver(post_save, sender=Order)
def charge_new_order(sender, instance, created, **kwargs):
    if created:
        transaction.on_commit(partial(charge_order.delay, instance.pk))
