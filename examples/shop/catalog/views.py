import json
from decimal import Decimal

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from .models import Product, Supplier
from .services import change_photo, change_price, refresh_supplier, search


@require_GET
def product_search(request: HttpRequest) -> JsonResponse:
    entries = search(request.GET.get("q", ""))[:50]
    return JsonResponse(
        {
            "products": [
                {"sku": entry.product.sku, "name": entry.product.name, "price": str(entry.price)}
                for entry in entries
            ]
        }
    )


@require_POST
def price(request: HttpRequest, sku: str) -> JsonResponse:
    product = get_object_or_404(Product, sku=sku)
    change_price(product, Decimal(json.loads(request.body)["price"]))
    return JsonResponse({})


@require_POST
def photo(request: HttpRequest, sku: str) -> JsonResponse:
    product = get_object_or_404(Product, sku=sku)
    change_photo(product, json.loads(request.body)["url"])
    return JsonResponse({}, status=202)


@require_POST
def refresh(request: HttpRequest, pk: int) -> JsonResponse:
    refresh_supplier(get_object_or_404(Supplier, pk=pk))
    return JsonResponse({}, status=202)
