"""The queue of possible duplicates: what two contacts hold side by side, what is proposed, and saying that they are two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.detail import TITLES, fact_words
from contacts.duplicates import REASONS
from contacts.merging import FIELDS, better, columns_of, merge_parties, moving
from contacts.models import DuplicatePair, MergeRecord, Party
from contacts.parts import TYPED, read_parts, row_words
from contacts.unmerging import unmerge
from crm.core import formats
from crm.core.access import hidden_fields, scope_of
from crm.core.errors import RuleBroken
from crm.core.models import Job, Notification, Undo
from crm.core.undo import offer_undo
from crm.core.work import work

# What tells two contacts apart at a glance; of a pair only what one of them has.
GLANCE = {"person": ["employer", "function", "owner", "state", "source"], "organisation": ["industry", "parent", "owner", "state", "source"]}
CUT_KINDS = {
    "mail": gettext_lazy("e-mail"), "phone": gettext_lazy("telephone"), "address": gettext_lazy("postal address"), "domain": gettext_lazy("internet domain"),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One thing of two contacts in words. `keep` is the id of the contact whose value is proposed, where one is chosen."""

    name: str
    label: str
    one: str
    other: str
    keep: int = 0

    @property
    def same(self) -> bool:
        """Do both say the same?"""
        return self.one == self.other


def call_two(pair: DuplicatePair, *, by: Any) -> Undo | None:
    """These are two different ones: the pair does not come again. Twice is once."""
    with work(by=by):
        changed = DuplicatePair.objects.unrestricted().filter(pk=pair.pk, state=DuplicatePair.State.OPEN).update(state=DuplicatePair.State.NOT_SAME, decided_at=timezone.now(), decided_by=by)
        if not changed:
            return None
        return offer_undo(by, _("Noted: %(one)s and %(other)s are two different ones.") % {"one": pair.first, "other": pair.second}, way="contacts.pair", pair=pair.pk)


def look_again(payload: dict[str, Any], *, by: Any) -> None:
    """The pair stands in the queue again. Raises `RuleBroken` where it is gone."""
    with work(by=by):
        if not DuplicatePair.objects.visible_to(by, "merge").filter(pk=payload["pair"]).update(state=DuplicatePair.State.OPEN, decided_at=None, decided_by=None):
            raise RuleBroken(_("This pair does not exist any more: one of the two was merged or deleted."))


def merge_two(survivor: Party, absorbed: Party, *, by: Any, keep: dict[str, int], versions: dict[int, int]) -> Undo:
    """Merge, and offer the way back."""
    with work(by=by):
        record = merge_parties(survivor, absorbed, by=by, keep=keep, versions=versions)
        words = _("%(absorbed)s was merged into %(survivor)s.") % {"absorbed": f"{absorbed} ({absorbed.number})", "survivor": f"{survivor} ({survivor.number})"}
        return offer_undo(by, words, way="contacts.merge", record=record.pk)


def take_merge_back(payload: dict[str, Any], *, by: Any) -> None:
    """The way back of a toast. What could not be given back is told in a notification."""
    record = MergeRecord.objects.visible_to(by, "merge").filter(pk=payload["record"]).first()
    if record is None:
        record = MergeRecord.objects.unrestricted().filter(pk=payload["record"]).first()  # a survivor that is gone says why
        if record is None or Party.objects.unrestricted().filter(pk=record.survivor_id).exists():
            raise Http404
    lost = unmerge(record, by=by)
    if lost:
        Notification.objects.create(user=by, text=" ".join([_("The merge was taken back."), *lost])[:300], url="")


def reasons(pair: DuplicatePair) -> list[str]:
    """Why, in words."""
    return [str(REASONS[key]) for key in pair.reasons if key in REASONS]


def glance(one: Party, other: Party, reader: Any) -> list[Line]:
    """The two side by side in a few lines: addresses and what the house knows of them."""
    hidden, parts = hidden_fields(reader, Party), (read_parts(one), read_parts(other))
    found = [Line("number", label_of("number", one), one.number, other.number)]
    for rows, model in (("emails", "email"), ("phones", "phone"), ("addresses", "postal")):
        mine, theirs = (", ".join(sorted(filter(None, (row_words(row, hidden) for row in getattr(party, rows).all())))) for party in (one, other))
        found.append(Line(model, _HEADS[model], mine, theirs))
    for name in GLANCE[one.kind]:
        if name not in hidden:
            found.append(Line(name, label_of(name, one), _words(one, name, parts[0], reader), _words(other, name, parts[1], reader)))
    return [_capital(line) for line in found if line.one.strip(formats.DASH) or line.other.strip(formats.DASH)]


_HEADS = {"email": gettext_lazy("E-mail"), "phone": gettext_lazy("Telephone"), "postal": gettext_lazy("Postal address")}
assert len(_HEADS) == len(TYPED)


def choices(one: Party, other: Party, reader: Any) -> list[Line]:
    """The fields in which the two differ and which the reader may see, with what is proposed."""
    hidden, parts, stays = hidden_fields(reader, Party), (read_parts(one), read_parts(other)), fuller(one, other)
    goes = other if stays is one else one
    found = []
    for name in FIELDS[one.kind]:
        if name not in hidden and any(getattr(one, column) != getattr(other, column) for column in columns_of(name)):
            found.append(Line(name, label_of(name, one), _words(one, name, parts[0], reader), _words(other, name, parts[1], reader), better(name, stays, goes).pk))
    return [_capital(line) for line in found]


def going(one: Party, other: Party) -> list[Line]:
    """How much hangs on either, by kind."""
    mine, theirs = dict(moving(one)), dict(moving(other))
    return [Line("", label, formats.number(mine.get(label, 0)), formats.number(theirs.get(label, 0))) for label in dict.fromkeys([*mine, *theirs])]


def fuller(one: Party, other: Party) -> Party:
    """Who is proposed to stay: on whom more hangs, else the older one."""
    weight = {party.pk: sum(count for _label, count in moving(party)) for party in (one, other)}
    return max(one, other, key=lambda party: (weight[party.pk], -party.pk))


def label_of(name: str, party: Party) -> str:
    """What a field is called."""
    return str(TITLES.get(name) or Party._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # columns all of them, no relation backwards


def _words(party: Party, name: str, parts: dict[str, str], reader: Any) -> str:
    if name == "owner":
        return f"{party.owner or formats.DASH} ({party.team})"
    return fact_words(party, name, parts, reader)


def _capital(line: Line) -> Line:
    label = str(line.label)
    return Line(line.name, label[:1].upper() + label[1:], line.one, line.other, line.keep)


def cut_words(job: Job | None, reader: Any) -> list[str]:
    """What very many share and the last search left out, for whoever may merge everybody."""
    reach = scope_of(reader).reach("merge", "party")
    if job is None or reach is None or not reach.everything:
        return []
    found = []
    for key, count in job.result.get("cut", []):
        kind, _colon, rest = key.partition(":")
        what = f"{CUT_KINDS[kind]} {rest}" if kind in CUT_KINDS else _("name, town or employer")
        found.append(f"{what}: {formats.number(count)}")
    return found


def merges(reader: Any) -> Any:
    """The merges of contacts the reader may merge, the newest first."""
    return MergeRecord.objects.visible_to(reader, "merge").filter(voids__isnull=True).select_related("survivor", "by", "voided_by").order_by("-at", "-pk")


def of_kind(rows: Any, kind: str) -> Any:
    """Pairs of people or of organisations."""
    return rows.filter(first__kind=kind) if kind in Party.Kind.values else rows


def of_mine(rows: Any, user: Any) -> Any:
    """Pairs one of which the user looks after."""
    return rows.filter(Q(first__owner=user) | Q(second__owner=user))
