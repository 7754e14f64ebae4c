"""`manage.py seed`: the reference rows every installation needs. Safe to run again: what exists stays as people changed it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand

from accounts.grants import ensure_permissions, sync_grants
from accounts.models import Role, RoleRight, Team
from accounts.presets import ROLES, START_PAGES
from contacts.consent_words import seed_consents
from contacts.models import Industry
from contacts.presets import INDUSTRIES
from crm.catalog.models import Currency
from crm.core.work import work
from sales.models import LostReason, Pipeline
from sales.pipelines import seed_pipeline
from sales.presets import LOST_REASONS, PIPELINES
from service.seeding import seed_desk


class Command(BaseCommand):
    help = "Write the reference rows (roles, currencies, stages, reasons, industries, consents, the desk's presets) that are missing."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--pipeline", choices=[*sorted(PIPELINES), "none"], default="projects", help="which way of selling to start with; none: the set-up wizard asks")

    def handle(self, *args: Any, pipeline: str, **options: Any) -> None:
        with work():
            ensure_permissions()
            for code in ("EUR", "CHF", "USD"):
                Currency.objects.get_or_create(code=code)
            if not Team.objects.exists():
                Team.objects.create(name="Lotse")
            for position, (key, (german, english, rights)) in enumerate(ROLES.items()):
                seed_role(position, key, german, english, rights)
            for position, (key, german, english) in enumerate(INDUSTRIES):
                Industry.objects.get_or_create(key=key, defaults={"label_de": german, "label_en": english, "position": position})
            for position, (key, german, english, needs_note) in enumerate(LOST_REASONS):
                LostReason.objects.get_or_create(
                    key=key, defaults={"label_de": german, "label_en": english, "position": position, "needs_note": needs_note}
                )
            if pipeline != "none" and not Pipeline.objects.exists():
                seed_pipeline(pipeline)
            seed_consents()
            seed_desk()
            sync_grants()


def seed_role(position: int, key: str, german: str, english: str, rights: dict[str, dict[str, str]]) -> None:
    """A role with its matrix; an existing role keeps the matrix people gave it."""
    if Role.objects.filter(key=key).exists():
        return
    group, _ = Group.objects.get_or_create(name=key)
    role = Role.objects.create(key=key, label_de=german, label_en=english, position=position, group=group, start_page=START_PAGES.get(key, ""))
    RoleRight.objects.bulk_create(
        [RoleRight(role=role, entity=entity, verb=verb, reach=reach) for entity, verbs in rights.items() for verb, reach in verbs.items()]
    )
