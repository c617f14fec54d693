from django.urls import path

from . import views

urlpatterns = [
    path("", views.place, name="order-place"),
    path("<int:pk>/", views.detail, name="order-detail"),
    path("<int:pk>/ship/", views.ship, name="order-ship"),
    path("<int:pk>/cancel/", views.cancel, name="order-cancel"),
]
