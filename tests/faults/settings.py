"""The product's settings as they are, and one task that a red control needs."""

from crm.settings import *  # noqa: F403

CELERY_IMPORTS = ["tests.faults.careless"]
LOGGING["root"]["level"] = "WARNING"  # type: ignore[index] # noqa: F405
