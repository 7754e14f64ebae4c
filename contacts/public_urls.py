"""Addresses of the pages about consents that anybody may open."""

from django.urls import path

from contacts import public_pages

urlpatterns = [
    path("", public_pages.sign_up, name="consent-sign-up"),
    path("asked/", public_pages.sign_up_done, name="consent-asked"),
    path("confirm/<str:token>/", public_pages.confirm, name="consent-confirm"),
    path("stop/<str:token>/", public_pages.stop, name="consent-stop"),
    path("choices/<str:token>/", public_pages.preferences, name="consent-preferences"),
]
