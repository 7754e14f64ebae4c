"""Celery's doorways of this app."""

from __future__ import annotations

from datetime import datetime

from celery import shared_task


@shared_task
def mail_forecasts(due_at: str, after: int = 0) -> None:
    """Go on planning the mails that were due at this time (ISO 8601)."""
    from analytics.subscriptions import plan_mails

    plan_mails(datetime.fromisoformat(due_at), after)
