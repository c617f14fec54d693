import random
from datetime import timedelta
from decimal import Decimal
from smtplib import SMTPException

import requests
from celery import shared_task
from celery.utils.log import get_task_logger
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Sum
from django.utils import timezone

from .models import Order

logger = get_task_logger(__name__)


@shared_task(bind=True, max_retries=5, time_limit=60)
def send_confirmation(self, order_pk):
    order = Order.objects.get(pk=order_pk)
    lines = "\n".join(
        f"{line}: {line.amount} EUR" for line in order.lines.select_related("product")
    )
    try:
        send_mail(
            f"Your order {order.pk}",
            f"Thank you!\n\n{lines}\n\nTotal: {order.total} EUR",
            settings.DEFAULT_FROM_EMAIL,
            [order.email],
        )
    except SMTPException:
        raise self.retry(countdown=delay_before_retry(self.request.retries))


@shared_task(
    autoretry_for=(requests.RequestException,),
    max_retries=6,
    retry_backoff=15,
    retry_jitter=True,
    time_limit=60,
)
def charge_order(order_pk):
    order = Order.objects.get(pk=order_pk)
    if order.payment_reference or order.status == Order.Status.CANCELLED:
        return
    response = requests.post(
        f"{settings.PAYMENT_URL}/charges",
        json={"amount": str(order.total), "currency": "EUR"},
        headers={"Idempotency-Key": f"charge-{order.pk}"},
        timeout=10,
    )
    response.raise_for_status()
    order.payment_reference = response.json()["id"]
    order.status = Order.Status.PAID
    order.save(update_fields=["payment_reference", "status"])
    notify_warehouse.delay(order.pk)


@shared_task(
    autoretry_for=(requests.RequestException,),
    max_retries=None,
    retry_backoff=30,
    time_limit=60,
)
def refund_order(order_pk):
    order = Order.objects.get(pk=order_pk)
    response = requests.post(
        f"{settings.PAYMENT_URL}/refunds",
        json={"charge": order.payment_reference},
        headers={"Idempotency-Key": f"refund-{order.pk}"},
        timeout=10,
    )
    response.raise_for_status()
    order.refund_reference = response.json()["id"]
    order.save(update_fields=["refund_reference"])


@shared_task(bind=True, time_limit=60)
def notify_warehouse(self, order_pk):
    order = Order.objects.get(pk=order_pk)
    lines = [
        {"sku": line.product.sku, "quantity": line.quantity}
        for line in order.lines.select_related("product")
    ]
    try:
        response = requests.put(
            f"{settings.WAREHOUSE_URL}/picks/{order.pk}", json={"lines": lines}, timeout=10
        )
        response.raise_for_status()
    except requests.RequestException as error:
        raise self.retry(exc=error, countdown=delay_before_retry(self.request.retries)) from error


@shared_task(time_limit=60)
def ship_order(order_pk):
    order = Order.objects.get(pk=order_pk)
    order.status = Order.Status.SHIPPED
    order.save()
    response = requests.post(
        f"{settings.CARRIER_URL}/parcels", json={"reference": str(order.pk)}, timeout=10
    )
    response.raise_for_status()
    order.tracking_number = response.json()["tracking"]
    order.save()


@shared_task
def release_unpaid_orders():
    from .services import cancel_order

    limit = timezone.now() - timedelta(days=2)
    orders = Order.objects.filter(status=Order.Status.PLACED, created__lt=limit)
    for order in orders:
        cancel_order(order)
        logger.info("%s was not paid", order)


@shared_task(time_limit=300)
def daily_sales_report():
    yesterday = timezone.localdate() - timedelta(days=1)
    paid = Order.objects.filter(
        created__date=yesterday, status__in=[Order.Status.PAID, Order.Status.SHIPPED]
    )
    total = paid.aggregate(total=Sum("total"))["total"] or Decimal(0)
    text = f"{paid.count()} orders, {total:.2f} EUR"
    return mail_report.delay(f"Sales of {yesterday}", text).get(timeout=60)


@shared_task(time_limit=60)
def mail_report(subject, text):
    return send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [settings.REPORT_EMAIL])


def delay_before_retry(retries: int) -> int:
    """Seconds: half a minute at first, twice as much each time, spread over the second half."""
    longest = min(30 * 2**retries, 3600)
    return random.randint(longest // 2, longest)
