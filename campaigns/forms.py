"""What is typed in the builder, step by step; its content has forms of its own (`campaigns.blocks`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Campaign, CampaignCost
from contacts.consent_words import to_write_for
from crm.core.mail.forms import clean_mailbox
from crm.core.saving import FactsForm

LATE = timedelta(minutes=5)  # a time that has just passed means at once


class GoalForm(FactsForm):
    """What it is for and who gets it."""

    half = frozenset({"language", "budget", "segment", "purpose"})

    class Meta:
        model = Campaign
        fields = ("name", "segment", "purpose", "goal", "language", "budget", "sender")
        help_texts = {"purpose": gettext_lazy("Only those get it who agreed to exactly this.")}
        widgets = {"budget": forms.NumberInput({"step": "0.01", "min": "0", "inputmode": "decimal"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"segment", "purpose"} & set(self.fields):
            self.fields[name].empty_label = _("please choose")
        if "purpose" in self.fields:
            self.fields["purpose"].queryset = to_write_for(self.fields["purpose"].queryset, self.instance.purpose_id)

    def clean_sender(self) -> str:
        return clean_mailbox(self.cleaned_data["sender"])


class TestForm(FactsForm):
    """What is registered before anything is sent."""

    half = frozenset({"metric", "effect", "control", "days"})

    class Meta:
        model = Campaign
        fields = ("metric", "days", "effect", "control")
        help_texts = {
            "metric": gettext_lazy("Counted in the days after the mail: answers by mail or telephone, or opportunities opened with the person or the firm."),
            "effect": gettext_lazy("How much more of it a better mail has to bring. Smaller differences need many more recipients."),
            "control": gettext_lazy("This share gets nothing. Only compared with them can one see what the campaign brought."),
        }


class ScheduleForm(FactsForm):
    """When it leaves."""

    when = forms.ChoiceField(label=gettext_lazy("When"), choices=[("now", gettext_lazy("As soon as it is released")), ("at", gettext_lazy("At a time"))], widget=forms.RadioSelect)

    class Meta:
        model = Campaign
        fields = ("send_at",)
        labels = {"send_at": gettext_lazy("Day and time")}
        widgets = {"send_at": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")}

    field_order = ("when", "send_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["when"].initial = "at" if self.instance.send_at else "now"

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        if facts.get("when") == "now":
            facts["send_at"] = None
            self.errors.pop("send_at", None)
        elif "send_at" not in self.errors:
            at: datetime | None = facts.get("send_at")
            if at is None:
                self.add_error("send_at", _("Please choose day and time."))
            elif at < timezone.now() - LATE:
                self.add_error("send_at", _("This time has passed."))
        return facts


class CostForm(forms.ModelForm):
    """Money that went into it."""

    class Meta:
        model = CampaignCost
        fields = ("what", "amount")
        widgets = {"amount": forms.NumberInput({"step": "0.01", "min": "0", "inputmode": "decimal"})}


class DecideForm(forms.Form):
    """Yes or no, with a word why."""

    granted = forms.ChoiceField(choices=[("1", "1"), ("0", "0")])
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=300)
