"""Organisations of the export, with industry, country and the one they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection

from accounts.models import Role
from contacts.circles import closes_circle, lines_above, parents_here
from contacts.models import Industry, Party, PostalAddress
from contacts.search import index_parties
from crm.core.access import hidden_fields
from crm.core.bulk import Rows, among, change_rows, reserve
from sales.imports.context import Context, Finding, Names, Plan, differing, shown
from sales.imports.countries import country_code, country_names
from sales.imports.models import ImportRow, Kind
from sales.imports.reading import name_key
from sales.imports.rows import Row

_COLUMNS = {"industry_id": ("industry",), "founded": ("founded",), "employees": ("employees",), "revenue": ("revenue",)}
_ADDRESS = {"country": ("country",), "city": ("city",)}
_RANGES: dict[str, int | Decimal] = {"founded": 9999, "employees": 2_000_000_000, "revenue": Decimal("9999999999.99")}
EXTERNAL = 120  # letters its column holds


def external_key(key: str) -> str:
    """What keeps an organisation from being created twice for one source (a unique column): what its name is known by, if too long with a digest at its end."""
    return key if len(key) <= EXTERNAL else key[: EXTERNAL - 17] + "…" + sha256(key.encode()).hexdigest()[:16]


def known_organisations(context: Context, wanted: Iterable[str], *, staged: bool) -> Names:
    """Those of the wanted names that exist — under this source's key or by name — and, `staged`, those this import will create."""
    keys = {name_key(name) for name in wanted}
    names = Names()
    if not keys:
        return names
    rows = Party.objects.unrestricted().filter(kind=Party.Kind.ORGANISATION)
    by_key = {external_key(key): key for key in keys}
    named = rows.filter(sort_name__in=among(keys, "text"))
    brought = rows.filter(source=context.run.source, external_id__in=among(by_key, "text")).exclude(external_id="")
    # Two questions, each for an index: together Postgres would read all contacts for them.
    for pk, name, sort_name, source, external in sorted({*(row for which in (named, brought) for row in which.values_list("pk", "legal_name", "sort_name", "source", "external_id"))}):
        key = by_key[external] if source == context.run.source and external in by_key else str(sort_name)
        names.ids.setdefault(key, pk)
        names.shown.setdefault(key, name)
    if staged:
        for _key, facts in context.staged(Kind.ORGANISATION, keys - set(names.ids)):
            names.add(facts["name"], 0)
    return names


def all_organisations(context: Context, limit: int = 20_000) -> Names:
    """Names to suggest from: those of this import and those that exist."""
    names = Names((facts["name"], 0) for _key, facts in context.staged(Kind.ORGANISATION))
    rows = Party.objects.visible_to(context.by).filter(kind=Party.Kind.ORGANISATION)
    for pk, name in rows.order_by("pk").values_list("pk", "legal_name")[:limit]:
        names.add(name, pk)
    return names


def industry_names() -> Names:
    """Industries by their labels in both languages."""
    rows = list(Industry.objects.unrestricted().filter(active=True))
    return Names((label, row.pk) for row in rows for label in (row.label_en, row.label_de))


def create_organisations(context: Context, wanted: Sequence[dict[str, Any]]) -> list[int]:
    """Create organisations that belong to nobody yet, all with the same columns; the caller indexes them. As an export names no owner, everyone
    who sells may see them: shared with the roles."""
    if not wanted:
        return []
    by, columns, ids = context.by, list(wanted[0]), reserve(Party, len(wanted))
    parties = Rows(Party, "id", "number", "kind", "source", "external_id", "team_id", "created_by_id", "updated_by_id", *columns)
    view = Permission.objects.get(content_type__app_label="contacts", codename="view_party").pk
    groups = list(Role.objects.unrestricted().filter(key__in=["rep", "lead"]).values_list("group_id", flat=True))
    for pk, number, values in zip(ids, context.party_numbers(len(wanted)), wanted, strict=True):
        key = external_key(name_key(values["legal_name"]))
        parties.add(pk, number, Party.Kind.ORGANISATION.value, context.run.source, key, context.home.pk, by.pk, by.pk, *(values[column] for column in columns))
    parties.write()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_partygroupperm (content_object_id, group_id, permission_id) SELECT party, role, %s"
            " FROM unnest(%s::bigint[]) party, unnest(%s::int[]) role ORDER BY party, role",
            [view, ids, groups],
        )
    return ids


def changeable(context: Context, ids: Iterable[int]) -> set[int]:
    """Those of these contacts that the importer may change."""
    return set(Party.objects.visible_to(context.by, "change").filter(pk__in=list(ids)).values_list("pk", flat=True))


def foreign(context: Context, names: Names) -> set[int]:
    """Those of these organisations that the importer may not see: they keep their names, so that none is created twice, and nothing is hung on them."""
    ids = {pk for pk in names.ids.values() if pk}
    return ids - set(Party.objects.visible_to(context.by).filter(pk__in=list(ids)).values_list("pk", flat=True)) if ids else ids


class Organisations:
    """Judges and writes rows of kind organisation. Whom they belong to follows when all are there (`link`)."""

    kind = Kind.ORGANISATION

    def __init__(self, context: Context) -> None:
        self.context = context
        self.industries = industry_names()
        self.countries = country_names()

    def key(self, facts: dict[str, str]) -> str:
        return name_key(facts["name"])

    def load(self, rows: Sequence[Row]) -> None:
        self.names = known_organisations(self.context, [row.facts["name"] for row in rows], staged=False)
        ids = list(self.names.ids.values())
        self.parties = Party.objects.visible_to(self.context.by).in_bulk(ids)  # others are refused unread
        self.may_change = changeable(self.context, ids)
        hidden = hidden_fields(self.context.by, Party)
        self.columns = {column: names for column, names in _COLUMNS.items() if column.removesuffix("_id") not in hidden}
        self.addresses = {a.party_id: a for a in PostalAddress.objects.unrestricted().filter(party__in=ids, is_primary=True)}
        self.earlier = self.context.earlier(self.kind, [row.key for row in rows])

    def judge(self, row: Row) -> Finding:
        facts, finding = row.facts, Finding()
        if "parent" in facts and name_key(facts["parent"]) == row.key:
            finding.refuse("own_parent")
        for name, largest in _RANGES.items():
            if name in facts and Decimal(facts[name]) > largest:
                finding.refuse("unreadable", field=name, value=facts[name])
        values: dict[str, Any] = {name: Decimal(facts[name]) if name == "revenue" else int(facts[name]) for name in _RANGES if name in facts and not finding.reasons}
        if "industry" in facts:
            values["industry_id"] = self.context.resolve("industry", facts["industry"], self.industries, finding)
        country = self.context.resolve("country", facts["country"], self.countries, finding) if "country" in facts else None
        address = {"country": country_code(country) if country else "", "city": facts.get("city", "")}
        finding.values = {"record": values, "address": address}
        finding.target_id = self.names.get(facts["name"])
        if finding.target_id is None:
            if not self.context.may_add("party", self.context.home.pk):
                finding.refuse("no_right", what="party")
            return finding
        party = self.parties.get(finding.target_id)
        if party is None:
            finding.refuse("no_right", what="party")
            return finding
        earlier, place = self.earlier.get(row.key), self.addresses.get(finding.target_id)
        changed = differing(self.columns, facts, earlier, vars(party), values)
        moved = differing(_ADDRESS, facts, earlier, vars(place) if place else {}, address)
        finding.changes = {name: [self._said(name, vars(party).get(name)), self._said(name, new)] for name, new in changed.items()}
        finding.changes |= {name: [shown(vars(place).get(name)) if place else "", new] for name, new in moved.items()}
        if finding.changes and finding.target_id not in self.may_change:
            finding.refuse("no_right", what="party")
        return finding

    def _said(self, column: str, value: Any) -> str:
        if column != "industry_id" or value is None:
            return shown(value)
        return next((name for key, name in self.industries.shown.items() if self.industries.ids[key] == value), "")

    def write(self, plan: Plan) -> None:
        """Create the new ones with their address; update the changed columns of known ones."""
        fresh = [(row, finding) for row, finding in plan if finding.target_id is None]
        blank = dict.fromkeys(_COLUMNS)
        ids = create_organisations(self.context, [{"legal_name": row.facts["name"], **blank, **finding.values["record"]} for row, finding in fresh])
        by = self.context.by.pk
        addresses = Rows(PostalAddress, "party_id", "country", "city", "created_by_id", "updated_by_id")
        for (_row, finding), pk in zip(fresh, ids, strict=True):
            finding.target_id = pk
            if any(finding.values["address"].values()):
                addresses.add(pk, finding.values["address"]["country"], finding.values["address"]["city"], by, by)
        changed = [finding for _row, finding in plan if finding.changes]
        self._update(changed, addresses)
        addresses.write()
        index_parties([*ids, *(finding.target_id for finding in changed if finding.target_id is not None)])

    def _update(self, changed: list[Finding], addresses: Rows) -> None:
        """One statement for all that change the same columns."""
        records, places, by = defaultdict[Any, list[dict[str, Any]]](list), defaultdict[Any, list[dict[str, Any]]](list), self.context.by
        for finding in changed:
            assert finding.target_id is not None
            record = {name: finding.values["record"][name] for name in _COLUMNS if name in finding.changes}
            place = {name: finding.values["address"][name] for name in _ADDRESS if name in finding.changes}
            if record:
                records[tuple(record)].append({"id": finding.target_id, **record})
            if place and finding.target_id in self.addresses:
                places[tuple(place)].append({"id": self.addresses[finding.target_id].pk, **place})
            elif place:
                addresses.add(finding.target_id, place.get("country", ""), place.get("city", ""), by.pk, by.pk)
        for rows in records.values():
            change_rows(Party, rows, by=by)
        for rows in places.values():
            change_rows(PostalAddress, rows, by=by)


class Links:
    """Second pass over organisations: whom each belongs to, once all are there. Rows know their record already (`target_id`)."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def load(self, rows: Sequence[Row]) -> None:
        wanted = [row.facts["parent"] for row in rows]
        wanted += [choice[4:] for key, choice in self.context.answers.items() if key.startswith("parent:") and choice.startswith("use:")]
        self.names = known_organisations(self.context, wanted, staged=not self.context.settled)
        self.foreign = foreign(self.context, self.names)
        self.above = lines_above({pk for pk in self.names.ids.values() if pk} - self.foreign, parents_here)
        self.file: dict[str, str] = {} if self.context.settled else lines_above({name_key(row.facts["parent"]) for row in rows}, self._in_the_file)
        known = [row.target_id for row in rows if row.target_id]
        self.parents = dict(Party.objects.unrestricted().filter(pk__in=known).values_list("pk", "parent_id"))
        self.may_change = changeable(self.context, known)
        self.earlier = self.context.earlier(Kind.ORGANISATION, [row.key for row in rows])

    def _in_the_file(self, keys: set[str]) -> dict[str, str]:
        return {key: name_key(facts["parent"]) for key, facts in self.context.staged(Kind.ORGANISATION, keys) if "parent" in facts}

    def judge(self, row: Row) -> Finding:
        """What the parent adds to what is known of the row. Of a circle in the file every row is refused when it is checked, as nobody knows
        which of them is wrong; of one that arises only with what is here the row that would close it, at the latest when it is brought in."""
        finding = Finding(target_id=row.target_id)
        parent = self.context.resolve("parent", row.facts["parent"], self.names, finding)
        if parent in self.foreign:
            finding.refuse("no_right", what="party")
            return finding
        if closes_circle(self.file, row.key, name_key(row.facts["parent"])):
            finding.refuse("circle")
            return finding
        if parent is None or row.target_id is None or parent == row.target_id:
            return finding
        now = {"parent_id": self.parents.get(row.target_id)}
        if differing({"parent_id": ("parent",)}, row.facts, self.earlier.get(row.key), now, {"parent_id": parent}):
            if row.outcome != ImportRow.Outcome.CREATED and row.target_id not in self.may_change:
                finding.refuse("no_right", what="party")
                return finding
            if closes_circle(self.above, row.target_id, parent):
                finding.refuse("circle")
                return finding
            finding.values["parent_id"] = self.above[row.target_id] = parent
            finding.changes["parent_id"] = ["", row.facts["parent"]]
        return finding

    def write(self, plan: Plan) -> None:
        """Set the parents that are to change."""
        changed = [{"id": finding.target_id, "parent_id": finding.values["parent_id"]} for _row, finding in plan if finding.changes and finding.target_id is not None]
        change_rows(Party, changed, by=self.context.by)
