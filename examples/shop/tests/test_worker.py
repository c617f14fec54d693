"""The same tasks over the in-memory broker, in a real worker that runs in a thread."""

from decimal import Decimal
from time import monotonic, sleep

from celery.contrib.testing.worker import start_worker
from django.core import mail
from django.test import TransactionTestCase
from django.urls import reverse

from catalog.models import Product, Supplier
from catalog.services import change_price
from catalog.tasks import refresh_prices
from orders.models import Order
from shop.celery import app

from .partner import PartnerMixin


class WorkerTests(PartnerMixin, TransactionTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        app.conf.task_always_eager = False
        cls.addClassCleanup(setattr, app.conf, "task_always_eager", True)
        cls.enterClassContext(start_worker(app, pool="solo", perform_ping_check=False))

    def setUp(self):
        super().setUp()
        supplier = Supplier.objects.create(name="Acme", feed_url=self.partner.url)
        self.cup = Product.objects.create(
            supplier=supplier, sku="cup", name="Cup", price=Decimal("4.50")
        )

    def wait_for(self, condition):
        end = monotonic() + 20
        while not condition():
            self.assertLess(monotonic(), end, "the worker took too long")
            sleep(0.05)

    def test_a_task_runs_in_the_worker_and_gives_its_result_back(self):
        self.partner.answers["GET /prices"] = {"cup": "5.00"}
        result = refresh_prices.delay(self.cup.supplier_id, [self.cup.pk])
        self.assertEqual(result.get(timeout=20), 1)
        self.cup.refresh_from_db()
        self.assertEqual(self.cup.price, Decimal("5.00"))

    def test_a_product_reaches_the_search_through_the_broker(self):
        change_price(self.cup, Decimal("5.00"))
        url = reverse("product-search")
        self.wait_for(lambda: self.client.get(url, {"q": "cup"}).json()["products"])
        self.assertEqual(self.client.get(url).json()["products"][0]["price"], "5.00")

    def test_a_new_order_is_charged_and_picked(self):
        self.partner.answers["POST /charges"] = {"id": "ch-1"}
        order = Order.objects.create(email="ann@example.com", total=Decimal("4.50"))
        self.partner.answers[f"PUT /picks/{order.pk}"] = {}
        self.wait_for(lambda: len(self.partner.requests) == 2)
        order.refresh_from_db()
        self.assertEqual((order.status, order.payment_reference), (Order.Status.PAID, "ch-1"))

    def test_a_subscriber_is_asked_to_confirm_after_the_commit(self):
        self.client.post(
            reverse("newsletter-subscribe"),
            {"email": "ann@example.com"},
            content_type="application/json",
        )
        self.wait_for(lambda: mail.outbox)
        self.assertEqual(mail.outbox[0].to, ["ann@example.com"])
