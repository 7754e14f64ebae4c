"""What is typed about contacts: the form of a person and of an organisation, the composer, sharing, assigning."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Role, User
from contacts.circles import closes_circle, lines_above, parents_here
from contacts.datewords import Due, read_due
from contacts.fields import CountryField, PartyField
from contacts.models import EmailAddress, Interaction, Organisation, Party, PartyRole, Person, PhoneNumber, PostalAddress, Tag
from contacts.parts import PARTS, PLACE, read_parts, seen_texts
from contacts.salutation import own_words
from crm.core.access import hidden_fields, seen_row
from crm.core.saving import FactsForm


class PartyForm(FactsForm):
    """Facts of a contact with its main addresses. `seen` carries the parts as they were read, so that a stale form is noticed."""

    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False, max_length=254)
    phone = forms.CharField(label=gettext_lazy("Telephone"), required=False, max_length=40, widget=forms.TextInput({"type": "tel"}))
    street = forms.CharField(label=gettext_lazy("Street and number"), required=False, max_length=120)
    postcode = forms.CharField(label=gettext_lazy("Postcode"), required=False, max_length=12)
    city = forms.CharField(label=gettext_lazy("City"), required=False, max_length=80)
    country = CountryField(required=False)
    roles = forms.MultipleChoiceField(label=gettext_lazy("Roles"), required=False, choices=PartyRole.Role.choices, widget=forms.CheckboxSelectMultiple)
    tags = forms.MultipleChoiceField(label=gettext_lazy("Tags"), required=False, widget=forms.CheckboxSelectMultiple)
    seen = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in hidden_fields(self.user, Party) & set(self.fields):
            del self.fields[name]
        now = read_parts(self.instance)
        if now["employer"] and seen_row(self.user, Party, now["employer"]) is None:  # as with every relation: see FactsForm
            self.close("employer")
            self.close("function")
        if "tags" in self.fields:
            offered: Any = self.fields["tags"]
            offered.choices = [(str(tag.pk), tag.label) for tag in Tag.objects.all() if tag.active or str(tag.pk) in now["tags"].split(",")]
            if not offered.choices:
                del self.fields["tags"]
        self.initial.update({name: now[name] for name in self.parts})
        for name in {"roles", "tags"} & set(self.fields):
            self.initial[name] = now[name].split(",") if now[name] else []
        if "seen" in self.fields:
            self.initial["seen"] = json.dumps({name: now[name] for name in self.parts})

    @property
    def parts(self) -> list[str]:
        """The names of the parts in this form."""
        return [name for name in PARTS if name in self.fields]

    def typed_parts(self) -> dict[str, str]:
        """The parts as typed, in the shape of `contacts.parts`."""
        found = {}
        for name in self.parts:
            value = self.cleaned_data.get(name)
            if isinstance(value, Party):
                value = str(value.pk)
            elif isinstance(value, list):
                value = ",".join(sorted(value))
            found[name] = value or ""
        return found

    def seen_parts(self) -> dict[str, str]:
        """The parts as this form had read them; what is missing or no text is left out."""
        return seen_texts(self.cleaned_data.get("seen", ""))


class PersonForm(PartyForm):
    """A human being and the main employer."""

    employer = PartyField(kind="organisation", label=gettext_lazy("Organisation"), required=False, help_text=gettext_lazy("Type a name or a number."))
    function = forms.CharField(label=gettext_lazy("Function"), required=False, max_length=80)

    class Meta:
        model = Person
        fields = [
            "salutation", "title", "first_name", "last_name", "state", "language", "form_of_address", "nobility", "suffix", "letter_salutation", "website", "source",
        ]  # fmt: skip

    field_order = [
        "salutation", "title", "first_name", "last_name", "employer", "function", "email", "phone", "street", "postcode", "city", "country",
        "state", "roles", "tags", "language", "form_of_address", "nobility", "suffix", "letter_salutation", "website", "source",
    ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "form_of_address" in self.fields:
            self.fields["form_of_address"].required = False

    def clean_form_of_address(self) -> str:
        """Who says nothing means what holds: Sie, until somebody offered the Du."""
        return str(self.cleaned_data["form_of_address"] or self.instance.form_of_address)

    def clean_letter_salutation(self) -> str:
        """A letter sets its own comma."""
        return own_words(self.cleaned_data["letter_salutation"])

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        if {"first_name", "last_name"} <= set(self.fields) and not (facts.get("first_name") or facts.get("last_name") or self.errors):
            self.add_error("last_name", _("A person needs a first or last name."))
        if "employer" in self.fields and facts.get("function") and not facts.get("employer") and "employer" not in self.errors:
            self.add_error("employer", _("In which organisation? A function needs one."))
        return facts


class OrganisationForm(PartyForm):
    """A firm, an authority, an association."""

    legal_name = forms.CharField(label=gettext_lazy("Name"), max_length=160)
    parent = PartyField(kind="organisation", label=gettext_lazy("Belongs to"), required=False, help_text=gettext_lazy("The parent organisation. Type a name or a number."))
    founded = forms.IntegerField(label=gettext_lazy("Founded"), required=False, min_value=1000, max_value=2200)
    employees = forms.IntegerField(label=gettext_lazy("Employees"), required=False, min_value=0, max_value=2_000_000_000)

    class Meta:
        model = Organisation
        fields = ["legal_name", "industry", "parent", "state", "employees", "revenue", "founded", "vat_id", "language", "letter_salutation", "website", "source"]

    field_order = [
        "legal_name", "industry", "email", "phone", "street", "postcode", "city", "country", "website", "state", "roles", "tags", "parent",
        "employees", "revenue", "founded", "vat_id", "language", "letter_salutation", "source",
    ]  # fmt: skip

    clean_letter_salutation = PersonForm.clean_letter_salutation

    def clean_parent(self) -> Party | None:
        parent: Party | None = self.cleaned_data["parent"]
        here = self.instance.pk
        if parent is not None and here is not None and closes_circle(lines_above([parent.pk], parents_here), here, parent.pk):
            raise ValidationError(_("An organisation cannot belong to itself, not even by way of others."))
        return parent


class EmailForm(forms.ModelForm):
    """One e-mail address of a contact."""

    class Meta:
        model = EmailAddress
        fields = ["address", "label"]


class PhoneForm(forms.ModelForm):
    """One telephone number of a contact."""

    class Meta:
        model = PhoneNumber
        fields = ["number", "label"]
        widgets = {"number": forms.TextInput({"type": "tel"})}


class PlaceForm(forms.ModelForm):
    """One postal address of a contact: any part of it, but not nothing."""

    country = CountryField(required=False)

    class Meta:
        model = PostalAddress
        fields = [*PLACE, "label"]

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        if not self.errors and not any(facts.get(name, getattr(self.instance, name)) for name in PLACE):
            self.add_error(None, _("An address needs at least one of its parts."))
        return facts


class EntryForm(forms.Form):
    """The composer: what was said, and what comes next, in words."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind of entry"), choices=[c for c in Interaction.Kind.choices if c[0] != Interaction.Kind.SYSTEM])
    body = forms.CharField(
        label=gettext_lazy("What was said or agreed?"), max_length=20_000, widget=forms.Textarea({"rows": "2", "placeholder": gettext_lazy("What was said or agreed?")})
    )
    next_step = forms.CharField(
        label=gettext_lazy("Next step"), required=False, max_length=250, widget=forms.TextInput({"placeholder": gettext_lazy("for instance: Mon 9 call"), "autocomplete": "off"})
    )

    def clean_next_step(self) -> Due | None:
        text = self.cleaned_data["next_step"]
        due = read_due(text, timezone.localtime()) if text else None
        if text and due is None:
            raise ValidationError(_("No day found in these words. For instance: “Mon 9 call” or “tomorrow 14:00 offer”."))
        if due is not None and len(due.rest) > 200:
            raise ValidationError(_("Please say the next step in at most 200 characters."))
        return due


class InteractionForm(FactsForm):
    """An entry of one's own, corrected later."""

    class Meta:
        model = Interaction
        fields = ["kind", "occurred_at", "body"]
        widgets = {"occurred_at": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"), "body": forms.Textarea({"rows": 5})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = EntryForm.base_fields["kind"].choices  # type: ignore[attr-defined]
        # What was said to somebody does not become a note of our own.
        self.fields["kind"].choices = [(kind, label) for kind, label in kinds if not self.instance.direction or kind != Interaction.Kind.NOTE]
        self.fields["body"].required = True


class ShareForm(forms.Form):
    """With whom, and what they may do."""

    who = forms.ChoiceField(label=gettext_lazy("With"))
    action = forms.ChoiceField(label=gettext_lazy("They may"), choices=[("view", gettext_lazy("look at it")), ("change", gettext_lazy("look at it and change it"))])

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.visible_to(user).filter(is_active=True).exclude(pk=user.pk)
        roles = Role.objects.visible_to(user).filter(active=True).select_related("group")
        self.holders: dict[str, Any] = {f"user-{person.pk}": person for person in people} | {f"role-{role.pk}": role.group for role in roles}
        self.fields["who"].choices = [  # type: ignore[attr-defined]
            ("", "–"),
            (_("People"), [(f"user-{person.pk}", str(person)) for person in people]),
            (_("Everyone in a role"), [(f"role-{role.pk}", str(role)) for role in roles]),
        ]

    def clean_who(self) -> User | Group:
        holder: User | Group = self.holders[self.cleaned_data["who"]]
        return holder


class AssignForm(forms.Form):
    """Who looks after these contacts from now on."""

    owner = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("New owner"), empty_label=gettext_lazy("please choose"))

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.visible_to(user).filter(is_active=True)  # type: ignore[attr-defined]


class TagForm(forms.Form):
    """Which tag these contacts get or lose."""

    tag = forms.ModelChoiceField(Tag.objects.none(), label=gettext_lazy("Tag"), empty_label=gettext_lazy("please choose"))
    way = forms.ChoiceField(label=gettext_lazy("What to do"), choices=[("add", gettext_lazy("add it")), ("take", gettext_lazy("take it away"))], widget=forms.RadioSelect, initial="add")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["tag"]
        field.queryset = Tag.objects.visible_to(user).filter(active=True)
