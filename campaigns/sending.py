"""The machine's side of a campaign: starting what is due, writing down who gets it, ending it. Safe to kill at any point and to run twice."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from campaigns import gate, tracking
from campaigns.ab import CONTROL, split
from campaigns.content import PREFERENCES, UNSUBSCRIBE, Mail, cid
from campaigns.figures import State as MailState
from campaigns.models import Campaign, Delivery, SegmentMember
from campaigns.reactions import tell_clicks
from campaigns.reactions import untold as untold_clicks
from campaigns.recipients import compiled, firm_of, with_words, words_of
from campaigns.segments import members
from campaigns.services import go_on, hold, needs_second, put_back, released_by_two, save, segment_changed, start_writing
from campaigns.waterfall import Place, waterfall
from contacts.diary import touch_each
from contacts.models import EmailAddress, Interaction, Party
from crm.core.mail.plan import Attachment, Recipient, draft_mail, plan_many
from crm.core.models import Job, MailFile, OutgoingMail
from crm.core.work import work

log = logging.getLogger("lotse.campaigns")
BATCH = 200  # people written down in one transaction
TOLD_FOR = timedelta(days=30)  # how long after its end what was unclear may still turn out to have arrived
GONE = "gone"  # the reason of a contact that was deleted meanwhile
State = Campaign.State


def once(delivery: int) -> str:
    """The key of a delivery's mail: there is one of it."""
    return f"campaign:{delivery}"  # as the statement in `plan` says, too


def tend_campaigns(now: datetime | None = None) -> None:
    """Run by each tick: begin what is due, tell the history, end what has ended."""
    now, campaigns = now or timezone.now(), Campaign.objects.unrestricted()
    due = campaigns.filter(Q(send_at__isnull=True) | Q(send_at__lte=now), state=State.RELEASED)
    for pk in due.values_list("pk", flat=True):
        _by_itself(begin, pk, now)
    for row in campaigns.filter(state=State.RUNNING):
        _by_itself(go_on, row)  # a mail withdrawn at the very moment of going on
    untold = Delivery.objects.unrestricted().filter(campaign=OuterRef("pk"), told=False, mail__state=MailState.ACCEPTED)
    begun = campaigns.filter(Exists(untold), started_at__isnull=False).filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now - TOLD_FOR))
    for pk in begun.values_list("pk", flat=True):
        _by_itself(tell_history, pk)
    for pk in set(untold_clicks(now).filter(Q(campaign__ended_at__isnull=True) | Q(campaign__ended_at__gt=now - TOLD_FOR)).values_list("campaign", flat=True)):
        _by_itself(tell_clicks, pk, now)
    for pk in campaigns.filter(state=State.RUNNING).values_list("pk", flat=True):
        _by_itself(finish, pk, now)


def _by_itself(step: Callable[..., Any], *facts: Any) -> None:
    """One campaign in trouble keeps no other from going on."""
    try:
        step(*facts)
    except Exception:
        log.exception("%s of campaign %s failed", step.__name__, facts[0])


def begin(pk: int, now: datetime) -> bool:
    """Released → running, once: two ticks at once begin it once."""
    with transaction.atomic():
        held = Campaign.objects.unrestricted().select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, state=State.RELEASED).first()
        if held is None or (held.send_at is not None and held.send_at > now):
            return False
        assert held.released_by is not None  # a constraint: whatever is released was released by somebody
        if reason := _against(held):
            put_back(held, reason)
            return False
        with work(by=held.released_by), translation.override(held.released_by.language):
            start_writing(held, now)
        return True


def _against(held: Campaign) -> str:
    """Why it may not begin as it was released (see `put_back`), "" if nothing speaks against it."""
    assert held.released_by is not None and held.segment is not None and held.released_at is not None
    if not held.released_by.is_active:
        return "gone"
    if segment_changed(held, held.released_at):
        return "changed"
    try:
        found = waterfall(members(held.segment.tree, held.released_by), held.purpose)
    except ValidationError:
        return "words"  # the releaser may no longer ask what the segment asks
    return "many" if needs_second(held.going(found.left)) and not released_by_two(held) else ""


def write_down(job: Job) -> bool:
    """A step of the job: the next people of the kept segment, each once, with their mails. The cursor moves in the same transaction."""
    held = hold(Campaign(pk=job.params["campaign"]))
    if held.state not in {State.RUNNING, State.PAUSED} or held.snapshot is None:
        return True
    rest = SegmentMember.objects.filter(snapshot=held.snapshot_id, party_id__gt=job.cursor.get("after", 0)).order_by("party_id")
    ids = list(rest.values_list("party_id", flat=True)[:BATCH])
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
    ways = gate.examine(campaign.purpose, ids)
    addresses = [way.address for way in ways.values() if way.address]
    taken = set(Delivery.objects.unrestricted().filter(campaign=campaign, address__in=addresses).values_list("address", flat=True))
    held_out = Delivery.objects.unrestricted().filter(campaign=campaign, arm=CONTROL).exclude(party__in=ids).values("party")
    taken |= set(EmailAddress.objects.unrestricted().filter(party__in=held_out, is_primary=True, normalised__in=addresses).values_list("normalised", flat=True))
    arms, rows = campaign.variants.count(), []
    for pk in ids:
        way = ways.get(pk) or gate.Way(reason=GONE)
        if way.address and way.address in taken:
            way = gate.Way(reason=Place.TWICE.value)
        arm = None if way.reason else split(campaign.pk, pk, arms=arms, control=campaign.control * 10, house=firm_of(parties[pk]))
        goes = arm is not None and arm != CONTROL
        taken |= {way.address} if arm is not None else set()
        rows.append(Delivery(campaign=campaign, party_id=pk, arm=arm, reason=way.reason, address=way.address if goes else ""))
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def plan(campaign: Campaign, ids: list[int]) -> None:
    """The mails of those among these contacts who get one and have none yet."""
    rows = list(Delivery.objects.unrestricted().filter(campaign=campaign, party__in=ids, arm__gte=0, mail__isnull=True).order_by("pk"))
    parties = {party.pk: party for party in with_words(Party.objects.unrestricted().filter(pk__in=[row.party_id for row in rows]))}
    counted = tracking.agreed(campaign, rows)
    forms = {form: {variant.position: (variant, mail) for variant, mail in compiled(campaign, counted=form)} for form in ({False, True} if counted else {False})}
    drafts: dict[int, list[OutgoingMail]] = defaultdict(list)
    for row in rows:
        variant, mail = forms[row.pk in counted][row.arm or 0]
        own = tracking.ways(row, variant, campaign.language) if row.pk in counted else {}
        drafts[row.arm or 0].append(_draft(campaign, row, parties[row.party_id], mail, own))
    for arm, mails in drafts.items():
        plan_many(mails, attachments=files_of(campaign, forms[False][arm][1]))
    Delivery.objects.filter(pk__in=counted).update(counted=True)
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE campaigns_delivery d SET mail_id = m.id FROM core_outgoingmail m WHERE d.id = ANY(%s) AND m.once = 'campaign:' || d.id AND d.mail_id IS NULL", [[row.pk for row in rows]]
            )


def _draft(campaign: Campaign, delivery: Delivery, party: Party, mail: Mail, own: dict[str, str]) -> OutgoingMail:
    """`own`: the links of a counted mail (`tracking.ways`), nothing for any other."""
    ways = gate.ways_out(campaign, delivery)
    filled = mail.filled({**words_of(party, campaign.language), **own, UNSUBSCRIBE: ways.stop, PREFERENCES: ways.preferences})
    to = Recipient(delivery.address, campaign.language, str(party))
    facts: dict[str, Any] = {"heading": filled.subject, "body": filled.text, "html": filled.html, "sender": campaign.sender, "headers": ways.headers, "subject": delivery}
    return draft_mail(to, once=once(delivery.pk), kind=gate.KIND, **facts)


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
        touch_each([(row.party_id, row.mail.handed_at) for row in rows])
        return len(rows)
