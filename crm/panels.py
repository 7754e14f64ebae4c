"""What the other apps show on a contact's page (D11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.models import Journey
from contacts.models import Party, Task
from contacts.panels import Panel
from crm.core import formats
from crm.core.access import hidden_fields, may
from crm.core.columns import Column
from crm.core.subjects import name_subject
from sales import metrics
from sales.models import Opportunity
from service.filters import OPEN, of_party
from service.models import Case
from service.satisfaction import average

LONGEST = 12  # opportunities in the panel


def open_opportunities(party: Party, reader: Any) -> QuerySet[Opportunity]:
    """The open opportunities with this contact that the reader may see, the next to close first."""
    rows = Opportunity.objects.visible_to(reader).filter(metrics.OPEN, party=party.pk)
    return rows.select_related("stage").order_by("expected_close", "pk")


def with_next_step(rows: QuerySet[Opportunity], reader: Any) -> QuerySet[Opportunity]:
    """Each with `step_at`: when its next step is due (None: none planned)."""
    steps = Task.objects.visible_to(reader).filter(subject_type=name_subject(Opportunity())["subject_type"], subject_id=OuterRef("pk"), done_at__isnull=True)
    return rows.annotate(step_at=Subquery(steps.order_by("due_at").values("due_at")[:1]))


def opportunities_url(party: Party) -> str:
    """All opportunities with this contact as a list."""
    return f"{reverse('opportunity-list')}?party={party.pk}"


def _figure(party: Party, reader: Any) -> dict[str, Any]:
    house = metrics.house_currency()
    found = metrics.figures(open_opportunities(party, reader), only=("n_open", "open_pipeline"), house=house)
    words = ngettext("%(n)s opportunity", "%(n)s opportunities", found.n_open) % {"n": formats.number(found.n_open)}
    if "amount" in hidden_fields(reader, Opportunity):
        return {"label": _("Open opportunities"), "value": formats.number(found.n_open), "detail": "", "url": opportunities_url(party)}
    return {"label": _("Open opportunities"), "value": formats.money(found.open_pipeline, house, decimals=0), "detail": words, "url": opportunities_url(party)}


def _mine(reader: Any) -> QuerySet[Any]:
    return Opportunity.objects.visible_to(reader).filter(metrics.OPEN, party=OuterRef("pk")).order_by().values("party")


def _add_count(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    return rows.annotate(open_count=Subquery(_mine(reader).annotate(n=Count("pk")).values("n")))


def _add_sum(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    house = metrics.house_currency()
    if "amount" in hidden_fields(reader, Opportunity):
        return rows.annotate(open_sum=Value(None, DecimalField()), currency_id=Value(house))
    total = _mine(reader).annotate(total=metrics.expressions(house=house)["open_pipeline"]).values("total")
    return rows.annotate(open_sum=Subquery(total), currency_id=Value(house))  # a money column reads its currency there


def open_cases(party: Party, reader: Any) -> QuerySet[Case]:
    """The cases of this contact that are not settled and that the reader may see, the next deadline first."""
    rows = Case.objects.visible_to(reader).filter(OPEN, of_party(party))
    return rows.order_by(F("due_next").asc(nulls_last=True), "pk")


def cases_url(party: Party) -> str:
    """All cases of this contact as a list."""
    return f"{reverse('case-list')}?party={party.pk}"


def _cases_figure(party: Party, reader: Any) -> dict[str, Any]:
    mine = Case.objects.visible_to(reader).filter(of_party(party))
    complained = Q(type=Case.Type.COMPLAINT, opened_at__gte=timezone.now() - timedelta(days=365), merged_into__isnull=True)
    count, complaints = mine.order_by().aggregate(open=Count("pk", filter=OPEN), complaints=Count("pk", filter=complained)).values()
    words = ngettext("%(n)s complaint in 12 months", "%(n)s complaints in 12 months", complaints) % {"n": formats.number(complaints)}
    mean, n = average(mine)
    if mean is not None:
        words += " · " + ngettext("satisfaction %(mean)s of 5 (%(n)s answer)", "satisfaction %(mean)s of 5 (%(n)s answers)", n) % {"mean": formats.number(mean, 1), "n": formats.number(n)}
    return {"label": _("Open cases"), "value": formats.number(count), "detail": words, "url": cases_url(party), "state": "warn" if count else ""}


def _add_cases(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    mine = Case.objects.visible_to(reader).filter(OPEN, organisation=OuterRef("pk")).order_by().values("organisation")
    return rows.annotate(open_cases=Subquery(mine.annotate(n=Count("pk")).values("n")))


PANELS = [
    Panel(
        "opportunities",
        gettext_lazy("Open opportunities"),
        "party-opportunities",
        lambda reader: may(reader, "view", Opportunity),
        opportunities_url,
        _figure,
        [
            Column("open_count", gettext_lazy("Open opportunities"), "open_count", kind="number", priority=3, adds=_add_count),
            Column("open_sum", gettext_lazy("Open amount"), "open_sum", kind="money", priority=2, adds=_add_sum),
        ],
    ),
    Panel(
        "cases",
        gettext_lazy("Cases"),
        "party-cases",
        lambda reader: may(reader, "view", Case),
        cases_url,
        _cases_figure,
        [Column("open_cases", gettext_lazy("Open cases"), "open_cases", kind="number", priority=2, shown=False, adds=_add_cases)],
    ),
    Panel("journeys", gettext_lazy("Journeys"), "party-journeys", lambda reader: may(reader, "view", Journey), lambda party: reverse("party-journeys", args=[party.pk])),
]
