"""Which audit rows tell of a contact: its own, and those of everything that is or was part of it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import connection

from contacts.models import Affiliation, EmailAddress, Party, PartyGroupPerm, PartyRole, PartyUserPerm, PhoneNumber, PostalAddress
from crm.core.access import hidden_fields
from crm.core.history import Entry, changes_of

# Part → the field of the form it belongs to: hidden with it.
_PARTS: dict[type[Any], str] = {
    EmailAddress: "email", PhoneNumber: "phone", PostalAddress: "street", PartyRole: "roles", Affiliation: "employer", PartyUserPerm: "", PartyGroupPerm: "",
}  # fmt: skip
# The words match the index `change_part_of_party`, made in a migration.
_ROWS = """
SELECT relation, row_id FROM core_change
WHERE coalesce(coalesce(after, before) ->> 'party_id', coalesce(after, before) ->> 'person_id', coalesce(after, before) ->> 'content_object_id') = %s
AND op IN ('I', 'D') AND relation IN ('contacts_emailaddress', 'contacts_phonenumber', 'contacts_postaladdress', 'contacts_partyrole',
    'contacts_affiliation', 'contacts_partyuserperm', 'contacts_partygroupperm')
"""


def part_rows(party_id: int) -> dict[str, set[int]]:
    """Table → ids of the rows that are or were part of this contact."""
    found: dict[str, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [str(party_id)])
        for relation, row_id in cursor.fetchall():
            found[relation].add(row_id)
    return found


def party_changes(party: Party, reader: Any) -> list[Entry]:
    """What changed about this contact, newest first, without what is hidden from the reader."""
    hidden, rows = hidden_fields(reader, Party), part_rows(party.pk)
    return changes_of(party, reader, {model: rows[model._meta.db_table] for model, field in _PARTS.items() if field not in hidden})
