import json

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from .models import Order
from .services import SoldOut, cancel_order, place_order
from .tasks import ship_order


@require_POST
def place(request: HttpRequest) -> JsonResponse:
    data = json.loads(request.body)
    try:
        order = place_order(data["email"], data["products"])
    except SoldOut as error:
        return JsonResponse({"sold out": str(error)}, status=409)
    return JsonResponse({"order": order.pk, "total": str(order.total)}, status=201)


@require_GET
def detail(request: HttpRequest, pk: int) -> JsonResponse:
    order = get_object_or_404(Order, pk=pk)
    return JsonResponse({"status": order.status, "tracking": order.tracking_number})


@require_POST
def ship(request: HttpRequest, pk: int) -> JsonResponse:
    order = get_object_or_404(Order, pk=pk, status=Order.Status.PAID)
    ship_order.delay(order.pk)
    return JsonResponse({}, status=202)


@require_POST
def cancel(request: HttpRequest, pk: int) -> JsonResponse:
    order = get_object_or_404(Order, pk=pk, status__in=[Order.Status.PLACED, Order.Status.PAID])
    cancel_order(order)
    return JsonResponse({"status": order.status})
