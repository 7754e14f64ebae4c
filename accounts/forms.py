"""Forms about people and rights, for the admin and the profile."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import VERB_LABELS, FieldRule, Role, RoleRight, Team, User, entities
from crm.core.access import VERBS, Entity, OwnedAccess, ReferenceAccess, entity_of
from crm.core.wiring import table

NEVER_HIDDEN = {"first_name", "last_name", "legal_name", "external_id", "created_at", "created_by", "updated_at", "updated_by"}  # names and bookkeeping


class _Address(forms.ModelForm):
    """A user's address is unique, whatever its capitals."""

    by: User | None = None

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).strip().lower()
        if email and User.objects.exclude(pk=self.instance.pk).filter(email__iexact=email).exists():
            raise forms.ValidationError(_("Another user has this e-mail address."))
        return email


class InviteForm(_Address):
    """Who is invited, into which team, with which role."""

    role = forms.ModelChoiceField(label=_("Role"), queryset=Role.objects.filter(active=True))

    class Meta:
        model = User
        fields = ["email", "first_name", "last_name", "language", "team"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("email", "first_name", "last_name", "team"):
            self.fields[name].required = True
        self.fields["team"].initial = Team.objects.filter(parent__isnull=True).first()


class UserForm(_Address):
    """What the CRM manager may change about a person."""

    class Meta:
        model = User
        fields = ["email", "first_name", "last_name", "language", "team", "is_active"]

    def clean_is_active(self) -> bool:
        active = bool(self.cleaned_data["is_active"])
        if not active and self.by is not None and self.by.pk == self.instance.pk:
            raise forms.ValidationError(_("You cannot switch yourself off."))
        return active


class TeamForm(forms.ModelForm):
    """A team below another one. Only the firm itself hangs below nothing."""

    class Meta:
        model = Team
        fields = ["name", "parent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        root = Team.objects.filter(parent__isnull=True).first()
        if "parent" not in self.fields:
            return  # looked at by somebody who may not change it
        self.fields["parent"].required = root is not None and root.pk != self.instance.pk
        if not self.instance.pk:
            self.fields["parent"].initial = root


class NewRoleForm(forms.ModelForm):
    """A role begins with its names, and perhaps with the rights of another one."""

    like = forms.ModelChoiceField(
        label=_("Rights like"), queryset=Role.objects.all(), required=False, empty_label=_("(none yet)"), help_text=_("You can change every right on the next page.")
    )

    class Meta:
        model = Role
        fields = ["label_de", "label_en"]


class RoleForm(forms.ModelForm):
    """A role with its matrix (one select per entity and verb) and the fields it hides."""

    concealed = forms.MultipleChoiceField(
        label=_("Hidden fields"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("A person sees a field if any of their roles shows it.")
    )

    class Meta:
        model = Role
        fields = ["label_de", "label_en", "active", "start_page"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if page := self.fields.get("start_page"):  # whoever may only look has no such field
            self.fields["start_page"] = forms.ChoiceField(label=page.label, help_text=page.help_text, required=False, choices=[("", "–"), *table("LOTSE_START_PAGES")()])
        held = {(cell.entity, cell.verb): cell.reach for cell in self.instance.rights.all()}
        for entity in entities():
            for verb in entity.verbs:
                name = f"right_{entity.key}_{verb}"
                label = f"{entity.label}: {VERB_LABELS[verb]}"
                widget = forms.Select(attrs={"aria-label": label})
                self.fields[name] = forms.ChoiceField(label=label, choices=reaches(entity), required=False, widget=widget, initial=held.get((entity.key, verb), ""))
        concealed: Any = self.fields["concealed"]
        concealed.choices = [(entity.label, choices) for entity in entities() if (choices := hideable(entity))]
        concealed.initial = [f"{rule.entity}.{rule.field}" for rule in FieldRule.objects.filter(role=self.instance)]

    @property
    def verbs(self) -> list[Any]:
        """The head of the matrix."""
        return [VERB_LABELS[verb] for verb in VERBS]

    @property
    def matrix(self) -> list[tuple[Any, list[Any]]]:
        """The rows of the matrix: (entity, one bound field per verb or None where the verb makes no sense)."""
        return [(entity.label, [self[f"right_{entity.key}_{verb}"] if verb in entity.verbs else None for verb in VERBS]) for entity in entities()]

    def rights(self) -> dict[tuple[str, str], str]:
        """(entity, verb) → reach, as chosen."""
        return {(entity.key, verb): self.cleaned_data[f"right_{entity.key}_{verb}"] for entity in entities() for verb in entity.verbs}

    def hidden(self) -> list[tuple[str, str]]:
        """The fields to hide, as (entity, field)."""
        return [(entity, field) for entity, _dot, field in (value.partition(".") for value in self.cleaned_data["concealed"])]


def reaches(entity: Entity) -> list[tuple[str, Any]]:
    """What can be chosen in a cell. Reference data belong to nobody, so there it is all or nothing."""
    governed = [model for model in apps.get_models() if hasattr(model, "access") and entity_of(model) == entity.key]
    if governed and all(isinstance(model.access, ReferenceAccess) for model in governed):
        return [("", _("no")), (RoleRight.Reach.ALL, _("yes"))]
    return [("", _("none")), *RoleRight.Reach.choices]


def hideable(entity: Entity) -> list[tuple[str, Any]]:
    """The facts of an entity's own table a role may be kept from: not its names, not what the gate reads, not links to other records."""
    for model in apps.get_models() if "export" in entity.verbs else ():
        if isinstance(getattr(model, "access", None), OwnedAccess) and not model._meta.proxy and entity_of(model) == entity.key:
            return [(f"{entity.key}.{field.name}", field.verbose_name) for field in model._meta.concrete_fields if _hideable(field)]
    return []


def _hideable(field: Any) -> bool:
    if not field.blank or field.primary_key or field.name in NEVER_HIDDEN or getattr(field, "generated", False):
        return False
    related = field.related_model if isinstance(field, models.ForeignKey) else None
    return related is None or (related is not User and not isinstance(getattr(related, "access", None), OwnedAccess))


class ProfileForm(forms.ModelForm):
    """What a person sets for themselves."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "language", "theme"]
