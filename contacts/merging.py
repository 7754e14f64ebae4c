"""Two contacts become one, and can become two again.

The absorbed one's row goes; what hung on it goes over by the table in `contacts.relations`, its values where the survivor's were not wanted. All
of it is written down in one `MergeRecord`, in the same transaction, so that `contacts.unmerging` gives back what was not changed since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from contacts.consent_merging import carry_over
from contacts.diary import recount
from contacts.models import Affiliation, DuplicatePair, EmailAddress, Interaction, MergeRecord, Party, PhoneNumber, PostalAddress
from contacts.preimages import TRACE, change, picture
from contacts.relations import RELATIONS, SUBJECTS, Relation, Way
from contacts.search import index_parties
from contacts.tombstones import standing_merge
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.fold import fold
from crm.core.models import Installation, RecentlyViewed
from crm.core.subjects import of_subject
from crm.core.work import work

# What is chosen field by field; what goes with a field is chosen with it.
FIELDS = {
    "person": [
        "salutation", "title", "first_name", "nobility", "last_name", "suffix", "form_of_address", "letter_salutation", "state", "language", "website", "source", "owner",
    ],
    "organisation": ["legal_name", "industry", "state", "employees", "revenue", "founded", "vat_id", "parent", "language", "letter_salutation", "website", "source", "owner"],
}  # fmt: skip
_WITH = {"source": ("source", "external_id"), "owner": ("owner_id", "team_id")}
_STATES = [Party.State.PROSPECT, Party.State.FORMER, Party.State.CUSTOMER]  # a customer is one, whichever row says so
_AT_ONCE = 5_000


@dataclass
class _Notes:
    """What becomes the merge record. Rows by table, ids by relation."""

    dropped: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    was: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    now: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    moved: dict[str, list[int]] = field(default_factory=dict)

    def drop(self, model: Any, ids: list[int]) -> None:
        """Keep a picture of these rows, and delete them."""
        if ids:
            self.dropped[model._meta.label] += picture(model, ids)
            model._base_manager.filter(pk__in=ids).delete()

    def set(self, row: Any, by: Any, **values: Any) -> None:
        """Change columns of a row that stays; the last word holds, the first picture is kept."""
        label, key = row._meta.label, str(row.pk)
        before = picture(type(row)._meta.concrete_model, [row.pk])[0]
        change(type(row)._base_manager.filter(pk=row.pk), by=by, **values)
        after = picture(type(row)._meta.concrete_model, [row.pk])[0]
        for name in [name for name in after if after[name] != before[name] and name not in TRACE]:
            self.was[label].setdefault(key, {}).setdefault(name, before[name])
            self.now[label].setdefault(key, {})[name] = after[name]


def columns_of(name: str) -> tuple[str, ...]:
    """The columns that are chosen with a field."""
    return _WITH.get(name, (Party._meta.get_field(name).attname,))  # type: ignore[union-attr]  # columns all of them, no relation backwards


def better(name: str, one: Party, other: Party) -> Party:
    """Whose value of a field is proposed: the one that says something; of two, the customer's state, the
    foreign key, the name with umlauts or the longer one, the owner of `one`, else the newer row's."""
    mine, theirs = (tuple(getattr(party, column) for column in columns_of(name)) for party in (one, other))
    if mine == theirs:
        return one
    if name == "state":
        return max(one, other, key=lambda party: _STATES.index(Party.State(party.state)))
    if name == "source" and bool(one.external_id) != bool(other.external_id):
        return one if one.external_id else other
    if (mine[0] in (None, "")) != (theirs[0] in (None, "")):
        return other if mine[0] in (None, "") else one
    if name == "owner":
        return one  # on whom more hangs: who knows that history
    if name in {"first_name", "last_name", "legal_name"} and mine[0] != theirs[0]:
        if fold(mine[0]) == fold(theirs[0]):  # ö says more than oe
            return max(one, other, key=lambda party: sum(letter > "\x7f" for letter in getattr(party, name)))
        return max(one, other, key=lambda party: len(getattr(party, name)))
    if name == "form_of_address":
        return one if one.form_of_address == Party.AddressForm.DU else other
    return max(one, other, key=lambda party: (party.updated_at, -party.pk))


def moving(party: Party) -> list[tuple[str, int]]:
    """What goes over with a contact: (what, how many), as far as people count it."""
    found = []
    for relation in RELATIONS:
        counted = relation.shown and relation.way is not Way.DERIVED and relation.model not in (DuplicatePair, MergeRecord)
        if counted and (count := relation.model._base_manager.filter(**{relation.field: party.pk}).count()):
            found.append((relation.label, count))
    return found


def merge_parties(survivor: Party, absorbed: Party, *, by: Any, keep: Mapping[str, int] | None = None, versions: Mapping[int, int] | None = None, at: datetime | None = None) -> MergeRecord:
    """`absorbed` goes into `survivor`. `keep` names for a field the contact whose value stays (default: `better`), `versions` what the chooser read.

    Both rows are locked in one order and looked at again: whoever comes second is told in words what the first one did.
    """
    at = at or timezone.now()
    with work(by=by):
        stays, goes = _hold(survivor, absorbed, by, versions or {})
        notes, before = _Notes(), picture(Party, [goes.pk])[0]
        values = _values(stays, goes, keep or {})
        carried = carry_over(stays, goes, by=by)
        for relation in RELATIONS:
            _move(relation, stays, goes, notes, by)
        _addresses(stays, goes, notes, by)
        _employment(stays, goes, notes, by)
        _subjects(stays, goes, notes, by)
        _pairs(stays, goes, notes)
        RecentlyViewed.objects.filter(of_subject(goes)).delete()
        if stays.parent_id == goes.pk:
            notes.set(stays, by, parent_id=None)
        goes.delete()
        notes.set(Party(pk=stays.pk), by, **values)
        entry = _tell(stays, goes, by, at)
        index_parties([stays.pk])
        recount([stays.pk])
        connection.check_constraints()  # what was written meanwhile for the contact that goes is refused there, not here
        record = MergeRecord.objects.create(
            survivor_id=stays.pk, absorbed=before["id"], by=by, at=at, moved=notes.moved,
            before={"party": before, "dropped": notes.dropped, "changed": notes.was}, after={"changed": notes.now, "entry": entry.pk, "consents": carried},
        )  # fmt: skip
        emit("contacts.parties_merged", stays, by=by, absorbed=before["id"], record=record.pk)
        return record


def _hold(survivor: Party, absorbed: Party, by: Any, versions: Mapping[int, int]) -> tuple[Party, Party]:
    if survivor.pk == absorbed.pk:
        raise RuleBroken(_("A contact cannot be merged with itself."))
    held = {row.pk: row for row in Party.objects.unrestricted().select_for_update(of=("self",)).filter(pk__in=[survivor.pk, absorbed.pk]).order_by("pk")}
    for party in (survivor, absorbed):
        if party.pk not in held:
            record = standing_merge(party.pk)
            if record is None:
                raise RuleBroken(_("%(name)s was deleted meanwhile.") % {"name": party})
            raise RuleBroken(_("%(who)s has merged %(name)s meanwhile. Please look at the contacts again.") % {"who": record.by, "name": party})
    for verb in ("view", "merge"):
        if Party.objects.visible_to(by, verb).filter(pk__in=held).count() < len(held):
            raise Http404
    stays, goes = held[survivor.pk], held[absorbed.pk]
    if stays.kind != goes.kind:
        raise RuleBroken(_("A person and an organisation cannot be merged."))
    for party in (stays, goes):
        if versions.get(party.pk, party.version) != party.version:
            raise RuleBroken(_("%(name)s was changed meanwhile. Please look at both once more and choose again.") % {"name": party})
    return stays, goes


def _values(stays: Party, goes: Party, keep: Mapping[str, int]) -> dict[str, Any]:
    """The columns of the survivor that change."""
    found: dict[str, Any] = {}
    for name in FIELDS[stays.kind]:
        whose = {stays.pk: stays, goes.pk: goes}.get(keep.get(name, 0)) or better(name, stays, goes)
        found |= {column: getattr(whose, column) for column in columns_of(name)}
    if found.get("parent_id") in (stays.pk, goes.pk):
        found["parent_id"] = None
    _no_circle(stays, goes, found.get("parent_id"))
    return {column: value for column, value in found.items() if getattr(stays, column) != value}


def _no_circle(stays: Party, goes: Party, parent: int | None) -> None:
    seen: set[int] = set()
    while parent is not None and parent not in seen:
        if parent in (stays.pk, goes.pk):
            raise RuleBroken(_("The organisation would belong to itself, by way of others. Please choose the other parent."), field="parent")
        seen.add(parent)
        parent = Party.objects.unrestricted().filter(pk=parent).values_list("parent_id", flat=True).first()


# --- what hangs on it -----------------------------------------------------------------------------------------------------------------


def _move(relation: Relation, stays: Party, goes: Party, notes: _Notes, by: Any) -> None:
    if relation.way not in (Way.MOVES, Way.ONCE, Way.STAYS):
        return
    model = relation.model
    ids = list(model._base_manager.filter(**{relation.field: goes.pk}).order_by("pk").values_list("pk", flat=True))
    if relation.once and ids:
        have = set(model._base_manager.filter(**{relation.field: stays.pk}).values_list(*relation.once))
        rows = model._base_manager.filter(pk__in=ids).values_list("pk", *relation.once)
        double = {pk for pk, *rest in rows if tuple(rest) in have}
        if relation.way is Way.ONCE:
            notes.drop(model, sorted(double))
        ids = [pk for pk in ids if pk not in double]
    if relation.path == "contacts.Party.parent":
        ids = [pk for pk in ids if pk != stays.pk]  # the survivor's own parent is a field of its own
    _give(relation.path, relation.field, model, ids, stays, notes, by)


def _give(path: str, name: str, model: Any, ids: list[int], stays: Party, notes: _Notes, by: Any) -> None:
    if ids:
        notes.moved[path] = ids
        for start in range(0, len(ids), _AT_ONCE):
            change(model._base_manager.filter(pk__in=ids[start : start + _AT_ONCE]), by=by, **{name: stays.pk})


def _addresses(stays: Party, goes: Party, notes: _Notes, by: Any) -> None:
    """Addresses go over; one the survivor has already goes, and says first that it came back."""
    for model in (EmailAddress, PhoneNumber, PostalAddress):
        mine = list(model.objects.unrestricted().filter(party=stays.pk))
        has_main = any(row.is_primary for row in mine)
        double, fresh = [], []
        for row in model.objects.unrestricted().filter(party=goes.pk).order_by("-is_primary", "pk"):
            same = _same(row, mine)
            if same is None:
                fresh.append(row)
                continue
            double.append(row.pk)
            if getattr(row, "bounced_at", None) and not same.bounced_at:
                notes.set(same, by, bounced_at=row.bounced_at)
        notes.drop(model, double)
        for row in fresh:
            if row.is_primary and has_main:
                notes.set(row, by, is_primary=False)
        _give(f"{model._meta.label}.party", "party", model, [row.pk for row in fresh], stays, notes, by)


def _same(row: Any, mine: list[Any]) -> Any:
    if isinstance(row, PhoneNumber):
        return next((one for one in mine if one.number == row.number or (row.key and one.key == row.key)), None)
    if isinstance(row, EmailAddress):
        return next((one for one in mine if one.normalised == row.normalised), None)
    return next((one for one in mine if one.label == row.label and _place(one) == _place(row)), None)


def _place(row: PostalAddress) -> tuple[str, ...]:
    return tuple(" ".join(text.casefold().split()) for text in (row.street, row.postcode, row.city, row.country))


def _employment(stays: Party, goes: Party, notes: _Notes, by: Any) -> None:
    """Who works where: a tie both have is one tie, the main one if either was; a person keeps one main employer."""
    here, there = ("person", "organisation") if stays.is_person else ("organisation", "person")
    mine = {getattr(row, f"{there}_id"): row for row in Affiliation.objects.unrestricted().filter(**{here: stays.pk})}
    has_main = any(row.is_primary for row in mine.values())
    double, fresh = [], []
    for row in Affiliation.objects.unrestricted().filter(**{here: goes.pk}).order_by("-is_primary", "pk"):
        same = mine.get(getattr(row, f"{there}_id"))
        (fresh if same is None else double).append((row, same))
    notes.drop(Affiliation, [row.pk for row, _same_tie in double])
    for row, same in double:
        values: dict[str, Any] = {"function": row.function} if row.function and not same.function else {}
        if row.is_primary and not same.is_primary and not (stays.is_person and has_main):
            values["is_primary"] = has_main = True
        if values:
            notes.set(same, by, **values)
    for row, _none in fresh:
        if stays.is_person and row.is_primary and has_main:
            notes.set(row, by, is_primary=False)
    _give(f"contacts.Affiliation.{here}", here, Affiliation, [row.pk for row, _none in fresh], stays, notes, by)


def _subjects(stays: Party, goes: Party, notes: _Notes, by: Any) -> None:
    for label, way in SUBJECTS.items():
        if way is Way.MOVES:
            model = Relation(f"{label}.subject_id", way).model
            ids = list(model._base_manager.filter(of_subject(goes)).order_by("pk").values_list("pk", flat=True))
            _give(f"{label}.subject_id", "subject_id", model, ids, stays, notes, by)


def _pairs(stays: Party, goes: Party, notes: _Notes) -> None:
    """What somebody called two different ones holds for the survivor, too; the rest a search finds again."""
    rows = list(DuplicatePair.objects.unrestricted().filter(Q(first=goes.pk) | Q(second=goes.pk)))
    for row in rows:
        other = row.second_id if row.first_id == goes.pk else row.first_id
        if other == stays.pk or row.state != DuplicatePair.State.NOT_SAME:
            continue
        first, second = sorted((other, stays.pk))
        facts = {"score": row.score, "reasons": row.reasons, "state": row.state, "decided_at": row.decided_at, "decided_by_id": row.decided_by_id}
        DuplicatePair.objects.get_or_create(first_id=first, second_id=second, defaults=facts)
    notes.drop(DuplicatePair, [row.pk for row in rows])


def _tell(stays: Party, goes: Party, by: Any, at: datetime) -> Interaction:
    with translation.override(Installation.current().language):
        words = _("Merged with %(number)s %(name)s by %(who)s") % {"number": goes.number, "name": goes, "who": by}
    return Interaction.objects.create(party_id=stays.pk, kind=Interaction.Kind.SYSTEM, occurred_at=at, heading=words[:200], created_by=by, updated_by=by)

