"""What Lotse writes mails for: who goes first, who may still say no at the last moment, and which words people may change (D16)."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from campaigns import gate
from campaigns.answers import take_answer
from campaigns.journeys import mails as journeys
from contacts.consent_gate import reachable
from crm.core.mail.kinds import MailKind
from crm.core.mail.texts import TextKind
from service import satisfaction
from service.mailin import take_mail


def reader_is_active() -> Q:
    """Mail to somebody who works here leaves only while that person does."""
    return Q(user__isnull=True) | Q(Exists(User.objects.filter(pk=OuterRef("user_id"), is_active=True)))


_YEAR = timedelta(days=365)
_GONE = _("This person was switched off before the mail left.")

MAILS = [
    MailKind("account", _("sign-in and password"), priority=0, patience=timedelta(days=1), kept=_YEAR, still=reader_is_active, withdrawn=_GONE),
    MailKind("test", _("test of sending"), priority=0, patience=timedelta(hours=1)),
    MailKind("consent", _("question whether a sign-up was meant"), priority=1, patience=timedelta(days=1), still=reachable),
    MailKind("case", _("answer to a customer"), priority=2, automatic=False),
    MailKind("receipt", _("confirmation that a case was received"), priority=2),
    MailKind("satisfaction", _("question how it was"), priority=4, still=satisfaction.still),
    MailKind("campaign", _("campaign"), priority=8, advertising=True, kept=_YEAR, still=gate.still, withdrawn=_("The campaign rested, or the person may no longer be written to.")),
    MailKind("journey", _("journey"), priority=7, advertising=True, kept=_YEAR, still=journeys.still, withdrawn=_("The journey rested, or the person may no longer be written to.")),
    MailKind("notification", _("notice from Lotse"), priority=3, still=reader_is_active, withdrawn=_GONE),
]

REPORT = {
    "at": _("as of when"),
    "day": _("as of which day"),
    "figures": _("the numbers, one a line"),
    "notes": _("what asks for attention, and where the tables are"),
    "company": _("name of our house"),
}

INBOX = [take_answer, take_mail]  # who takes mail that comes in, asked in this order

TEXTS = [
    TextKind(
        "invitation",
        _("Invitation to Lotse"),
        {"name": _("name of the person"), "url": _("link to choose a password"), "company": _("name of our house")},
        _("Your access to Lotse"),
        _(
            "Hello {name},\n\nyou can work with Lotse now. Open this link to choose your password:\n\n{url}\n\n"
            "The link works once, for three days. Afterwards ask for a new one on the sign-in page."
        ),
        needed=("url",),
    ),
    TextKind(
        "consent",
        _("Confirmation of a sign-up"),
        {"url": _("link to confirm"), "words": _("what was ticked, word for word"), "company": _("name of our house")},
        _("Please confirm your sign-up"),
        _(
            "Hello,\n\nsomebody signed up this address with {company}, for:\n\n{words}\n\nWas it you? Then please confirm it on this page:\n\n{url}\n\n"
            "The link is valid for 7 days. If it was not you, do nothing: then we will not write to you."
        ),
        needed=("url", "words"),
    ),
    TextKind(
        "satisfaction",
        _("Question how it was"),
        {
            "greeting": _("how the mail begins"),
            "number": _("number of the case"),
            "subject": _("subject of the case"),
            "faces": _("five answers, each a link"),
            "url": _("the link without an answer"),
            "company": _("name of our house"),
        },
        _("How was it? [{number}]"),
        _("{greeting},\n\nwe closed “{subject}” ({number}). How satisfied are you with the outcome? Please choose:\n\n{faces}\n\nThank you\n{company}"),
        needed=("faces",),
    ),
    TextKind(
        "receipt",
        _("Confirmation that a case was received"),
        {
            "greeting": _("how the mail begins"),
            "number": _("number of the case"),
            "subject": _("subject of the case"),
            "company": _("name of our house"),
        },
        _("[{number}] {subject}"),
        _(
            "{greeting},\n\nthank you for your message. We have taken it down under the number {number} and will get back to you.\n\n"
            "If you want to add something, simply answer this mail.\n\n{company}"
        ),
        needed=("number",),
    ),
    TextKind(
        "forecast",
        _("Forecast on Monday"),
        {"greeting": _("how the mail begins"), "period": _("the quarter"), **REPORT, "url": _("address of the forecast")},
        _("Forecast {period}, as of {day}"),
        _(
            "{greeting},\n\nthis is your forecast for {period}, as of {at}:\n\n{figures}\n\n{notes}\n\nEach number with its rows: {url}\n\n"
            "You get this mail because you asked for it on the forecast page. You can stop it there, too."
        ),
        needed=("figures",),
    ),
    TextKind(
        "overview",
        _("Overview on Monday"),
        {"greeting": _("how the mail begins"), "period": _("the quarter"), **REPORT, "url": _("address of the overview")},
        _("Overview {period}, as of {day}"),
        _(
            "{greeting},\n\nthis is where we stand in {period}, as of {at}:\n\n{figures}\n\n{notes}\n\nEach number with its rows: {url}\n\n"
            "You get this mail because you asked for it on the overview page. You can stop it there, too."
        ),
        needed=("figures",),
    ),
]
