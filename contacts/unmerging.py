"""A merge taken back by its record: what went over comes back, unless somebody has changed it since; what cannot come back is said in words."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.diary import recount
from contacts.models import DuplicatePair, Interaction, MergeRecord, Party
from contacts.parts import keep_main
from contacts.preimages import change, picture, put_back, rewrite
from contacts.relations import Relation, Way, called
from contacts.search import index_parties
from contacts.tombstones import standing_merge
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.work import work

_AT_ONCE = 5_000


def unmerge(record: MergeRecord, *, by: Any) -> list[str]:
    """Both contacts are there again. Returns what could not be given back, in sentences; none means: all is as it was."""
    with work(by=by):
        stays = _hold(record, by)
        lost: list[str] = []
        label = Party._meta.label
        _restore(record, label, {str(stays.pk)}, by, lost)
        goes = _come_back(record, by, lost)
        for path, ids in record.moved.items():
            _give_back(path, ids, stays.pk, goes, by, lost)
        for table, rows in record.before["changed"].items():
            _restore(record, table, rows.keys() - ({str(stays.pk)} if table == label else set()), by, lost)
        for table, rows in record.before["dropped"].items():
            _put_back(table, rows, lost)
        Interaction.objects.unrestricted().filter(pk=record.after.get("entry"), party=stays.pk).delete()
        if count := record.after.get("consents", 0):
            words = ngettext("%(n)s objection or withdrawal that was carried over stays: only the person lifts it.", "%(n)s objections and withdrawals that were carried over stay: only the person lifts them.", count)
            lost.append(words % {"n": count})
        both = [stays.pk, goes]
        if not Party.objects.visible_to(by, "merge").filter(pk=goes).exists():
            raise Http404
        keep_main(both, by)
        index_parties(both)
        recount(both)
        MergeRecord.objects.create(survivor_id=stays.pk, absorbed=goes, by=by, voids=record)
        emit("contacts.merge_taken_back", stays, by=by, absorbed=goes, record=record.pk)
        return lost


def _hold(record: MergeRecord, by: Any) -> Party:
    stays: Party | None = Party.objects.unrestricted().select_for_update(of=("self",)).filter(pk=record.survivor_id).first()
    if stays is None:
        later = standing_merge(record.survivor_id)
        if later is not None:
            raise RuleBroken(_("The contact went into another one itself since. Please take that merge back first."))
        raise RuleBroken(_("The contact was deleted since: the merge cannot be taken back."))
    for verb in ("view", "merge"):
        if not Party.objects.visible_to(by, verb).filter(pk=stays.pk).exists():
            raise Http404
    if record.voids_id is not None or MergeRecord.objects.unrestricted().filter(voids=record).exists():
        raise RuleBroken(_("This merge was taken back already."))
    if not record.before.get("party") or Party.objects.unrestricted().filter(pk=record.absorbed).exists():
        raise RuleBroken(_("This merge cannot be taken back: what was written down about it was deleted."))
    return stays


def _restore(record: MergeRecord, table: str, keys: Any, by: Any, lost: list[str]) -> None:
    """Columns of rows that stayed: back to what they were, where they still hold what the merge wrote."""
    model = Relation(f"{table}.pk", Way.OWN).model
    was, wrote = record.before["changed"].get(table, {}), record.after["changed"].get(table, {})
    kept: list[str] = []
    for key in sorted(set(keys) & was.keys(), key=int):
        now = next(iter(picture(model, [int(key)])), None)
        if now is None:
            continue  # deleted since: there is nothing to give back
        back = {column: value for column, value in was[key].items() if now[column] == wrote[key][column]}
        kept += [str(_name(model, column)) for column in was[key] if column not in back]
        if back or model is Party:
            rewrite(model, int(key), back, by=by)
    if kept:
        lost.append(_("Changed since and left as it is: %(what)s.") % {"what": ", ".join(dict.fromkeys(kept))})


def _name(model: Any, column: str) -> Any:
    return next((field.verbose_name for field in model._meta.concrete_fields if field.column == column), column)


def _come_back(record: MergeRecord, by: Any, lost: list[str]) -> int:
    row = dict(record.before["party"])
    if row["parent_id"] is not None and not Party.objects.unrestricted().filter(pk=row["parent_id"]).exists():
        row["parent_id"] = None
        lost.append(_("The organisation it belonged to does not exist any more."))
    if row["external_id"] and Party.objects.unrestricted().filter(source=row["source"], external_id=row["external_id"]).exists():
        row["external_id"] = ""
        lost.append(_("Its foreign key belongs to another contact by now."))
    if not put_back(Party, [row]):
        raise RuleBroken(_("This merge cannot be taken back: something the contact needs was deleted meanwhile."))
    return int(row["id"])


def _give_back(path: str, ids: list[int], stays: int, goes: int, by: Any, lost: list[str]) -> None:
    relation, here = Relation(path, Way.MOVES), 0
    for start in range(0, len(ids), _AT_ONCE):
        rows = relation.model._base_manager.filter(pk__in=ids[start : start + _AT_ONCE], **{relation.field: stays})
        here += change(rows, by=by, **{relation.field: goes})
    if missing := len(ids) - here:
        lost.append(_("%(what)s: %(n)s went elsewhere or were deleted since.") % {"what": relation.label, "n": missing})


def _put_back(table: str, rows: list[dict[str, Any]], lost: list[str]) -> None:
    model = Relation(f"{table}.pk", Way.OWN).model
    missing = len(rows) - put_back(model, rows)
    if missing and model is not DuplicatePair:  # a search finds those again
        lost.append(_("%(what)s: %(n)s could not be put back.") % {"what": called(model), "n": missing})

