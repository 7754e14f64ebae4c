"""Addresses of journeys."""

from django.urls import include, path

from campaigns.journeys import views
from campaigns.journeys.crud import Journeys

urlpatterns = [
    path("<id:pk>/flow/", views.flow, name="journey-flow"),
    path("<id:pk>/step/", views.step, name="journey-step"),
    path("<id:pk>/arrange/", views.arrange, name="journey-arrange"),
    path("<id:pk>/dry-run/", views.dry, name="journey-dry"),
    path("<id:pk>/publish/", views.publish, name="journey-publish"),
    path("<id:pk>/pause/", views.pause, name="journey-pause"),
    path("<id:pk>/resume/", views.resume, name="journey-resume"),
    path("<id:pk>/end/", views.end, name="journey-end"),
    path("<id:pk>/retry/", views.retry, name="journey-retry"),
    path("<id:pk>/people/", views.people, name="journey-people"),
    path("contact/<id:pk>/", views.of_contact, name="party-journeys"),
    path("", include(Journeys.urls())),
]
