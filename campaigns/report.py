"""The page of a campaign after the builder: where it stands, who was left out and why, and what came of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import reactions
from campaigns.ab import SAME, WINNER
from campaigns.effect import Between
from campaigns.figures import WITHDRAWN, Progress, progress
from campaigns.forms import CostForm
from campaigns.models import Campaign, Delivery, letter
from campaigns.results import Arm, Results, results
from campaigns.services import RELEASE
from campaigns.waterfall import Place
from contacts.models import Party
from crm.core import formats
from crm.core.access import hidden_fields, scope_of
from crm.core.approvals import open_approval
from crm.core.models import Installation, OutgoingMail
from sales.models import Opportunity

State = Campaign.State
REASONS = {
    **dict(Place.choices),
    "gone": gettext_lazy("contact no longer there"),
    WITHDRAWN: gettext_lazy("stopped at the last moment"),
    "control": gettext_lazy("control group, held out on purpose"),
    "refused": gettext_lazy("refused by the mail server"),
    "returned": gettext_lazy("came back: the address was not reached"),
    "unclear": gettext_lazy("unclear whether the mail server has it"),
    reactions.UNSUBSCRIBED: gettext_lazy("unsubscribed through this mail"),
    reactions.COUNTED: gettext_lazy("agreed that opens and clicks are counted"),
    reactions.CLICKED: gettext_lazy("clicked, by a person"),
    reactions.OPENED: gettext_lazy("opened or clicked, by a person"),
    reactions.UNCLEAR: gettext_lazy("perhaps opened: nobody can tell"),
    reactions.MACHINES: gettext_lazy("touched by machines alone"),
}
DONE = (reactions.COUNTED, reactions.CLICKED, reactions.OPENED, reactions.UNCLEAR, reactions.MACHINES)
LIVE = {State.RUNNING, State.PAUSED}
MOST = 500  # contacts named on one page


def reason_label(reason: str) -> str:
    """A reason in words."""
    return str(REASONS.get(reason, reason))


def page(request: HttpRequest, campaign: Campaign, **given: Any) -> dict[str, Any]:
    """The context of `campaigns/detail.html`."""
    user = request.user
    may_change = Campaign.objects.visible_to(user, "change").filter(pk=campaign.pk).exists()
    approval = open_approval(campaign, RELEASE)
    context: dict[str, Any] = {
        "campaign": campaign,
        "title": str(campaign),
        "may_change": may_change,
        "approval": approval,
        "may_decide": approval is not None and approval.asked_by_id != user.pk and may_change,
        "facts": _facts(campaign, user),
        "variants": list(campaign.variants.all()),
        **running(campaign, user),
    }
    if campaign.has_left:
        context |= _results(campaign, user)
        context |= {"costs": list(campaign.costs.order_by("pk")), "cost_form": CostForm(), "currency": Installation.current().currency}
    return context | given


def running(campaign: Campaign, user: Any) -> dict[str, Any]:
    """How far it is: polled while it is sent."""
    if not campaign.has_left:
        return {"campaign": campaign, "live": False}
    found = progress(campaign)
    return {"campaign": campaign, "progress": found, "live": campaign.state in LIVE, "figures": _figures(found), "rows": _rows(campaign, found)}


def _figures(found: Progress) -> list[dict[str, Any]]:
    n = formats.number
    return [
        {"label": _("Selected"), "value": n(found.selected), "detail": _("in the segment when it began")},
        {"label": _("Accepted"), "value": n(found.accepted), "detail": _("by the mail server, each once"), "state": "good" if found.accepted else ""},
        {"label": _("Waiting"), "value": n(found.waiting), "detail": _("still to be handed over"), "progress": {"value": found.ended, "max": max(found.going, 1), "label": _("Handed over")}},
        {"label": _("Left out"), "value": n(found.excluded), "detail": _("for a reason, see below")},
        {"label": _("Held out"), "value": n(found.control), "detail": _("control group")},
    ]


def _rows(campaign: Campaign, found: Progress) -> list[dict[str, Any]]:
    """Everybody who got nothing, by reason; all rows and those accepted add up to the selected."""
    counts = {**found.left_out, "control": found.control, "refused": found.refused, "returned": found.returned, "unclear": found.unclear}
    url = reverse("campaign-left-out", args=[campaign.pk])
    return [{"label": reason_label(key), "n": n, "url": f"{url}?{urlencode({'reason': key})}"} for key, n in sorted(counts.items(), key=lambda pair: -pair[1]) if n]


def left_out(campaign: Campaign, reader: Any, reason: str, arm: int | None = None) -> tuple[list[dict[str, Any]], int]:
    """The contacts behind one number that the reader may see, of one mail where `arm` names it: the first MOST of them, and how many there are."""
    rows = Delivery.objects.visible_to(reader).filter(campaign=campaign)
    if arm is not None:
        rows = rows.filter(arm=arm)
    if reason in {*DONE, reactions.UNSUBSCRIBED}:
        rows = rows.filter(pk__in=reactions.people(campaign, reason).values("pk"))
    elif reason == "control":
        rows = rows.filter(arm=-1)
    elif reason in {"refused", "returned", "unclear"}:
        rows = rows.filter(mail__state=reason)
    elif reason == WITHDRAWN:
        rows = rows.filter(mail__state=OutgoingMail.State.WITHDRAWN)
    else:
        rows = rows.filter(reason=reason, arm__isnull=True)
    rows = rows.filter(party__in=Party.objects.visible_to(reader).values("pk"))
    found = list(rows.select_related("mail").order_by("pk")[:MOST])
    parties = Party.objects.visible_to(reader).in_bulk([row.party_id for row in found])
    words = reactions.words_of(campaign, reason, found)
    there = [row for row in found if row.party_id in parties]  # whoever was deleted between the two is nobody's line
    return [{"party": parties[row.party_id], "answer": words.get(row.pk) or (row.mail.answer if row.mail else "")} for row in there], len(found) if len(found) < MOST else rows.count()


def _facts(campaign: Campaign, reader: Any) -> list[dict[str, Any]]:
    when = formats.moment(campaign.send_at) if campaign.send_at else _("as soon as it is released")
    house = Installation.current().currency
    hidden = hidden_fields(reader, Campaign)
    facts = [
        ({"goal"}, {"label": _("Goal"), "text": campaign.goal}),
        ({"segment"}, {"label": _("Segment"), "text": str(campaign.segment or "")}),
        ({"metric", "days"}, {"label": _("Success is"), "text": _("%(metric)s within %(days)s days") % {"metric": campaign.get_metric_display(), "days": formats.number(campaign.days)}}),
        ({"send_at"}, {"label": _("To be sent"), "text": when}),
        (set(), {"label": _("Opens and clicks"), "text": _("counted of those who agreed to it") if campaign.counts else _("not counted")}),
        (set(), {"label": _("Released by"), "text": str(campaign.released_by or "")}),
        ({"budget"}, {"label": _("Budget"), "text": formats.money(campaign.budget, house) if campaign.budget is not None else ""}),
    ]
    return [fact for fields, fact in facts if not fields & hidden]


def sees_sales(reader: Any) -> tuple[bool, bool]:
    """Whether the reader is shown how many opportunities came of campaigns, and what they are worth.

    A report counts those of the whole house, and for a campaign to few people that is as good as seeing them: so both only to who sees all of them.
    """
    reach = scope_of(reader).reach("view", "opportunity")
    every = reach is not None and reach.everything
    return every, every and "amount" not in hidden_fields(reader, Opportunity)


def _results(campaign: Campaign, user: Any) -> dict[str, Any]:
    found, house = results(campaign), Installation.current().currency
    opportunities, money = sees_sales(user)
    done, several = reactions.of_arms(campaign), campaign.variants.count() > 1
    lines = [_line(row, several, house, opportunities, money) | _stopped(campaign, row.arm, done) for row in (*found.arms, found.control) if row.people or row.arm >= 0]
    return {
        "results": found,
        "lines": lines,
        "touched": [{"label": _label(row.arm, several), "cells": [_cell(campaign, row.arm, what, done) for what in DONE]} for row in found.arms] if campaign.counts else [],
        "opportunities_shown": opportunities,
        "money_shown": money,
        "verdict": verdict_words(campaign, found) if opportunities or campaign.metric != Campaign.Metric.OPPORTUNITY else "",
        "verdict_state": "good" if found.verdict.kind == WINNER else "",
        "effect_words": effect_words(found, house) if money else [],
    }


def _label(arm: int, several: bool) -> str:
    return _("Control group") if arm < 0 else _("Mail %(letter)s") % {"letter": letter(arm)} if several else _("Mail")


def _cell(campaign: Campaign, arm: int, what: str, done: dict[int, dict[str, int]]) -> dict[str, Any]:
    """A number and where its people are named."""
    return {"n": done.get(arm, {}).get(what, 0), "url": f"{reverse('campaign-left-out', args=[campaign.pk])}?{urlencode({'reason': what, 'mail': arm})}"}


def _stopped(campaign: Campaign, arm: int, done: dict[int, dict[str, int]]) -> dict[str, Any]:
    return {what: _cell(campaign, arm, what, done) if arm >= 0 else None for what in (reactions.UNSUBSCRIBED, reactions.RETURNED)}


def _line(row: Arm, several: bool, house: str, opportunities: bool, money: bool) -> dict[str, Any]:
    return {
        "label": _label(row.arm, several),
        "people": row.people,
        "answers": row.answers,
        "answered": between_percent(row.answered) if row.people else "",
        "opportunities": row.opportunities if opportunities else None,
        "revenue": formats.money(row.revenue, house, decimals=0) if money else "",
    }


def between_percent(found: Between) -> str:
    """4,2 % (3,1 bis 5,6)."""
    return _("%(value)s (%(low)s to %(high)s)") % {"value": formats.percent(found.value, 1), "low": formats.percent(found.low, 1), "high": formats.percent(found.high, 1)}


def verdict_words(campaign: Campaign, found: Results) -> str:
    """What the test says, in words."""
    kind, effect = found.verdict.kind, formats.number(campaign.effect)
    if campaign.variants.count() < 2:
        return ""
    if kind == WINNER:
        return _("Mail %(letter)s works better. If nothing was behind it, so much would be seen in fewer than %(chance)s of such tests, however often one looks.") % {
            "letter": letter(found.verdict.winner or 0), "chance": formats.percent(max(found.verdict.chance, 0.001), 1),
        }  # fmt: skip
    if kind == SAME:
        return _("No difference worth having: a mail that brings %(effect)s %% more would have shown by now.") % {"effect": effect}
    if found.over:
        return _("No winner: the days are over, and the difference seen may well be chance.")
    return _("No winner yet: so far the difference may well be chance. Looking does no harm, this test allows it.")


def effect_words(found: Results, house: str) -> list[str]:
    """What the campaign brought beyond what would have come anyway, and what came back of its costs."""
    if found.gain is None:
        return [_("Attributed, not proved: without a control group of at least 20 firms nobody can say what would have come anyway.")]
    low, high = (formats.money(round(part * found.firms), house, decimals=0) for part in (found.gain.low, found.gain.high))
    value = formats.money(round(found.gain.value * found.firms), house, decimals=0)
    words = [_("Against the control group the campaign brought %(value)s so far (95 %% sure: between %(low)s and %(high)s).") % {"value": value, "low": low, "high": high}]
    if found.gain.low <= 0 <= found.gain.high:
        words.append(_("That includes nothing at all: an effect is not proved."))
    if found.back is not None:
        facts = {"value": formats.percent(found.back.value), "low": formats.percent(found.back.low), "high": formats.percent(found.back.high)}
        words.append(_("Return on the costs: %(value)s (%(low)s to %(high)s).") % facts)
    return words


