"""What the forecast page and its PDF draw: the figures of one `Forecast` as tables, each number with the address of its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from analytics import periods
from analytics.forecast import NOBODY, Ask, Forecast, TeamLine, likely, together
from analytics.links import Rows
from analytics.snapshots import evenings, said_then
from crm.core import formats
from crm.core.access import hidden_fields
from sales.forecast import Period
from sales.metrics import Figures
from sales.models import Opportunity

WINDOW, HALF_LIFE = 24, 12  # months; the defaults of `sales.forecast.stage_rates`
UNITS = {"month": lambda: _("Month"), "quarter": lambda: _("Quarter"), "year": lambda: _("Year")}


@dataclass(frozen=True)
class Cell:
    """A number with the address of its rows; without rows there is neither. `thousands` is the value for narrow tables."""

    value: Decimal | None = None
    url: str = ""

    @property
    def thousands(self) -> Decimal | None:
        return None if self.value is None else self.value / 1000


def query(ask: Ask, **changes: Any) -> str:
    """The page's state as a query string. A change to None drops that part."""
    owner = ask.owner if isinstance(ask.owner, str) else getattr(ask.owner, "pk", None)
    state = {"period": periods.name(ask.period), "team": getattr(ask.team, "pk", None), "owner": owner, "pipeline": getattr(ask.pipeline, "pk", None)}
    return urlencode({key: value for key, value in (state | changes).items() if value is not None})


def context(forecast: Forecast, *, links: bool = True) -> dict[str, Any]:
    """Everything `analytics/_forecast.html` and `pdf/forecast.html` draw. Without `links` no address is built (a PDF leaves the house)."""
    ask, total, period = forecast.ask, forecast.total, forecast.period
    rows = Rows(forecast) if links else None
    hidden = hidden_fields(ask.user, Opportunity)
    known = evenings()
    return {
        "title": _("Forecast"),
        "forecast": forecast,
        "currency": forecast.currency,
        "period_label": periods.label(period),
        "year_label": periods.label(forecast.year),
        "narrowed": narrowed_words(ask),
        "is_past": period.end < forecast.today,
        "figures": figures(forecast, rows),
        "months": _months(forecast, rows),
        "teams": [] if "team" in hidden else _teams(forecast, rows),
        "several_tops": sum(line.depth == 0 for line in forecast.teams) != 1,
        "matrix": None if "team" in hidden else _matrix(forecast, rows),
        "owners": [] if "owner" in hidden else _owners(forecast, rows),
        "total": _line(total, rows, period),
        "pipelines": _pipelines(forecast),
        "window": WINDOW,
        "half_life": HALF_LIFE,
        "late": forecast.late,
        "late_urls": {"past": rows.past(), "here": rows.past(period), "undated": rows.undated()} if rows else {},
        "shared": forecast.shared,
        "shared_n": forecast.shared.n_won + forecast.shared.n_open,
        "shared_likely": likely(forecast.shared),
        "shared_url": rows.shared(period) if rows else "",
        "evenings": known,
        "said": said_then(forecast, known),
        "open_url": rows.open(period) if rows and total.n_open else "",
        "open_line": formats.money(total.open_pipeline, forecast.currency, decimals=0),
    }


def narrowed_words(ask: Ask) -> list[str]:
    """What the sums are narrowed to, in words."""
    owner = _("nobody's") if ask.owner == NOBODY else str(ask.owner or "")
    return [words for words in (str(ask.team or ""), owner, str(ask.pipeline or "")) if words]


def figures(forecast: Forecast, rows: Rows | None) -> list[dict[str, Any]]:
    """The five numbers every page about the forecast begins with."""
    total, period = forecast.total, forecast.period

    def money(value: Decimal) -> str:
        return formats.money(value, forecast.currency, decimals=0)

    def url(address: str, *numbers: int) -> str:
        return getattr(rows, address)(period) if rows and any(numbers) else ""

    unvalued = [_("%(n)s without a value in %(currency)s") % {"n": formats.number(total.unvalued), "currency": forecast.currency}] if total.unvalued else []
    return [
        {
            "label": _("Closed"), "value": money(total.won_revenue), "url": url("closed", total.n_won),
            "detail": _("%(n)s won in %(period)s") % {"n": formats.number(total.n_won), "period": periods.label(period)},
        },
        {
            "label": _("Weighted"), "value": money(total.weighted_pipeline), "url": url("open", total.n_open),
            "detail": _("open × win rate of the stage"),
        },
        {
            "label": _("Likely"), "value": money(likely(total)), "state": "acc", "url": url("likely", total.n_won, total.n_open),
            "detail": _("closed + weighted"),
        },
        {
            "label": _("Open pipeline"), "value": money(total.open_pipeline), "url": url("open", total.n_open),
            "detail": " · ".join([_("%(n)s open, in full") % {"n": formats.number(total.n_open)}, *unvalued]),
        },
        {
            "label": _("Win rate"), "value": formats.percent(total.win_rate, 2), "url": url("decided", total.n_won, total.n_lost),
            "detail": _("won/(won+lost): %(won)s of %(all)s") % {"won": formats.number(total.n_won), "all": formats.number(total.n_won + total.n_lost)},
        },
    ]


def _line(found: Figures, rows: Rows | None, period: Period, **narrower: Any) -> dict[str, Cell]:
    def cell(value: Decimal, n: int, address: Any) -> Cell:
        return Cell(value, address(period, **narrower) if rows else "") if n else Cell()

    return {
        "closed": cell(found.won_revenue, found.n_won, rows and rows.closed),
        "weighted": cell(found.weighted_pipeline, found.n_open, rows and rows.open),
        "open": cell(found.open_pipeline, found.n_open, rows and rows.open),
        "likely": cell(likely(found), found.n_won + found.n_open, rows and rows.likely),
    }


def _months(forecast: Forecast, rows: Rows | None) -> list[dict[str, Any]]:
    """The fiscal year by month with a sum under each quarter, and the year itself."""
    lines = []
    for quarter in periods.within(forecast.year, "quarter", forecast.fiscal_start):
        parts = [*periods.within(quarter, "month", forecast.fiscal_start), quarter]
        lines += [_period_line(forecast, part, rows) for part in parts]
    return [*lines, _period_line(forecast, forecast.year, rows)]


def _period_line(forecast: Forecast, period: Period, rows: Rows | None) -> dict[str, Any]:
    asked = forecast.period
    return {
        "label": periods.label(period),
        "sum": period.unit != "month",
        "chosen": asked.start <= period.start and period.end <= asked.end and asked.unit != "year",
        **_line(forecast.of(period), rows, period),
    }


def _teams(forecast: Forecast, rows: Rows | None) -> list[dict[str, Any]]:
    return [{**_place(line), **_line(line.figures, rows, forecast.period, team=line.team)} for line in forecast.teams]


def _place(line: TeamLine) -> dict[str, Any]:
    """The team's name and how far it is set in (Tabler's padding steps on the page, steps of our own on paper)."""
    depth = min(4, line.depth)
    return {"team": line.team, "depth": depth, "indent": depth + 1 if depth else 0}


def _owners(forecast: Forecast, rows: Rows | None) -> list[dict[str, Any]]:
    return [{"owner": line.owner, **_line(line.figures, rows, forecast.period, owner=line.owner or NOBODY)} for line in forecast.owners]


def _matrix(forecast: Forecast, rows: Rows | None) -> dict[str, Any] | None:
    """Likely revenue, team by month; a year also by quarter, which is what a phone shows. A single month is no matrix."""
    period, fiscal_start = forecast.period, forecast.fiscal_start
    if period.unit == "month" or not forecast.teams:
        return None
    months = periods.within(period, "month", fiscal_start)
    columns = months if period.unit == "quarter" else [part for q in periods.within(period, "quarter", fiscal_start) for part in (*periods.within(q, "month", fiscal_start), q)]
    return {
        "columns": [{"label": periods.label(column, short=True), "sum": column.unit == "quarter", "wide": column.unit == "month" and period.unit == "year"} for column in columns],
        "lines": [
            {
                **_place(line),
                "cells": [
                    {"sum": column.unit == "quarter", "wide": column.unit == "month" and period.unit == "year", "cell": _matrix_cell(line.months, column, rows, line.team)}
                    for column in columns
                ],
            }
            for line in forecast.teams
        ],
    }


def _matrix_cell(months: Any, column: Period, rows: Rows | None, team: Any) -> Cell:
    summed = together(found for month, found in months.items() if column.start <= month <= column.end)
    return _line(summed, rows, column, team=team)["likely"]


def _pipelines(forecast: Forecast) -> list[dict[str, Any]]:
    """The rates every weighted sum of the page uses."""
    found = []
    for pipeline, known in forecast.stages:
        lines: list[dict[str, Any]] = []
        for stage in pipeline.stages.all():
            rate = known.rates.get(stage.pk)
            if rate is None or not (stage.active or rate.n):
                continue
            lines.append({"stage": stage, "rate": forecast.rates[stage.pk], "learned": rate, "is_learned": known.is_learned(stage)})
        prior = next((line["learned"].prior for line in lines), None)
        found.append({"pipeline": pipeline, "lines": lines, "prior": prior, "decided": any(line["learned"].n for line in lines)})
    return found


def charts(forecast: Forecast) -> dict[str, Any]:
    """Data for the drawings (see static/js/chart.js); each has its table on the page."""
    rows = Rows(forecast)
    months = [(period, forecast.of(period)) for period in periods.within(forecast.year, "month", forecast.fiscal_start)]
    depth = next((depth for depth in range(10) if sum(line.depth == depth for line in forecast.teams) > 1), 0)
    teams = [line for line in forecast.teams if line.depth == depth]
    return {
        "months": _chart(
            _("Closed and weighted revenue by month, %(year)s") % {"year": periods.label(forecast.year)},
            forecast.currency,
            ((periods.label(period, short=True), figures, rows.likely(period)) for period, figures in months),
        ),
        "teams": _chart(
            _("Closed and weighted revenue by team, %(period)s") % {"period": periods.label(forecast.period)},
            forecast.currency,
            ((str(line.team), line.figures, rows.likely(forecast.period, team=line.team)) for line in teams),
        ) if teams else None,
    }


def _chart(description: str, currency: str, bars: Iterable[tuple[str, Figures, str]]) -> dict[str, Any]:
    listed = list(bars)
    return {
        "desc": description,
        "unit": currency,
        "labels": [label for label, _figures, _url in listed],
        "series": [
            {"name": _("Closed"), "values": [float(figures.won_revenue) for _label, figures, _url in listed], "stack": "sum"},
            {"name": _("Weighted"), "values": [float(figures.weighted_pipeline) for _label, figures, _url in listed], "stack": "sum", "dashed": True},
        ],
        "url": [url for _label, _figures, url in listed],
    }


def switcher(forecast: Forecast, url_name: str = "forecast") -> dict[str, Any]:
    """Ways to other periods: another length, the one before, the one after."""
    ask, page = forecast.ask, reverse(url_name)

    def to(period: Period) -> str:
        return f"{page}?{query(ask, period=periods.name(period))}"

    units = [
        {"label": words(), "url": to(periods.in_unit(ask.period, unit, forecast.today, forecast.fiscal_start)), "current": unit == ask.period.unit}
        for unit, words in ((unit, UNITS[unit]) for unit in periods.UNITS)
    ]
    before, after = periods.before(ask.period, forecast.fiscal_start), periods.after(ask.period, forecast.fiscal_start)
    return {"units": units, "before": {"label": periods.label(before), "url": to(before)}, "after": {"label": periods.label(after), "url": to(after)}}


def period_choices(forecast: Forecast) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the period field offers: every year with rows, and the periods of the length that is shown, newest first."""
    first, last = forecast.span
    unit = forecast.period.unit
    groups = [(UNITS[one](), one) for one in dict.fromkeys(("year", unit))]
    found = []
    for words, one in groups:
        run = periods.periods(first, last, one, forecast.fiscal_start)
        found.append((words, [(periods.name(period), periods.label(period)) for period in reversed(run)]))
    return found
