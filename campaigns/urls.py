"""Addresses of campaigns."""

from django.urls import include, path

from crm.core import converters  # noqa: F401  (the import registers <id:pk>)

urlpatterns = [
    path("", include("campaigns.segments.urls")),
]
