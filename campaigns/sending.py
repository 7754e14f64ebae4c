"""The machine's side of a campaign: starting what is due, writing down who gets it, ending it. Safe to kill at any point and to run twice."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from campaigns import gate
from campaigns.ab import CONTROL, split
from campaigns.content import PREFERENCES, UNSUBSCRIBE, Mail, cid
from campaigns.figures import State as MailState
from campaigns.models import Campaign, Delivery, SegmentMember
from campaigns.recipients import compiled, firm_of, with_words, words_of
from campaigns.services import hold, save, start_writing
from campaigns.waterfall import Place
from contacts.diary import touch
from contacts.models import Interaction, Party
from crm.core.mail.plan import Attachment, Recipient, draft_mail, plan_many
from crm.core.models import Job, MailFile, OutgoingMail
from crm.core.work import work

BATCH = 200  # people written down in one transaction
KIND = "campaign"  # of their mails, in `crm/mails.py`
GONE = "gone"  # the reason of a contact that was deleted meanwhile
State = Campaign.State


def once(delivery: int) -> str:
    """The key of a delivery's mail: there is one of it."""
    return f"campaign:{delivery}"


def tend_campaigns(now: datetime | None = None) -> None:
    """Run by each tick: begin what is due, tell the history, end what has ended."""
    now = now or timezone.now()
    for pk in Campaign.objects.unrestricted().filter(state=State.RELEASED).filter(Q(send_at__isnull=True) | Q(send_at__lte=now)).values_list("pk", flat=True):
        begin(pk, now)
    for pk in Campaign.objects.unrestricted().filter(state__in=[State.RUNNING, State.PAUSED]).values_list("pk", flat=True):
        tell_history(pk)
        finish(pk, now)


def begin(pk: int, now: datetime) -> bool:
    """Released → running, once: two ticks at once begin it once."""
    with transaction.atomic():
        held = Campaign.objects.unrestricted().select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, state=State.RELEASED).first()
        if held is None or (held.send_at is not None and held.send_at > now):
            return False
        with work(by=held.released_by), translation.override(held.released_by.language):  # type: ignore[union-attr]
            start_writing(held, now)
        return True


def write_down(job: Job) -> bool:
    """A step of the job: the next people of the kept segment, each once, with their mails. The cursor moves in the same transaction."""
    held = hold(Campaign(pk=job.params["campaign"]))
    if held.state not in {State.RUNNING, State.PAUSED} or held.snapshot is None:
        return True
    members = SegmentMember.objects.filter(snapshot=held.snapshot_id, party_id__gt=job.cursor.get("after", 0)).order_by("party_id")
    ids = list(members.values_list("party_id", flat=True)[:BATCH])
    if not ids:
        return True
    note(held, ids)
    plan(held, ids)
    job.cursor = {"after": ids[-1]}
    job.done, job.total = job.done + len(ids), held.snapshot.size
    return False


def note(campaign: Campaign, ids: list[int]) -> None:
    """The arm of each of these contacts, or why it is left out. Who is written down already stays as it is."""
    parties = {party.pk: party for party in with_words(Party.objects.unrestricted().filter(pk__in=ids))}
    ways = gate.examine(campaign, ids)
    taken = set(Delivery.objects.unrestricted().filter(campaign=campaign, address__in=[way.address for way in ways.values() if way.address]).values_list("address", flat=True))
    arms, rows = campaign.variants.count(), []
    for pk in ids:
        way = ways.get(pk) or gate.Way(reason=GONE)
        if way.address and way.address in taken:
            way = gate.Way(reason=Place.TWICE.value)
        arm = None if way.reason else split(campaign.pk, pk, arms=arms, control=campaign.control * 10, house=firm_of(parties[pk]))
        goes = arm is not None and arm != CONTROL
        taken |= {way.address} if goes else set()
        rows.append(Delivery(campaign=campaign, party_id=pk, arm=arm, reason=way.reason, address=way.address if goes else ""))
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def plan(campaign: Campaign, ids: list[int]) -> None:
    """The mails of those among these contacts who get one and have none yet."""
    rows = list(Delivery.objects.unrestricted().filter(campaign=campaign, party__in=ids, arm__gte=0, mail__isnull=True).order_by("pk"))
    parties = {party.pk: party for party in with_words(Party.objects.unrestricted().filter(pk__in=[row.party_id for row in rows]))}
    variants = {variant.position: (variant.pk, mail) for variant, mail in compiled(campaign)}
    drafts: dict[int, list[OutgoingMail]] = defaultdict(list)
    for row in rows:
        drafts[row.arm or 0].append(_draft(campaign, row, parties[row.party_id], variants[row.arm or 0][1]))
    for arm, mails in drafts.items():
        plan_many(mails, attachments=files_of(campaign, variants[arm][1]))
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE campaigns_delivery d SET mail_id = m.id FROM core_outgoingmail m WHERE d.id = ANY(%s) AND m.once = 'campaign:' || d.id AND d.mail_id IS NULL", [[row.pk for row in rows]]
            )


def _draft(campaign: Campaign, delivery: Delivery, party: Party, mail: Mail) -> OutgoingMail:
    ways = gate.ways_out(campaign, delivery)
    filled = mail.filled({**words_of(party, campaign.language), UNSUBSCRIBE: ways.stop, PREFERENCES: ways.preferences})
    to = Recipient(delivery.address, campaign.language, str(party))
    facts: dict[str, Any] = {"heading": filled.subject, "body": filled.text, "html": filled.html, "sender": campaign.sender, "headers": ways.headers, "subject": delivery}
    return draft_mail(to, once=once(delivery.pk), kind=KIND, **facts)


def files_of(campaign: Campaign, mail: Mail) -> list[Attachment]:
    """The images a mail carries, under the names it shows them by."""
    kinds = dict(campaign.images.values_list("file_id", "kind"))
    data = MailFile.objects.in_bulk([digest for digest in mail.images if digest in kinds])
    return [Attachment(cid(digest), bytes(data[digest].data), kinds[digest]) for digest in mail.images if digest in data]


def finish(pk: int, now: datetime) -> bool:
    """Running → done when everybody is written down and no mail waits any more."""
    with work():
        held = hold(Campaign(pk=pk))
        if held.state != State.RUNNING or held.job is None or held.job.state != Job.State.DONE:
            return False
        open_mail = [*OutgoingMail.WAITING, *OutgoingMail.HELD]
        if Delivery.objects.unrestricted().filter(Q(mail__state__in=open_mail) | Q(mail__isnull=True, arm__gte=0), campaign=held).exists():
            return False
        tell_history(pk)
        save(held, None, state=State.DONE, ended_at=now)
        return True


def tell_history(pk: int, most: int = 2000) -> int:
    """Write what was accepted into each person's history, once. Returns how many."""
    with work():
        held = hold(Campaign(pk=pk))
        there = Party.objects.unrestricted().filter(pk=OuterRef("party_id"))
        untold = Delivery.objects.unrestricted().filter(Exists(there), campaign=held, told=False, mail__state=MailState.ACCEPTED)
        rows: list[Any] = list(untold.select_related("mail").order_by("pk")[:most])
        with translation.override(held.language):
            words = _("Campaign: %(name)s") % {"name": held.name}
        entries = [
            Interaction(
                party_id=row.party_id, kind=Interaction.Kind.EMAIL, direction=Interaction.Direction.OUT, occurred_at=row.mail.handed_at, heading=row.mail.heading[:200], body=words,
                created_by=held.released_by, updated_by=held.released_by,
            )
            for row in rows
        ]  # fmt: skip
        Interaction.objects.bulk_create(entries)
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(told=True)
        if rows:
            touch([row.party_id for row in rows], max(entry.occurred_at for entry in entries))
        return len(rows)
