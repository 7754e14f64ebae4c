"""What one form edits of a contact besides its own columns: main e-mail, telephone and address, roles, tags, main employer.

Each part is a plain text, so that what was read, what is stored and what was typed can be compared (D7): roles joined by commas,
tags as their ids joined by commas, the employer as its id, '' for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, UniqueConstraint
from django.utils import timezone

from contacts.models import Affiliation, EmailAddress, Party, PartyRole, PartyTag, PhoneNumber, PostalAddress
from crm.core.errors import RuleBroken
from crm.core.formats import country
from crm.core.phone import dialled, phone_key

PLACE = ("street", "postcode", "city", "country")
PARTS = ("email", "phone", *PLACE, "roles", "tags", "employer", "function")
TABLES: dict[str, type[Any]] = {
    "email": EmailAddress, "phone": PhoneNumber, **dict.fromkeys(PLACE, PostalAddress), "roles": PartyRole, "tags": PartyTag, "employer": Affiliation, "function": Affiliation,
}  # fmt: skip


# What people type into one address: column → the name by which a role hides it.
TYPED: dict[type[Any], dict[str, str]] = {EmailAddress: {"address": "email"}, PhoneNumber: {"number": "phone"}, PostalAddress: {name: name for name in PLACE}}


def row_words(row: Any, hidden: frozenset[str] = frozenset()) -> str:
    """One address in one line, without what is hidden: "Weg 1, 50667 Köln, Deutschland"."""
    told = {column: getattr(row, column) for column, name in TYPED[type(row)].items() if name not in hidden}
    town = " ".join(filter(None, (told.get("postcode"), told.get("city"))))
    return ", ".join(filter(None, (told.get("address"), told.get("number"), told.get("street"), town, country(told.get("country", "")))))


def seen_texts(text: str) -> dict[str, str]:
    """What a form had read, sent back as JSON: name → text. What is no text, or no JSON at all, was not seen."""
    try:
        seen = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return {name: value for name, value in seen.items() if isinstance(value, str)} if isinstance(seen, dict) else {}


def main(rows: Any) -> Any:
    """The main one of a contact's addresses, or None. Reads what was prefetched."""
    return next((row for row in rows.all() if row.is_primary), None)


def read_parts(party: Party) -> dict[str, str]:
    """The parts as they are stored now; all empty for a contact that is not saved yet."""
    found = dict.fromkeys(PARTS, "")
    if party.pk is None:
        return found
    email, phone, place = main(party.emails), main(party.phones), main(party.addresses)
    found["email"] = email.address if email else ""
    found["phone"] = phone.number if phone else ""
    for name in PLACE:
        found[name] = getattr(place, name) if place else ""
    found["roles"] = ",".join(sorted(role.role for role in party.roles.all()))
    found["tags"] = ",".join(sorted(str(held.tag_id) for held in party.tags.all()))
    job = main(party.affiliations)
    if job:
        found["employer"], found["function"] = str(job.organisation_id), job.function
    return found


def write_parts(party: Party, changed: dict[str, str], *, by: Any) -> None:
    """Store the changed parts. The caller holds the contact's row and has asked the gate."""
    if "email" in changed:
        _write_main(party.emails, {"address": changed["email"]}, by)
    if "phone" in changed:
        _write_main(party.phones, {"number": changed["phone"]}, by)
    if place := {name: changed[name] for name in PLACE if name in changed}:
        row = party.addresses.filter(is_primary=True).first()
        _write_main(party.addresses, {name: place.get(name, getattr(row, name, "")) for name in PLACE}, by)
    if "roles" in changed:
        wanted = {role for role in changed["roles"].split(",") if role}
        party.roles.exclude(role__in=wanted).delete()
        held = set(party.roles.values_list("role", flat=True))
        PartyRole.objects.bulk_create(PartyRole(party=party, role=role, created_by=by, updated_by=by) for role in sorted(wanted - held))
    if "tags" in changed:
        chosen = {int(tag) for tag in changed["tags"].split(",") if tag}
        party.tags.exclude(tag__in=chosen).delete()
        there = set(party.tags.values_list("tag", flat=True))
        PartyTag.objects.bulk_create(PartyTag(party=party, tag_id=tag, created_by=by, updated_by=by) for tag in sorted(chosen - there))
    if "employer" in changed or "function" in changed:
        _write_job(party, changed, by)


def _write_main(rows: Any, values: dict[str, str], by: Any) -> None:
    """Set, make or remove the main row of a kind. What is known already as a further one becomes the main one."""
    row = rows.filter(is_primary=True).first()
    if not any(values.values()):
        if row is not None:
            drop_row(row, by)
    elif (known := twin(rows.filter(is_primary=False), values)) is not None:
        make_main(known, by)
    elif row is None:
        create_row(rows, values, by, is_primary=True)
    else:
        save_row(row, values, by)


def twin(rows: Any, values: dict[str, str]) -> Any:
    """That one of `rows` (of one contact) which says the same, or None: an e-mail address in any case, a number in any spelling. Under
    another label it is still the same; only a postal address may stand twice, for goods and for invoices."""
    said = {name: _plain(name, text) for name, text in values.items() if name != "label" or rows.model is PostalAddress}
    return next((row for row in rows if all(_plain(name, getattr(row, name)) == text for name, text in said.items())), None)


def _plain(name: str, text: str) -> str:
    return dialled(text) if name == "number" else " ".join(text.casefold().split())


def create_row(rows: Any, values: dict[str, str], by: Any, *, is_primary: bool) -> Any:
    """One more of a contact's addresses."""
    with _once(rows.model):
        return rows.create(**_with_key(values), is_primary=is_primary, created_by=by, updated_by=by)


def save_row(row: Any, values: dict[str, Any], by: Any) -> None:
    """Change one row of a contact."""
    values = _with_key(values)
    if "address" in values and values["address"] != getattr(row, "address", None):
        values = {**values, "bounced_at": None}  # of the new one nobody has said anything yet
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_by = by
    row.updated_at = timezone.now()
    with _once(type(row)):
        row.save(update_fields=[*values, "version", "updated_by", "updated_at"])


def _with_key(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "key": phone_key(values["number"])} if "number" in values else values


@contextmanager
def _once(model: type[Any]) -> Iterator[None]:
    """What the database knows to be a double although `twin` does not is refused in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        rule = next((rule for rule in model._meta.constraints if rule.name == name and isinstance(rule, UniqueConstraint) and not rule.condition), None)
        if rule is None:
            raise
        raise RuleBroken(rule.violation_error_message) from error


def make_main(row: Any, by: Any) -> None:
    """Put this one of a contact's addresses first."""
    for other in _beside(row).filter(is_primary=True):
        save_row(other, {"is_primary": False}, by)
    save_row(row, {"is_primary": True}, by)


def drop_row(row: Any, by: Any) -> None:
    """Remove one of a contact's addresses; when the main one goes, the next one becomes the main one."""
    heir = _beside(row).order_by("pk").first() if row.is_primary else None
    row.delete()
    if heir is not None:
        save_row(heir, {"is_primary": True}, by)


def keep_main(party_ids: Iterable[int], by: Any) -> None:
    """Where a contact has addresses of a kind and none is the main one — an undo may take it away — the first becomes the main one."""
    for model in TYPED:
        rows = model.objects.unrestricted().filter(party__in=list(party_ids))
        for row in rows.exclude(party__in=rows.filter(is_primary=True).values("party")).order_by("party", "pk").distinct("party"):
            save_row(row, {"is_primary": True}, by)


def _beside(row: Any) -> Any:
    return type(row).objects.unrestricted().filter(party=row.party_id).exclude(pk=row.pk)


def mark_changed(party: Party, by: Any) -> None:
    """The contact as a whole changed with its parts: a form that read it before notices."""
    Party.objects.filter(pk=party.pk).update(version=F("version") + 1, updated_by=by, updated_at=timezone.now())


def _write_job(party: Party, changed: dict[str, str], by: Any) -> None:
    row = party.affiliations.filter(is_primary=True).first()
    employer = changed.get("employer", str(row.organisation_id) if row else "")
    if not employer:
        if row is not None:
            row.delete()
        return
    function = changed.get("function", row.function if row else "")
    if row is not None and row.organisation_id != int(employer):
        row.delete()
        row = None
    row = row or party.affiliations.filter(organisation_id=int(employer)).first()
    if row is None:
        Affiliation.objects.create(person=party, organisation_id=int(employer), function=function, created_by=by, updated_by=by)
    else:
        save_row(row, {"function": function, "is_primary": True}, by)
