"""Which event concerns whom: name → handlers. The whole map (D9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Team, User
from campaigns.journeys.engine import begin_journeys
from campaigns.models import Campaign, Journey
from contacts.models import Party
from crm.core.access import hidden_fields
from crm.core.formats import money
from crm.core.models import Approval, Event, Notification
from sales.models import Opportunity
from service.models import Case


def tell_leads(event: Event) -> None:
    """An opportunity was won: those who assign in its team read it, in their language, except whoever won it."""
    won = Opportunity.objects.unrestricted().filter(pk=event.subject_id or 0, state=Opportunity.State.WON).first()
    if won is None:
        return  # taken back before anybody was told
    for lead in _holders("assign_opportunity", [won.team_id]).exclude(pk=event.by_id):
        if not Opportunity.objects.visible_to(lead).filter(pk=won.pk).exists():
            continue
        with translation.override(lead.language):
            words = _("Won: %(name)s") % {"name": won.name}
            if won.amount is not None and "amount" not in hidden_fields(lead, Opportunity):
                words += f" ({money(won.amount, str(won.currency_id))})"
        Notification.objects.create(user=lead, text=words[:300], url=reverse("opportunity-detail", args=[won.pk]))


def _holders(codename: str, teams: list[int] | None = None) -> QuerySet[User]:
    """The active people whose right, not for their own alone, stands on one of these teams itself, or on any team."""
    grant = Q(teamuserperm__permission__codename=codename, teamuserperm__own_only=False)
    if teams is not None:
        grant &= Q(teamuserperm__content_object__in=teams)
    held = Q(teamuserperm__until__isnull=True) | Q(teamuserperm__until__gt=timezone.now())
    return User.objects.unrestricted().filter(grant & held, is_active=True).distinct()


def tell_of_missed_deadline(event: Event) -> None:
    """A deadline of a case passed: its owner reads it, and those of its team who could give it to somebody else; without an owner all of its team."""
    case = _case(event)
    if case is None or not case.is_open:
        return
    words = {"ack": gettext_lazy("Not acknowledged in time: %(number)s %(name)s"), "solution": gettext_lazy("Not solved in time: %(number)s %(name)s")}
    text, team = words[event.payload["clock"]], set(User.objects.unrestricted().filter(memberships__team=case.team_id, is_active=True))
    if case.owner is not None:
        _tell_of_case(case, {case.owner}, text, verb="change")
    _tell_of_case(case, team - {case.owner}, text, verb="assign" if case.owner is not None else "change")


def tell_approvers(event: Event) -> None:
    """Goodwill above the limit was asked for: those who assign cases may decide, except whoever asked."""
    case = _case(event)
    if case is None:
        return
    teams = [case.team_id, *Team.objects.filter(parent=None).values_list("pk", flat=True)]
    people = set(_holders("assign_case", teams).exclude(pk=event.by_id))
    _tell_of_case(case, people, gettext_lazy("Please approve goodwill: %(number)s %(name)s"), verb="assign")


def tell_releasers(event: Event) -> None:
    """A campaign to many is to be released: those who may change it read it, except whoever asked."""
    row = Campaign.objects.unrestricted().filter(pk=event.subject_id or 0, state=Campaign.State.READY).first()
    if row is None:
        return
    _tell_of_campaign(row, set(_holders("change_campaign").exclude(pk=event.by_id)), gettext_lazy("Please release the campaign: %(name)s"), verb="change")


def tell_of_release(event: Event) -> None:
    """A release was decided: whoever asked for it reads it."""
    row = Campaign.objects.unrestricted().filter(pk=event.subject_id or 0).first()
    asked = Approval.objects.select_related("asked_by").filter(pk=event.payload.get("approval", 0)).first()
    if row is not None and asked is not None:
        words = gettext_lazy("Campaign released: %(name)s") if asked.granted else gettext_lazy("Campaign not released: %(name)s")
        _tell_of_campaign(row, {asked.asked_by}, words, verb="view")


def tell_of_put_back(event: Event) -> None:
    """A campaign could not begin as it was released: its owner and whoever released it read why."""
    row = Campaign.objects.unrestricted().select_related("owner").filter(pk=event.subject_id or 0).first()
    if row is None:
        return
    words = {
        "changed": gettext_lazy("Back to draft, because its segment was changed after the release: %(name)s"),
        "many": gettext_lazy("Back to draft, because it would go to more people than one person may release: %(name)s"),
        "words": gettext_lazy("Back to draft, because its segment asks what whoever released it may not see any more: %(name)s"),
        "gone": gettext_lazy("Back to draft, because whoever released it is switched off: %(name)s"),
    }
    people = set(User.objects.unrestricted().filter(pk__in=[row.owner_id or 0, event.payload.get("releaser") or 0]))
    _tell_of_campaign(row, people, words[event.payload["reason"]], verb="view")


def tell_of_answer(event: Event) -> None:
    """Somebody answered a campaign or a journey: whoever looks after the contact reads it; where nobody does, or cannot, whoever runs it."""
    sent: Any = Journey if event.name == "campaigns.journey_answered" else Campaign
    row = sent.objects.unrestricted().select_related("owner").filter(pk=event.subject_id or 0).first()
    party = Party.objects.unrestricted().select_related("owner").filter(pk=event.payload.get("party", 0)).first()
    if row is None or party is None:
        return
    words = gettext_lazy("%(who)s answered the journey “%(name)s”") if sent is Journey else gettext_lazy("%(who)s answered the campaign “%(name)s”")
    for person in (party.owner, row.owner):
        if person is not None and _tell(party, {person}, words, {"who": party, "name": row.name}, reverse("party-detail", args=[party.pk]), verb="view"):
            return


def _tell_of_campaign(row: Campaign, people: set[User], words: Any, *, verb: str) -> None:
    _tell(row, people, words, {"name": row.name}, reverse("campaign-detail", args=[row.pk]), verb=verb)


def tell_asker(event: Event) -> None:
    """Goodwill was decided: whoever asked reads it."""
    case, asked = _case(event), Approval.objects.select_related("asked_by").filter(pk=event.payload.get("approval", 0)).first()
    if case is not None and asked is not None:
        words = gettext_lazy("Goodwill approved: %(number)s %(name)s") if asked.granted else gettext_lazy("Goodwill refused: %(number)s %(name)s")
        _tell_of_case(case, {asked.asked_by}, words, verb="view")


def tell_account_owner(event: Event) -> None:
    """A complaint of a customer came in: whoever looks after the customer reads it."""
    case = _case(event)
    if case is None or not case.is_complaint or case.party is None or case.party.owner is None or case.party.owner_id in (event.by_id, case.owner_id):
        return
    _tell_of_case(case, {case.party.owner}, gettext_lazy("A customer of yours complains: %(number)s %(name)s"), verb="view")


def tell_of_mail(event: Event) -> None:
    """The customer wrote again, or a mail to them came back: whoever settles the case reads it."""
    case = _case(event)
    if case is None or case.owner is None:
        return
    words = {"service.mail_received": gettext_lazy("The customer answered: %(number)s %(name)s"), "service.mail_returned": gettext_lazy("A mail did not arrive: %(number)s %(name)s")}
    _tell_of_case(case, {case.owner}, words[event.name], verb="view")


def tell_of_low_rating(event: Event) -> None:
    """A customer is dissatisfied: whoever settled the case reads it, without an owner those who assign in its team."""
    case = _case(event)
    if case is None or not event.payload.get("low"):
        return
    people = {case.owner} if case.owner is not None else set(_holders("assign_case", [case.team_id]))
    _tell_of_case(case, people, gettext_lazy("Not satisfied: %(number)s %(name)s"), verb="view")


def _case(event: Event) -> Case | None:
    return Case.objects.unrestricted().select_related("owner", "party__owner").filter(pk=event.subject_id or 0).first()


def _tell_of_case(case: Case, people: set[User], words: Any, *, verb: str) -> None:
    _tell(case, people, words, {"number": case.number, "name": case.heading}, reverse("case-detail", args=[case.pk]), verb=verb)


def _tell(row: Any, people: set[User], words: Any, facts: dict[str, Any], url: str, *, verb: str) -> int:
    """A sentence for each of these people who are active and may do `verb` with the record, in their language. Returns for how many."""
    told = 0
    for person in sorted(people, key=lambda one: one.pk):
        if person.is_active and type(row).objects.visible_to(person, verb).filter(pk=row.pk).exists():
            with translation.override(person.language):
                text = str(words) % facts
            Notification.objects.create(user=person, text=text[:300], url=url)
            told += 1
    return told


SUBSCRIPTIONS: dict[str, tuple[Callable[[Event], None], ...]] = {
    "contacts.signed_up": (begin_journeys,),
    "sales.opportunity_won": (tell_leads, begin_journeys),
    "sales.opportunity_lost": (begin_journeys,),
    "service.case_opened": (tell_account_owner, begin_journeys),
    "service.case_closed": (begin_journeys,),
    "service.case_escalated": (tell_of_missed_deadline,),
    "service.mail_received": (tell_of_mail,),
    "service.mail_returned": (tell_of_mail,),
    "service.case_rated": (tell_of_low_rating,),
    "service.goodwill_asked": (tell_approvers,),
    "service.goodwill_decided": (tell_asker,),
    "campaigns.answered": (tell_of_answer, begin_journeys),
    "campaigns.journey_answered": (tell_of_answer,),
    "campaigns.put_back": (tell_of_put_back,),
    "campaigns.release_asked": (tell_releasers,),
    "campaigns.release_decided": (tell_of_release,),
}
