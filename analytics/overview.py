"""The overview: what management asks every morning — money, complaints, campaigns — on one page, each number with its rows, for what the reader may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import page, periods
from analytics.forecast import Forecast
from analytics.links import Rows
from campaigns.models import Campaign
from campaigns.report import sees_sales
from campaigns.results import results
from crm.core import formats
from crm.core.access import hidden_fields, may
from crm.core.days import on_days
from sales.forecast import Period
from service import metrics, satisfaction
from service.models import Case

CAMPAIGNS = 12  # the latest of a period; the list has them all
CAUSES = 5  # lines of the ranking; the page of causes has them all
MONEY = {"goodwill", "own_cost"}


@dataclass(frozen=True)
class Section:
    """One part of the page: its figures, where more of it is, and perhaps lines: causes
    [{name, count, cost, share, url}] or campaigns [{name, people, answers, opportunities, revenue, cost, url}]."""

    key: str
    title: str
    figures: list[dict[str, Any]]
    url: str = ""
    link: str = ""
    causes: list[dict[str, Any]] | None = None
    campaigns: list[dict[str, Any]] | None = None
    notes: tuple[str, ...] = ()


def context(forecast: Forecast, *, links: bool = True) -> dict[str, Any]:
    """Everything `analytics/_overview.html` and `pdf/overview.html` draw. Without `links` no address is built (a PDF leaves the house)."""
    return {
        "title": _("Overview"),
        "forecast": forecast,
        "currency": forecast.currency,
        "period_label": periods.label(forecast.period),
        "year_label": periods.label(forecast.year),
        "sections": [part for part in (_sales(forecast, links=links), _complaints(forecast, links=links), _campaigns(forecast, links=links)) if part is not None],
    }


def _sales(forecast: Forecast, *, links: bool) -> Section:
    rows = Rows(forecast) if links else None
    url = f"{reverse('forecast')}?{page.query(forecast.ask)}" if links else ""
    return Section("sales", _("Sales"), page.figures(forecast, rows), url, _("Forecast"), notes=tuple(late_words(forecast)))


def late_words(forecast: Forecast) -> Iterator[str]:
    """What of the open ones asks for attention."""
    for part, words in (
        (forecast.late.past, _("Open although the expected close is past: %(n)s, %(amount)s.")),
        (forecast.late.undated, _("Open without an expected close, therefore in no period: %(n)s, %(amount)s.")),
    ):
        if part.n:
            yield words % {"n": formats.number(part.n), "amount": formats.money(part.amount, forecast.currency, decimals=0)}


def _complaints(forecast: Forecast, *, links: bool) -> Section | None:
    """Complaints opened in the period, how they were handled, and what caused them; None for who sees no cases."""
    reader, period = forecast.ask.user, forecast.period
    hidden = hidden_fields(reader, Case)
    if not may(reader, forecast.ask.action, Case) or "type" in hidden:
        return None
    rows = Case.objects.visible_to(reader, forecast.ask.action).filter(type=Case.Type.COMPLAINT)
    money = not MONEY & hidden
    opened = rows.filter(**on_days("opened_at", period.start, period.end))
    last = periods.before(period, forecast.fiscal_start)
    found = metrics.tallies(opened)
    earlier = rows.filter(**on_days("opened_at", last.start, last.end), merged_into__isnull=True).count()
    kept, waiting = metrics.kept(rows, period.start, period.end), metrics.waiting(rows, forecast.now)
    count = sum(tally.count for tally in found)
    figures: list[dict[str, Any]] = [
        {
            "label": _("Complaints"), "value": formats.number(count), "url": _cases(links and count, period),
            "detail": _("%(n)s in %(period)s") % {"n": formats.number(earlier), "period": periods.label(last)},
        },
        {
            "label": _("Not settled now"), "value": formats.number(waiting.open), "url": _cases(links and waiting.open, None, state="unsettled"),
            "detail": _("%(n)s overdue") % {"n": formats.number(waiting.overdue)}, "state": "bad" if waiting.overdue else "",
        },
        {
            "label": _("Solved in time"), "value": formats.DASH if kept.share is None else formats.percent(kept.share),
            "detail": _("%(kept)s of %(all)s with a promise, %(solved)s solved") % {"kept": formats.number(kept.in_time), "all": formats.number(kept.promised), "solved": formats.number(kept.solved)},
        },
    ]  # fmt: skip
    if money:
        goodwill, own = (sum((getattr(tally, name) for tally in found), metrics.NOTHING) for name in ("goodwill", "own_cost"))
        words = _("%(goodwill)s goodwill, %(own)s own cost") % {part: formats.money(value, forecast.currency, decimals=0) for part, value in (("goodwill", goodwill), ("own", own))}
        figures.append({"label": _("Cost of complaints"), "value": formats.money(goodwill + own, forecast.currency, decimals=0), "detail": words})
    mean, answers = satisfaction.average(rows.filter(**on_days("closed_at", period.start, period.end)))
    if answers:
        words = ngettext("mean of %(n)s answer, 5 is best", "mean of %(n)s answers, 5 is best", answers)
        figures.append({"label": _("Satisfaction"), "value": formats.number(mean, 1), "detail": words % {"n": formats.number(answers)}})
    causes = None if "cause" in hidden else _causes(found, period, money=money, links=links)
    return Section("complaints", _("Complaints"), figures, reverse("causes") if links and causes is not None else "", _("Causes and costs"), causes)


def _campaigns(forecast: Forecast, *, links: bool) -> Section | None:
    """What the campaigns begun in the period brought, the latest first; None for who sees none, or where none began."""
    reader, period = forecast.ask.user, forecast.period
    if not may(reader, forecast.ask.action, Campaign):
        return None
    rows = Campaign.objects.visible_to(reader, forecast.ask.action).filter(**on_days("started_at", period.start, period.end)).order_by("-started_at", "-pk")
    found = [(row, results(row)) for row in rows[:CAMPAIGNS]]
    if not found:
        return None
    currency, (counted, money) = forecast.currency, sees_sales(reader)
    lines = [
        {
            "name": str(row), "people": done.whole.people, "answers": done.whole.answers, "opportunities": done.whole.opportunities if counted else None,
            "revenue": done.whole.revenue if money else None, "cost": done.cost, "url": reverse("campaign-detail", args=[row.pk]) if links else "",
        }
        for row, done in found
    ]  # fmt: skip
    people, answers, opportunities = (sum(getattr(done.whole, name) for _row, done in found) for name in ("people", "answers", "opportunities"))
    figures: list[dict[str, Any]] = [
        {"label": _("Campaigns"), "value": formats.number(len(lines)), "detail": _("begun in %(period)s") % {"period": periods.label(period)}},
        {"label": _("Reached"), "value": formats.number(people), "detail": _("mails accepted, each once")},
        {"label": _("Answers"), "value": formats.number(answers), "detail": formats.percent(Decimal(answers) / people, 1) if people else formats.DASH},
    ]
    cost = sum((done.cost for _row, done in found), metrics.NOTHING)
    costs = _("at costs of %(cost)s") % {"cost": formats.money(cost, currency, decimals=0)}
    won = sum((done.whole.revenue for _row, done in found), metrics.NOTHING)
    if money:
        words = ngettext("%(n)s opportunity, %(costs)s", "%(n)s opportunities, %(costs)s", opportunities) % {"n": formats.number(opportunities), "costs": costs}
        figures.append({"label": _("Won of them"), "value": formats.money(won, currency, decimals=0), "detail": words})
    elif counted:
        figures.append({"label": _("Opportunities"), "value": formats.number(opportunities), "detail": costs})
    else:
        figures.append({"label": _("Cost"), "value": formats.money(cost, currency, decimals=0), "detail": ""})
    url = reverse("campaign-list") if links else ""
    return Section("campaigns", _("Campaigns"), figures, url, _("All campaigns"), campaigns=lines, notes=(_("Attributed: opened within the registered days after the mail. What is proved stands on each campaign's page."),))


def _causes(found: list[metrics.Tally], period: Period, *, money: bool, links: bool) -> list[dict[str, Any]]:
    """What costs most; where money is hidden, or nothing cost anything yet, what comes up most."""
    lines = (metrics.pareto(found, metrics.BY_COST) if money else []) or metrics.pareto(found)
    return [
        {
            "name": line.tally.name, "count": line.tally.count, "cost": line.tally.cost if money else None, "share": Decimal(line.share),
            "url": _cases(links, period, cause=line.tally.cause_id),
        }
        for line in lines[:CAUSES]
    ]  # fmt: skip


def _cases(wanted: Any, period: Period | None, **narrower: Any) -> str:
    """The complaints as a list: those opened in the period, or all."""
    if not wanted:
        return ""
    days = {"opened_from": period.start.isoformat(), "opened_until": period.end.isoformat()} if period else {}
    return f"{reverse('case-list')}?{urlencode({'type': Case.Type.COMPLAINT.value, **days, **narrower})}"
