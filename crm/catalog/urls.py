"""Addresses of the catalog."""

from django.urls import include, path

from crm.catalog import views
from crm.core import converters  # noqa: F401  (the import registers <id:pk>)

urlpatterns = [
    path("products/<id:pk>/prices/", views.price_add, name="product-price"),
    path("products/<id:pk>/prices/<id:price>/remove/", views.price_remove, name="product-price-remove"),
    path("products/", include(views.Products.urls())),
]
