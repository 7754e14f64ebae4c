"""The Celery application. Beat has one static entry: a tick a minute; due times live in Postgres (D10)."""

import logging
import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging, worker_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("crm", task_cls="crm.core.logs:Traced")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class LookAround(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Behind whatever a worker does to reach the broker, for the first time or again."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        from crm.core.tasks import look_around

        look_around()


app.steps["consumer"].add(LookAround)


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def step_back(**_: Any) -> None:
    """Where page and worker want the same processor the page gets it. Before the processes of the worker begin: they take it over."""
    os.nice(settings.WORKER_NICE)


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def log_as_the_page_does(loglevel: int, **_: Any) -> None:
    """Worker and beat write by Django's LOGGING, each line once; `--loglevel` is for Celery's own lines."""
    logging.getLogger("celery").setLevel(loglevel)
