"""The roof's kinds of mail, and the one that campaigns will bring."""

from crm.core.mail.kinds import MailKind
from crm.mails import MAILS as KNOWN

MAILS = [*KNOWN, MailKind("advertising", "Werbung", priority=9, advertising=True)]
