"""What takes long or writes much: measured once, through the door people use, and taken back. What it costs is told by the row."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any

from django.db import connection
from django.db.models import Count
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import get_random_string

from accounts.models import Team, User
from contacts.crud import People
from contacts.models import Party, Person
from contacts.services import AT_ONCE
from crm.bench.floors import PERSON, Gate
from crm.bench.importing import bring_in
from crm.bench.measure import Both, Spent, Sql, spending, taken_back
from crm.bench.operations import client_of, request_of
from crm.bench.personas import Persona
from crm.core.access import scope_of
from crm.core.models import Undo
from crm.core.tables import Dialect
from crm.core.tables import rows as rows_of_file
from crm.core.views import Crud
from crm.core.work import work
from sales.crud import Opportunities
from sales.models import Opportunity

HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"  # takes no time
EVERY_ROW = 10_000_000


@dataclass(frozen=True)
class Long:
    """`measure` does it for this reader and at most so many rows (`rows` unless told otherwise). `right` (verb, entity) says who may."""

    name: str
    right: tuple[str, str]
    rows: int
    measure: Callable[[Persona, int], Both]


def longs() -> list[Long]:
    """All of them, in the order of the table."""
    return [
        Long("export, people", ("export", "party"), EVERY_ROW, lambda persona, rows: _export(People, persona, rows, _people(persona, rows))),
        Long("export, opportunities", ("export", "opportunity"), EVERY_ROW, lambda persona, rows: _export(Opportunities, persona, rows, _opportunities(persona, rows))),
        Long("import, organisations", ("add", "importrun"), 100_000, bring_in),
        Long("bulk update, new owner", ("assign", "party"), 10_000, _assign),
        Long("bulk update, taken back", ("assign", "party"), 10_000, _undo),
        Long("team, moved below another", ("change", "setup"), 0, _move_team),
        Long("sign-in, without the hash", ("view", "party"), 0, _sign_in),
    ]


def _post(browser: Client, url: str, **fields: Any) -> None:
    """Send a form; it is done."""
    answer = browser.post(url, {**fields, "_key": str(uuid.uuid4())})
    assert answer.status_code == 302, (url, answer.status_code)


# --- exports ----------------------------------------------------------------------------------------------------------------------------


def _export(crud: type[Crud], persona: Persona, most: int, floor: Sql) -> Both:
    """The file of a list as it is first shown. The same names in the same order, or it is another file."""
    with TemporaryFile() as mine, TemporaryFile() as least:
        with spending() as ours, translation.override("de"):
            answer: Any = crud.export_view.as_view(crud=crud)(request_of(persona))  # type: ignore[union-attr]  # what has an export, as a view
            _keep(answer.streaming_content, mine, most + 1)
        with spending() as by_hand, connection.cursor() as cursor:
            cursor.copy_expert(f"COPY ({cursor.mogrify(floor.text, floor.params).decode()}) TO STDOUT (FORMAT csv)", least)
        rows, same = 0, True
        with closing(_names(mine, ";", header=True)) as shown, closing(_names(least, ",")) as expected:
            for name in expected:
                rows += 1
                same = same and next(shown, "") == name
            same = same and (rows == most or next(shown, None) is None)
        return Both(rows, ours, by_hand, same)


def _keep(content: Iterable[bytes], file: IO[bytes], lines: int) -> None:
    for part in content:
        file.write(part)
        lines -= part.count(b"\n")
        if lines <= 0:
            return


def _names(file: IO[bytes], delimiter: str, *, header: bool = False) -> Iterator[str]:
    file.seek(0)
    yield from (cells[0] for _line, cells in islice(rows_of_file(file, Dialect("utf-8-sig", delimiter, '"', int(header), 1.0)), int(header), None))  # type: ignore[arg-type]  # a temporary file is a binary one


def _people(persona: Persona, most: int) -> Sql:
    """Name, organisation as far as it is seen, town, telephone, state, mail, last contact and owner, all by joins."""
    gate, seen = Gate(persona, Party, "party", "export"), Gate(persona, Party, "party")
    condition, mine = gate.walk()
    firm, theirs = seen.walk()
    columns = "p.name, firm.legal_name, place.city, phone.number, p.state, mail.address, a.last_at, concat_ws(' ', u.first_name, u.last_name)"
    joins = PERSON[PERSON.index("FROM page") :].replace("firm.id = job.organisation_id", f"firm.id = job.organisation_id AND {firm.replace('p.', 'firm.')}")
    page = f"SELECT p.id FROM contacts_party p WHERE {condition} AND p.kind = 'person' ORDER BY p.sort_name, p.id LIMIT {most}"
    return Sql(f"WITH page AS ({page}) SELECT {columns} {joins} ORDER BY p.sort_name, p.id", [*mine, *theirs])


def _opportunities(persona: Persona, most: int) -> Sql:
    """Name, contact as far as it is seen, stage, state, amount, day of closing and owner."""
    condition, mine = Gate(persona, Opportunity, "opportunity", "export").walk()
    party, theirs = Gate(persona, Party, "party").walk()
    page = f"SELECT p.* FROM sales_opportunity p WHERE {condition} ORDER BY p.sort_name, p.id LIMIT {most}"
    return Sql(
        f"WITH page AS ({page}) SELECT page.name, c.name, s.label_de, page.state, page.amount, page.expected_close, concat_ws(' ', u.first_name, u.last_name) FROM page"
        f" JOIN sales_stage s ON s.id = page.stage_id LEFT JOIN contacts_party c ON c.id = page.party_id AND {party.replace('p.', 'c.')}"
        " LEFT JOIN accounts_user u ON u.id = page.owner_id ORDER BY page.sort_name, page.id",
        [*mine, *theirs],
    )


# --- many at once -----------------------------------------------------------------------------------------------------------------------


def _assign(persona: Persona, most: int) -> Both:
    """Contacts get another owner: asked about and done in the list, as many at once as it takes. By hand: one UPDATE."""
    owner, ids, browser = *_given_away(persona, most), client_of(persona)
    with taken_back(), spending() as ours:
        for start in range(0, len(ids), AT_ONCE):
            _post(browser, reverse("person-assign"), pk=",".join(map(str, ids[start : start + AT_ONCE])), owner=owner.pk)
        same = Party.objects.unrestricted().filter(pk__any=ids, owner=owner).count() == len(ids)
    return Both(len(ids), ours, _by_hand(persona, owner, ids), same)


def _undo(persona: Persona, most: int) -> Both:
    """One click takes such an action back. By hand: one UPDATE again."""
    owner, ids, browser = *_given_away(persona, min(most, AT_ONCE)), client_of(persona)
    with taken_back():
        before = dict(Party.objects.unrestricted().filter(pk__any=ids).values_list("pk", "owner"))
        _post(browser, reverse("person-assign"), pk=",".join(map(str, ids)), owner=owner.pk)
        way_back = Undo.objects.filter(user=persona.user).latest("pk")
        with spending() as ours:
            _post(browser, reverse("undo", args=[way_back.token]))
        same = dict(Party.objects.unrestricted().filter(pk__any=ids).values_list("pk", "owner")) == before
    return Both(len(ids), ours, _by_hand(persona, owner, ids), same)


def _given_away(persona: Persona, most: int) -> tuple[User, list[int]]:
    """To whom, and what."""
    owner = _colleague(persona)
    return owner, list(Person.objects.visible_to(persona.user, "assign").exclude(owner=owner).order_by("pk").values_list("pk", flat=True)[:most])


def _by_hand(persona: Persona, owner: User, ids: list[int]) -> Spent:
    with taken_back(), spending() as floor, work(by=persona.user), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_party SET owner_id = %s, team_id = %s, version = version + 1, updated_by_id = %s, updated_at = %s WHERE id = ANY(%s)",
            [owner.pk, owner.team_id, persona.user.pk, timezone.now(), ids],
        )
    return floor


def _colleague(persona: Persona) -> User:
    """Somebody else who may have contacts, where they can still be changed, or they could not be fetched back; else the reader alone."""
    reach = persona.reach("party", "change")
    others = User.objects.filter(is_active=True, team__isnull=False).exclude(pk=persona.user.pk).order_by("pk")
    near = others if reach.everything else others.filter(team__in=reach.teams)
    return next((user for user in near if scope_of(user).may("view", "party")), persona.user)


# --- rights and people ------------------------------------------------------------------------------------------------------------------


def _move_team(persona: Persona, _rows: int) -> Both:
    """The team with most contacts goes below another one. By hand: the one row; nothing that anybody holds is spread over the tree."""
    biggest = Party.objects.unrestricted().values("team").annotate(n=Count("pk")).order_by("-n").filter(team__children__isnull=True, team__parent__isnull=False)[0]["team"]
    team = Team.objects.unrestricted().get(pk=biggest)
    above = Team.objects.unrestricted().exclude(pk__in=[team.pk, team.parent_id]).exclude(parent=None).order_by("pk")[0]
    page, browser = reverse("admin:accounts_team_change", args=[team.pk]), client_of(persona)
    with taken_back(), spending() as ours:
        _post(browser, page, name=team.name, parent=above.pk)
        same = Team.objects.unrestricted().get(pk=team.pk).parent_id == above.pk
    with taken_back(), spending() as floor, work(by=persona.user), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_team SET parent_id = %s WHERE id = %s", [above.pk, team.pk])
    return Both(0, ours, floor, same)


def _sign_in(persona: Persona, _rows: int) -> Both:
    """From the form to the first session. The hash is slow on purpose and the same by hand, so it is left out of both."""
    with taken_back(), override_settings(PASSWORD_HASHERS=[HASHER]):
        user = User.objects.get(pk=persona.user.pk)
        word = get_random_string(20)
        user.set_password(word)
        user.save(update_fields=["password"])
        browser = Client(headers={"accept-language": "de"})
        with spending() as ours:
            _post(browser, reverse("account_login"), login=user.email, password=word)
        same = browser.session["_auth_user_id"] == str(user.pk)
    with taken_back(), spending() as floor, connection.cursor() as cursor:
        cursor.execute("SELECT u.id, u.password FROM accounts_user u JOIN account_emailaddress m ON m.user_id = u.id WHERE lower(u.email) = %s AND m.verified", [user.email.lower()])
        cursor.execute("UPDATE accounts_user SET last_login = %s WHERE id = %s", [timezone.now(), user.pk])
        cursor.execute("INSERT INTO django_session (session_key, session_data, expire_date) VALUES (%s, %s, %s)", ["bench", "{}", timezone.now()])
    return Both(0, ours, floor, same)
