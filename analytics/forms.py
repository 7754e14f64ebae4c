"""What the address of the forecast page may ask for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.people import PlainSelect, people
from analytics import periods
from analytics.forecast import NOBODY, Ask, current_period
from crm.core.access import hidden_fields, scope_of
from crm.core.models import Installation
from sales.models import Opportunity, Pipeline


class _PeriodField(forms.CharField):
    """A period by its name; the list offers those with rows, the address may name any."""

    def __init__(self, fiscal_start: int) -> None:
        self.fiscal_start = fiscal_start
        super().__init__(label=_("Period"), required=False, max_length=40, widget=forms.Select)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        period = periods.parse(text, self.fiscal_start) if text else None
        if text and period is None:
            raise ValidationError(_("There is no period “%(name)s”. Periods are named like 2017, 2017-Q1 or 2017-03."), params={"name": text})
        return period


class AskForm(forms.Form):
    """Period, team, owner and pipeline. A wrong value stands beside its field, and the page shows what it shows without it."""

    team = forms.ModelChoiceField(label=_("Team"), queryset=Team.objects.none(), required=False, empty_label=_("all"))
    owner = forms.ChoiceField(label=_("Owner"), required=False, widget=PlainSelect)
    pipeline = forms.ModelChoiceField(label=_("Pipeline"), queryset=Pipeline.objects.none(), required=False, empty_label=_("all"))

    def __init__(self, data: Any, *, user: Any, action: str = "view") -> None:
        super().__init__(data)
        self.user, self.action = user, action
        self.fiscal_start = Installation.current().fiscal_year_start
        fields = {"period": _PeriodField(self.fiscal_start), **self.fields}
        hidden = hidden_fields(user, Opportunity)
        self.fields = {name: field for name, field in fields.items() if name not in hidden}
        self._offer_teams()
        self._offer_people()
        self.fields["pipeline"].queryset = Pipeline.objects.visible_to(user)  # type: ignore[attr-defined]

    def _offer_teams(self) -> None:
        reach = scope_of(self.user).reach("view", "opportunity")
        if "team" in self.fields and reach is not None:
            teams = Team.objects.visible_to(self.user)
            self.fields["team"].queryset = teams if reach.everything else teams.filter(pk__in=reach.teams)  # type: ignore[attr-defined]

    def _offer_people(self) -> None:
        if "owner" not in self.fields:
            return
        self.fields["owner"].choices = [("", _("all")), *people(self.user), (NOBODY, _("nobody"))]  # type: ignore[attr-defined]  # typed as a plain field

    def show(self, period: str, choices: list[Any]) -> None:
        """Draw the period that is shown as chosen; a wrong one stands in its message."""
        data: Any = self.data.copy()  # type: ignore[attr-defined]
        data["period"] = period
        self.data = data
        self.fields["period"].widget.choices = choices  # type: ignore[attr-defined]

    def ask(self) -> Ask:
        """What is asked; wrong or missing values are the current quarter and no narrowing."""
        self.is_valid()
        facts = self.cleaned_data
        owner = facts.get("owner") or None
        return Ask(
            self.user,
            facts.get("period") or current_period(now=timezone.now()),
            facts.get("team"),
            User.objects.visible_to(self.user).get(pk=owner) if owner and owner != NOBODY else owner,
            facts.get("pipeline"),
            self.action,
        )
