"""Addresses of campaigns."""

urlpatterns: list[object] = []
