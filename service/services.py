"""What can happen to a case. Every step goes through here (merging: `service.merging`, granting: `service.remedies`) and leaves a row in the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import F, Model
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Team, User
from contacts.diary import recount, touch
from contacts.models import Affiliation, Interaction, Party, Task
from crm.core.access import may, scope_of
from crm.core.approvals import open_approval
from crm.core.erasures import note_erased
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.models import Approval, IncomingMail, Notification, OutgoingMail, RecentlyViewed, Undo
from crm.core.numbers import take_numbers
from crm.core.saving import save_facts
from crm.core.sharing import let_see
from crm.core.subjects import kind_of, name_subject, of_subject
from crm.core.undo import offer_undo
from crm.core.work import work
from service.deadlines import apply_promise, live_steps
from service.models import Case, CaseStep, Cause, Remedy

_MAILS: tuple[Any, ...] = (IncomingMail, OutgoingMail)  # hang on a case without being audited

State = Case.State
SPOKEN = {Case.Channel.PHONE, Case.Channel.PERSONAL}  # whoever speaks with us knows that we know
GOODWILL = "service.goodwill"  # the kind of approval


def save_case(form: Any, *, by: Any) -> Case:
    """Save a valid `CaseForm`: a new case is opened, an old one keeps its state; its promise and its conversation follow the facts."""
    case: Case = form.instance
    with work(by=by):
        if case.pk is None:
            if not may(by, "add", Case):
                raise PermissionDenied
            return open_case(case, by=by, gated=True)
        was = Case.objects.unrestricted().values_list("party_id", flat=True).get(pk=case.pk)
        saved: Case = save_facts(form, by=by)
        if saved.party_id != was:
            _name_customer(saved, was, by=by)
        saved.save(update_fields=apply_promise(saved, now=timezone.now()))
        return saved


def open_case(case: Case, *, by: Any, at: datetime | None = None, gated: bool = False) -> Case:
    """Save a new case: number, promise and queue, first ledger row. Spoken to us it is acknowledged at once.

    Those it concerns may see it: whoever took it down, and who looks after the customer. With `gated` it must lie within reach of `by`
    as it was taken down; the queue it then goes to is the house's choice.
    """
    at = at or timezone.now()
    with work(by=by):
        case.number = take_numbers("case")[0]
        case.state = State.OPEN if case.owner_id else State.NEW
        case.opened_at, case.ack_at = at, at if case.channel in SPOKEN else None
        case.organisation = employer_of(case.party)
        case.created_by = case.updated_by = by
        case.save()
        if gated and not Case.objects.visible_to(by, "add").filter(pk=case.pk).exists():
            raise PermissionDenied
        _record(case, CaseStep.Kind.OPEN, by=by, at=at, before={})
        changed = apply_promise(case, now=at)
        if case.owner_id is None and case.rule is not None and case.rule.team_id:
            case.team_id = case.rule.team_id
            changed.append("team")
        case.save(update_fields=changed)
        _let_follow(case, by=by)
        tell_history(case, _("Case opened: %(name)s") % {"name": case.heading}, by=by, at=at)
        emit("service.case_opened", case, by=by)
        if case.owner is not None and case.owner != by:
            _tell_owner(case, by)
        return case


def name_customer(case: Case, party: Party, *, by: Any) -> None:
    """Say whose case it is: what was said goes with it, and whoever looks after the customer may follow it."""
    with work(by=by):
        held = hold(case)
        was = held.party_id
        held.party = party
        _save(held, by, "party")
        _name_customer(held, was, by=by)
        held.save(update_fields=apply_promise(held, now=timezone.now()))
        _refresh(case, held)


def employer_of(party: Party | None) -> Party | None:
    """The organisation a customer is with us for: itself, or the main employer of a person."""
    if party is None or not party.is_person:
        return party
    job = Affiliation.objects.unrestricted().filter(person=party.pk, is_primary=True).select_related("organisation").first()
    return job.organisation if job else None


def take_case(case: Case, *, by: Any, at: datetime | None = None, seen: int | None = None) -> Undo | None:
    """Work on it oneself. `seen` is the owner the taker saw (0: nobody): RuleBroken if somebody else has taken it meanwhile (D7)."""
    with work(by=by):
        held = hold(case)
        still_open(held)
        if seen is not None and held.owner_id not in (None, seen, by.pk):
            raise RuleBroken(_("%(who)s has taken this case meanwhile.") % {"who": held.owner})
        if held.owner_id == by.pk:
            raise RuleBroken(_("You look after this case already."))
        if held.owner_id is not None and not Case.objects.visible_to(by, "assign").filter(pk=held.pk).exists():
            raise RuleBroken(_("%(who)s looks after this case. Ask for it to be assigned to you.") % {"who": held.owner})
        state = State.OPEN if held.state == State.NEW else held.state
        return step(case, held, CaseStep.Kind.TAKE, _("Taken over: %(name)s") % {"name": held}, by=by, at=at, owner=by, state=state)


def assign_case(case: Case, *, owner: User | None, team: Team, by: Any, at: datetime | None = None) -> Undo | None:
    """Hand it to somebody, or back into a team's queue (`owner` None: new again). The new owner is told."""
    with work(by=by):
        held = hold(case)
        still_open(held)
        if owner is not None and (not owner.is_active or not scope_of(owner).may("change", "case")):
            raise RuleBroken(_("%(who)s may not work on cases.") % {"who": owner}, field="owner")
        state = held.state if held.state == State.WAITING else State.OPEN if owner else State.NEW
        words = _("Assigned to %(who)s: %(name)s") % {"who": owner or team, "name": held}
        undo = step(case, held, CaseStep.Kind.ASSIGN, words, by=by, at=at, owner=owner, team=team, state=state)
        if owner is not None:
            let_see(held, owner, by=by)
            if owner != by:
                _tell_owner(held, by)
        return undo


def acknowledge_case(case: Case, *, by: Any, at: datetime | None = None) -> Undo | None:
    """The customer knows that we know."""
    with work(by=by):
        held = hold(case)
        still_open(held)
        if held.ack_at is not None:
            raise RuleBroken(_("This case is acknowledged already."))
        emit("service.case_acknowledged", held, by=by)
        return step(case, held, CaseStep.Kind.ACKNOWLEDGE, _("Acknowledged: %(name)s") % {"name": held}, by=by, at=at, ack_at=at or timezone.now())


def wait_case(case: Case, *, by: Any, at: datetime | None = None) -> Undo | None:
    """Wait for the customer: the clock of the solution rests."""
    with work(by=by):
        held = hold(case)
        still_open(held)
        if held.state == State.WAITING:
            raise RuleBroken(_("This case waits already."))
        words = _("Waits for the customer: %(name)s") % {"name": held}
        return step(case, held, CaseStep.Kind.WAIT, words, by=by, at=at, state=State.WAITING, paused_since=at or timezone.now(), owner=held.owner or by)


def resume_case(case: Case, *, by: Any, at: datetime | None = None) -> Undo | None:
    """Go on: the clock runs again."""
    with work(by=by):
        held = hold(case)
        if held.state != State.WAITING:
            raise RuleBroken(_("This case does not wait."))
        words = _("Goes on: %(name)s") % {"name": held}
        return step(case, held, CaseStep.Kind.RESUME, words, by=by, at=at, state=State.OPEN if held.owner_id else State.NEW, paused_since=None)


def lacking(case: Case, *, cause: Cause | None = None, remedy: Remedy | None = None) -> dict[str, str]:
    """What a complaint has to name before it is solved and neither has nor is given now: field and words."""
    asked = {
        "cause": (cause or case.cause, _("Please name the cause: we learn from complaints.")),
        "remedy": (remedy or case.remedy, _("Please say what was granted; “nothing” is an answer, too.")),
    }
    return {field: words for field, (value, words) in asked.items() if case.is_complaint and value is None}


def solve_case(
    case: Case, *, by: Any, cause: Cause | None = None, remedy: Remedy | None = None, close: bool = False, at: datetime | None = None
) -> Undo | None:
    """What was asked for is done. A complaint names its cause and what was granted; `close` closes it at once."""
    at = at or timezone.now()
    with work(by=by):
        held = hold(case)
        still_open(held)
        cause, remedy = cause or held.cause, remedy or held.remedy
        if open_approval(held, GOODWILL) is not None:
            raise RuleBroken(_("The goodwill still waits for its approval. Have it decided, or grant less."))
        for field, words in lacking(held, cause=cause, remedy=remedy).items():
            raise RuleBroken(words, field=field)
        if remedy is not None and remedy.pk != held.remedy_id and remedy.limit is not None and held.goodwill > remedy.limit:
            raise RuleBroken(_("The goodwill granted is above the limit of “%(remedy)s”. Change it under cause and remedy first.") % {"remedy": remedy}, field="remedy")
        words = _("Solved: %(name)s") % {"name": held}
        facts = {"cause": cause, "remedy": remedy, "owner": held.owner or by, "ack_at": held.ack_at or at}
        undo = step(case, held, CaseStep.Kind.SOLVE, words, by=by, at=at, state=State.SOLVED, solved_at=at, paused_since=None, **facts)
        tell_history(held, words, by=by, at=at)
        emit("service.case_solved", held, by=by)
        return close_case(case, by=by, at=at) if close else undo


def close_case(case: Case, *, by: Any, at: datetime | None = None) -> Undo | None:
    """The customer agrees: nothing is left to do."""
    at = at or timezone.now()
    with work(by=by):
        held = hold(case)
        if held.state != State.SOLVED:
            raise RuleBroken(_("Only a solved case can be closed."))
        undo = step(case, held, CaseStep.Kind.CLOSE, _("Closed: %(name)s") % {"name": held}, by=by, at=at, state=State.CLOSED, closed_at=at)
        emit("service.case_closed", held, by=by)
        return undo


def reopen_case(case: Case, *, by: Any, at: datetime | None = None) -> Undo | None:
    """Not solved after all: it goes on with the time that is left. One that was merged stands by itself again."""
    at = at or timezone.now()
    with work(by=by):
        held = hold(case)
        if held.is_open:
            raise RuleBroken(_("This case is open."))
        words = _("Reopened: %(name)s") % {"name": held}
        facts = {"reopened": held.reopened + (held.merged_into_id is None), "merged_into": None, "solved_at": None, "closed_at": None}
        undo = step(case, held, CaseStep.Kind.REOPEN, words, by=by, at=at, state=State.OPEN if held.owner_id else State.NEW, **facts)
        tell_history(held, words, by=by, at=at)
        emit("service.case_reopened", held, by=by)
        return undo


def delete_case(case: Case, *, by: Any) -> dict[str, Any]:
    """Delete one taken down by mistake, with its tasks, notes and lines in the history; what was said with the customer stays with the contact.
    Returns what `hang_mails_again` needs: mails are not audited."""
    with work(by=by):
        held = hold(case)
        here = of_subject(held)
        entries = Interaction.objects.unrestricted().filter(here)
        parties = {pk for pk in entries.values_list("party_id", flat=True) if pk}
        entries.filter(kind__in=[Interaction.Kind.SYSTEM, Interaction.Kind.NOTE]).delete()
        entries.filter(party__isnull=True).delete()
        entries.update(subject_type=None, subject_id=None)
        Task.objects.unrestricted().filter(here).delete()
        RecentlyViewed.objects.filter(here).delete()
        mails = {model._meta.model_name: list(model.objects.filter(here).values_list("pk", flat=True)) for model in _MAILS}
        for model in _MAILS:
            model.objects.filter(here).update(subject_type=None, subject_id=None)
        Approval.objects.filter(here).delete()
        note_erased(Case, [held.pk])
        back = {"case": held.pk, "mails": mails}
        held.delete()
        recount(parties)
        return back


def hang_mails_again(payload: dict[str, Any]) -> None:
    """A case that came back has its mails again, with their files and with what is answered to them later on."""
    for case in Case.objects.unrestricted().filter(pk=payload.get("case", 0)):
        for model in _MAILS:
            model.objects.filter(pk__in=payload["mails"][model._meta.model_name], subject_id__isnull=True).update(**name_subject(case))


# --- what all steps share -------------------------------------------------------------------------------------------------------------


def hold(case: Case) -> Case:
    """The case as it is now, locked."""
    return Case.objects.unrestricted().held(case.pk)


def still_open(held: Case) -> None:
    """Raise RuleBroken, in words, for a case that is solved or closed."""
    if not held.is_open:
        raise RuleBroken(_("This case is settled: %(state)s. Reopen it first.") % {"state": held.get_state_display()})


def step(case: Case, held: Case, kind: str, words: str, *, by: Any, at: datetime | None, **facts: Any) -> Undo | None:
    """Set these facts, write the ledger row, reckon the deadlines anew. `case` follows `held`. Returns the way back, said in `words`."""
    at = at or timezone.now()
    changed = {name: value for name, value in facts.items() if getattr(held, name) != value}
    before = {name: _plain(getattr(held, _column(name))) for name in changed}
    for name, value in changed.items():
        setattr(held, name, value)
    row = _record(held, kind, by=by, at=at, before=before)
    _save(held, by, *changed)
    deadlines = apply_promise(held, now=at)
    held.save(update_fields=deadlines)
    _refresh(case, held)
    return offer_undo(by, words, "service.step", step=row.pk) if by is not None else None


def undo_step(payload: dict[str, Any], *, by: Any) -> None:
    """Take back the last step (named in `crm/undos.py`): the facts are as before it, a further ledger row voids it."""
    row = CaseStep.objects.unrestricted().get(pk=payload["step"])
    with work(by=by):
        held = Case.objects.visible_to(by, "change").select_for_update(of=("self",)).filter(pk=row.case_id).first()
        if held is None or (steps := live_steps(held))[-1].pk != row.pk or len(steps) < 2:
            raise RuleBroken(_("It cannot be taken back: the case has moved on since."))
        _no_ring(held, row.before.get("merged_into"))
        for name, value in row.before.items():
            field: Any = Case._meta.get_field(name)
            setattr(held, field.attname, field.to_python(value) if not field.is_relation else value)
        _save(held, by, *row.before)
        CaseStep.objects.create(case=held, kind=CaseStep.Kind.VOID, to_state=held.state, at=timezone.now(), by_id=by.pk, voids=row)
        held.save(update_fields=apply_promise(held, now=timezone.now()))


def _no_ring(held: Case, into: int | None) -> None:
    """Raise RuleBroken if the case `into` was merged into `held` since, by whatever way: each would be closed for the other."""
    way: set[int] = set()
    while into is not None and into not in way:
        if into == held.pk:
            raise RuleBroken(_("It cannot be taken back: the other case was merged into this one since."))
        way.add(into)
        into = Case.objects.unrestricted().select_for_update().filter(pk=into).values_list("merged_into", flat=True).first()


def tell_history(case: Case, words: str, *, by: Any, at: datetime) -> None:
    """The customer's history gets a line for people; the ledger is for machines."""
    if case.party_id is None:
        return
    Interaction.objects.create(party_id=case.party_id, kind=Interaction.Kind.SYSTEM, occurred_at=at, heading=words[:200], created_by=by, updated_by=by, **name_subject(case))
    touch([case.party_id], at)


def url_of(record: Model) -> str:
    """Where a record is looked at, as the roof says."""
    kind = kind_of(name_subject(record)["subject_type"].pk)
    return kind.url(record.pk) if kind else ""


def _record(case: Case, kind: str, *, by: Any, at: datetime, before: dict[str, Any]) -> CaseStep:
    return CaseStep.objects.create(case=case, kind=kind, to_state=case.state, at=at, by_id=getattr(by, "pk", None), before=before)


def _save(held: Case, by: Any, *fields: str) -> None:
    held.version += 1
    held.updated_by = by
    held.save(update_fields=[*fields, "version", "updated_by", "updated_at"])


def _refresh(given: Case, held: Case) -> None:
    if given is not held:
        for field in Case._meta.concrete_fields:
            if not getattr(field, "generated", False):
                setattr(given, field.attname, getattr(held, field.attname))


def _column(name: str) -> str:
    return str(Case._meta.get_field(name).attname)  # type: ignore[union-attr]


def _plain(value: Any) -> Any:
    """A column's value as JSON keeps it."""
    return value if value is None or isinstance(value, int | str) else value.isoformat() if isinstance(value, datetime) else str(value)


def _name_customer(case: Case, was: int | None, *, by: Any) -> None:
    """The customer is known now, or is another one: what was said goes with the case."""
    case.organisation = employer_of(case.party)
    case.save(update_fields=["organisation"])
    said = {"party": case.party, "version": F("version") + 1, "updated_by": by, "updated_at": timezone.now()}
    Interaction.objects.unrestricted().filter(of_subject(case)).update(**said)
    if was is None:
        tell_history(case, _("Case opened: %(name)s") % {"name": case.heading}, by=by, at=case.opened_at)
    recount({pk for pk in (was, case.party_id) if pk})
    _let_follow(case, by=by)


def _let_follow(case: Case, *, by: Any) -> None:
    """Whoever took the case down and who looks after the customer may follow it, even where it waits in another team's queue."""
    for person in {by, *(party.owner for party in (case.party, case.organisation) if party is not None)} - {None}:
        let_see(case, person, by=by)


def _tell_owner(case: Case, by: Any) -> None:
    assert case.owner is not None
    with translation.override(case.owner.language):
        words = _("%(who)s assigned a case to you: %(name)s") % {"who": by, "name": case.heading}
    Notification.objects.create(user=case.owner, text=words[:300], url=url_of(case))
