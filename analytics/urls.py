"""Addresses of the insights."""

from django.urls import path

from analytics import views

urlpatterns = [path("overview/", views.overview, name="overview"), path("forecast/", views.forecast, name="forecast")]
for key in ("overview", "forecast"):
    urlpatterns += [
        path(f"{key}/pdf/", views.report_pdf, {"report_key": key}, name=f"{key}-pdf"),
        path(f"{key}/subscribe/", views.subscribe, {"report_key": key}, name=f"{key}-subscribe"),
        path(f"{key}/unsubscribe/", views.unsubscribe, {"report_key": key}, name=f"{key}-unsubscribe"),
    ]
