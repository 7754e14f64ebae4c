"""What public links leave behind: that one was used, and how often somebody knocked. No address is kept, only keyed hashes."""

from django.db import models
from django.utils import timezone


class DoorUse(models.Model):
    """A link that may be used once was used."""

    digest = models.CharField(max_length=64, primary_key=True)
    scope = models.CharField(max_length=40)
    at = models.DateTimeField(default=timezone.now)


class DoorBucket(models.Model):
    """How many visits are left to one connection or one link (`crm.core.throttle`)."""

    key = models.CharField(max_length=64, primary_key=True)
    level = models.FloatField()
    at = models.DateTimeField()
