from decimal import Decimal

from django.db.models import QuerySet

from .models import Product, SearchEntry, Supplier
from .tasks import fetch_photo, index_product, refresh_prices


def search(words: str) -> QuerySet[SearchEntry]:
    entries = SearchEntry.objects.select_related("product").order_by("price")
    for word in words.split():
        entries = entries.filter(text__icontains=word)
    return entries


def change_price(product: Product, price: Decimal) -> None:
    product.price = price
    product.save(update_fields=["price"])
    index_product.delay(product)


def change_photo(product: Product, url: str) -> None:
    product.photo_url = url
    product.save(update_fields=["photo_url"])
    fetch_photo.delay(product.pk)


def refresh_supplier(supplier: Supplier) -> None:
    pks = list(supplier.products.values_list("pk", flat=True))
    refresh_prices.delay(supplier.pk, pks)
