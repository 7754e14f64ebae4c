"""Addresses of campaigns."""

from django.urls import include, path

from campaigns import views
from campaigns.crud import Campaigns
from crm.core import converters  # noqa: F401  (the import registers <id:pk>)

urlpatterns = [
    path("", include("campaigns.segments.urls")),
    path("journeys/", include("campaigns.journeys.urls")),
    *Campaigns.urls(),
    path("<id:pk>/content/", views.content, name="campaign-content"),
    path("<id:pk>/mails/", views.variants, name="campaign-variants"),
    path("<id:pk>/preview/", views.preview, name="campaign-preview"),
    path("<id:pk>/missing/", views.gaps, name="campaign-gaps"),
    path("<id:pk>/test/", views.test_mail, name="campaign-test"),
    path("<id:pk>/count/", views.count, name="campaign-count"),
    path("<id:pk>/release/", views.release, name="campaign-release"),
    path("<id:pk>/decide/", views.decide, name="campaign-decide"),
    path("<id:pk>/unrelease/", views.unrelease, name="campaign-unrelease"),
    path("<id:pk>/pause/", views.pause, name="campaign-pause"),
    path("<id:pk>/resume/", views.resume, name="campaign-resume"),
    path("<id:pk>/cancel/", views.cancel, name="campaign-cancel"),
    path("<id:pk>/cost/", views.cost, name="campaign-cost"),
    path("<id:pk>/left-out/", views.left_out, name="campaign-left-out"),
]
