import json
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from .models import Issue, Subscriber
from .tasks import ask_for_confirmation, remove_from_mailing_list, send_issue


@require_POST
def subscribe(request: HttpRequest) -> JsonResponse:
    email = json.loads(request.body)["email"]
    with transaction.atomic():
        subscriber, _ = Subscriber.objects.update_or_create(email=email, defaults={"active": True})
        ask_for_confirmation.delay_on_commit(subscriber.pk)
    return JsonResponse({}, status=202)


@require_GET
def confirm(request: HttpRequest, token: str) -> JsonResponse:
    try:
        pk = signing.loads(token, salt="newsletter", max_age=timedelta(days=30))
    except signing.BadSignature as error:
        raise Http404 from error
    Subscriber.objects.filter(pk=pk, confirmed=None).update(confirmed=timezone.now())
    return JsonResponse({})


@require_POST
@transaction.atomic
def unsubscribe(request: HttpRequest) -> JsonResponse:
    email = json.loads(request.body)["email"]
    subscriber = get_object_or_404(Subscriber, email=email)
    subscriber.active = False
    subscriber.save(update_fields=["active"])
    remove_from_mailing_list.delay(subscriber.pk)
    return JsonResponse({})


@require_POST
def send(request: HttpRequest, pk: int) -> JsonResponse:
    issue = get_object_or_404(Issue, pk=pk, sent=None)
    send_issue.delay(issue.pk)
    return JsonResponse({}, status=202)
