"""Where a number's rows are: the list of opportunities with the very filters the number was summed with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import Team, User
from analytics.forecast import NOBODY, Forecast
from crm.core.access import hidden_fields, scope_of
from sales.forecast import Period
from sales.models import Opportunity


class Rows:
    """Addresses of the rows behind the figures of one forecast; "" where no filters of the list tell exactly these rows."""

    def __init__(self, forecast: Forecast) -> None:
        self.forecast = forecast
        self.user: User = forecast.ask.user
        self.list_url = reverse("opportunity-list")
        scope = scope_of(self.user)
        rows, page = scope.reach("view", "opportunity"), scope.reach(forecast.ask.action, "forecast")
        self.shares_possible = rows is not None and not rows.everything
        self.narrow = page is not None and rows is not None and not page.everything and (rows.everything or not rows.teams <= page.teams)
        self.reached = page.teams if page else frozenset()
        self.hidden = hidden_fields(self.user, Opportunity)

    def closed(self, period: Period, **narrower: Any) -> str:
        """Won in the period."""
        return self._url({"state": "won", "closed_from": period.start, "closed_until": period.end}, **narrower)

    def decided(self, period: Period, **narrower: Any) -> str:
        """Won or lost in the period."""
        return self._url({"closed_from": period.start, "closed_until": period.end}, **narrower)

    def open(self, period: Period, **narrower: Any) -> str:
        """Open and expected in the period: what `open` and `weighted` are summed from."""
        return self._url({"state": "open", "expected_from": period.start, "expected_until": period.end}, **narrower)

    def likely(self, period: Period, **narrower: Any) -> str:
        """Won or expected in the period."""
        return self._url({"forecast_from": period.start, "forecast_until": period.end}, **narrower)

    def past(self, period: Period | None = None) -> str:
        """Open although the expected close is past (and lies in the period)."""
        yesterday = self.forecast.today - timedelta(days=1)
        if period is None:
            return self._url({"state": "open", "expected_until": yesterday})
        return self._url({"state": "open", "expected_from": period.start, "expected_until": min(yesterday, period.end)})

    def undated(self) -> str:
        """Open without an expected close."""
        return self._url({"state": "open", "undated": "1"})

    def shared(self, period: Period) -> str:
        """In the period, opened by a share alone."""
        return self._url({"forecast_from": period.start, "forecast_until": period.end, "shared": "1"})

    def _url(self, facts: dict[str, Any], *, team: Team | None = None, owner: User | str | None = None) -> str:
        ask = self.forecast.ask
        team, owner = team or ask.team, owner or ask.owner
        query = {"shared": "0"} | facts if self.shares_possible else dict(facts)
        if self.narrow and query.get("shared") != "1" and owner != self.user and not (team and team.pk in self.reached):
            if self.reached or owner:
                return ""
            owner = self.user  # the forecast reaches no further than one's own rows
        if owner:
            query["owner"] = NOBODY if owner == NOBODY else "me" if owner == self.user else str(cast(User, owner).pk)
        if team is not None:
            query["team"] = team.pk
        if ask.pipeline is not None:
            query["pipeline"] = ask.pipeline.pk
        return "" if self.hidden & query.keys() else f"{self.list_url}?{urlencode(query)}"
