"""What the page of one opportunity shows besides its facts: the way through the stages, its history, its next steps, its shares."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from contacts.detail import kinds
from contacts.forms import EntryForm
from contacts.models import Interaction, Party, Task
from contacts.timeline import DID, ICONS
from crm.core import formats
from crm.core.access import hidden_fields, may
from crm.core.sharing import shares_of
from crm.core.subjects import of_subject
from sales import forecast, learning
from sales.forms import StepForm
from sales.models import Opportunity, StageTransition

LONGEST = 200  # entries of the history on one page
_ICONS = {"open": "flag", "move": "arrow-right", "win": "trophy", "lose": "circle-x", "reopen": "rotate", "void": "arrow-back-up"}
_TONES = {"win": "good", "lose": "bad", "open": "acc"}


def context(row: Opportunity, request: HttpRequest) -> dict[str, Any]:
    """Everything `sales/opportunity.html` draws."""
    return {
        "stages": _stages(row),
        "shares": shares_of(row),
        "lost_to": row.lost_to if row.lost_to_id and Party.objects.visible_to(request.user).filter(pk=row.lost_to_id).exists() else None,
        **diary(row, request),
    }


def diary(row: Opportunity, request: HttpRequest, form: EntryForm | None = None, step_form: StepForm | None = None) -> dict[str, Any]:
    """The part that changes when somebody writes an entry: figures, composer, history, next steps. Entries belong to a contact one can see."""
    user = request.user
    hidden = hidden_fields(user, Opportunity)
    tasks = list(steps_of(row, user)[:20])
    named = row.party_id is not None and "party" not in hidden
    seen = named and Party.objects.visible_to(user).filter(pk=row.party_id).exists()
    return {
        "object": row,
        "party": row.party if seen else None,
        "unseen": named and not seen,
        "figures": _figures(row, learning.learned(row.stage.pipeline), tasks, hidden),
        "tasks": tasks,
        "now": timezone.now(),
        "may_write": may(user, "add", Interaction),
        "entry_form": form or EntryForm(auto_id="entry_%s"),
        "step_form": step_form or StepForm(),
        "kinds": kinds(form),
        "days": history(row, user),
    }


def steps_of(opportunity: Opportunity, user: Any) -> QuerySet[Task]:
    """Its open tasks that the reader may see, the next one first."""
    return Task.objects.visible_to(user).filter(of_subject(opportunity), done_at__isnull=True).select_related("owner").order_by("due_at", "pk")


def _stages(row: Opportunity) -> list[dict[str, Any]]:
    stages = row.stage.pipeline.stages.filter(Q(active=True) | Q(pk=row.stage_id)).order_by("position")
    return [{"stage": stage, "current": stage.pk == row.stage_id, "done": stage.position < row.stage.position} for stage in stages]


def _figures(row: Opportunity, known: learning.Learned, steps: list[Task], hidden: frozenset[str]) -> list[dict[str, Any]]:
    figures = []
    if "amount" not in hidden:
        figures.append({"label": _("Amount"), "value": formats.money(row.amount, row.currency_id), "detail": row.get_pricing_display() if row.amount is not None else _("not yet known")})
        if row.is_open and row.amount is not None:
            rate = known.rate(row.stage)
            words = _("learned from %(n)s decided ones") % {"n": formats.number(known.rates[row.stage_id].n)} if known.is_learned(row.stage) else _("assumed for this stage")
            figures.append({"label": _("Weighted"), "value": formats.money(row.amount * rate, row.currency_id, decimals=0), "detail": f"{formats.percent(rate)}, {words}"})
    if row.is_open:
        days = max((timezone.now() - row.stage_since).days, 0)
        verdict = forecast.age_verdict(days, known.ages.get(row.stage_id, []))
        detail = _("not enough won ones to compare") if verdict.median is None else _("won ones took %(days)s days") % {"days": formats.number(round(verdict.median))}
        state = {"over_median": "warn", "over_p90": "bad"}.get(verdict.verdict or "", "")
        value = ngettext("%(days)s day", "%(days)s days", days) % {"days": formats.number(days)}
        figures.append({"label": _("In this stage"), "value": value, "detail": detail, "state": state})
        if "expected_close" not in hidden:
            late = row.expected_close is not None and row.expected_close < timezone.localdate()
            detail = formats.relative(row.expected_close) if row.expected_close else _("no day yet")
            figures.append({"label": _("Close expected"), "value": formats.day(row.expected_close), "detail": detail, "state": "bad" if late else ""})
        step = steps[0] if steps else None
        late = step is not None and step.due_at < timezone.now()
        figures.append(
            {"label": _("Next step"), "value": formats.day(step.due_at) if step else formats.DASH, "detail": step.text if step else _("none planned"), "state": "bad" if late else ""}
        )
    elif "closed_on" not in hidden:
        figures.append({"label": _("Closed"), "value": formats.day(row.closed_on), "detail": row.get_state_display()})
    return figures


def history(row: Opportunity, user: Any) -> list[dict[str, Any]]:
    """The ledger and what people wrote about it, newest first, by day: [{day, items}]."""
    steps = list(StageTransition.objects.visible_to(user).filter(opportunity=row).select_related("from_stage", "to_stage", "voids").order_by("-at", "-pk")[:LONGEST])
    entries = list(
        Interaction.objects.visible_to(user).filter(of_subject(row)).exclude(kind=Interaction.Kind.SYSTEM).select_related("created_by").order_by("-occurred_at", "-pk")[:LONGEST]
    )
    people = User.objects.in_bulk({step.by_id for step in steps if step.by_id})
    voided = {step.voids_id for step in steps if step.voids_id}
    hidden = hidden_fields(user, Opportunity)
    items = [_ledger_item(step, people.get(step.by_id), step.pk in voided, row.currency_id, hidden) for step in steps]
    items += [
        {"icon": ICONS[entry.kind], "who": str(entry.created_by or ""), "text": entry.heading or str(DID[entry.kind]), "at": entry.occurred_at, "quote": entry.body}
        for entry in entries
    ]
    days: list[dict[str, Any]] = []
    for item in sorted(items, key=lambda item: item["at"], reverse=True):
        day = timezone.localtime(item["at"]).date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "items": []})
        days[-1]["items"].append(item)
    return days


def _ledger_item(step: StageTransition, who: User | None, voided: bool, currency: str, hidden: frozenset[str]) -> dict[str, Any]:
    words = {
        "open": _("opened it in “%(to)s”"),
        "move": _("moved it from “%(from)s” to “%(to)s”"),
        "win": _("won it"),
        "lose": _("lost it"),
        "reopen": _("reopened it"),
        "void": _("took a step back: it is in “%(to)s” again"),
    }[step.kind] % {"from": step.from_stage or "", "to": step.to_stage or ""}
    told = []
    if step.amount is not None and "amount" not in hidden:
        told.append(formats.money(step.amount, currency))
    if step.expected_close and "expected_close" not in hidden:
        told.append(_("close expected %(day)s") % {"day": formats.day(step.expected_close)})
    tags = [_("taken back")] if voided else []
    return {"icon": _ICONS[step.kind], "state": _TONES.get(step.kind, ""), "who": str(who or _("Somebody")), "text": words, "at": step.at, "quote": " · ".join(told), "tags": tags}
