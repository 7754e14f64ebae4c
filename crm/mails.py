"""What Lotse writes mails for: who goes first, and who may still say no at the last moment (D16)."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from crm.core.mail.kinds import MailKind


def reader_is_active() -> Q:
    """Mail to somebody who works here leaves only while that person does."""
    return Q(user__isnull=True) | Q(Exists(User.objects.filter(pk=OuterRef("user_id"), is_active=True)))


_GONE = _("This person was switched off before the mail left.")

MAILS = [
    MailKind("account", _("sign-in and password"), priority=0, patience=timedelta(days=1), still=reader_is_active, withdrawn=_GONE),
    MailKind("test", _("test of sending"), priority=0, patience=timedelta(hours=1)),
    MailKind("case", _("answer to a customer"), priority=2, automatic=False),
    MailKind("notification", _("notice from Lotse"), priority=3, still=reader_is_active, withdrawn=_GONE),
]
