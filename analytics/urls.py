"""Addresses of the insights."""

from django.urls import path

from analytics import views

urlpatterns = [
    path("forecast/", views.forecast, name="forecast"),
    path("forecast/pdf/", views.forecast_pdf, name="forecast-pdf"),
    path("forecast/subscribe/", views.subscribe, name="forecast-subscribe"),
    path("forecast/unsubscribe/", views.unsubscribe, name="forecast-unsubscribe"),
]
