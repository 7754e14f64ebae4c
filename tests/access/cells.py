"""Walks over the access matrix: asks every cell and says what is wrong with its answer. Used by the proof and by its mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.grants import sync_grants
from accounts.models import FieldRule, Membership, Role, RoleRight, Team, User
from accounts.services import add_deputy, create_role, set_rights
from crm.core.models import Change
from tests.access import admin_pages, oracle
from tests.access.addresses import address, record
from tests.access.routes import ROUTES, Rule
from tests.conftest import Browser
from tests.world import SECRET, build

# The cast of nine; nobody (no session), gone (switched off); four who hold the set-up in parts; and one who stands in for anna.
PEOPLE = ["anna", "ben", "clara", "david", "mia", "sven", "greta", "emil", "frieda", "nobody", "gone", "reader", "adder", "changer", "deleter", "deputy"]
SETTERS = {"reader": (), "adder": ("add",), "changer": ("change",), "deleter": ("delete",)}
RELATIONS = ["own", "team", "foreign", "shared", "editable"]
# Long enough that no random token spells one: the CSRF tokens of one whole run hold five given letters in one of some three hundred runs.
MARKS = {"own": "EIGENTUM", "team": "KOLLEGE", "foreign": "FREMDHAUS", "shared": "GETEILT", "editable": "FREIGEGEBEN"}
BLIND = "rep"  # the role from which the field with SECRET is hidden


@dataclass
class Walk:
    """One person in front of all doors."""

    world: Any
    who: str
    browser: Client
    plain: oracle.World
    hidden: list[bytes]  # what must stand in no answer


def begin(cast: Any, sign_in: Callable[[Any], Browser], who: str) -> Walk:
    """Build the firm, and sign this person in."""
    FieldRule.objects.create(role=Role.objects.get(key=BLIND), entity="party", field="source")
    world = build(cast)
    gone = User.objects.create(username="gone", email="gone@lotse.test", team=cast.firm.north)
    if who in SETTERS:
        _setter(cast, who)
    if who == "deputy":
        cast.deputy = User.objects.create(username="deputy", email="deputy@lotse.test", team=cast.firm.south, language="de")
        add_deputy(cast.anna, cast.deputy, timezone.localdate() + timedelta(days=7), by=cast.emil)
    browser: Client = Browser() if who == "nobody" else sign_in(gone if who == "gone" else getattr(cast, who))
    if who == "gone":
        User.objects.filter(pk=gone.pk).update(is_active=False)
    plain = plain_world()
    return Walk(world, who, browser, plain, sorted(mark.encode() for mark in unseen(plain, who)))


def _last() -> int:
    return Change.objects.order_by("-id").values_list("id", flat=True).first() or 0


def _setter(cast: Any, who: str) -> None:
    """Somebody whose role holds `view` and one more verb on the set-up, and nothing else."""
    role = create_role(by=cast.emil, label_de=f"Einrichtung {who}", label_en=who, like=None)
    set_rights(role, {("setup", verb): "all" for verb in ("view", *SETTERS[who])}, set(), by=cast.emil)
    user = User.objects.create(username=who, email=f"{who}@lotse.test", team=cast.firm.root, language="de")
    Membership.objects.create(user=user, team=cast.firm.root, role=role)
    sync_grants()
    setattr(cast, who, user)


def plain_world() -> oracle.World:
    """The tables as plain values for the oracle."""
    matrix: dict[str, dict[str, dict[str, str]]] = {role.key: {} for role in Role.objects.all()}
    for right in RoleRight.objects.select_related("role"):
        matrix[right.role.key].setdefault(right.entity, {})[right.verb] = right.reach
    roles: dict[str, list[tuple[str, str]]] = {}
    for m in Membership.objects.select_related("user", "role", "team"):
        roles.setdefault(m.user.username, []).append((m.role.key, m.team.name))
    shares = {("anna", "view", f"{kind}:{mark}") for mark in ("shared", "editable") for kind in ("person", "organisation", "opportunity", "case")}
    shares |= {("anna", "change", f"{kind}:editable") for kind in ("person", "organisation", "opportunity", "case")}
    return oracle.World({t.name: t.parent.name if t.parent else None for t in Team.objects.select_related("parent")}, matrix, roles, {"gone"}, shares, {"deputy": {"anna"}})


def expected(plain: oracle.World, user: str, rule: Rule, of: Any, method: str) -> str:
    """"in", "404" or "403" for a signed-in user."""
    verb, entity = rule.post if method == "POST" and rule.post else (rule.verb, rule.entity)
    if entity == "self":
        return "in" if of == user else "404"
    if entity == "reference":
        return "in"
    if not all(oracle.holds(plain, user, *pair) for pair in ((rule.verb, rule.entity), *rule.also)):
        return "403"
    if isinstance(of, oracle.Row):
        if not (oracle.may_history(plain, user, rule.verb, of) if of.party else oracle.may(plain, user, rule.verb, rule.entity, of)):
            return "404"
        if not oracle.holds(plain, user, verb, entity):
            return "403"
        if not of.party and not oracle.may(plain, user, verb, entity, of):
            return "404"
    return "in"


def row_of(world: Any, rule: Rule, relation: str) -> Any:
    """What the oracle knows of the record in a cell: a Row, or the name of whom it belongs to."""
    of = getattr(world, relation)
    found = record(world, rule, of)
    if rule.entity == "self":
        return (found.user if hasattr(found, "user") else found.by).username
    if rule.row in {"task", "interaction"}:
        party = oracle.Row(f"organisation:{relation}", of.organisation.owner.username, of.organisation.team.name)
        source = oracle.Row(f"opportunity:{relation}", of.opportunity.owner.username, of.opportunity.team.name) if rule.row == "task" else None
        return oracle.Row(f"{rule.row}:{relation}", of.organisation.owner.username, of.organisation.team.name, party, source)
    if rule.row in {"pair", "merge"}:  # of contacts with the same owner: governed as they are
        return oracle.Row(f"organisation:{relation}", of.organisation.owner.username, of.organisation.team.name)
    if hasattr(found, "team_id"):
        return oracle.Row(f"{rule.row}:{relation}", found.owner.username, found.team.name)
    return None


def verdict(answer: Any) -> str:
    """What an answer means: in, 403, 404, sign-in, 405 or broken."""
    code = answer.status_code
    if code in (301, 302) and "/accounts/login/" in answer.get("Location", ""):
        return "sign-in"
    if code == 204 and "/accounts/login/" in answer.get("HX-Redirect", ""):
        return "sign-in"
    if code in (403, 404, 405):
        return str(code)
    return "broken" if code >= 500 else "in"


def ask(walk: Walk, name: str, method: str, url: str, want: str, data: dict[str, Any] | None = None) -> list[str]:
    """Ask one cell; what it did is undone afterwards, so that each meets the same world. Answers what is wrong: [] is right."""
    browser, who = walk.browser, walk.who
    wrong = []
    before = _last()
    cookies = browser.cookies.output(header="")
    here = transaction.savepoint()
    answer: Any = browser.post(url, data or {}) if method == "POST" else browser.generic("GET", url, htmx=method == "HTMX")  # type: ignore[call-arg]
    got = verdict(answer)
    if want == "405" and got in ("403", "404"):
        got = "405"  # refused by the gate before the method was looked at
    if got != want:
        wrong.append(f"{who} {method} {name}: wanted {want}, got {got} {answer.status_code}")
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    wrong += [f"{who} {method} {name}: canary {mark.decode()}" for mark in walk.hidden if mark in body]
    if answer.status_code >= 400 and _last() != before:
        wrong.append(f"{who} {method} {name}: refused, but changed something")
    transaction.savepoint_rollback(here)
    browser.cookies = SimpleCookie(cookies)
    return wrong


def product(walk: Walk, *, every_fragment: bool = False) -> Iterator[list[str]]:
    """All cells of the product's own pages; in the small form every sixth one is asked as a fragment, too."""
    world, plain, who = walk.world, walk.plain, walk.who
    for name, rule in ROUTES.items():
        for relation in RELATIONS if rule.row and hasattr(world.own, rule.row) else ["own"]:
            url = address(world, name, rule, getattr(world, relation))
            of = row_of(world, rule, relation) if rule.row else None
            fragment = every_fragment or (len(name) + RELATIONS.index(relation)) % 6 == 0
            for method in ("GET", "POST", "HTMX") if fragment else ("GET", "POST"):
                verb = "POST" if method == "POST" else "GET"
                want = "sign-in" if who in ("nobody", "gone") else expected(plain, who, rule, of, verb) if verb in rule.methods else "405"
                yield ask(walk, f"{name} ({relation})", method, url, want)


def set_up(walk: Walk) -> Iterator[list[str]]:
    """All cells of the admin."""
    plain, who = walk.plain, walk.who
    for cell in admin_pages.cells(walk.world):
        want = cell.want
        if who in ("nobody", "gone"):
            want = "sign-in"
        elif not all(oracle.holds(plain, who, *pair) for pair in cell.verbs):
            want = "403"
        yield ask(walk, cell.name, cell.method, cell.url, want, {"post": "yes"} if cell.name.endswith("_delete") else None)


def unseen(plain: oracle.World, who: str) -> set[str]:
    """Marks that must appear in no answer: of relations of which this reader may see no record, of history whose source is not seen, of the hidden field."""
    owners = {"own": ("anna", "Nord"), "team": ("ben", "Nord"), "foreign": ("david", "Süd"), "shared": ("david", "Süd"), "editable": ("david", "Süd")}
    hidden = {SECRET} if who not in {"clara", "mia", "sven", "greta", "emil"} else set()
    for relation, (owner, team) in owners.items():
        kinds = [("party", "person"), ("party", "organisation"), ("opportunity", "opportunity"), ("case", "case")]
        if who in ("nobody", "gone") or not any(oracle.may(plain, who, "view", entity, oracle.Row(f"{kind}:{relation}", owner, team)) for entity, kind in kinds):
            hidden.add(MARKS[relation])
        if who in ("nobody", "gone") or not oracle.may(plain, who, "view", "opportunity", oracle.Row(f"opportunity:{relation}", owner, team)):
            hidden.add(f"QUELLE-{MARKS[relation]}")
        if who in ("nobody", "gone") or not oracle.may(plain, who, "view", "case", oracle.Row(f"case:{relation}", owner, team)):
            hidden.add(f"AKTE-{MARKS[relation]}")
    return hidden
