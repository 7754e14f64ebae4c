"""What complaints cost and teach: the page of causes, by how often and by what they cost."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from crm.catalog.models import Product
from crm.core import formats
from crm.core.access import hidden_fields, may
from crm.core.days import on_days
from crm.core.feedback import is_fragment
from crm.core.models import Installation
from crm.core.views import gated
from service import metrics
from service.models import Case, Touchpoint
from service.satisfaction import average

CHART = 12  # causes in the chart; the table has them all
MONEY = {"goodwill", "own_cost"}


class AskForm(forms.Form):
    """What is asked of the page; nonsense falls back to the usual, with a word beside its field."""

    period = forms.ChoiceField(label=gettext_lazy("Period"), choices=list(metrics.PERIODS.items()), required=False)
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=[("", gettext_lazy("complaints")), ("any", gettext_lazy("all cases"))], required=False)
    touchpoint = forms.ModelChoiceField(Touchpoint.objects.none(), label=gettext_lazy("Touchpoint"), required=False)
    product = forms.ModelChoiceField(Product.objects.none(), label=gettext_lazy("Product"), required=False)

    def __init__(self, data: Any, *, user: Any, hidden: frozenset[str]) -> None:
        super().__init__(data)
        self.fields["touchpoint"].queryset = Touchpoint.objects.visible_to(user)  # type: ignore[attr-defined]
        self.fields["product"].queryset = Product.objects.visible_to(user)  # type: ignore[attr-defined]
        for name in hidden & {"touchpoint", "product", "type"}:
            del self.fields[name]

    def chips(self, address: str) -> list[dict[str, Any]]:
        """The fields as chips; the period always says its value."""
        typed, found = self.data.copy(), []
        for name in self.fields:
            field = self[name]
            value = typed.get(name, "")
            words = {str(key): str(label) for key, label in field.field.choices}  # type: ignore[attr-defined]
            rest = {key: text for key, text in typed.items() if key != name and text}
            said = words.get(value or ("last12" if name == "period" else ""), "") if value or name == "period" else ""
            found.append({"name": name, "label": field.label, "active": bool(said), "value": said, "form_field": field, "clear_url": f"{address}?{urlencode(rest)}"})
        return found


@require_GET
@vary_on_headers("HX-Request")
@gated(lambda user: may(user, "view", Case) and "cause" not in hidden_fields(user, Case))
def causes(request: HttpRequest) -> HttpResponse:
    """Two rankings of the same cases: by number and by cost, each with its table."""
    hidden = hidden_fields(request.user, Case)
    form = AskForm(request.GET, user=request.user, hidden=hidden)
    form.is_valid()
    asked = form.cleaned_data
    first, last = metrics.period(asked.get("period") or "last12", timezone.localdate())
    rows = Case.objects.visible_to(request.user).filter(**on_days("opened_at", first, last))
    if asked.get("type") != "any":
        rows = rows.filter(type=Case.Type.COMPLAINT)
    for name in ("touchpoint", "product"):
        if asked.get(name):
            rows = rows.filter(**{name: asked[name]})
    found = metrics.tallies(rows)
    money, house = not hidden & MONEY, Installation.current().currency
    address, query = reverse("causes"), _list_query(asked, first, last)
    rankings = [_ranking(metrics.BY_COUNT, _("By how often"), found, house, query, money)]
    if money:
        rankings.append(_ranking(metrics.BY_COST, _("By what they cost"), found, house, query, money))
    undecided = sum(tally.count for tally in found if tally.cause_id is None)
    context = {
        "title": _("Causes and costs"),
        "from": first,
        "until": last,
        "figures": [*_figures(found, undecided, house, money), _satisfied(rows)],
        "rankings": rankings,
        "filter_chips": form.chips(address),
        "filtered": any(request.GET.get(name) for name in form.fields),
        "filter_errors": form.errors,
        "clear_url": address,
        "empty": None if found else {"title": _("No cases in this period"), "text": _("As soon as complaints name their cause, this page ranks the causes by how often they came up and by what they cost.")},
    }
    return render(request, "service/_causes.html" if is_fragment(request) else "service/causes.html", context)


def _list_query(asked: dict[str, Any], first: date, last: date) -> dict[str, Any]:
    """The filters of the list that shows the same cases."""
    query: dict[str, Any] = {"opened_from": first.isoformat(), "opened_until": last.isoformat()}
    if asked.get("type") != "any":
        query["type"] = "complaint"
    return query | {name: asked[name].pk for name in ("touchpoint", "product") if asked.get(name)}


def _figures(found: list[metrics.Tally], undecided: int, house: str, money: bool) -> list[dict[str, Any]]:
    count = sum(tally.count for tally in found)
    top = metrics.pareto(found)
    vital = sum(1 for line in top if line.running - line.share < metrics.Decimal("0.8"))
    figures = [
        {"label": _("Cases"), "value": formats.number(count), "detail": ngettext("%(n)s without a cause", "%(n)s without a cause", undecided) % {"n": formats.number(undecided)}},
        {"label": _("Most frequent"), "value": formats.percent(top[0].share) if top else formats.DASH, "detail": top[0].tally.name if top else _("no cause named yet")},
        {"label": _("Make up 80%"), "value": formats.number(vital), "detail": ngettext("of %(n)s cause", "of %(n)s causes", len(top)) % {"n": formats.number(len(top))}},
    ]
    if money:
        goodwill, own = (sum((getattr(tally, name) for tally in found), metrics.NOTHING) for name in ("goodwill", "own_cost"))
        words = _("%(goodwill)s goodwill, %(own)s own cost") % {"goodwill": formats.money(goodwill, house, decimals=0), "own": formats.money(own, house, decimals=0)}
        figures.append({"label": _("Cost"), "value": formats.money(goodwill + own, house, decimals=0), "detail": words})
    return figures


def _satisfied(rows: Any) -> dict[str, Any]:
    """What the customers of these cases said afterwards."""
    mean, n = average(rows)
    detail = ngettext("of 5, %(n)s answer", "of 5, %(n)s answers", n) % {"n": formats.number(n)}
    return {"label": _("Satisfaction"), "value": formats.number(mean, 1), "detail": detail if n else _("nobody has answered yet")}


def _ranking(by: str, title: str, found: list[metrics.Tally], house: str, query: dict[str, Any], money: bool) -> dict[str, Any]:
    """A table and its chart; each line opens its cases."""
    lines = metrics.pareto(found, by)
    address = reverse("case-list")
    drawn = [{"line": line, "url": f"{address}?{urlencode({**query, 'cause': line.tally.cause_id})}"} for line in lines]
    shown = lines[:CHART]
    unit = house if by == metrics.BY_COST else ""
    data = {
        "desc": title + ": " + "; ".join(f"{line.tally.name} {formats.percent(line.share)}" for line in shown[:5]),
        "unit": unit,
        "labels": [line.tally.name for line in shown],
        "url": [one["url"] for one in drawn[:CHART]],
        "series": [{"name": title, "values": [float(line.tally.measure(by)) for line in shown]}, {"name": _("running share"), "values": [round(float(line.running), 4) for line in shown]}],
    }
    return {"id": f"pareto-{by}", "by": by, "title": title, "lines": drawn, "data": data, "house": house, "money": money}
