from django.urls import path

from . import views

urlpatterns = [
    path("", views.product_search, name="product-search"),
    path("<str:sku>/price/", views.price, name="product-price"),
    path("<str:sku>/photo/", views.photo, name="product-photo"),
    path("suppliers/<int:pk>/refresh/", views.refresh, name="supplier-refresh"),
]
