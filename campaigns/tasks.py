"""Celery's doorway to campaigns: a bell, the truth is in Postgres (D10)."""

from __future__ import annotations

from celery import shared_task


@shared_task
def advance_journeys() -> None:
    """Move on whoever is due in a journey."""
    from campaigns.journeys.engine import work_off

    work_off()
