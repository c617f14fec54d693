from decimal import Decimal

from django.test import TestCase
from django.urls import reverse

from catalog.models import Product, Supplier
from catalog.tasks import import_feeds

from .partner import PartnerMixin


class CatalogTests(PartnerMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.supplier = Supplier.objects.create(name="Acme", feed_url=self.partner.url)

    def product(self, sku="cup", price="4.50"):
        return Product.objects.create(
            supplier=self.supplier, sku=sku, name="Cup", price=Decimal(price)
        )

    def post(self, name, data, **kwargs):
        return self.client.post(reverse(name, kwargs=kwargs), data, content_type="application/json")

    def test_imported_products_are_found_by_the_search(self):
        self.partner.answers["GET /products"] = [
            {"sku": "cup", "name": "Blue cup", "price": "4.50"},
            {"sku": "pot", "name": "Blue pot", "price": "19.00"},
        ]
        import_feeds.delay()
        found = self.client.get(reverse("product-search"), {"q": "blue pot"}).json()
        self.assertEqual(
            found, {"products": [{"sku": "pot", "name": "Blue pot", "price": "19.00"}]}
        )

    def test_a_second_import_changes_the_products_of_the_first(self):
        for price in "4.50", "4.90":
            self.partner.answers["GET /products"] = [{"sku": "cup", "name": "Cup", "price": price}]
            import_feeds.delay()
        self.assertEqual(Product.objects.get().price, Decimal("4.90"))

    def test_a_changed_price_reaches_the_search(self):
        self.product()
        self.post("product-price", {"price": "5.20"}, sku="cup")
        found = self.client.get(reverse("product-search"), {"q": "cup"}).json()
        self.assertEqual(found["products"][0]["price"], "5.20")

    def test_a_photo_is_copied(self):
        product = self.product()
        self.partner.answers["GET /cup.jpg"] = "picture"
        self.post("product-photo", {"url": f"{self.partner.url}/cup.jpg"}, sku="cup")
        product.refresh_from_db()
        self.assertEqual(bytes(product.photo), b'"picture"')

    def test_prices_of_a_supplier_are_refreshed_with_one_request(self):
        for sku in "cup", "pot", "pan":
            self.product(sku)
        self.partner.answers["GET /prices"] = {"cup": "1.00", "pot": "2.00"}
        self.post("supplier-refresh", {}, pk=self.supplier.pk)
        prices = dict(Product.objects.values_list("sku", "price"))
        self.assertEqual(
            prices, {"cup": Decimal("1.00"), "pot": Decimal("2.00"), "pan": Decimal("4.50")}
        )
        self.assertEqual(self.partner.requests, [("GET /prices", None)])
