"""The product's settings for a measurement with real workers: the clock is shortened, nothing else.

What must hold between the figures holds here, too: a mail server drops a silent client (the sink after 3 s) before a lease ends.
"""

from crm.settings import *  # noqa: F403

EMAIL_TIMEOUT = 3
MAIL_LEASE = 8
CELERY_BEAT_SCHEDULE = {"tick": {"task": "crm.core.tasks.tick", "schedule": 1.0}}
CELERY_TASK_SOFT_TIME_LIMIT = None
LOTSE_MAILS = "tests.mail.mails.MAILS"
LOGGING["root"]["level"] = "WARNING"  # type: ignore[index] # noqa: F405
