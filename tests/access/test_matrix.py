"""The access matrix: every route × method × relation × role against the oracle; canaries in every answer; refused means nothing happened."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import Membership, RoleRight, Team, User
from crm.core.models import Change
from tests.access import oracle
from tests.access.addresses import address, record
from tests.access.routes import ACCOUNT, PUBLIC, ROUTES, Rule
from tests.architecture.test_doors import routes
from tests.conftest import Browser
from tests.world import build

pytestmark = pytest.mark.django_db
PEOPLE = ["anna", "ben", "clara", "david", "mia", "sven", "greta", "emil", "frieda", "nobody", "gone"]
RELATIONS = ["own", "team", "foreign", "shared", "editable"]
METHODS = ["GET", "POST", "HTMX"]
MARKS = {"own": "EIGEN", "team": "KOLLEGE", "foreign": "FREMD", "shared": "GETEILT", "editable": "OFFEN"}


def plain_world(world: Any) -> oracle.World:
    """The tables as plain values for the oracle."""
    matrix: dict[str, dict[str, dict[str, str]]] = {}
    for right in RoleRight.objects.select_related("role"):
        matrix.setdefault(right.role.key, {}).setdefault(right.entity, {})[right.verb] = right.reach
    roles: dict[str, list[tuple[str, str]]] = {}
    for m in Membership.objects.select_related("user", "role", "team"):
        roles.setdefault(m.user.username, []).append((m.role.key, m.team.name))
    shares = {("anna", "view", f"{kind}:{mark}") for mark in ("shared", "editable") for kind in ("person", "organisation", "opportunity")}
    shares |= {("anna", "change", f"{kind}:editable") for kind in ("person", "organisation", "opportunity")}
    return oracle.World({t.name: t.parent.name if t.parent else None for t in Team.objects.select_related("parent")}, matrix, roles, {"gone"}, shares)


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


@pytest.mark.proof("access")
@pytest.mark.parametrize("who", PEOPLE)
def test_every_cell(cast: Any, sign_in: Callable[[Any], Browser], figures: Any, who: str, prove_full: bool) -> None:
    world = build(cast)
    gone = User.objects.create(username="gone", email="gone@lotse.test", team=cast.firm.north)
    browser: Client = Browser() if who == "nobody" else sign_in(gone if who == "gone" else getattr(cast, who))
    if who == "gone":
        User.objects.filter(pk=gone.pk).update(is_active=False)
    plain = plain_world(world)
    cells, wrong, canaries, acted = 0, [], [], []
    for name, rule in ROUTES.items():
        for relation in RELATIONS if rule.row and hasattr(world.own, rule.row) else ["own"]:
            url = address(world, name, rule, getattr(world, relation))
            of = row_of(world, rule, relation) if rule.row else None
            for method in METHODS if prove_full or (len(name) + RELATIONS.index(relation)) % 3 == 0 else METHODS[:2]:  # fragments: every third cell in the small form
                verb = "POST" if method == "POST" else "GET"
                want = "sign-in" if who in ("nobody", "gone") else expected(plain, who, rule, of, verb) if verb in rule.methods else "405"
                before = Change.objects.order_by("-id").values_list("id", flat=True).first()
                cookies = browser.cookies.output(header="")
                before_cell = transaction.savepoint()  # what an allowed POST does is undone: each cell meets the same world
                answer = browser.generic(verb, url, htmx=method == "HTMX") if verb == "GET" else browser.post(url, {})
                got = verdict(answer)
                cells += 1
                if want == "405" and got in ("403", "404"):
                    got = "405"  # refused by the gate before the method was looked at
                if got != want:
                    wrong.append(f"{who} {method} {name} ({relation}): wanted {want}, got {got} {answer.status_code}")
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content
                canaries += [f"{who} {method} {name} ({relation}) shows {MARKS[other]}" for other in unseen(plain, who) if MARKS[other].encode() in body]
                if answer.status_code >= 400 and Change.objects.order_by("-id").values_list("id", flat=True).first() != before:
                    acted.append(f"{who} {method} {name} ({relation})")
                transaction.savepoint_rollback(before_cell)
                browser.cookies = SimpleCookie(cookies)
    known = set(ROUTES) | PUBLIC | ACCOUNT
    unknown = {name for name, _pattern, _address in routes() if name and name not in known and not name.startswith("admin:")} if who == "emil" else set()
    for line in [*wrong, *canaries, *acted, *sorted(unknown)]:
        print(line)
    figures.record(f"cells, {who}", cells, "answers")
    figures.record(f"leaks or wrong refusals, {who}", len(wrong), "cells", goal="0", holds=not wrong)
    figures.record(f"canaries seen, {who}", len(canaries), "answers", goal="0", holds=not canaries)
    figures.record(f"refused but changed something, {who}", len(acted), "answers", goal="0", holds=not acted)
    if who == "emil":
        figures.record("unknown cells", len(unknown), "routes", goal="0", holds=not unknown)


def unseen(plain: oracle.World, who: str) -> set[str]:
    """Relations of which this reader may see no record of any kind: their mark must appear in no answer."""
    owners = {"own": ("anna", "Nord"), "team": ("ben", "Nord"), "foreign": ("david", "Süd"), "shared": ("david", "Süd"), "editable": ("david", "Süd")}
    hidden = set()
    for relation, (owner, team) in owners.items():
        kinds = [("party", "person"), ("party", "organisation"), ("opportunity", "opportunity")]
        if who in ("nobody", "gone") or not any(oracle.may(plain, who, "view", entity, oracle.Row(f"{kind}:{relation}", owner, team)) for entity, kind in kinds):
            hidden.add(relation)
    return hidden
