"""What an address of a contact is for: one vocabulary, of which each kind of address knows a part."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Label(TextChoices):
    """All of them."""

    OFFICE = "office", _("office")
    MOBILE = "mobile", _("mobile")
    CENTRAL = "central", _("switchboard")
    PRIVATE = "private", _("private")
    INVOICE = "invoice", _("invoice")
    DELIVERY = "delivery", _("delivery")
    FAX = "fax", _("fax")
    OTHER = "other", _("other")


EMAIL = [(one.value, one.label) for one in (Label.OFFICE, Label.PRIVATE, Label.INVOICE, Label.OTHER)]
PHONE = [(one.value, one.label) for one in (Label.OFFICE, Label.MOBILE, Label.CENTRAL, Label.PRIVATE, Label.FAX, Label.OTHER)]
POSTAL = [(one.value, one.label) for one in (Label.OFFICE, Label.INVOICE, Label.DELIVERY, Label.PRIVATE, Label.OTHER)]
