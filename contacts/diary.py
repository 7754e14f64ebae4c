"""What was said and what is to be done: entries of the history and tasks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Affiliation, Interaction, Party, Task
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.models import IncomingMail, OutgoingMail, Undo
from crm.core.subjects import name_subject
from crm.core.undo import offer_undo
from crm.core.work import work


def log_interaction(
    party: Party | None,
    *,
    kind: str,
    body: str,
    by: Any,
    at: datetime | None = None,
    heading: str = "",
    direction: str = "",
    about: models.Model | None = None,
    next_step: str = "",
    next_at: datetime | None = None,
) -> Interaction:
    """Write one entry of the history, perhaps about another record (`about`), and the next step as a task of `by` due at `next_at`.

    Without a contact it hangs on `about` alone, until that knows whom it is about.
    """
    at = at or timezone.now()
    hung = party if party is not None else about
    assert hung is not None
    with work(by=by):
        subject = name_subject(about) if about is not None else {}
        entry = Interaction.objects.create(
            party_id=party.pk if party else None, kind=kind, direction=direction, occurred_at=at, heading=heading[:200], body=body, created_by=by, updated_by=by, **subject
        )
        touch([party.pk] if party else [], at)
        if next_at is not None:
            plan_task(party, text=next_step, due_at=next_at, by=by, about=about)
        emit("contacts.interaction_logged", hung, by=by, interaction=entry.pk)
        return entry


def mail_key(entry: Interaction) -> str:
    """What the mail made of an entry is for (`plan_mail`, once): there is one of it."""
    return f"interaction:{entry.pk}"


def mails_of(entries: Iterable[Interaction]) -> dict[int, OutgoingMail]:
    """Entry's id → the mail it left the house as. Entries without one are left out."""
    keys = {mail_key(entry): entry.pk for entry in entries if entry.kind == Interaction.Kind.EMAIL}
    return {keys[mail.once]: mail for mail in OutgoingMail.objects.filter(once__in=keys).defer("body", "html")} if keys else {}


def still_ours(entry: Interaction) -> None:
    """Raise RuleBroken for an entry that is not ours to change: the system wrote it, or it came or left as a mail."""
    if entry.kind == Interaction.Kind.SYSTEM:
        raise RuleBroken(_("This entry was written by the system and stays."))
    if IncomingMail.objects.filter(entry=entry.pk).exists():
        raise RuleBroken(_("This entry came in as a mail and stays as it came."))
    if mails_of([entry]):
        raise RuleBroken(_("This entry left the house as a mail and stays as it was sent."))


def delete_interaction(entry: Interaction, *, by: Any) -> None:
    """Remove an entry. What the system wrote stays, and what was sent."""
    still_ours(entry)
    with work(by=by):
        party = entry.party_id
        entry.delete()
        recount([party] if party else [])


def plan_task(party: Party | None, *, text: str, due_at: datetime, by: Any, owner: Any = None, about: models.Model | None = None) -> Task:
    """A task for `owner` (default: `by`) about a contact and, where `about` is given, a record such as an opportunity: its next step."""
    with work(by=by):
        subject = name_subject(about) if about is not None else {}
        words = text.strip()[:200] or _("Follow up")
        return Task.objects.create(party_id=party.pk if party else None, owner=owner or by, text=words, due_at=due_at, created_by=by, updated_by=by, **subject)


def complete_task(task: Task, *, by: Any, at: datetime | None = None) -> Undo:
    """Tick a task off. Returns the way back."""
    with work(by=by):
        held = _hold(task)
        if held.done_at is not None:
            raise RuleBroken(_("This task is done already."))
        _save(held, by, done_at=at or timezone.now())
        return offer_undo(by, _("Done: %(what)s") % {"what": held.text})


def snooze_task(task: Task, *, by: Any, until: datetime) -> Undo:
    """Put a task off. Returns the way back."""
    with work(by=by):
        held = _hold(task)
        if held.done_at is not None:
            raise RuleBroken(_("This task is done already."))
        if until <= timezone.now():
            raise RuleBroken(_("A task can only be put off to a later time."))
        _save(held, by, due_at=until)
        return offer_undo(by, _("Put off: %(what)s") % {"what": held.text})


def _hold(task: Task) -> Task:
    return Task.objects.unrestricted().held(task.pk)


def _save(task: Task, by: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(task, name, value)
    task.version += 1
    task.updated_by = by
    task.save(update_fields=[*values, "version", "updated_by", "updated_at"])


def touch(party_ids: Iterable[int], at: datetime) -> None:
    """Something happened with these contacts at `at`; it counts for the organisations their people work for, too."""
    touch_each([(pk, at) for pk in party_ids])


def touch_each(happened: Iterable[tuple[int, datetime]]) -> None:
    """The same for many contacts, each at its own moment."""
    parties, times = zip(*happened, strict=True) if (happened := list(happened)) else ([], [])
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH met AS (SELECT * FROM unnest(%s::bigint[], %s::timestamptz[]) met (party_id, at)),"
            " theirs AS (TABLE met UNION ALL SELECT a.organisation_id, met.at FROM met JOIN contacts_affiliation a ON a.person_id = met.party_id)"
            " INSERT INTO contacts_partyactivity (party_id, last_at) SELECT party_id, max(at) FROM theirs GROUP BY party_id ORDER BY party_id"
            " ON CONFLICT (party_id) DO UPDATE SET last_at = greatest(contacts_partyactivity.last_at, excluded.last_at)",
            [list(parties), list(times)],
        )


def recount(party_ids: Iterable[int]) -> None:
    """Read off anew when something last happened with these contacts and the organisations their people work for."""
    ids = set(party_ids)
    ids |= set(Affiliation.objects.unrestricted().filter(person__in=ids).values_list("organisation_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH fresh AS (SELECT p.id, (SELECT max(i.occurred_at) FROM contacts_interaction i WHERE i.party_id = p.id OR i.party_id IN"
            " (SELECT a.person_id FROM contacts_affiliation a WHERE a.organisation_id = p.id)) AS last_at FROM contacts_party p WHERE p.id = ANY(%s)),"
            " gone AS (DELETE FROM contacts_partyactivity x USING fresh WHERE x.party_id = fresh.id AND fresh.last_at IS NULL)"
            " INSERT INTO contacts_partyactivity (party_id, last_at) SELECT id, last_at FROM fresh WHERE last_at IS NOT NULL"
            " ON CONFLICT (party_id) DO UPDATE SET last_at = excluded.last_at",
            [sorted(ids)],
        )
