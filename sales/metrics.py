"""The figures of sales, one formula each (D16): board, lists, forecast page, PDF and exports all read them here.

Every function takes opportunities already narrowed by `visible_to` (and by the filters of the page). Money is a Decimal of two places in
the house currency (`Installation.currency`): an amount in another one counts at the rate of its closing day, an open one at today's rate;
each opportunity is rounded to the cent before it is summed, so that any sum equals the sum of the rows it opens. An opportunity without
an amount, or in a currency without a rate, adds no money and is counted in `unvalued`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Round
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.catalog.models import Rate
from crm.core.models import Installation
from sales import forecast
from sales.models import Opportunity

OPEN, WON, LOST = Q(state="open"), Q(state="won"), Q(state="lost")
LABELS = {
    "won_revenue": _("won"),
    "open_pipeline": _("open"),
    "weighted_pipeline": _("weighted"),
    "win_rate": _("won/(won+lost)"),
    "n_won": _("number won"),
    "n_lost": _("number lost"),
    "n_open": _("number open"),
    "unvalued": _("without amount"),
}
_MONEY: Any = DecimalField(max_digits=20, decimal_places=2)
_FACTOR: Any = DecimalField(max_digits=20, decimal_places=6)
_NOTHING = Value(Decimal("0.00"), output_field=_MONEY)


@dataclass(frozen=True)
class Figures:
    """All figures of one set of opportunities. `win_rate` is a share of 1, or None while nothing was decided."""

    won_revenue: Decimal = Decimal(0)
    open_pipeline: Decimal = Decimal(0)
    weighted_pipeline: Decimal = Decimal(0)
    n_won: int = 0
    n_lost: int = 0
    n_open: int = 0
    unvalued: int = 0

    @property
    def win_rate(self) -> Decimal | None:
        """won / (won + lost), by number."""
        return forecast.won_rate(self.n_won, self.n_lost).value


def house_currency() -> str:
    """The ISO code every sum is in."""
    return str(Installation.current().currency)


def house_amount(house: str | None = None) -> Combinable:
    """Expression: an opportunity's amount in the house currency, to the cent; null without an amount or a rate for its day."""
    day = Coalesce(OuterRef("closed_on"), Value(timezone.localdate()))
    rate = Rate.objects.filter(currency=OuterRef("currency"), valid_from__lte=day).order_by("-valid_from").values("value")[:1]
    return Case(
        When(currency=house or house_currency(), then=F("amount")),
        default=Round(F("amount") * Subquery(rate, output_field=_FACTOR), precision=2, output_field=_MONEY),
        output_field=_MONEY,
    )


def weighted_amount(rates: Mapping[int, Decimal], house: str | None = None) -> Combinable:
    """Expression: amount · rate of the stage the opportunity is in, to the cent. `rates` maps stage id to a share of 1 (four places)."""
    share = Case(
        *(When(stage=stage, then=Value(rate, output_field=_FACTOR)) for stage, rate in rates.items()),
        default=Value(Decimal(0), output_field=_FACTOR),
        output_field=_FACTOR,
    )
    return Round(house_amount(house) * share, precision=2, output_field=_MONEY)


def expressions(rates: Mapping[int, Decimal] | None = None, house: str | None = None) -> dict[str, Any]:
    """The aggregates by the names of `LABELS` (without win_rate), for `rows.aggregate(**…)` or `rows.values("team").annotate(**…)`.

    won_revenue = Σ amount of won · open_pipeline = Σ amount of open · weighted_pipeline = Σ amount · rate of the stage, of open ones
    (only with `rates`) · n_won, n_lost, n_open = numbers by state · unvalued = number of open and won ones without a value.
    """
    house = house or house_currency()
    amount = house_amount(house)
    found: dict[str, Any] = {
        "won_revenue": Coalesce(Sum(amount, filter=WON), _NOTHING, output_field=_MONEY),
        "open_pipeline": Coalesce(Sum(amount, filter=OPEN), _NOTHING, output_field=_MONEY),
        "n_won": Count("pk", filter=WON),
        "n_lost": Count("pk", filter=LOST),
        "n_open": Count("pk", filter=OPEN),
        "unvalued": Count("pk") - Count("pk", filter=LOST) - Count(amount, filter=~LOST),
    }
    if rates is not None:
        found["weighted_pipeline"] = Coalesce(Sum(weighted_amount(rates, house), filter=OPEN), _NOTHING, output_field=_MONEY)
    return found


def figures(rows: QuerySet[Opportunity], rates: Mapping[int, Decimal] | None = None, *, only: tuple[str, ...] = (), house: str | None = None) -> Figures:
    """All figures of these opportunities in one query (or `only` those, the others stay 0); weighted_pipeline stays 0 without `rates`."""
    known = expressions(rates, house)
    return Figures(**rows.order_by().aggregate(**{name: known[name] for name in only or known}))


def won_revenue(rows: QuerySet[Opportunity]) -> Decimal:
    """Σ amount of the won ones."""
    return figures(rows).won_revenue


def win_rate(rows: QuerySet[Opportunity]) -> forecast.Rate:
    """won / (won + lost), by number; open ones do not count. None while nothing was decided."""
    found = counts(rows)
    return forecast.won_rate(found["won"], found["lost"])


def open_pipeline(rows: QuerySet[Opportunity]) -> Decimal:
    """Σ amount of the open ones, in full."""
    return figures(rows).open_pipeline


def weighted_pipeline(rows: QuerySet[Opportunity], rates: Mapping[int, Decimal]) -> Decimal:
    """Σ amount · win rate of the stage, of the open ones. Rates come from `sales.learning.current_rates`."""
    return figures(rows, rates).weighted_pipeline


def counts(rows: QuerySet[Opportunity]) -> dict[str, int]:
    """How many are open, won and lost."""
    return rows.order_by().aggregate(**{state: Count("pk", filter=Q(state=state)) for state in Opportunity.State.values})
