"""What the builder's page shows: the steps, the form of the one it is at, and beside it the mail as a real person gets it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import audience, tracking
from campaigns.audience import Audience
from campaigns.blocks import KINDS, MOST, ContentForm
from campaigns.content import PLACEHOLDERS
from campaigns.forms import GoalForm, ScheduleForm, TestForm
from campaigns.models import Campaign, Variant
from campaigns.preflight import ask_dns, preflight
from campaigns.recipients import gaps_of
from campaigns.services import MOST_VARIANTS, RELEASE, needs_second
from contacts.models import Party
from crm.core.access import hidden_fields
from crm.core.approvals import open_approval
from crm.core.keys import number_from

STEPS = {
    "goal": gettext_lazy("Goal and audience"),
    "content": gettext_lazy("Content"),
    "test": gettext_lazy("Test"),
    "schedule": gettext_lazy("Schedule"),
    "check": gettext_lazy("Check and release"),
}
FORMS: dict[str, Any] = {"goal": GoalForm, "test": TestForm, "schedule": ScheduleForm}
BEHIND = "audience"  # in the address of a page that waits for the count
NEXT = dict(zip(STEPS, [*list(STEPS)[1:], ""], strict=True))


def step_of(request: HttpRequest) -> str:
    """The step the address names; the first for anything else."""
    asked = request.GET.get("step", "")
    return asked if asked in STEPS else "goal"


def step_url(campaign: Campaign, step: str, **more: Any) -> str:
    """Where a step of a draft is."""
    return f"{reverse('campaign-update', args=[campaign.pk])}?{urlencode({'step': step, **more})}"


def steps(campaign: Campaign | None, step: str) -> list[dict[str, Any]]:
    """The stepper. What is behind is done as far as it is filled in; before the first save there is only the first."""
    done = finished(campaign) if campaign else set()
    return [
        {"number": number, "label": label, "current": key == step, "done": key in done and key != step, "url": step_url(campaign, key) if campaign else ""}
        for number, (key, label) in enumerate(STEPS.items(), 1)
    ]


def finished(campaign: Campaign) -> set[str]:
    """The steps that have what they need."""
    found = {"schedule", "test"} if campaign.variants.exclude(subject="").exists() else set()
    if campaign.segment_id:
        found.add("goal")
    if not campaign.variants.filter(subject="").exists():
        found.add("content")
    return found


def variant_at(campaign: Campaign, request: HttpRequest) -> Variant:
    """The mail the address names by its position, or the first."""
    rows = list(campaign.variants.all())
    asked = number_from(request, "variant", 0)
    return next((row for row in rows if row.position == asked), rows[0])


def images_of(campaign: Campaign) -> dict[str, int]:
    """Digest → bytes of the images that belong to it."""
    return dict(campaign.images.values_list("file_id", "size"))


def page(request: HttpRequest, campaign: Campaign, step: str, **given: Any) -> dict[str, Any]:
    """The context of `campaigns/builder.html`. `given` may bring the form that was sent and refused."""
    variant = variant_at(campaign, request)
    number = number_from(request, "person", 1) or 1
    behind = BEHIND in request.GET
    found = audience.look(campaign, request.user, number=number, most=audience.LOOKED_AT if step == "check" else 0, at_once=not behind)
    context: dict[str, Any] = {
        "campaign": campaign,
        "object": campaign,
        "title": str(campaign),
        "step": step,
        "steps": steps(campaign, step),
        "next_step": NEXT[step],
        "variants": _tabs(campaign, step, variant),
        "variant": variant,
        "preview": preview_bar(campaign, variant, found, number),
        "too_long": found.too_long and behind,
        "later_url": step_url(campaign, step, variant=variant.position, person=number, **{BEHIND: 1}) if found.too_long and not behind else "",
        **given,
    }
    if step == "content":
        form = context.setdefault("content", ContentForm(variant=variant, images=images_of(campaign)))
        context |= {"kinds": [(key, label, icon) for key, (label, icon) in KINDS.items()], "placeholders": PLACEHOLDERS.items(), "full": len(form.blocks) >= MOST}
    elif step == "check" and not context["later_url"]:
        context |= checked(request, campaign, found)
    elif step in FORMS and "form" not in context:
        context["form"] = FORMS[step](instance=campaign, user=request.user)
    if step == "goal":
        context["waterfall"] = found.waterfall
    if step == "test":
        context["may_add_variant"] = campaign.variants.count() < MOST_VARIANTS
    return context


def checked(request: HttpRequest, campaign: Campaign, found: Audience) -> dict[str, Any]:
    """What the last step shows: the lines of the check, who would get it (`audience.look` with a sample), and who releases it."""
    recipients = found.recipients
    gaps = len(gaps_of(campaign, found.sample, hidden_fields(request.user, Party)))
    going = campaign.going(recipients)
    asked = "dns" in request.GET
    lines = preflight(campaign, recipients=None if found.too_long else going, gaps=gaps, per_arm=going // max(1, campaign.variants.count()), findings=ask_dns(campaign) if asked else None)
    approval = open_approval(campaign, RELEASE)
    return {
        "waterfall": found.waterfall,
        "lines": lines,
        "stopped": any(line.state == "bad" for line in lines),
        "recipients": going,
        "held": recipients - going,
        "needs_second": needs_second(going),
        "approval": approval,
        "mine": approval is not None and approval.asked_by_id == request.user.pk,
        "may_count": tracking.may_count(),
        "agreed": found.agreed,
        "dns_url": "" if asked else step_url(campaign, "check", dns=1),
    }


def _tabs(campaign: Campaign, step: str, current: Variant) -> list[dict[str, Any]]:
    rows = list(campaign.variants.all())
    return [
        {"letter": row.letter, "subject": row.subject, "url": step_url(campaign, step, variant=row.position), "current": row.pk == current.pk, "label": _("Mail %(letter)s") % {"letter": row.letter}}
        for row in rows
    ]


def preview_bar(campaign: Campaign, variant: Variant, found: Audience, number: int) -> dict[str, Any]:
    """Whose mail is shown, and the way to the person before and after."""
    total = found.recipients
    number = min(max(number, 1), max(total, 1))
    query = {"variant": variant.position, "person": 0 if found.too_long else number}
    return {
        "person": found.person,
        "number": number,
        "total": total,
        "url": f"{reverse('campaign-preview', args=[campaign.pk])}?{urlencode(query)}",
        "before": number - 1 if number > 1 else 0,
        "after": number + 1 if number < total else 0,
    }
