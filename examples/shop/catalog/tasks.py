from decimal import Decimal

import requests
from celery import group, shared_task
from celery.utils.log import get_task_logger

from .models import Product, SearchEntry, Supplier

logger = get_task_logger(__name__)


@shared_task(serializer="pickle", ignore_result=True, time_limit=30)
def index_product(product):
    text = " ".join([product.name, product.sku, product.description]).lower()
    SearchEntry.objects.update_or_create(
        product_id=product.pk,
        defaults={"text": text, "price": product.price},
    )


@shared_task(ignore_result=True, time_limit=60, ratelimit="30/m")
def fetch_photo(product_pk):
    """Copy a product's photo; the supplier's server allows thirty downloads a minute."""
    product = Product.objects.get(pk=product_pk)
    response = requests.get(product.photo_url, timeout=20)
    response.raise_for_status()
    product.photo = response.content
    product.save(update_fields=["photo"])


@shared_task(time_limit=120)
def refresh_prices(supplier_pk, product_pks):
    supplier = Supplier.objects.get(pk=supplier_pk)
    response = requests.get(f"{supplier.feed_url}/prices", timeout=30)
    response.raise_for_status()
    prices = response.json()
    products = list(Product.objects.filter(pk__in=product_pks, sku__in=prices))
    for product in products:
        product.price = Decimal(prices[product.sku])
    Product.objects.bulk_update(products, ["price"])
    return len(products)


@shared_task(time_limit=60)
def import_feeds():
    pks = Supplier.objects.values_list("pk", flat=True)
    group(import_feed.si(pk) for pk in pks).delay()


@shared_task(autoretry_for=(requests.RequestException,), max_retries=5, time_limit=300)
def import_feed(supplier_pk):
    supplier = Supplier.objects.get(pk=supplier_pk)
    response = requests.get(f"{supplier.feed_url}/products", timeout=60)
    response.raise_for_status()
    rows = response.json()
    for row in rows:
        product, _ = Product.objects.update_or_create(
            sku=row["sku"],
            defaults={"supplier": supplier, "name": row["name"], "price": Decimal(row["price"])},
        )
        index_product.delay(product)
    logger.info("%s: %d products", supplier, len(rows))
    return len(rows)
