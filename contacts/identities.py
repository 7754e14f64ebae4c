"""Contacts as the plain values `contacts.dedupe` compares: read in bulk from the tables, or as typed into a form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from contacts.dedupe import Identity
from contacts.models import Affiliation, EmailAddress, Party, PhoneNumber, PostalAddress
from crm.core.bulk import among


def identities(ids: list[int] | None, chunk: int = 2_000) -> Iterator[dict[int, Identity]]:
    """Contact id → identity, in batches; `ids` None means every contact. Acts for the house: the caller decides who may see what."""
    rows = Party.objects.unrestricted().order_by("pk").values("pk", "kind", "first_name", "last_name", "legal_name", "website")
    if ids is not None:
        rows = rows.filter(pk__in=among(ids))
    batch: list[Any] = []
    for row in rows.iterator(chunk):
        batch.append(row)
        if len(batch) == chunk:
            yield _read(batch)
            batch = []
    if batch:
        yield _read(batch)


def _read(batch: list[dict[str, Any]]) -> dict[int, Identity]:
    ids = among(row["pk"] for row in batch)
    emails, phones, places = defaultdict(list), defaultdict(list), defaultdict(list)
    for party, text in EmailAddress.objects.unrestricted().filter(party__in=ids).values_list("party_id", "address"):
        emails[party].append(text)
    for party, text in PhoneNumber.objects.unrestricted().filter(party__in=ids).values_list("party_id", "number"):
        phones[party].append(text)
    for party, *place in PostalAddress.objects.unrestricted().filter(party__in=ids).order_by("-is_primary", "pk").values_list("party_id", "street", "postcode", "city"):
        places[party].append(tuple(place))
    employers = dict(Affiliation.objects.unrestricted().filter(person__in=ids, is_primary=True).values_list("person_id", "organisation__legal_name"))
    return {
        row["pk"]: Identity(
            kind=row["kind"],
            name=row["legal_name"],
            first_name=row["first_name"],
            last_name=row["last_name"],
            organisation_name=employers.get(row["pk"], ""),
            emails=tuple(emails[row["pk"]]),
            phones=tuple(phones[row["pk"]]),
            website=row["website"],
            **dict(zip(("street", "postcode", "city"), next(iter(places[row["pk"]]), ("", "", "")), strict=True)),
            further=tuple(places[row["pk"]][1:]),
        )
        for row in batch
    }


def typed_identity(kind: Any, data: Mapping[str, Any]) -> Identity:
    """What stands in a form so far, valid or not. The employer is read without its number ("Werk GmbH · K-10001")."""

    def text(name: str) -> str:
        return str(data.get(name) or "")[:200]

    return Identity(
        kind=kind,
        name=text("legal_name"),
        first_name=text("first_name"),
        last_name=text("last_name"),
        organisation_name=text("employer").partition(" · ")[0],
        emails=(text("email"),),
        phones=(text("phone"),),
        website=text("website"),
        **{name: text(name) for name in ("street", "postcode", "city")},
    )
