from collections.abc import Mapping
from functools import partial

from django.db import transaction
from django.db.models import F

from catalog.models import Product

from .models import Order, OrderLine
from .tasks import refund_order, send_confirmation


class SoldOut(Exception):
    pass


def place_order(email: str, quantities: Mapping[str, int]) -> Order:
    """Create an order of the products `quantities` (SKU to number of pieces); raises SoldOut."""
    with transaction.atomic():
        products = list(Product.objects.select_for_update().filter(sku__in=quantities))
        in_stock = {product.sku for product in products if product.stock >= quantities[product.sku]}
        if missing := quantities.keys() - in_stock:
            raise SoldOut(", ".join(sorted(missing)))
        total = sum(product.price * quantities[product.sku] for product in products)
        order = Order.objects.create(email=email, total=total)
        for product in products:
            quantity = quantities[product.sku]
            OrderLine.objects.create(
                order=order, product=product, quantity=quantity, price=product.price
            )
            Product.objects.filter(pk=product.pk).update(stock=F("stock") - quantity)
        send_confirmation.delay(order.pk)
    return order


def cancel_order(order: Order) -> None:
    with transaction.atomic():
        order.status = Order.Status.CANCELLED
        order.save(update_fields=["status"])
        for line in order.lines.all():
            Product.objects.filter(pk=line.product_id).update(stock=F("stock") + line.quantity)
        if order.payment_reference:
            transaction.on_commit(partial(refund_order.delay, order.pk))
