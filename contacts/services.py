"""What can happen to a contact. Every path — form, cell, bulk, import — keeps its addresses and its search row in step here (D5, D18)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership, Team, User
from contacts.consent_steps import forget_consents
from contacts.diary import recount
from contacts.hints import find_hint, label_of
from contacts.models import Affiliation, EmailAddress, HintDismissal, Interaction, Party, PhoneNumber, PostalAddress, Task
from contacts.parts import keep_main, mark_changed, read_parts, write_parts
from contacts.search import index_parties
from contacts.stale import last_change, part_differences, raw_value
from contacts.tombstones import forget_merges
from crm.core import formats
from crm.core.access import scope_of
from crm.core.erasures import note_erased
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.lists import blockers
from crm.core.models import Change, Notification, RecentlyViewed
from crm.core.numbers import take_numbers
from crm.core.saving import Stale, save_facts
from crm.core.sharing import share_record, unshare_record
from crm.core.subjects import kind_of, name_subject, of_subject
from crm.core.work import work

AT_ONCE = 10_000  # contacts one bulk action takes, as many as a list counts: more is an import's business


def save_party(form: Any, *, by: Any) -> Party:
    """Save a valid `PartyForm`: the contact, its parts and its search row, in one transaction.

    A new contact gets its number, its owner (`by`) and that user's team. A stale form is merged field by field, parts included;
    what two people changed differently raises `Stale` with both values.
    """
    party: Party = form.instance
    with work(by=by):
        if party.pk is None:
            party.kind = Party.Kind.PERSON if form._meta.model.__name__ == "Person" else Party.Kind.ORGANISATION
            party.number = take_numbers("party")[0]
            party.owner = by
            party.team = by.team or Team.objects.get(parent=None)
            saved = save_facts(form, by=by)
            write_parts(saved, {name: text for name, text in form.typed_parts().items() if text}, by=by)
            emit("contacts.party_created", saved, by=by)
        else:
            saved = _change(form, party, by)
        index_parties([saved.pk])
        return type(saved)._base_manager.get(pk=saved.pk)  # name and sort_name are made by the database


def _change(form: Any, party: Party, by: Any) -> Party:
    current = Party.objects.unrestricted().held(party.pk)
    stored, typed, seen = read_parts(current), form.typed_parts(), form.seen_parts()
    fresh = form.cleaned_data.get("version") in (None, current.version)
    mine = {name: text for name, text in typed.items() if text != (stored[name] if fresh else seen.get(name))}
    clashes = {} if fresh else {name: text for name, text in mine.items() if stored[name] not in (seen.get(name), text)}
    differences = part_differences(form, current, stored, seen, clashes)
    try:
        saved = save_facts(form, by=by)
    except Stale as stale:
        raise Stale(stale.current, [*stale.differences, *differences]) from stale
    if differences:
        raise Stale(current, differences)
    changed = {name: text for name, text in mine.items() if text != stored[name]}
    if changed:
        write_parts(saved, changed, by=by)
        if saved.version == current.version:
            mark_changed(saved, by)
    return saved


@dataclass
class Conflict(Exception):
    """An inline edit found another value than the one it was typed over: who changed it, when, and what it is now."""

    now: str
    by: str
    at: Any


def save_cell(form: Any, name: str, old: str, *, by: Any) -> Party:
    """Save one field typed in place. `old` is the raw value that was read; raises `Conflict` if it is another one now (D7)."""
    with work(by=by):
        current = Party.objects.unrestricted().held(form.instance.pk)
        now = raw_value(form, current, name)
        mine = form.typed_parts()[name] if name in form.parts else form.cleaned_data[name]
        if now != old and now != raw_value(form, current, name, mine):
            who, at = last_change(current, name)
            raise Conflict(now, who, at)
        return save_party(form, by=by)


def delete_party(party: Party, *, by: Any) -> None:
    """Delete a contact with its addresses, entries and tasks. What needs it (opportunities, daughters …) refuses it, in words with counts."""
    with work(by=by):
        held = Party.objects.unrestricted().held(party.pk)
        needed = blockers(held)
        if needed:
            words = ", ".join(f"{item['label']}: {item['count']}" for item in needed)
            raise RuleBroken(_("%(name)s cannot be deleted, because others need it: %(what)s.") % {"name": held, "what": words})
        here = of_subject(held)
        Interaction.objects.unrestricted().filter(here).update(subject_type=None, subject_id=None)
        Task.objects.unrestricted().filter(here).update(subject_type=None, subject_id=None)
        RecentlyViewed.objects.filter(here).delete()
        forget_consents(held, by=by)
        forget_merges(held)
        note_erased(Party, [held.pk])
        held.delete()


@dataclass(frozen=True)
class Done:
    """What an action on many contacts did. `skipped` is told in words, by reason."""

    count: int
    skipped: tuple[str, ...]


def too_many() -> RuleBroken:
    """What is said of a selection that is too large."""
    return RuleBroken(_("At most %(n)s contacts at once: please narrow the view.") % {"n": formats.number(AT_ONCE)})


def assign_parties(ids: Iterable[int], owner: User, *, by: Any) -> Done:
    """Give these contacts to `owner`, and to the owner's team. What `by` may not assign, what is gone and what is the owner's already is skipped."""
    chosen = set(ids)
    if len(chosen) > AT_ONCE:
        raise too_many()
    if not owner.is_active or not scope_of(owner).may("view", "party"):
        raise RuleBroken(_("%(who)s may not see contacts, so cannot look after them.") % {"who": owner}, field="owner")
    with work(by=by):
        rows = Party.objects.visible_to(by, "assign").filter(pk__any=chosen).select_for_update(of=("self",))
        mine = list(rows.order_by("pk").values_list("pk", "owner"))
        move = [pk for pk, held_by in mine if held_by != owner.pk]
        team = owner.team_id or by.team_id
        values = {"owner": owner, "version": F("version") + 1, "updated_by": by, "updated_at": timezone.now()}
        Party.objects.unrestricted().filter(pk__any=move).update(**values | ({"team_id": team} if team else {}))
        if move and owner != by:
            _tell(owner, _assigned_words(owner, by, len(move)), Party.objects.get(pk=move[0]) if len(move) == 1 else None)
        skipped = []
        if has_already := len(mine) - len(move):
            skipped.append(ngettext("%(n)s belonged to them already", "%(n)s belonged to them already", has_already) % {"n": has_already})
        if not_mine := len(chosen) - len(mine):
            skipped.append(ngettext("%(n)s you may not assign", "%(n)s you may not assign", not_mine) % {"n": not_mine})
        return Done(len(move), tuple(skipped))


def _assigned_words(owner: User, by: Any, count: int) -> str:
    with translation.override(owner.language):
        return ngettext("%(who)s assigned a contact to you.", "%(who)s assigned %(n)s contacts to you.", count) % {"who": by, "n": count}


def share_party(party: Party, who: User | Group, *, by: Any, action: str = "view") -> None:
    """Share one contact with a user or with everyone in a role (its Group); they are told. `by` needs `change` on it."""
    with work(by=by):
        share_record(party, who, by=by, actions=[action])
        people = User.objects.filter(pk__in=Membership.objects.filter(role__group=who).values("user")) if isinstance(who, Group) else [who]
        for person in people:
            if person.is_active and person.pk != by.pk:
                with translation.override(person.language):
                    _tell(person, _("%(who)s shared “%(name)s” with you.") % {"who": by, "name": party}, party)


def unshare_party(party: Party, who: User | Group, *, by: Any) -> None:
    """Take a share back. `by` needs `change` on the contact."""
    unshare_record(party, who, by=by)


def accept_hint(party: Party, key: str, *, by: Any) -> Party:
    """Set what the hint proposes. Raises `RuleBroken` if the name says something else by now."""
    with work(by=by):
        held = Party.objects.unrestricted().held(party.pk)
        hint = find_hint(held, key, by)
        if not hint.fix:
            raise RuleBroken(_("There is nothing to set here: please edit the contact."))
        for name, value in hint.fix.items():
            try:
                setattr(held, name, Party._meta.get_field(name).clean(value, held))  # type: ignore[union-attr]
            except ValidationError as error:
                raise RuleBroken(f"{label_of(name)}: {' '.join(error.messages)}") from error
        held.version, held.updated_by, held.updated_at = held.version + 1, by, timezone.now()
        held.save(update_fields=[*hint.fix, "version", "updated_by", "updated_at"])
        index_parties([held.pk])
        return held


def dismiss_hint(party: Party, key: str, *, by: Any) -> None:
    """All is well as it is: the hint stays away while the values it is about stay. Twice is once."""
    with work(by=by):
        held = Party.objects.unrestricted().held(party.pk)
        find_hint(held, key, by)
        HintDismissal.objects.get_or_create(party=held, key=key, defaults={"created_by": by, "updated_by": by})
        index_parties([held.pk])


def refresh_after(work_id: str, *, by: Any) -> None:
    """Bring main addresses, search rows and last contact in step with what an undo of this work restored: they are no facts of their own.
    Contacts that only went from hand to hand are found under the same words."""
    columns = {Party: "", EmailAddress: "party_id", PhoneNumber: "party_id", PostalAddress: "party_id", Affiliation: "person_id", HintDismissal: "party_id"}
    touched = _touched(work_id, columns)
    keep_main(touched, by)
    index_parties(touched)
    recount(_touched(work_id, {Party: "", Interaction: "party_id"}))


_OF_NO_WORD = {"owner_id", "team_id", "version", "updated_at", "updated_by_id"}


def _touched(work_id: str, columns: dict[type[Any], str]) -> set[int]:
    """The contacts whose rows a piece of work changed: model → the column that names the contact ("" where the row is it)."""
    found: set[int] = set()
    for model, column in columns.items():
        changes = Change.objects.filter(work=work_id, relation=model._meta.db_table)
        if not column:
            found |= {pk for pk, after in changes.values_list("row_id", "after") if after is None or not set(after) <= _OF_NO_WORD}
            continue
        told = [{**(change.before or {}), **(change.after or {})} for change in changes]
        found |= {values[column] for values in told if column in values}
        found |= set(model._base_manager.filter(pk__in=changes.filter(op="U").values("row_id")).values_list(column, flat=True))
    return {pk for pk in found if pk is not None}


def _tell(user: User, words: str, party: Party | None) -> None:
    url = ""
    if party is not None:
        kind = kind_of(name_subject(party)["subject_type"].pk)
        url = kind.url(party.pk) if kind else ""
    Notification.objects.create(user=user, text=words[:300], url=url)
