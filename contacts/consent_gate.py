"""Who may be written to, decided in SQL: the one gate for everything that is sent for a purpose.

    EmailAddress.objects.filter(permitted("newsletter"))                              rows that may be written to now
    EmailAddress.objects.annotate(why=why_not("newsletter"))                          "" or one of `Hindrance`, for the waterfall
    MailKind("campaign", …, still=lambda: permitted("newsletter", "to"))              the last word as a mail leaves: no join, `to` alone
    Exists(Delivery.objects.filter(mail=OuterRef("pk")).filter(permitted(OuterRef("campaign__purpose"), "address")))   purpose by row
    tracking_allowed("to")                                                            opening and clicking may be counted for this person

A consent stands for an address, whoever has it: `permitted` looks at the address alone, under its keyed hash. `purpose` is a ConsentPurpose,
its key, or an expression that gives its id; `address` the name of a column of the filtered rows, or an expression. For telephone numbers:
`permitted("news", "key", channel="phone")` over PhoneNumber. A hundred thousand addresses are one hash join.

What a mail must carry comes from `contacts.consent_links`: `stop_links(…)`. What changes consents is in `contacts.consent_steps`.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, TextChoices, Value, When
from django.db.models.expressions import BaseExpression
from django.utils.translation import gettext_lazy as _

from contacts.consent import OBJECTED, REQUESTED, STANDING, WITHDRAWN
from contacts.models import TRACKING, ConsentPurpose, ConsentState, Suppression
from contacts.reach import EMAIL, AddressHash, key_name


class Hindrance(TextChoices):
    """Why an address may not be written to, the gravest first."""

    LOST_KEY = "lost_key", _("the list of suppressed addresses cannot be read: SECRET_KEY was changed")
    OBJECTED = "objected", _("objected")
    COMPLAINT = "complaint", _("reported as spam")
    WITHDRAWN = "withdrawn", _("consent withdrawn")
    BOUNCED = "bounced", _("the address does not exist")
    REQUESTED = "requested", _("asked for, but not confirmed")
    NO_CONSENT = "no_consent", _("no consent")


def permitted(purpose: Any, address: Any = "address", channel: str = EMAIL) -> Q:
    """Consent stands for this address and purpose, and nothing is suppressed."""
    return Q(Exists(_states(purpose, address, channel).filter(state=STANDING))) & ~Q(Exists(_stops(purpose, address, channel))) & ~Q(Exists(_unreadable()))


def tracking_allowed(address: Any = "address") -> Q:
    """Whether opening and clicking may be counted for the person at this address: a consent of its own, off without it."""
    return permitted(TRACKING, address)


def tracking_ended(address: Any = "address") -> Q:
    """Whether this person once agreed to it, or was asked, and does not now."""
    return Q(Exists(_states(TRACKING, address, EMAIL).exclude(state=STANDING)))


def why_not(purpose: Any, address: Any = "address", channel: str = EMAIL) -> Case:
    """One of `Hindrance`, or "" where the address is permitted: exactly there where `permitted` holds."""
    stops, states = _stops(purpose, address, channel), _states(purpose, address, channel)
    # Each question makes the hash of the address anew. So it is first asked whether there is anything at all: of most addresses there is not.
    grave = Case(*(When(Exists(stops.filter(reason=reason)), then=Value(reason)) for reason in (OBJECTED, "complaint", WITHDRAWN)), default=Value("bounced"))
    return Case(
        When(Exists(_unreadable()), then=Value(Hindrance.LOST_KEY)),
        When(Exists(stops), then=grave),
        When(Exists(states.filter(state=STANDING)), then=Value("")),
        When(~Exists(states), then=Value(Hindrance.NO_CONSENT)),
        *(When(Exists(states.filter(state=state)), then=Value(word)) for state, word in ((REQUESTED, "requested"), (OBJECTED, OBJECTED), (WITHDRAWN, WITHDRAWN))),
        default=Value(Hindrance.NO_CONSENT),
        output_field=CharField(),
    )


def reachable(address: Any = "to") -> Q:
    """Whether mail that is no advertising may go there: the address exists, and its owner has not reported us as spam."""
    return ~Q(Exists(Suppression.objects.filter(channel=EMAIL, hash=AddressHash(_column(address)), reason__in=["bounced", "complaint"])))


def not_stopped(purpose: Any, address: Any = "address") -> Q:
    """Nobody said no, to this purpose or to everything, and the address can be reached: for what is asked without a consent."""
    return ~Q(Exists(_stops(purpose, address, EMAIL))) & ~Q(Exists(_unreadable()))


def purpose_of(purpose: Any) -> Any:
    """A purpose, by its key or as it is. Raises DoesNotExist."""
    return ConsentPurpose.objects.get(key=purpose) if isinstance(purpose, str) else purpose


def _states(purpose: Any, address: Any, channel: str) -> Any:
    return ConsentState.objects.filter(_is(purpose), channel=channel, hash=AddressHash(_column(address), channel))


def _stops(purpose: Any, address: Any, channel: str) -> Any:
    return Suppression.objects.filter(_is(purpose) | Q(purpose__isnull=True), channel=channel, hash=AddressHash(_column(address), channel))


def _unreadable() -> Any:
    """Suppressed addresses whose hashes were made under another SECRET_KEY: they cannot be compared, so nothing may leave."""
    ours = key_name()
    return Suppression.objects.filter(Q(key__lt=ours) | Q(key__gt=ours))  # not "is another": so the index answers


def _column(address: Any) -> Any:
    return OuterRef(address) if isinstance(address, str) else address


def _is(purpose: Any) -> Q:
    if isinstance(purpose, BaseExpression | F):
        return Q(purpose=purpose)
    # Looked up when the condition is built: one number instead of a join. An unknown purpose permits nobody.
    pk = ConsentPurpose.objects.filter(key=purpose).values_list("pk", flat=True).first() if isinstance(purpose, str) else purpose.pk
    return Q(purpose=pk if pk is not None else -1)
