"""Where a campaign stands, one formula each (D16): selected = accepted + left out by reason + control + refused + returned + unclear + waiting."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Case, CharField, Count, F, Value, When

from campaigns.ab import CONTROL
from campaigns.models import Campaign, Delivery
from crm.core.models import OutgoingMail

State = OutgoingMail.State
WITHDRAWN = "stopped"  # reason of those whose mail was withdrawn at the last moment


@dataclass(frozen=True)
class Progress:
    """Counts of people. `left_out` maps the reason to how many; mails withdrawn while the campaign is
    paused count as waiting: they go again when it is resumed."""

    selected: int = 0
    accepted: int = 0
    control: int = 0
    refused: int = 0
    returned: int = 0
    unclear: int = 0
    waiting: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def excluded(self) -> int:
        """Everybody left out, whatever the reason."""
        return sum(self.left_out.values())

    @property
    def going(self) -> int:
        """Who was to get a mail."""
        return self.accepted + self.refused + self.returned + self.unclear + self.waiting

    @property
    def ended(self) -> int:
        """Whose mail has come to an end."""
        return self.going - self.waiting


def progress(campaign: Campaign) -> Progress:
    """One query. Everybody written down stands in exactly one of the counts; who is not written down yet waits."""
    waits = Value("waiting")
    outcome = Case(
        When(arm=CONTROL, then=Value("control")),
        When(arm__isnull=True, then=Value("left_out")),
        When(mail__state=State.ACCEPTED, then=Value("accepted")),
        When(mail__state=State.REFUSED, then=Value("refused")),
        When(mail__state=State.RETURNED, then=Value("returned")),
        When(mail__state=State.UNCLEAR, then=Value("unclear")),
        When(mail__state=State.WITHDRAWN, then=waits if campaign.state == Campaign.State.PAUSED else Value("withdrawn")),
        default=waits,
        output_field=CharField(),
    )
    rows = Delivery.objects.unrestricted().filter(campaign=campaign).annotate(outcome=outcome).values("outcome", why=F("reason")).annotate(n=Count("pk")).order_by()
    counts: dict[str, int] = {}
    left_out: dict[str, int] = {}
    for row in rows:
        if row["outcome"] == "left_out":
            left_out[row["why"]] = left_out.get(row["why"], 0) + row["n"]
        elif row["outcome"] == "withdrawn":
            left_out[WITHDRAWN] = left_out.get(WITHDRAWN, 0) + row["n"]
        else:
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + row["n"]
    written = sum(counts.values()) + sum(left_out.values())
    selected = campaign.snapshot.size if campaign.snapshot else written
    if campaign.state == Campaign.State.CANCELLED and selected > written:
        left_out[WITHDRAWN] = left_out.get(WITHDRAWN, 0) + selected - written
    elif selected > written:
        counts["waiting"] = counts.get("waiting", 0) + selected - written
    return Progress(selected=selected, left_out=left_out, **counts)
