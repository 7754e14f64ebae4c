"""Forms of opportunities: facts, a step on the board, closing, the next step, sharing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.datewords import read_due
from contacts.fields import PartyField
from contacts.models import Party
from crm.core import formats
from crm.core.access import may, scope_of
from crm.core.saving import FactsForm
from sales.models import LostReason, Opportunity, Stage


class _DayInput(forms.DateInput):
    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


class OpportunityForm(FactsForm):
    """The facts. Owner and team are offered to those who may assign; an empty amount takes the product's list price.

    `only` keeps some of the fields: what a stage demands, asked in a dialog.
    """

    half = frozenset({"amount", "currency", "stage", "expected_close", "opened_on", "source", "owner", "team"})

    party = PartyField(label=gettext_lazy("Contact"), required=False, help_text=gettext_lazy("Type a name or a number."))

    class Meta:
        model = Opportunity
        fields = ("name", "party", "product", "amount", "currency", "stage", "expected_close", "opened_on", "source", "owner", "team")
        widgets = {
            "expected_close": _DayInput(),
            "opened_on": _DayInput(),
            "amount": forms.NumberInput(attrs={"step": "0.01", "min": "0", "inputmode": "decimal"}),
        }
        help_texts = {"amount": gettext_lazy("Empty: the list price of the product.")}

    def __init__(self, *args: Any, only: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if "product" in self.fields:
            self.fields["product"].empty_label = _("no product")
            self.fields["product"].queryset = self.fields["product"].queryset.filter(Q(active=True) | Q(pk=row.product_id))
        if row.pk:
            self.fields.pop("stage", None)  # the stage of an existing one is changed by a step, never by a form
        elif "stage" in self.fields:
            self.fields["stage"].queryset = self.fields["stage"].queryset.filter(active=True, pipeline__active=True)
            self.fields["stage"].initial = self.fields["stage"].queryset.order_by("pipeline__position", "position").first()
        if "amount" in self.fields:
            self.fields["amount"].validators.append(MinValueValidator(0, _("An amount cannot be negative.")))
        self._offer_assignment()
        if only is not None:
            for name in set(self.fields) - {*only, "version"}:
                del self.fields[name]
            for name in only:
                if name in self.fields:
                    self.fields[name].required = True
                    self.fields[name].help_text = ""

    def _offer_assignment(self) -> None:
        row, user = self.instance, self.user
        assigns = may(user, "assign", Opportunity)
        if row.pk:
            assigns = assigns and Opportunity.objects.visible_to(user, "assign").filter(pk=row.pk).exists()
        if not assigns:
            self.fields.pop("owner", None)
            self.fields.pop("team", None)
            if not row.pk:
                row.owner, row.team_id = user, user.team_id
            return
        if "owner" in self.fields:
            self.fields["owner"].queryset = self.fields["owner"].queryset.filter(Q(is_active=True) | Q(pk=row.owner_id))
            self.fields["owner"].initial = user.pk
        if "team" in self.fields:
            reach = scope_of(user).reach("assign", "opportunity")
            if reach is not None and not reach.everything:
                self.fields["team"].queryset = self.fields["team"].queryset.filter(Q(pk__in=reach.teams) | Q(pk=row.team_id))
            self.fields["team"].initial = user.team_id

    def clean(self) -> dict[str, Any]:
        """Rules that hold over several fields; the database holds them, too."""
        facts = super().clean() or self.cleaned_data
        row = self.instance
        if row.pk is None and "team" not in self.fields and row.team_id is None:
            raise ValidationError(_("You belong to no team, so the new opportunity would belong to none. Ask the CRM manager for a home team."))
        if row.state == Opportunity.State.WON:
            for name in ("party", "amount"):
                if name in self.fields and name not in self.errors and facts.get(name) is None:
                    self.add_error(name, _("A won opportunity needs this."))
        opened = facts.get("opened_on")
        if opened and row.closed_on and opened > row.closed_on:
            self.add_error("opened_on", _("It cannot be opened after it was closed."))
        self._take_list_price(facts)
        return facts

    def _take_list_price(self, facts: dict[str, Any]) -> None:
        """The list price of the day where no amount was typed, or where a list price was and the product is another one now."""
        row, changed = self.instance, set(self.changed_data)
        if "amount" not in self.fields or "amount" in self.errors:
            return
        if facts.get("amount") is not None and "amount" in changed:
            row.pricing = Opportunity.Pricing.TYPED
            return
        follows = row.pricing == Opportunity.Pricing.LIST and changed & {"product", "currency"}
        product, currency = facts.get("product"), facts.get("currency")
        if product is None or currency is None or (facts.get("amount") is not None and not follows):
            return
        price = product.price_on(facts.get("opened_on") or timezone.localdate(), currency.pk)
        if price is not None:
            facts["amount"], row.pricing = price.amount, Opportunity.Pricing.LIST


class MoveForm(forms.Form):
    """A step: the stage, the neighbours it was dropped between, and the stage its mover saw (D7)."""

    stage = forms.ModelChoiceField(label=gettext_lazy("Stage"), queryset=Stage.objects.none(), empty_label=None)
    above = forms.IntegerField(required=False, min_value=0, max_value=2**62, widget=forms.HiddenInput)
    below = forms.IntegerField(required=False, min_value=0, max_value=2**62, widget=forms.HiddenInput)
    seen_stage = forms.IntegerField(required=False, min_value=0, max_value=2**62, widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: Opportunity, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        stages = Stage.objects.visible_to(user).filter(pipeline=row.stage.pipeline_id, active=True).order_by("position")
        self.fields["stage"].queryset = stages
        self.fields["stage"].initial = stages.filter(position__gt=row.stage.position).values_list("pk", flat=True).first() or row.stage_id  # on is where most go
        self.fields["seen_stage"].initial = row.stage_id

    def neighbour(self, name: str) -> Opportunity | None:
        """The card above or below, if it is still in the column and visible to the mover."""
        pk = self.cleaned_data.get(name)
        if not pk:
            return None
        there = Opportunity.objects.visible_to(self.user).filter(pk=pk, stage=self.cleaned_data["stage"], state=Opportunity.State.OPEN)
        return there.first()


class LoseForm(forms.Form):
    """Why, and where known to whom."""

    reason = forms.ModelChoiceField(label=gettext_lazy("Why?"), queryset=LostReason.objects.none(), widget=forms.RadioSelect, empty_label=None)
    to = PartyField(label=gettext_lazy("Lost to"), required=False, help_text=gettext_lazy("A competitor among your contacts, if known."))
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=300)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].queryset = LostReason.objects.visible_to(user).filter(active=True)
        self.fields["to"].queryset = Party.objects.visible_to(user)

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        reason = facts.get("reason")
        if reason is not None and reason.needs_note and not facts.get("note", "").strip() and "note" not in self.errors:
            self.add_error("note", _("Please say in a few words why."))
        return facts


class StepForm(forms.Form):
    """The next step in one line: "Mo 9 call about the drawing"."""

    step = forms.CharField(label=gettext_lazy("Next step"), max_length=200, widget=forms.TextInput({"placeholder": gettext_lazy("for instance: Mon 9 call")}))

    def clean_step(self) -> str:
        """Split into what and when."""
        text = self.cleaned_data["step"]
        now = timezone.localtime()
        due = read_due(text, now)
        if due is None:
            raise ValidationError(_("When? Please begin with a day, for instance “tomorrow 9” or “24.12.”."))
        if not due.rest:
            raise ValidationError(_("What is to be done on %(day)s?") % {"day": formats.moment(due.at)})
        self.cleaned_data["due_at"], self.cleaned_data["text"] = due.at, due.rest
        return text
