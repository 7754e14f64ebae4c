"""The mails of journeys: the same gate, the same limit, the same last word and the same ways to say no as those of campaigns."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from campaigns.content import PREFERENCES, UNSUBSCRIBE, Design, Mail, compile_mail
from campaigns.gate import Way, examine
from campaigns.journeys.shape import Step
from campaigns.models import Journey, JourneyVersion, Run, RunMail
from campaigns.recipients import design_of, with_words, words_of
from contacts.consent_gate import permitted
from contacts.consent_links import stop_links
from contacts.diary import touch_each
from contacts.models import Interaction, Party
from crm.core.mail.plan import Recipient, plan_mail
from crm.core.models import OutgoingMail
from crm.core.tasks import ring
from crm.core.work import work

KIND = "journey"  # in `crm/mails.py`
SENT, GONE = "sent", "gone"
AGAIN_WITHIN = timedelta(days=7)  # how old a mail may be that is planned again when its journey goes on
MailState = OutgoingMail.State


def source_of(journey_id: int) -> str:
    """How a journey is named in the ledger of consents."""
    return f"journey:{journey_id}"


def write_mail(run: Run, step: Step) -> tuple[str, RunMail | None]:
    """Write the mail of a step down if the person may get it: (outcome, what was made). Otherwise the outcome is the reason, a key of the waterfall."""
    version: Any = run.version
    way = examine(version.purpose, [run.party_id]).get(run.party_id) or Way(reason=GONE)
    if way.reason:
        return way.reason, None
    party = with_words(Party.objects.unrestricted()).get(pk=run.party_id)
    links = stop_links(way.address, version.purpose, language=version.language, source=source_of(run.journey_id))
    compiled = _compiled(step["subject"], step["preheader"], json.dumps(step["blocks"]), design_of(version))
    filled = compiled.filled({**words_of(party, version.language), UNSUBSCRIBE: links.stop, PREFERENCES: links.preferences})
    row = RunMail.objects.create(run=run, step=step["key"], address=way.address)
    facts: dict[str, Any] = {"heading": filled.subject, "body": filled.text, "html": filled.html, "headers": links.headers, "subject": row}
    row.mail = plan_mail(Recipient(way.address, version.language, str(party)), once=f"journey:{run.pk}:{step['key']}", kind=KIND, **facts)
    row.save(update_fields=["mail"])
    return SENT, row


@lru_cache(maxsize=64)
def _compiled(subject: str, preheader: str, blocks: str, design: Design) -> Mail:
    return compile_mail(subject, preheader, json.loads(blocks), design)


def still() -> Q:
    """The last word on a mail as it leaves: its journey runs, and the person at this address may still be written to for its purpose."""
    address = OuterRef(OuterRef(OuterRef("address")))
    allowed = JourneyVersion.objects.unrestricted().filter(permitted(OuterRef("purpose_id"), address), pk=OuterRef("version_id"))
    running = Journey.objects.unrestricted().filter(pk=OuterRef("journey_id"), state=Journey.State.RUNNING)
    runs = Run.objects.unrestricted().filter(Exists(allowed), Exists(running), pk=OuterRef("run_id"))
    return Q(Exists(RunMail.objects.unrestricted().filter(Exists(runs), pk=OuterRef("subject_id"))))


def plan_again(now: datetime) -> int:
    """Mails that were withheld while their journey rested and may leave now are planned again. Returns how many."""
    rows = RunMail.objects.unrestricted().filter(told=False, mail__state=MailState.WITHDRAWN, mail__planned_at__gt=now - AGAIN_WITHIN, run__journey__state=Journey.State.RUNNING)
    mails = OutgoingMail.objects.filter(still(), pk__in=rows.values("mail"), state=MailState.WITHDRAWN)
    count = mails.update(state=MailState.PLANNED, due_at=timezone.now(), answer="", give_up_at=None)
    if count:
        ring("crm.core.tasks.send_mails")
    return count


def withdraw_mails(journey: Journey) -> None:
    """The journey ended: what has not left never leaves."""
    waiting = RunMail.objects.unrestricted().filter(run__journey=journey, told=False).values("mail")
    OutgoingMail.objects.filter(pk__in=waiting, state__in=OutgoingMail.WAITING).update(state=MailState.WITHDRAWN, answer=_("The journey was ended."))


def tell_history(most: int = 2000) -> int:
    """Write what was accepted into each person's history, once. Returns how many."""
    with work():
        there = Party.objects.unrestricted().filter(pk=OuterRef("run__party_id"))
        untold = RunMail.objects.unrestricted().select_for_update(skip_locked=True, of=("self",)).filter(Exists(there), told=False, mail__state=MailState.ACCEPTED)
        rows: list[Any] = list(untold.select_related("mail", "run__journey", "run__version__published_by").order_by("pk")[:most])
        for row in rows:
            version, journey = row.run.version, row.run.journey
            with translation.override(version.language):
                words = _("Journey: %(name)s") % {"name": journey.name}
            by, facts = version.published_by, {"kind": Interaction.Kind.EMAIL, "direction": Interaction.Direction.OUT}
            Interaction.objects.create(party_id=row.run.party_id, occurred_at=row.mail.handed_at, heading=row.mail.heading[:200], body=words, created_by=by, updated_by=by, **facts)
        touch_each([(row.run.party_id, row.mail.handed_at) for row in rows])
        RunMail.objects.filter(pk__in=[row.pk for row in rows]).update(told=True)
        return len(rows)
