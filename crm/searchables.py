"""What the palette finds: records, pages and actions, each only as far as the reader may go (D11)."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.crud import search as search_campaigns
from campaigns.journeys.crud import search as search_journeys
from campaigns.models import Campaign, Journey
from contacts import listing
from contacts.models import Party
from contacts.search import few_hits, first_parties
from crm.core.access import hidden_fields, scope_of
from crm.core.fold import fold
from crm.core.models import RecentlyViewed
from crm.core.subjects import kinds
from crm.navigation import CREATABLE, GROUPS, Item
from sales.filters import search as search_opportunities
from sales.filters import with_party_beside, with_party_seen
from sales.models import Opportunity
from service.filters import search as search_cases
from service.filters import with_party_seen as with_customer_seen
from service.models import Case

RECENT = 8
MOST = 20  # of one group
SHORTEST = 2  # letters before records are looked up


def find(user: Any, text: str) -> list[dict[str, Any]]:
    """Groups of hits for the palette: [{label, items: [{label, detail, url, icon, kind}]}], empty groups left out."""
    groups = [(_("Opened last"), recent(user))] if not text else []
    if len(text) >= SHORTEST:
        hits = few_hits(text)
        found = parties(user, text, hits)
        among = [party.pk for party in found] if hits is None else hits  # where very many fit: what hangs on those that are shown
        hidden = hidden_fields(user, Party)
        groups += [
            (_("Contacts"), [_party(party, hidden) for party in found]),
            (_("Opportunities"), opportunities(user, text, among)),
            (_("Cases"), cases(user, text, among)),
            (_("Campaigns"), campaigns(user, text)),
            (_("Journeys"), journeys(user, text)),
        ]
    groups += [(_("Actions"), actions(user, text)), (_("Go to"), pages(user, text))]
    return [{"label": label, "items": items} for label, items in groups if items]


def parties(user: Any, text: str, hits: list[int] | None) -> list[Party]:
    """People and organisations under these letters."""
    return first_parties(_drawable(Party.objects.visible_to(user), user), text, MOST, hits)


def _drawable(rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
    for add in (listing.add_function, listing.add_employer, listing.CITY.adds):
        assert add is not None
        rows = add(rows, user)
    return rows


def _party(party: Party, hidden: frozenset[str]) -> dict[str, Any]:
    seen: Any = party
    words = [] if {"employer", "function"} & hidden else [seen.main_function, seen.main_employer]
    if "city" not in hidden:
        words.append(seen.main_city)
    words.append(party.number)
    url = reverse("person-detail" if party.is_person else "organisation-detail", args=[party.pk])
    return {"label": str(party), "detail": " · ".join(filter(None, words)), "url": url, "icon": "user" if party.is_person else "building", "kind": "party"}


def opportunities(user: Any, text: str, among: list[int]) -> list[dict[str, Any]]:
    """Opportunities by name, number or contact."""
    rows = search_opportunities(with_party_seen(Opportunity.objects.visible_to(user), user), text, among).select_related("stage", "party").order_by(F("closed_on").desc(nulls_first=True), "sort_name", "pk")[:MOST]  # open ones first
    return [_opportunity(row) for row in rows]


def _opportunity(row: Opportunity) -> dict[str, Any]:
    """`row` is marked by `with_party_seen`."""
    words = [row.party if row.party_seen else None, row.stage if row.is_open else row.get_state_display(), row.number]  # type: ignore[attr-defined]
    return {"label": str(row), "detail": " · ".join(str(word) for word in words if word), "url": reverse("opportunity-detail", args=[row.pk]), "icon": "target", "kind": "opportunity"}


def cases(user: Any, text: str, among: list[int]) -> list[dict[str, Any]]:
    """Cases by subject, number, lot or customer; the newest first."""
    rows = search_cases(with_customer_seen(Case.objects.visible_to(user), user), text, among).order_by("-opened_at", "-pk")[:MOST]
    return [_case(row) for row in rows]


def _case(row: Case) -> dict[str, Any]:
    detail = f"{row.get_type_display()} · {row.get_state_display()} · {row.number}"
    return {"label": str(row), "detail": detail, "url": reverse("case-detail", args=[row.pk]), "icon": "headset", "kind": "case"}


def journeys(user: Any, text: str) -> list[dict[str, Any]]:
    """Journeys by their name."""
    rows = search_journeys(Journey.objects.visible_to(user), text).order_by("-pk")[:MOST]
    return [{"label": str(row), "detail": row.get_state_display(), "url": reverse("journey-detail", args=[row.pk]), "icon": "route", "kind": "record"} for row in rows]


def campaigns(user: Any, text: str) -> list[dict[str, Any]]:
    """Campaigns by name; the newest first."""
    rows = search_campaigns(Campaign.objects.visible_to(user), text).order_by("-pk")[:MOST]
    return [{"label": str(row), "detail": row.get_state_display(), "url": reverse("campaign-detail", args=[row.pk]), "icon": "speakerphone", "kind": "record"} for row in rows]


def recent(user: Any) -> list[dict[str, Any]]:
    """What the reader opened last and may still see."""
    rows = list(RecentlyViewed.objects.filter(user=user).order_by("-at")[: RECENT * 3])  # the gate: each is looked up by `visible_to` below
    drawn: dict[tuple[int, int], dict[str, Any]] = {}
    hidden = hidden_fields(user, Party)
    for kind in kinds():
        type_id = ContentType.objects.get_for_model(kind.model).pk
        ids = [row.subject_id for row in rows if row.subject_type_id == type_id]
        if not ids:
            continue
        manager: Any = kind.model._default_manager
        seen = manager.visible_to(user).filter(pk__in=ids)
        if kind.model is Party:
            drawn |= {(type_id, party.pk): _party(party, hidden) for party in _drawable(seen, user)}
        elif kind.model is Opportunity:
            drawn |= {(type_id, row.pk): _opportunity(row) for row in with_party_beside(seen, user).select_related("stage", "party")}
        elif kind.model is Case:
            drawn |= {(type_id, row.pk): _case(row) for row in seen}
        else:
            drawn |= {(type_id, row.pk): {"label": str(row), "detail": str(kind.label), "url": kind.url(row.pk), "icon": kind.icon, "kind": "record"} for row in seen}
    return [drawn[key] for row in rows if (key := (row.subject_type_id, row.subject_id)) in drawn][:RECENT]


def _open_to(user: Any, item: Item) -> bool:
    return not item.entity or scope_of(user).may(item.verb, item.entity)


def _fits(label: Any, text: str) -> bool:
    return not text or fold(text.strip()) in fold(str(label))


def pages(user: Any, text: str) -> list[dict[str, Any]]:
    """The entries of the navigation."""
    items = [item for _label, _icon, entries in GROUPS for item in entries if _open_to(user, item) and _fits(item.label, text)]
    return [{"label": str(item.label), "detail": "", "url": reverse(item.url_name), "icon": item.icon, "kind": "page"} for item in items][:MOST]


def actions(user: Any, text: str) -> list[dict[str, Any]]:
    """What can be created."""
    found = []
    for item in CREATABLE:
        label = _("New: %(what)s") % {"what": item.label}
        if _open_to(user, item) and _fits(label, text):
            found.append({"label": label, "detail": "", "url": reverse(item.url_name), "icon": item.icon, "kind": "action"})
    return found

