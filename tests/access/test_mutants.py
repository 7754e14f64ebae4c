"""The measures bite: each guard of the gate, taken away, is seen by the matrix (or by the foreign ids) within its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
from django.db.models import Q

from crm.core import access, admin_site, saving, subjects, views
from tests.access import cells, foreign_ids
from tests.conftest import Browser
from tests.world import build

pytestmark = pytest.mark.django_db
Patch = Callable[[pytest.MonkeyPatch], None]
_reach, _shares = access.Scope.reach, access.shares


def _own_only_is_all(patch: pytest.MonkeyPatch) -> None:
    plain = access.Scope.__init__

    def init(self: Any, user: Any, rights: access.Rights) -> None:
        wide = tuple((codename, team, False, owner) for codename, team, _own, owner in rights.grants)
        plain(self, user, access.Rights(wide, rights.children, rights.roots, rights.groups, rights.hidden))

    patch.setattr(access.Scope, "__init__", init)


def _team_is_everybody(patch: pytest.MonkeyPatch) -> None:
    def reach(self: Any, action: str, entity: str) -> Any:
        found = _reach(self, action, entity)
        return access.Reach(everything=True) if found and found.teams else found

    patch.setattr(access.Scope, "reach", reach)


def _above_counts_as_below(patch: pytest.MonkeyPatch) -> None:
    def below(team: int, children: Any) -> frozenset[int]:
        return frozenset({team, *(t for found in children.values() for t in found)})

    patch.setattr(access, "_below", below)


def _shares_for_all(patch: pytest.MonkeyPatch) -> None:

    def shares(model: Any, scope: Any, action: str) -> Iterator[Any]:
        perms: Any = access.get_user_obj_perms_model(model._meta.concrete_model)
        if "object_pk" not in {f.name for f in perms._meta.get_fields()}:
            yield perms._default_manager.filter(permission__codename=f"{action}_{model._meta.concrete_model._meta.model_name}")

    patch.setattr(access, "shares", shares)


def _own_arm_open(patch: pytest.MonkeyPatch) -> None:
    def narrow(self: Any, rows: Any, scope: Any, action: str) -> Any:
        return rows if scope.reach(action, self.entity(rows.model)) else rows.none()

    patch.setattr(access.OwnedAccess, "filter", narrow)


def _rows_of_view(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(views.Crud, "rows", classmethod(lambda cls, request, action: cls.model.objects.visible_to(request.user, "view")))


def _choices_wide(patch: pytest.MonkeyPatch) -> None:
    plain = saving.FactsForm.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        for field in self.fields.values():
            rows = getattr(field, "queryset", None)
            if hasattr(rows, "unrestricted"):
                field.queryset = rows.model._default_manager.unrestricted()

    patch.setattr(saving.FactsForm, "__init__", init)


# name → (what is taken away, whose cells see it)
MUTANTS: dict[str, tuple[Patch, str]] = {
    "the verb is not asked": (lambda p: p.setattr(access.Scope, "reach", lambda self, action, entity: _reach(self, action, entity) or access.Reach()), "frieda"),
    "menus open what rows refuse": (lambda p: p.setattr(access.Scope, "may", lambda self, action, entity: True), "frieda"),
    "own records means the team's": (_own_only_is_all, "anna"),
    "a team means everybody": (_team_is_everybody, "anna"),
    "a team means all teams of the tree": (_above_counts_as_below, "anna"),
    "the own arm is open": (_own_arm_open, "anna"),
    "a share for viewing changes, too": (lambda p: p.setattr(access, "shares", lambda model, scope, action: _shares(model, scope, "view")), "anna"),
    "a share with one is a share with all": (_shares_for_all, "ben"),
    "a child without its parent": (lambda p: p.setattr(access.ThroughAccess, "filter", lambda self, rows, scope, action: rows), "anna"),
    "history without its source": (lambda p: p.setattr(subjects, "subject_visible", lambda user: Q()), "mia"),
    "pages without their verb": (lambda p: p.setattr(views.Gated, "dispatch", lambda self, request, *a, **k: super(views.Gated, self).dispatch(request, *a, **k)), "frieda"),
    "whoever sees may act": (_rows_of_view, "anna"),
    "whoever sees may export": (lambda p: p.setattr(views.GatedExport, "action", "view"), "sven"),
    "hidden fields are shown": (lambda p: p.setattr(access.Scope, "hidden_fields", lambda self, entity: frozenset()), "anna"),
    "the set-up is open": (lambda p: p.setattr(admin_site.LotseAdminSite, "has_permission", lambda self, request: bool(request.user.is_active)), "anna"),
    "the set-up does not ask the verb": (lambda p: p.setattr(admin_site.Gate, "_may", lambda self, request, verb: True), "reader"),
}


@pytest.mark.proof("access")
@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_seen(cast: Any, sign_in: Callable[[Any], Browser], figures: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    take_away, who = MUTANTS[name]
    walk = cells.begin(cast, sign_in, who)
    walk.browser.raise_request_exception = False
    take_away(monkeypatch)
    asked, found = 0, ""
    parts = [cells.product(walk), cells.set_up(walk)]
    for findings in chain(*(reversed(parts) if name.startswith("the set-up") else parts)):
        asked += 1
        if findings:
            found = findings[0]
            break
    figures.record(f"mutant “{name}”", found or "survived", goal=f"seen ({asked} cells)", holds=bool(found))


@pytest.mark.proof("access")
def test_foreign_ids_are_not_accepted(cast: Any, sign_in: Callable[[Any], Browser], figures: Any) -> None:
    world = build(cast)
    results = list(foreign_ids.tried(world, sign_in(cast.anna)))
    accepted = [f"{place}: {wrong}" for place, wrong in results if wrong]
    print(*accepted, sep="\n")
    figures.record("choices sent with a foreign record", len(results), "choices", goal="> 5", holds=len(results) > 5)
    figures.record("foreign records accepted", len(accepted), "choices", goal="0", holds=not accepted)


@pytest.mark.proof("access")
def test_mutant_wide_choices_is_seen(cast: Any, sign_in: Callable[[Any], Browser], figures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = build(cast)
    _choices_wide(monkeypatch)
    accepted = [place for place, wrong in foreign_ids.tried(world, sign_in(cast.anna)) if wrong]
    figures.record("mutant “forms offer everybody's records”", accepted[0] if accepted else "survived", goal="seen", holds=bool(accepted))


