"""What one form edits of a contact besides its own columns: main e-mail, telephone and address, roles, main employer.

Each part is a plain text, so that what was read, what is stored and what was typed can be compared (D7): roles joined by commas,
the employer as its id, '' for nothing.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from contacts.models import Affiliation, EmailAddress, Party, PartyRole, PhoneNumber, PostalAddress
from crm.core.phone import phone_key

PLACE = ("street", "postcode", "city", "country")
PARTS = ("email", "phone", *PLACE, "roles", "employer", "function")
TABLES: dict[str, type[Any]] = {
    "email": EmailAddress, "phone": PhoneNumber, **dict.fromkeys(PLACE, PostalAddress), "roles": PartyRole, "employer": Affiliation, "function": Affiliation,
}  # fmt: skip


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
    job = main(party.affiliations)
    if job:
        found["employer"], found["function"] = str(job.organisation_id), job.function
    return found


def write_parts(party: Party, changed: dict[str, str], *, by: Any) -> None:
    """Store the changed parts. The caller holds the contact's row and has asked the gate."""
    if "email" in changed:
        _write_email(party, changed["email"], by)
    if "phone" in changed:
        number = changed["phone"]
        _write_one(party.phones, {"number": number, "key": phone_key(number)} if number else None, by)
    if place := {name: changed[name] for name in PLACE if name in changed}:
        row = party.addresses.filter(is_primary=True).first()
        whole = {name: place.get(name, getattr(row, name, "")) for name in PLACE}
        _write_one(party.addresses, whole if any(whole.values()) else None, by)
    if "roles" in changed:
        wanted = {role for role in changed["roles"].split(",") if role}
        party.roles.exclude(role__in=wanted).delete()
        held = set(party.roles.values_list("role", flat=True))
        PartyRole.objects.bulk_create(PartyRole(party=party, role=role, created_by=by, updated_by=by) for role in sorted(wanted - held))
    if "employer" in changed or "function" in changed:
        _write_job(party, changed, by)


def _write_one(rows: Any, values: dict[str, Any] | None, by: Any) -> None:
    """Set, make or remove the main row; when it goes, the next one becomes the main one."""
    row = rows.filter(is_primary=True).first()
    if values is None:
        if row is not None:
            row.delete()
            heir = rows.order_by("pk").first()
            if heir is not None:
                _save(heir, {"is_primary": True}, by)
    elif row is None:
        rows.create(**values, is_primary=True, created_by=by, updated_by=by)
    else:
        _save(row, values, by)


def _save(row: Any, values: dict[str, Any], by: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_by = by
    row.updated_at = timezone.now()
    row.save(update_fields=[*values, "version", "updated_by", "updated_at"])


def _write_email(party: Party, address: str, by: Any) -> None:
    other = party.emails.filter(normalised=address.lower(), is_primary=False).first() if address else None
    if other is not None:  # it is known already as a further address: now it is the main one
        party.emails.filter(is_primary=True).update(is_primary=False)
        _save(other, {"is_primary": True}, by)
        return
    _write_one(party.emails, {"address": address} if address else None, by)


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
        _save(row, {"function": function, "is_primary": True}, by)
