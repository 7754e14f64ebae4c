"""Which audit rows tell of a contact: its own, and those of everything that is or was part of it."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from django.db import connection

from contacts.models import Affiliation, EmailAddress, Party, PartyGroupPerm, PartyRole, PartyTag, PartyUserPerm, PhoneNumber, PostalAddress
from contacts.parts import PLACE, TYPED, row_words
from crm.core.access import hidden_fields
from crm.core.history import Entry, Part, changes_of
from crm.core.models import Change

# Part → the fields of the form it belongs to: hidden with them. An address is told in one line.
_PARTS: dict[type[Any], tuple[str, ...]] = {
    EmailAddress: ("email",), PhoneNumber: ("phone",), PostalAddress: PLACE, PartyRole: ("roles",), PartyTag: ("tags",), Affiliation: ("employer",), PartyUserPerm: (), PartyGroupPerm: (),
}  # fmt: skip
# The words match the index `change_part_of_party`, made in a migration.
_ROWS = """
SELECT relation, row_id FROM core_change
WHERE coalesce(coalesce(after, before) ->> 'party_id', coalesce(after, before) ->> 'person_id', coalesce(after, before) ->> 'content_object_id') = %s
AND op IN ('I', 'D') AND relation IN ('contacts_emailaddress', 'contacts_phonenumber', 'contacts_postaladdress', 'contacts_partyrole',
    'contacts_partytag', 'contacts_affiliation', 'contacts_partyuserperm', 'contacts_partygroupperm')
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
    rows[Affiliation._meta.db_table] -= _jobs_unseen(rows[Affiliation._meta.db_table], reader)
    parts = {}
    for model, fields in _PARTS.items():
        if not fields or set(fields) - hidden:
            parts[model] = Part(rows[model._meta.db_table], hidden, partial(_told, hidden=hidden) if model in TYPED else None)
    return changes_of(party, reader, parts)


def _jobs_unseen(ids: set[int], reader: Any) -> set[int]:
    """Those of these jobs of which the reader does not see both ends: nothing is told of them, as on the contact's page."""
    ends: dict[int, set[int]] = {}
    for pk, before, after in Change.objects.filter(relation=Affiliation._meta.db_table, row_id__in=ids, op__in=["I", "D"]).values_list("row_id", "before", "after"):
        facts = after or before
        ends[pk] = {facts["person_id"], facts["organisation_id"]}
    named = {party for pair in ends.values() for party in pair}
    there = set(Party.objects.unrestricted().filter(pk__in=named).values_list("pk", flat=True))  # the gate: only to leave out; of one that is gone everybody is told
    unseen = there - set(Party.objects.visible_to(reader).filter(pk__in=named).values_list("pk", flat=True))
    return {pk for pk, pair in ends.items() if pair & unseen}


def _told(row: Any, hidden: frozenset[str]) -> str:
    """An address as the history names it: "0171 123456 (mobile, main number)"."""
    text = row_words(row, hidden)
    notes = [str(row.get_label_display()), *([str(row._meta.get_field("is_primary").verbose_name)] if row.is_primary else [])]
    return f"{text} ({', '.join(notes)})" if text else ""
