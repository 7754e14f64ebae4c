"""How people took a campaign's mail: who opened and clicked, of those who agreed to be counted; who wants no more of it; whose mail came back.

One formula per number (D16). A person stands in one place: clicked ⊂ opened; neither, but touched by what nobody can tell apart; or touched by
machines alone. Whose consent to be counted has ended since stands nowhere, and what was kept is forgotten the night after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from campaigns.content import links_of
from campaigns.gate import source_of
from campaigns.models import Campaign, Delivery, Touch
from campaigns.tracking import counted
from campaigns.verdict import Judged, Kind, Reason, Seen, Verdict, together
from contacts.consent_gate import tracking_ended
from contacts.models import ConsentEvent, Interaction, Party
from contacts.reach import AddressHash
from crm.core.models import OutgoingMail
from crm.core.work import work

CLICKED, OPENED, UNCLEAR, MACHINES = "clicked", "opened", "untold", "machines"  # the places of a person, as addresses name them
COUNTED, UNSUBSCRIBED, RETURNED = "counted", "unsubscribed", "returned"
SETTLED = timedelta(minutes=2)  # after a click nothing follows any more that says it was a machine's
FORGOTTEN_AT_ONCE = 5_000  # rows of one transaction


@dataclass(frozen=True)
class Reaction:
    """What was seen of one mail: its touches in their order, each with its verdict in the light of the others."""

    touches: tuple[tuple[Touch, Judged], ...]

    @property
    def place(self) -> str:
        """Where its person stands."""
        said = {(touch.kind, found.verdict) for touch, found in self.touches}
        if (Kind.CLICK, Verdict.HUMAN) in said:
            return CLICKED
        if (Kind.OPEN, Verdict.HUMAN) in said:
            return OPENED
        return UNCLEAR if Verdict.UNKNOWN in {verdict for _kind, verdict in said} else MACHINES

    def clicks(self) -> list[Touch]:
        """The clicks of a person."""
        return [touch for touch, found in self.touches if touch.kind == Kind.CLICK and found.verdict == Verdict.HUMAN]

    def machines(self) -> list[Reason]:
        """What tells that machines were there, each once."""
        return list(dict.fromkeys(found.reason for _touch, found in self.touches if found.verdict == Verdict.MACHINE))


def links_by_arm(campaign: Campaign) -> dict[int, list[str]]:
    """Where the links of each mail go."""
    return {variant.position: links_of(variant.blocks) for variant in campaign.variants.all()}


def reactions(campaign: Campaign, **only: Any) -> dict[int, Reaction]:
    """Delivery → what was seen of its mail, where anything was; `only` narrows the deliveries."""
    links = links_by_arm(campaign)
    deliveries = Delivery.objects.unrestricted().filter(counted(), campaign=campaign, counted=True, **only)
    touches: dict[int, list[Touch]] = defaultdict(list)
    for touch in Touch.objects.unrestricted().filter(delivery__in=deliveries.values("pk")).select_related("delivery").order_by("at", "pk"):
        touches[touch.delivery_id].append(touch)
    return {pk: judged(rows, len(links.get(rows[0].delivery.arm or 0, []))) for pk, rows in touches.items()}


def judged(touches: Sequence[Touch], links: int) -> Reaction:
    """The touches of one mail, judged anew."""
    seen = [Seen(touch.kind, touch.link, touch.at, Judged(Verdict(touch.verdict), Reason(touch.reason))) for touch in touches]
    return Reaction(tuple(zip(touches, together(seen, links), strict=True)))


def of_arms(campaign: Campaign) -> dict[int, dict[str, int]]:
    """Mail → how many people by what they did: the keys are the words above. `opened` holds those who clicked, too."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = people(campaign, COUNTED).values_list("pk", "arm") if campaign.counts else ()
    arms = dict(rows)
    for arm in arms.values():
        found[arm][COUNTED] += 1
    for pk, reaction in (reactions(campaign) if arms else {}).items():
        if pk in arms:
            found[arms[pk]][reaction.place] += 1
    for places in found.values():
        places[OPENED] += places[CLICKED]
    for what in (UNSUBSCRIBED, RETURNED):
        for arm in people(campaign, what).values_list("arm", flat=True):
            found[arm][what] += 1
    return found


def people(campaign: Campaign, what: str) -> Any:
    """The deliveries of those who did something."""
    rows = Delivery.objects.unrestricted().filter(campaign=campaign, arm__gte=0)
    if what == RETURNED:
        return rows.filter(mail__state=OutgoingMail.State.RETURNED)
    if what == UNSUBSCRIBED:
        return rows.filter(Exists(_stops(campaign).filter(hash=AddressHash(OuterRef("address")))))
    rows = rows.filter(counted(), counted=True, mail__state=OutgoingMail.State.ACCEPTED)
    if what == COUNTED:
        return rows
    places = {CLICKED, OPENED} if what == OPENED else {what}
    return rows.filter(pk__in=[pk for pk, reaction in reactions(campaign).items() if reaction.place in places])


def _stops(campaign: Campaign) -> Any:
    """What the ledger of consents says against a campaign's purpose, said through one of its mails."""
    against = Q(purpose=campaign.purpose_id) | Q(purpose__isnull=True)
    return ConsentEvent.objects.filter(against, source=source_of(campaign.pk), kind__in=[ConsentEvent.Kind.WITHDRAWN, ConsentEvent.Kind.OBJECTED])


def words_of(campaign: Campaign, what: str, rows: Sequence[Delivery]) -> Mapping[int, str]:
    """Delivery → what is said of it beside the name: where somebody clicked, or what tells of machines."""
    if what not in {CLICKED, MACHINES}:
        return {}
    links, known, found = links_by_arm(campaign), reactions(campaign, pk__in=[row.pk for row in rows]), {}
    for row in rows:
        if row.pk not in known:
            continue
        reaction = known[row.pk]
        where = dict.fromkeys(links[row.arm or 0][touch.link - 1] for touch in reaction.clicks())
        found[row.pk] = " · ".join(where if what == CLICKED else [str(reason.label) for reason in reaction.machines()])
    return found


# --- told in the history, and forgotten -------------------------------------------------------------------------------------------------


def untold(now: datetime) -> Any:
    """Deliveries with a click that may be a person's and of which the history says nothing yet."""
    clicked = Touch.objects.unrestricted().filter(delivery=OuterRef("pk"), kind=Kind.CLICK, verdict=Verdict.HUMAN, at__lte=now - SETTLED)
    there = Party.objects.unrestricted().filter(pk=OuterRef("party_id"))
    return Delivery.objects.unrestricted().filter(Exists(clicked), Exists(there), counted=True, click_entry__isnull=True)


def tell_clicks(pk: int, now: datetime | None = None) -> int:
    """Write the first click of each person into the history, once it is known to be a person's. Returns how many."""
    now = now or timezone.now()
    with work():
        held = Campaign.objects.unrestricted().held(pk)
        rows = list(untold(now).filter(campaign=held).select_related("mail"))
        found, links, told = reactions(held, pk__in=[row.pk for row in rows]) if rows else {}, links_by_arm(held), 0
        with translation.override(held.language):
            for row in rows:
                clicks = [touch for touch in found[row.pk].clicks() if touch.at <= now - SETTLED] if row.pk in found else []
                if not clicks:
                    continue
                heading = _("Clicked in the mail “%(heading)s”") % {"heading": row.mail.heading if row.mail else held.name}
                body = links[row.arm or 0][clicks[0].link - 1]
                entry = Interaction.objects.create(party_id=row.party_id, kind=Interaction.Kind.SYSTEM, occurred_at=clicks[0].at, heading=heading[:200], body=body)
                Delivery.objects.filter(pk=row.pk).update(click_entry=entry.pk)
                told += 1
        return told


def forget_touches(_due: datetime | None = None) -> int:
    """Forget what was kept of people whose consent has ended, the lines of their history with it. Returns of how many mails."""
    gone = 0
    while rows := list(Delivery.objects.unrestricted().filter(tracking_ended(), counted=True).order_by("pk").values_list("pk", "click_entry")[:FORGOTTEN_AT_ONCE]):
        ids = [pk for pk, _entry in rows]
        with work(), connection.cursor() as cursor:
            Interaction.objects.unrestricted().filter(pk__in=[entry for _pk, entry in rows if entry]).delete()
            cursor.execute("SELECT set_config('lotse.maintenance', 'on', true)")
            Touch.objects.unrestricted().filter(delivery__in=ids).delete()
            cursor.execute("SELECT set_config('lotse.maintenance', '', true)")
            Delivery.objects.filter(pk__in=ids).update(counted=False, click_entry=None)
        gone += len(rows)
    return gone
