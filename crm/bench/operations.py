"""What is measured: a page or a question as the product asks it, the keys it shows, and the floor it is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.db import connection
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from contacts.crud import Organisations, People
from contacts.detail import MOST
from contacts.models import Party, Person
from contacts.search import first_parties, telephone, words_of
from contacts.timeline import timeline
from crm.bench import floors, segments, sums
from crm.bench.floors import PERSON, Gate
from crm.bench.measure import Sql
from crm.bench.personas import Persona
from crm.core import lists, paging
from crm.core.fold import inner_grams
from crm.core.views import Crud
from sales.board import PAGE as CARDS
from sales.board import Board
from sales.crud import Opportunities
from sales.models import Opportunity, Pipeline
from service.models import Case
from service.queue import LONGEST, Queue

IS_PERSON = "p.kind = 'person'"
PALETTE = 20  # contacts it shows


@dataclass(frozen=True)
class Operation:
    """`run` is what is measured; `keys` what it shows, in order (None: nothing to compare); `floors` the candidates by hand.

    `fragment` is a list whose fragment is held against the least one, too. `open_to` says for whom the operation exists.
    """

    name: str
    run: Callable[[Persona], Any]
    keys: Callable[[Persona], list[Any]] | None = None
    floors: Callable[[Persona], list[Sql]] = lambda persona: []
    fragment: tuple[type[Crud], str] | None = None
    open_to: Callable[[Persona], bool] = lambda persona: True


def request_of(persona: Persona, query: str = "") -> Any:
    """Of a page, without what stands before every view."""
    request: Any = RequestFactory().get("/", QueryDict(query).dict())
    request.user, request.htmx = persona.user, None
    return request


def _list(crud: type[Crud], persona: Persona, query: str = "") -> dict[str, Any]:
    """A list as its page builds it."""
    request = request_of(persona, query)
    return lists.context(crud, request, partial(crud.rows, request, "view"))


def listing(name: str, crud: type[Crud], query: str, floor: Callable[[Persona], list[Sql]]) -> Operation:
    """A page of a list."""
    return Operation(
        name, lambda persona: _list(crud, persona, query), lambda persona: [row["pk"] for row in _list(crud, persona, query)["rows"]],
        floor, fragment=(crud, query),
    )  # fmt: skip


def _people(persona: Persona) -> Gate:
    return Gate(persona, Party, "party")


def _by_name(where: str = IS_PERSON, params: tuple[Any, ...] = ()) -> Callable[[Persona], list[Sql]]:
    return lambda persona: floors.pages(_people(persona), "p.id, p.sort_name", where, "p.sort_name, p.id", list(params), PERSON)


def _fits(words: list[str]) -> tuple[str, list[Any]]:
    """The condition on a row of the index of words, and its parameters."""
    parts: list[str] = []
    params: list[Any] = []
    for word in words:
        if len(word) < 3:
            parts.append("s.tsv @@ %s::tsquery")
            params += [f"'{word}':*"]
        else:
            parts.append("(s.tsv @@ %s::tsquery OR (s.grams @> %s::varchar[] AND s.words LIKE %s))")
            params += [f"'{word}':*", inner_grams(word), f"%{word}%"]
    return " AND ".join(parts), params


def _searched(text: str) -> Callable[[Persona], list[Sql]]:
    """By the index of words: words that begin with it, or from three letters on contain it."""
    fits, params = _fits(words_of(text))
    if digits := telephone(text):
        fits = f"({fits}) OR (s.grams @> %s::varchar[] AND s.words LIKE %s)"
        params += [inner_grams(digits), f"%{digits}%"]
    hits = f"SELECT party_id FROM contacts_partysearch s WHERE ({fits})"

    def candidates(persona: Persona) -> list[Sql]:
        first = floors.pages(_people(persona), "p.id, p.sort_name", f"{IS_PERSON} AND p.id IN ({hits})", "p.sort_name, p.id", params, PERSON)
        return first + [Sql(sql.text.replace(f"p.id IN ({hits})", f"EXISTS ({hits} AND s.party_id = p.id)"), sql.params) for sql in first]

    return candidates


def _of_a_city(persona: Persona) -> list[Sql]:
    """By LIKE, and by the two ends of its stretch of the index."""
    found = []
    for begins, params in (("LIKE %s", ["hamburg%"]), ("~>=~ %s AND crm_fold(x.city) ~<~ %s", ["hamburg", "hamburh"])):
        there = f"p.id IN (SELECT party_id FROM contacts_postaladdress x WHERE crm_fold(x.city) {begins})"
        found += _by_name(f"{IS_PERSON} AND p.state = 'customer' AND {there}", tuple(params))(persona)
    return found


@cache
def _middle() -> str:
    """The cursor of a place in the middle of all names."""
    row = Person.objects.unrestricted().order_by("sort_name", "pk")[Person.objects.unrestricted().count() // 2]
    return paging._encode(row, "sort_name")


def _deep(persona: Persona) -> list[Sql]:
    place = paging.cursor_of(Person.objects.all(), "sort_name", _middle())
    assert place is not None
    return _by_name(f"{IS_PERSON} AND (p.sort_name, p.id) > (%s, %s)", place)(persona)


def _by_activity(persona: Persona) -> list[Sql]:
    """The newest first; whoever was never spoken with comes last and is looked for only where the page has room."""
    gate = _people(persona)
    found = []
    for condition, mine in gate.plans():
        spoken = f"SELECT p.id, a.last_at FROM contacts_partyactivity a JOIN contacts_party p ON p.id = a.party_id WHERE {condition} AND {IS_PERSON} ORDER BY a.last_at DESC, a.party_id DESC LIMIT {floors.PAGE}"
        never = f"SELECT p.id, NULL FROM contacts_party p WHERE {condition} AND {IS_PERSON} AND NOT EXISTS (SELECT FROM contacts_partyactivity a WHERE a.party_id = p.id) ORDER BY p.id DESC LIMIT {floors.PAGE}"
        inner = f"SELECT * FROM (({spoken}) UNION ALL ({never})) p LIMIT {floors.PAGE}"
        found.append(Sql(f"WITH page AS ({inner}) {PERSON} ORDER BY page.last_at DESC NULLS LAST, page.id DESC", [*mine, *mine]))
    return found


@cache
def _busiest() -> Party:
    """The contact with the longest history."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT party_id FROM contacts_interaction WHERE party_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
        return Party.objects.unrestricted().get(pk=cursor.fetchone()[0])


def _history(persona: Persona) -> list[Sql]:
    """Of the contact and of those of its people whom the reader may see."""
    condition, mine = _people(persona).walk()
    staff = "SELECT a.person_id FROM contacts_affiliation a"
    if condition != "true":
        staff += " JOIN contacts_party p ON p.id = a.person_id"
    page = f"SELECT i.id FROM contacts_interaction i WHERE i.party_id = %s OR i.party_id = ANY(ARRAY({staff} WHERE {condition} AND a.organisation_id = %s)) ORDER BY occurred_at DESC, id DESC LIMIT 26"
    return [Sql(page, [_busiest().pk, *mine, _busiest().pk])]


def _history_page(persona: Persona) -> list[Sql]:
    """That, the first of those people by name, and how many they are: the least of what the page of a firm reads."""
    condition, mine = _people(persona).walk()
    staff = f"FROM contacts_affiliation a JOIN contacts_party p ON p.id = a.person_id WHERE {condition} AND a.organisation_id = %s"
    said, theirs = _history(persona)[0], [*mine, _busiest().pk]
    return [Sql(f"({said.text}) UNION ALL (SELECT p.id {staff} ORDER BY p.sort_name LIMIT {MOST}) UNION ALL (SELECT count(*) {staff})", [*said.params, *theirs, *theirs])]


def _first_hits(persona: Persona) -> list[Sql]:
    """Of the palette: names that begin with what is typed, in their order; then, where there is room, the others."""
    gate, found = _people(persona), []
    tsv, (hits, params) = "'muller':*", _fits(["muller"])
    for condition, mine in gate.plans():
        begins = f"SELECT p.id, p.sort_name FROM {gate.table} p WHERE {condition} AND p.sort_name LIKE 'muller%%' ORDER BY p.sort_name, p.id LIMIT {PALETTE}"
        rest = f"""SELECT p.id, p.sort_name FROM {gate.table} p JOIN contacts_partysearch s ON s.party_id = p.id WHERE {condition} AND ({hits})
            AND NOT p.sort_name LIKE 'muller%%' ORDER BY NOT s.tsv @@ %s::tsquery, NOT p.sort_name LIKE '%% muller%%', p.sort_name, p.id LIMIT {PALETTE}"""
        found.append(Sql(f"SELECT id FROM (({begins}) UNION ALL ({rest})) p LIMIT {PALETTE}", [*mine, *mine, *params, tsv]))
    return found


def _first_seen(persona: Persona) -> int:
    return int(Person.objects.visible_to(persona.user).order_by("-pk").values_list("pk", flat=True)[0])


def _board(persona: Persona) -> Board:
    request = request_of(persona)
    return Board(persona.user, Pipeline.objects.get(key="projects"), lists.State(Opportunities, request))


def _cards(persona: Persona) -> list[Sql]:
    """The first cards of each stage, and after them what each stage holds."""
    gate = Gate(persona, Opportunity, "opportunity")
    stages = Pipeline.objects.get(key="projects").stages.filter(active=True).order_by("position").values_list("pk", flat=True)
    found = []
    for plan in ("walk", "keys", "arms"):
        parts: list[str] = []
        params: list[Any] = []
        for place, stage in enumerate(stages):
            where, columns = "p.state = 'open' AND p.stage_id = %s", f"p.id, {place} AS place, p.rank"
            if plan == "arms":
                arms = gate.arms(columns, where, "p.rank, p.id", [stage], CARDS)
                if arms is None:
                    break
                parts.append(f"(SELECT * FROM ({arms.text}) p ORDER BY p.rank, p.id LIMIT {CARDS})")
                params += list(arms.params)
            else:
                condition, mine = getattr(gate, plan)()
                parts.append(f"(SELECT {columns} FROM {gate.table} p WHERE {condition} AND {where} ORDER BY p.rank, p.id LIMIT {CARDS})")
                params += [*mine, stage]
        if parts:
            cards = f"(SELECT * FROM ({' UNION ALL '.join(parts)}) board ORDER BY place, rank, id)"
            found += [Sql(f"{cards} UNION ALL (SELECT NULL, n, total FROM ({below.text}) s (stage, n, total, weighted))", [*params, *below.params]) for below in sums.board(persona)]
    return found


def _due(persona: Persona) -> list[Sql]:
    gate, found = Gate(persona, Case, "case"), []
    for condition, mine in gate.plans():
        where = "NOT p.state IN ('solved', 'closed')"
        found.append(Sql(f"SELECT p.id FROM service_case p WHERE {condition} AND {where} ORDER BY p.due_next NULLS LAST, p.priority, p.id LIMIT {LONGEST}", mine))
    return found


def _shown_cards(persona: Persona) -> list[int]:
    return [card["id"] for column in _board(persona).columns() for card in column["cards"]]


def _get(url: Callable[[Persona], str] | str) -> Callable[[Persona], Any]:
    """A whole page, as the browser asks for it."""

    def run(persona: Persona) -> Any:
        response = client_of(persona).get(url if isinstance(url, str) else url(persona))
        assert response.status_code == 200, (url, response.status_code)
        return response

    return run


@cache
def _client(pk: int) -> Client:
    client = Client(headers={"accept-language": "de"})
    client.force_login(User.objects.get(pk=pk), "allauth.account.auth_backends.AuthenticationBackend")
    return client


def client_of(persona: Persona) -> Client:
    """A browser in which this reader is signed in."""
    return _client(persona.user.pk)


def _detail(persona: Persona) -> str:
    return reverse("person-detail", args=[_first_seen(persona)])


def _sees_busiest(persona: Persona) -> bool:
    return Party.objects.visible_to(persona.user).filter(pk=_busiest().pk).exists()


def operations() -> list[Operation]:
    """All of them, in the order of the table."""
    rare = Person.objects.unrestricted().order_by("-pk").values_list("last_name", flat=True)[0]
    some = Person.objects.unrestricted().filter(emails__isnull=False, phones__isnull=False).order_by("-pk")[0]
    mail, phone = some.emails.all()[0].address, some.phones.all()[0].number
    found = [
        listing("people, first page", People, "", _by_name()),
        listing("people, deep page", People, f"after={_middle()}", _deep),
        listing("people, newest activity", People, "sort=-last_contact", _by_activity),
        listing("people, customers", People, "state=customer", _by_name(f"{IS_PERSON} AND p.state = 'customer'")),
        listing("people, customers of a city", People, "state=customer&city=Hamburg", _of_a_city),
        listing("people, mine", People, "owner=me", lambda persona: _by_name(f"{IS_PERSON} AND p.owner_id = %s", (persona.user.pk,))(persona)),
        listing("organisations, first page", Organisations, "", lambda persona: floors.pages(
            _people(persona), "p.id, p.sort_name", "p.kind = 'organisation'", "p.sort_name, p.id", [], PERSON)),
        Operation("people, count", lambda persona: paging.capped_count(Person.objects.visible_to(persona.user)), lambda persona: [sum(paging.capped_count(Person.objects.visible_to(persona.user)))],
            lambda persona: floors.counts(_people(persona), IS_PERSON, [], paging.COUNT_CAP)),
        *(listing(f"search, {name}", People, f"q={text}", _searched(text)) for name, text in (
            ("frequent", "müller"), ("rare", rare), ("none", "xqzwv"), ("two words", f"jürgen {rare}"), ("mail", mail), ("telephone", phone))),
        Operation("palette", _get(reverse("search") + "?q=müller"), None, _first_hits),
        Operation("palette, contacts", lambda persona: first_parties(Party.objects.visible_to(persona.user), "müller", PALETTE),
            lambda persona: [party.pk for party in first_parties(Party.objects.visible_to(persona.user), "müller", PALETTE)], _first_hits),
        Operation("contact's page", lambda persona: _get(_detail)(persona)),
        Operation("longest history", lambda persona: timeline(_busiest(), persona.user), None, _history, open_to=_sees_busiest),
        Operation("longest history, page", _get(lambda persona: reverse("organisation-detail" if not _busiest().is_person else "person-detail", args=[_busiest().pk])), None, _history_page, open_to=_sees_busiest),
        Operation("check of one", lambda persona: Party.objects.visible_to(persona.user).filter(pk=_first_seen(persona)).exists(), None, lambda persona: floors.checks(_people(persona), _first_seen(persona))),
        listing("opportunities, first page", Opportunities, "", lambda persona: floors.pages(
            Gate(persona, Opportunity, "opportunity"), "p.id, p.sort_name", "true", "p.sort_name, p.id", [],
            "SELECT o.*, s.label_de, c.name, u.last_name FROM page JOIN sales_opportunity o USING (id) JOIN sales_stage s ON s.id = o.stage_id LEFT JOIN contacts_party c ON c.id = o.party_id LEFT JOIN accounts_user u ON u.id = o.owner_id")),
        Operation("board", lambda persona: _board(persona).columns(), _shown_cards, _cards),
        Operation("board, sums", lambda persona: _board(persona)._figures(), None, sums.board),
        Operation("forecast", _get(reverse("forecast")), None, sums.forecast, open_to=lambda persona: persona.scope.may("view", "forecast")),
        Operation("overview", _get(reverse("overview")), None, sums.overview, open_to=lambda persona: persona.scope.may("view", "forecast")),
        Operation("today", _get(reverse("today")), None, sums.today),
        Operation("queue", lambda persona: Queue(persona.user).first(), lambda persona: [row.pk for row in Queue(persona.user).first()], _due),
        Operation("queue, page", _get(reverse("desk"))),
        Operation("segment, six conditions", segments.counted, lambda persona: [segments.counted(persona)], segments.by_hand),
        Operation("segment's page", _get(segments.page_of), None, segments.by_hand, open_to=segments.sees_segments),
    ]  # fmt: skip
    return found

