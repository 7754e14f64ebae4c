"""Work that is told to the broker and to nobody else: the red control of the outbox."""

import time

from celery import shared_task

from crm.core.models import Notification


@shared_task
def note_down(user: int, word: str) -> None:
    """Write the word down, after a moment of thought."""
    time.sleep(0.3)
    Notification.objects.create(user_id=user, text=word, url="/")
