"""The two columns by which anything may hang on anything."""

from django.contrib.contenttypes.models import ContentType
from django.db import models


class Subject(models.Model):
    """Something of ours named by (concrete content type, id); what it is called and where it lives says `crm/subjects.py`."""

    subject_type = models.ForeignKey(ContentType, models.PROTECT, null=True, blank=True, editable=False, related_name="+", db_index=False)
    subject_id = models.BigIntegerField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True
