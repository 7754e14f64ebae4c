"""After a case is closed its customer is asked how it was: once per case, not too often, by a link that works once.

The question waits in no queue of its own: each tick looks which cases are due (`ask_due`). Courts in Germany treat it as advertising, so it
is off until somebody switches it on, and nobody is asked at an address that said no to it or to everything, or cannot be reached.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from contacts.consent_gate import not_stopped
from contacts.models import EmailAddress
from crm.core.door import Door, door_link
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.mail import Recipient, plan_mail
from crm.core.mail.texts import written
from crm.core.models import Installation
from crm.core.work import work
from service.models import Case, DeskSetup, Satisfaction
from service.receipts import greeting_of, one_at_a_time, reply_address
from service.services import hold, tell_history
from service.texts import language_of

RATING = Door("satisfaction", days=60, once=True)
KIND = "satisfaction"  # of `crm/mails.py`
PURPOSE = "survey"  # of consents: who said no to it, or to everything, is not asked
MISSED = timedelta(days=7)  # a case closed longer ago than that nobody is asked about any more
LOW = 2  # so few points, and whoever settled the case reads it at once
MARKS = {5: "😀", 4: "🙂", 3: "😐", 2: "🙁", 1: "😞"}


def ask_due(now: datetime | None = None) -> int:
    """Ask about what was closed long enough ago. Returns about how many cases. Safe twice and beside others."""
    setup, now = DeskSetup.current(), now or timezone.now()
    if not setup.asks:
        return 0
    until = now - timedelta(hours=setup.ask_after_hours)
    closed = Case.objects.unrestricted().filter(state=Case.State.CLOSED, merged_into__isnull=True, party__isnull=False, closed_at__range=(until - MISSED, until))
    asked_lately = _asked_since(now - timedelta(days=setup.ask_pause_days)).filter(case__party=OuterRef("party"))
    reachable = EmailAddress.objects.unrestricted().filter(not_stopped(PURPOSE), party=OuterRef("party"))
    due = closed.filter(~Exists(Satisfaction.objects.unrestricted().filter(case=OuterRef("pk"))), ~Exists(asked_lately), Exists(reachable))
    return sum(ask_about(case, at=now) for case in list(due.order_by("closed_at", "pk")[:100]))


def ask_about(case: Case, *, at: datetime | None = None) -> bool:
    """Ask about this case, if it may be asked about. False: not now, or not at all."""
    at = at or timezone.now()
    with work():
        held = hold(case)
        one_at_a_time(f"party {held.party_id}")
        setup = DeskSetup.current()
        if held.state != Case.State.CLOSED or held.merged_into_id or held.party is None or Satisfaction.objects.unrestricted().filter(case=held).exists():
            return False
        if _asked_since(at - timedelta(days=setup.ask_pause_days)).filter(case__party=held.party_id).exists():
            return False
        address = _address(held)
        if not address:
            return False
        Satisfaction.objects.create(case=held, asked_at=at)
        language = language_of(held)
        with translation.override(language):
            url = door_link(RATING, "case-rating", case=held.pk, language=language)
            faces = "\n".join(f"{mark} {label}: {url}?score={score}" for (score, mark), label in zip(MARKS.items(), labels(), strict=True))
            facts = {"greeting": greeting_of(held, language), "number": held.number, "subject": held.heading, "faces": faces, "url": url, "company": Installation.current().name}
            heading, body = written("satisfaction", **facts)
        plan_mail(Recipient(address, language, str(held.party)), kind=KIND, once=f"satisfaction:{held.pk}", heading=heading, body=body, subject=held, reply_to=reply_address())
        return True


def rate_case(case: Case, *, score: int, words: str = "", at: datetime | None = None) -> Satisfaction:
    """Keep what the customer says, once. A low score is told to whoever settled the case."""
    at = at or timezone.now()
    with work():
        held = hold(case)
        row, _fresh = Satisfaction.objects.unrestricted().select_for_update().get_or_create(case=held, defaults={"asked_at": at})
        if row.score is not None:
            raise RuleBroken(_("This was answered already. Thank you."))
        row.score, row.words, row.answered_at = score, words.strip()[:2000], at
        row.save(update_fields=["score", "words", "answered_at"])
        tell_history(held, _("Satisfaction with %(name)s: %(score)s of 5") % {"name": held.number, "score": score}, by=None, at=at)
        emit("service.case_rated", held, low=score <= LOW)
        return row


def labels() -> list[str]:
    """The five answers in words, the best first."""
    return [_("very satisfied"), _("satisfied"), _("so-so"), _("dissatisfied"), _("very dissatisfied")]


def average(cases: QuerySet[Case]) -> tuple[Decimal | None, int]:
    """The mean of what customers said about these cases, and of how many answers."""
    found = Satisfaction.objects.unrestricted().filter(case__in=cases.order_by().values("pk"), score__isnull=False).aggregate(mean=Avg("score"), n=Count("pk"))
    return (round(Decimal(str(found["mean"])), 1) if found["n"] else None), int(found["n"])


def _asked_since(moment: datetime) -> Any:
    return Satisfaction.objects.unrestricted().filter(asked_at__gt=moment)


def still() -> Q:
    """The last word on the question as it leaves."""
    return not_stopped(PURPOSE, "to")


def _address(case: Case) -> str:
    """Where to ask: the customer's main address at which nobody said no to it."""
    rows = EmailAddress.objects.unrestricted().filter(not_stopped(PURPOSE), party=case.party_id).order_by("-is_primary", "pk")
    return str(rows.values_list("address", flat=True).first() or "")
