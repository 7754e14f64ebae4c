"""The set-up's addresses: every admin page × method, and what it asks of a reader, from a table of its own.

`MADE` says which verbs a kind of row knows at all, whoever asks: what the house wrote down itself is looked at only, users are
switched off instead of deleted. A registered model or an admin address that is missing here is an unknown cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from campaigns.models import FrequencyCap, MailDesign
from contacts.models import ConsentPurpose, ConsentWording, Industry, Party, Tag
from crm.catalog.models import Currency
from crm.core.models import (
    AuditCheck,
    Change,
    Drill,
    Event,
    Installation,
    MailboxSetup,
    MailLimit,
    MailSetup,
    MailText,
    NumberRange,
    OutgoingMail,
)
from sales.models import LostReason, Pipeline, Stage
from service.models import BusinessCalendar, Cause, DeskSetup, Macro, Remedy, SlaRule, TextModule, Touchpoint

ALL = frozenset({"add", "change", "delete"})
MADE: dict[str, tuple[str, frozenset[str]]] = {  # model → (row of the matrix, verbs it knows besides view)
    "core_installation": ("setup", frozenset({"change"})),
    "core_numberrange": ("setup", frozenset({"change"})),
    "core_event": ("setup", frozenset()),
    "core_job": ("setup", frozenset()),
    "core_drill": ("setup", frozenset()),
    "core_auditcheck": ("setup", frozenset()),
    "core_outgoingmail": ("setup", frozenset()),
    "core_mailsetup": ("setup", frozenset({"change"})),
    "core_mailboxsetup": ("setup", frozenset({"change"})),
    "core_incomingmail": ("setup", frozenset()),
    "service_desksetup": ("setup", frozenset({"change"})),
    "core_maillimit": ("setup", ALL),
    "core_mailtext": ("setup", frozenset({"change"})),
    "core_change": ("setup", frozenset()),
    "catalog_currency": ("setup", frozenset({"add", "change"})),
    "catalog_product": ("product", ALL),
    "campaigns_frequencycap": ("setup", frozenset({"change"})),
    "accounts_user": ("setup", frozenset({"add", "change"})),
    "accounts_team": ("setup", ALL),
    "accounts_role": ("setup", ALL),
    "campaigns_maildesign": ("setup", frozenset({"change"})),
    "contacts_industry": ("setup", ALL),
    "contacts_tag": ("setup", ALL),
    "contacts_consentpurpose": ("setup", frozenset({"add", "change"})),
    "contacts_consentwording": ("setup", frozenset({"add"})),
    "sales_stage": ("setup", ALL),
    "sales_pipeline": ("setup", ALL),
    "sales_lostreason": ("setup", ALL),
    **{f"service_{name}": ("setup", ALL) for name in ("businesscalendar", "slarule", "cause", "touchpoint", "remedy", "textmodule", "macro")},
}
# Pages of single models: name → (answer to GET, answer to POST) for whoever may change the set-up.
CHANGING = {"core_mailsetup_test": ("in", "in"), "core_mailsetup_lock": ("405", "in"), "core_mailsetup_unlock": ("405", "in"), "core_mailboxsetup_test": ("405", "in")}
# The site's own addresses: name → (answer to GET, answer to POST) for whoever may enter.
SITE = {"index": ("in", "in"), "jsi18n": ("in", "405"), "logout": ("405", "sign-in"), "login": ("403", "403"), "autocomplete": ("403", "405")}


@dataclass(frozen=True)
class AdminCell:
    """One address and method. `verbs` are what the reader must hold: (verb, row of the matrix); `want` is the answer to one who does."""

    name: str
    method: str
    url: str
    verbs: tuple[tuple[str, str], ...]
    want: str = "in"


def rows(world: Any) -> dict[str, Any]:
    """One record of every registered model."""
    user = world.cast.anna
    Installation.objects.get_or_create(pk=1, defaults={"name": "Rheintal"})
    return {
        "core_installation": 1,
        "core_numberrange": NumberRange.objects.order_by("pk")[0].pk,
        "core_event": Event.objects.create(name="sales.opportunity_won", attempts=10, subject_type=ContentType.objects.get_for_model(Party), subject_id=world.own.person.pk).pk,
        "core_job": world.own.job.pk,
        "core_drill": Drill.objects.create().pk,
        "core_auditcheck": AuditCheck.objects.create().pk,
        "core_outgoingmail": OutgoingMail.objects.create(to="eigentum@example.test", domain="example.test", heading="EIGENTUM Anlage", body="EIGENTUM", message_id="<a@b>", once="cell", planned_at=timezone.now()).pk,
        "core_mailsetup": MailSetup.current().pk,
        "core_mailboxsetup": MailboxSetup.current().pk,
        "core_incomingmail": world.own.mail.pk,
        "service_desksetup": DeskSetup.current().pk,
        "campaigns_frequencycap": FrequencyCap.current().pk,
        "core_maillimit": MailLimit.objects.create(domain="example.test", per_hour=10).pk,
        "core_mailtext": MailText.objects.get(key="invitation").pk,
        "core_change": Change.objects.filter(relation="accounts_user").order_by("-pk")[0].pk,
        "catalog_currency": Currency.objects.order_by("pk")[0].pk,
        "catalog_product": world.product.pk,
        "accounts_user": user.pk,
        "accounts_team": world.cast.firm.south.pk,
        "accounts_role": Role.objects.order_by("pk")[0].pk,
        "campaigns_maildesign": MailDesign.current().pk,
        "contacts_industry": Industry.objects.order_by("pk")[0].pk,
        "contacts_tag": Tag.objects.create(key="spare", label_de="Ersatz", label_en="spare").pk,
        "contacts_consentpurpose": ConsentPurpose.objects.order_by("pk")[0].pk,
        "contacts_consentwording": ConsentWording.objects.order_by("pk")[0].pk,
        "sales_stage": Stage.objects.order_by("position")[0].pk,
        "sales_pipeline": Pipeline.objects.order_by("pk")[0].pk,
        "sales_lostreason": LostReason.objects.order_by("pk")[0].pk,
        **{f"service_{model._meta.model_name}": model.objects.order_by("pk")[0].pk for model in (BusinessCalendar, SlaRule, Cause, Touchpoint, Remedy, TextModule, Macro)},
    }


def cells(world: Any) -> list[AdminCell]:
    """Every cell of the set-up."""
    enter = ("view", "setup")
    found = [AdminCell(f"admin:{name}", method, reverse(f"admin:{name}"), (enter,), want) for name, pair in SITE.items() for method, want in zip(("GET", "POST"), pair, strict=True)]
    found += [
        AdminCell(f"admin:{name}", method, reverse(f"admin:{name}"), (enter, ("change", "setup")), want)
        for name, pair in CHANGING.items()
        for method, want in zip(("GET", "POST"), pair, strict=True)
    ]
    content_type = ContentType.objects.get_for_model(User).pk
    for method in ("GET", "POST"):
        found.append(AdminCell("admin:view_on_site", method, reverse("admin:view_on_site", args=[content_type, world.cast.anna.pk]), (enter,), "404"))
        found += [AdminCell("admin:app_list", method, reverse("admin:app_list", args=[label]), (enter,)) for label in sorted({name.partition("_")[0] for name in MADE})]
        found.append(AdminCell("admin:", method, reverse("admin:index") + "no/such/page/", (enter,), "404"))
    for key, pk in rows(world).items():
        entity, made = MADE[key]
        for page in ("changelist", "add", "history", "delete", "change"):
            url = reverse(f"admin:{key}_{page}", args=[] if page in ("changelist", "add") else [pk])
            for method in ("GET", "POST"):
                verb = page if page in ("add", "delete") or (page == "change" and method == "POST") else ""
                verbs = (enter, (verb, entity)) if verb else (enter,)
                found.append(AdminCell(f"admin:{key}_{page}", method, url, verbs, "403" if verb and verb not in made else "in"))
    return found


def unknown(names: set[str]) -> set[str]:
    """Admin addresses and registered models that stand in no table here."""
    known = {f"admin:{name}" for name in (*SITE, *CHANGING, "view_on_site", "app_list", "")} | {f"admin:{key}_{page}" for key in MADE for page in ("changelist", "add", "history", "delete", "change")}
    registered = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    return {name for name in names if name.startswith("admin:") and name not in known} | (registered - set(MADE))
