from django.urls import path

from . import views

urlpatterns = [
    path("subscribe/", views.subscribe, name="newsletter-subscribe"),
    path("confirm/<str:token>/", views.confirm, name="newsletter-confirm"),
    path("unsubscribe/", views.unsubscribe, name="newsletter-unsubscribe"),
    path("issues/<int:pk>/send/", views.send, name="newsletter-send"),
]
