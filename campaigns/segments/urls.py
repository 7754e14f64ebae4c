"""Addresses of segments."""

from django.urls import include, path

from campaigns.segments import views
from campaigns.segments.crud import SegmentContacts, Segments

urlpatterns = [
    path("segments/builder/", views.builder, name="segment-builder"),
    path("segments/result/", views.result, name="segment-result"),
    path("segments/<id:pk>/keep/", views.keep, name="segment-keep"),
    path("segments/", include(Segments.urls())),
    path("contacts/", include(SegmentContacts.urls())),
]
