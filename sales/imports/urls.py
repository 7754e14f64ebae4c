"""Addresses of the import."""

from django.urls import include, path

from crm.core import converters  # noqa: F401  (the import registers <id:pk>)
from sales.imports import views

urlpatterns = [
    path("<id:pk>/check/", views.check, name="import-check"),
    path("<id:pk>/columns/", views.remap, name="import-remap"),
    path("<id:pk>/apply/", views.bring_in, name="import-apply"),
    path("<id:pk>/stop/", views.stop, name="import-stop"),
    path("<id:pk>/resume/", views.resume, name="import-resume"),
    path("<id:pk>/revert/", views.revert, name="import-revert"),
    path("<id:pk>/rows/", views.rows, name="import-rows"),
    path("<id:pk>/files/<id:file>/refused/", views.refused, name="import-refused"),
    path("", include(views.Imports.urls())),
]
