from datetime import timedelta
from decimal import Decimal

from django.core import mail
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product, Supplier
from orders.models import Order
from orders.tasks import daily_sales_report, delay_before_retry, release_unpaid_orders

from .partner import PartnerMixin


class OrderTests(PartnerMixin, TestCase):
    def setUp(self):
        super().setUp()
        supplier = Supplier.objects.create(name="Acme", feed_url=self.partner.url)
        self.cup = Product.objects.create(
            supplier=supplier, sku="cup", name="Cup", price=Decimal("4.50"), stock=3
        )

    def post(self, name, data=None, **kwargs):
        url = reverse(name, kwargs=kwargs)
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(url, data or {}, content_type="application/json")

    def place(self, quantity=2):
        self.partner.answers["POST /charges"] = {"id": "ch-1"}
        pk = Order.objects.count() + 1
        for number in range(pk, pk + 3):
            self.partner.answers[f"PUT /picks/{number}"] = {}
        return self.post("order-place", {"email": "ann@example.com", "products": {"cup": quantity}})

    def test_an_order_is_confirmed_charged_and_picked(self):
        response = self.place()
        self.assertEqual(response.status_code, 201)
        order = Order.objects.get()
        self.assertEqual((order.status, order.total), (Order.Status.PAID, Decimal("9.00")))
        self.assertEqual([message.to for message in mail.outbox], [["ann@example.com"]])
        self.assertIn("2 x Cup (cup): 9.00 EUR", mail.outbox[0].body)
        self.assertEqual(
            self.partner.requests,
            [
                ("POST /charges", {"amount": "9.00", "currency": "EUR"}),
                (f"PUT /picks/{order.pk}", {"lines": [{"sku": "cup", "quantity": 2}]}),
            ],
        )
        self.cup.refresh_from_db()
        self.assertEqual(self.cup.stock, 1)

    def test_a_sold_out_product_stops_the_order(self):
        self.assertEqual(self.place(quantity=4).status_code, 409)
        self.assertFalse(Order.objects.exists())
        self.assertEqual(mail.outbox, [])

    def test_an_unknown_product_stops_the_order(self):
        response = self.post("order-place", {"email": "ann@example.com", "products": {"fork": 1}})
        self.assertEqual((response.status_code, response.json()), (409, {"sold out": "fork"}))

    def test_a_shipped_order_has_a_tracking_number(self):
        self.place()
        self.partner.answers["POST /parcels"] = {"tracking": "T-77"}
        pk = Order.objects.get().pk
        self.post("order-ship", pk=pk)
        detail = self.client.get(reverse("order-detail", kwargs={"pk": pk})).json()
        self.assertEqual(detail, {"status": "shipped", "tracking": "T-77"})

    def test_a_paid_order_that_is_cancelled_is_refunded(self):
        self.place()
        self.partner.answers["POST /refunds"] = {"id": "re-1"}
        self.post("order-cancel", pk=Order.objects.get().pk)
        order = Order.objects.get()
        self.assertEqual((order.status, order.refund_reference), (Order.Status.CANCELLED, "re-1"))
        self.cup.refresh_from_db()
        self.assertEqual(self.cup.stock, 3)

    def test_unpaid_orders_are_released_after_two_days(self):
        for hours in 47, 49:
            order = Order.objects.create(email="ann@example.com", total=1)
            Order.objects.filter(pk=order.pk).update(
                created=timezone.now() - timedelta(hours=hours)
            )
        release_unpaid_orders.delay()
        statuses = Order.objects.order_by("pk").values_list("status", flat=True)
        self.assertEqual(list(statuses), [Order.Status.PLACED, Order.Status.CANCELLED])

    def test_the_daily_report_counts_yesterdays_paid_orders(self):
        for days, status in (1, "paid"), (1, "shipped"), (1, "placed"), (2, "paid"):
            order = Order.objects.create(
                email="ann@example.com", total=Decimal("7.50"), status=status
            )
            Order.objects.filter(pk=order.pk).update(created=timezone.now() - timedelta(days=days))
        daily_sales_report.apply()
        self.assertIn("2 orders, 15.00 EUR", mail.outbox[0].body)

    def test_retries_wait_longer_each_time_and_never_all_equally_long(self):
        for retries, shortest, longest in (0, 15, 30), (1, 30, 60), (20, 1800, 3600):
            delays = {delay_before_retry(retries) for _ in range(200)}
            self.assertGreater(len(delays), 1)
            self.assertTrue(delays <= set(range(shortest, longest + 1)))
