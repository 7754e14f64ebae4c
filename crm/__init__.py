"""The roof: settings, urls, wiring tables, celery, demo and seed."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]
