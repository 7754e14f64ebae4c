"""Whom a mail for a purpose would reach, and why not the others: every selected contact ends in exactly one place.

    waterfall(members(tree, reader), purpose)            the counts, in one statement: found = Σ cuts + left
    at(rows, purpose, Place.NO_CONSENT)                  the contacts at one place
    recipients(rows, purpose)                            those left, each with `to`, its address in small letters

The order is `place`, a pure function; `placed` says the same in SQL, and a test compares them. An address is that of a contact's main
e-mail; where several contacts share one, the first entered keeps it. Advertising already written to an address within the days of
the cap counts, handed over or still to leave. Consent is asked of `contacts.consent_gate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, CharField, Count, F, FilteredRelation, Q, QuerySet, TextChoices, Value, When, Window
from django.db.models.functions import Coalesce, Lower, NullIf, RowNumber
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models import FrequencyCap
from contacts.consent_gate import Hindrance, why_not
from contacts.models import Party
from crm.core.mail.kinds import kinds
from crm.core.models import OutgoingMail

NEVER_LEFT = (OutgoingMail.State.REFUSED, OutgoingMail.State.WITHDRAWN)


class Place(TextChoices):
    """Where a contact ends, in the order of the waterfall."""

    NO_ADDRESS = "no_address", _("no e-mail address")
    BOUNCED = Hindrance.BOUNCED.value, Hindrance.BOUNCED.label
    NO_CONSENT = Hindrance.NO_CONSENT.value, Hindrance.NO_CONSENT.label
    REQUESTED = Hindrance.REQUESTED.value, Hindrance.REQUESTED.label
    WITHDRAWN = Hindrance.WITHDRAWN.value, Hindrance.WITHDRAWN.label
    OBJECTED = Hindrance.OBJECTED.value, Hindrance.OBJECTED.label
    COMPLAINT = Hindrance.COMPLAINT.value, Hindrance.COMPLAINT.label
    LOST_KEY = Hindrance.LOST_KEY.value, Hindrance.LOST_KEY.label
    CAPPED = "capped", _("has had enough advertising lately")
    TWICE = "twice", _("same address as another contact")
    LEFT = "left", _("gets it")


@dataclass(frozen=True)
class Cut:
    """So many contacts leave here."""

    place: Place
    n: int

    @property
    def label(self) -> Any:
        """Why, in words."""
        return self.place.label


@dataclass(frozen=True)
class Waterfall:
    """`found` contacts, those left out by reason (only reasons that met somebody), and how many are `left`."""

    found: int
    left: int
    cuts: list[Cut]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Waterfall:
        """From how many end at each place."""
        cuts = [Cut(one, counts[one.value]) for one in Place if one is not Place.LEFT and counts.get(one.value)]
        return cls(sum(counts.values()), counts.get(Place.LEFT.value, 0), cuts)

    @property
    def bars(self) -> list[tuple[Cut, int, int]]:
        """Each cut with where its bar begins and how wide it is, in hundredths of the whole."""
        rest, bars = self.found, []
        for cut in self.cuts:
            rest -= cut.n
            bars.append((cut, round(100 * rest / self.found), max(1, round(100 * cut.n / self.found))))
        return bars

    @property
    def left_width(self) -> int:
        """How wide the bar of those who are left is, likewise."""
        return round(100 * self.left / self.found) if self.found else 0


def place(address: str, hindrance: str, had: int, cap: int, *, first: bool) -> Place:
    """Where one contact ends. `hindrance` is `why_not` of the address, `had` advertising mails within the days of the cap, `first` whether
    no contact before it, which has come as far, has the same address."""
    if not address:
        return Place.NO_ADDRESS
    if hindrance:
        return Place(hindrance)
    if had >= cap:
        return Place.CAPPED
    return Place.LEFT if first else Place.TWICE


def placed(rows: QuerySet[Party], purpose: Any, now: datetime | None = None) -> QuerySet[Party]:
    """The contacts with `to`, their address in small letters, and `ends`, the `Place` each ends in. `purpose` is one of consent, or its key."""
    main = FilteredRelation("emails", condition=Q(emails__is_primary=True))  # a join: at most one, and read once for all that is asked of it
    # An address alone decides up to the cap, so whoever shares one comes as far: the first of them keeps it.
    rank = Window(RowNumber(), partition_by=[F("to")], order_by="pk")
    reached = Case(
        When(to__in=_sated(now or timezone.now()), then=Value(Place.CAPPED.value)), When(_rank__gt=1, then=Value(Place.TWICE.value)), default=Value(Place.LEFT.value)
    )
    ends = Case(
        When(to__isnull=True, then=Value(Place.NO_ADDRESS.value)),
        default=Coalesce(NullIf(why_not(purpose, "to"), Value("")), reached, output_field=CharField()),
        output_field=CharField(),
    )
    return rows.order_by().annotate(_main=main, to=F("_main__normalised")).annotate(_rank=rank).annotate(ends=ends)


def _sated(now: datetime) -> QuerySet[Any]:
    """Addresses that had as much advertising as the cap allows."""
    cap = FrequencyCap.current()
    advertising = [kind.key for kind in kinds() if kind.advertising]
    lately = OutgoingMail.objects.filter(kind__in=advertising, planned_at__gt=now - timedelta(days=cap.days)).exclude(state__in=NEVER_LEFT)
    return lately.order_by().values(address=Lower("to")).annotate(n=Count("pk")).filter(n__gte=cap.mails).values("address")


def places(rows: QuerySet[Party], purpose: Any, now: datetime | None = None) -> tuple[str, tuple[Any, ...]]:
    """Statement of (place, number of these contacts). A window cannot be grouped by, so its statement is wrapped."""
    text, params = placed(rows, purpose, now).values("ends").query.sql_with_params()
    return f"SELECT ends, count(*) FROM ({text}) AS placed GROUP BY ends", params  # noqa: S608 - Django's own statement


def waterfall(rows: QuerySet[Party], purpose: Any, now: datetime | None = None) -> Waterfall:
    """How many of these contacts a mail for `purpose` would reach now, and why not the others."""
    try:
        text, params = places(rows, purpose, now)
    except EmptyResultSet:
        return Waterfall.of({})
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return Waterfall.of(dict(cursor.fetchall()))


def at(rows: QuerySet[Party], purpose: Any, where: Place, now: datetime | None = None) -> QuerySet[Party]:
    """The contacts that end at one place."""
    return placed(rows, purpose, now).filter(ends=where.value)


def recipients(rows: QuerySet[Party], purpose: Any, now: datetime | None = None) -> QuerySet[Party]:
    """Those a mail would reach, each with `to`."""
    return at(rows, purpose, Place.LEFT, now)
