"""The gate: `Model.objects.visible_to(user, action)` is the only way to rows, and everything else is derived from it (D3).

A user's rights are guardian rows on teams (written by `accounts.grants.sync_grants`, plus deputies) and guardian rows on single
records (shares). A `Scope` reads them once per request and expands the team tree in Python. Every arm — own, team, share — needs
the verb: without it the answer is no row at all, and a page answers 403.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, Value
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from crm.core.wiring import table

if TYPE_CHECKING:
    from crm.core.records import RecordQuerySet

Rows = TypeVar("Rows", bound="RecordQuerySet[Any]")  # whatever is narrowed stays what it is
FEW_SHARES = 10_000  # named in a statement as one array
VERBS = ("view", "add", "change", "delete", "export", "assign", "merge")


@dataclass(frozen=True)
class Entity:
    """One row of the rights matrix: `key` is the noun in codenames such as `view_opportunity`; `label` is shown to people."""

    key: str
    label: Any
    verbs: tuple[str, ...] = VERBS[:-1]  # what can be there twice names "merge", too


@dataclass(frozen=True)
class Reach:
    """How far one verb on one entity goes: everything, these teams, and the records of these owners — the user, and whom the user stands in for."""

    everything: bool = False
    teams: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()

    @property
    def rows(self) -> Q:
        """The rows with owner and team that the reach itself opens, shares left aside. Only where not `everything`."""
        own = Q(owner_id=next(iter(self.owners))) if len(self.owners) == 1 else Q(owner_id__in=sorted(self.owners))
        return own | Q(team_id__in=sorted(self.teams)) if self.teams else own

    @property
    def beyond(self) -> Q:
        """The opposite of `rows`. An empty owner makes `owner = me` unknown in SQL, so it is spelt out."""
        return (Q(owner_id__isnull=True) | ~Q(owner_id__in=sorted(self.owners))) & ~Q(team_id__in=sorted(self.teams))


@dataclass(frozen=True)
class Rights:
    """What the accounts app knows of one user, as plain values (see `accounts.rights.rights_of`).

    `grants` are (codename, team id, own only, whose own: the user's id, or that of an absent person the user stands in for);
    `children` maps a team to the teams below it; `roots` have no parent;
    `groups` are the role groups that shares may name; `hidden` maps an entity to the fields the user may not see;
    `starts` are the url names of the pages the user's roles begin with, in their order.
    """

    grants: tuple[tuple[str, int, bool, int], ...] = ()
    children: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    roots: frozenset[int] = frozenset()
    groups: tuple[int, ...] = ()
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    starts: tuple[str, ...] = ()


class Scope:
    """All rights of one user at one moment: codename → `Reach`."""

    def __init__(self, user: Any, rights: Rights) -> None:
        self.user = user
        self.user_id: int = user.pk
        self.superuser = bool(user.is_active and user.is_superuser)
        self.groups = rights.groups
        self.starts = rights.starts
        self._hidden = rights.hidden
        self._shared: dict[tuple[Any, str], tuple[frozenset[int] | None, Q]] = {}
        self._at: tuple[Any, frozenset[int]] | None = None
        self.kept: dict[str, Q] = {}  # conditions made of these rights, for as long as they hold
        self.reaches: dict[str, Reach] = {}
        for codename, team, own_only, owner in rights.grants:
            reach = self.reaches.get(codename, Reach(owners=frozenset({self.user_id})))
            everything, teams = reach.everything, reach.teams
            if not own_only:
                everything, teams = everything or team in rights.roots, teams | _below(team, rights.children)
            self.reaches[codename] = Reach(everything, teams, reach.owners | {owner})

    def reach(self, action: str, entity: str) -> Reach | None:
        """How far the verb goes, or None if the user does not hold it."""
        if self.superuser:
            return Reach(everything=True)
        return self.reaches.get(f"{action}_{entity}")

    def eyes(self) -> str:
        """What this user may view, as a digest that stays the same while nothing of it changes."""
        reaches = [(name, reach.everything, sorted(reach.teams), sorted(reach.owners)) for name, reach in sorted(self.reaches.items()) if name.startswith("view_")]
        hidden = [(entity, sorted(fields)) for entity, fields in sorted(self._hidden.items())]
        return hashlib.sha256(repr((self.user_id, self.superuser, reaches, hidden)).encode()).hexdigest()

    def may(self, action: str, entity: str) -> bool:
        """Does the user hold the verb at all? Decides menus and 403."""
        return self.reach(action, entity) is not None

    def forget_shares(self) -> None:
        """Read them anew the next time."""
        self._shared.clear()
        self.kept.clear()

    def shared_rows(self, model: type[models.Model], action: str) -> Q:
        """The rows that shares open. A few are named by their keys, so that Postgres can find them by index: for whoever sees three rows
        of a million the plan is three look-ups. Many are asked for row by row. Read once, like all of the scope."""
        concrete = model._meta.concrete_model
        if (concrete, action) not in self._shared:
            self._shared[concrete, action] = self._read_shared(model, action)
        keys, condition = self._shared[concrete, action]
        if keys is None or self._at is None or self._at[0] is not concrete:
            return condition
        return Q(pk__any=array_of(keys & self._at[1]))

    def at(self, model: type[models.Model], keys: Iterable[int]) -> Scope:
        """The same rights, asked about these rows of `model` alone: no more of its shares are named than are among them. Postgres weighs each key
        of a statement: some thousand take longer than a page of rows."""
        near = copy(self)
        near._at, near.kept = (model._meta.concrete_model, frozenset(keys)), {}
        return near

    def _read_shared(self, model: type[models.Model], action: str) -> tuple[frozenset[int] | None, Q]:
        kinds = list(shares(model, self, action))
        if not kinds:
            return frozenset(), Q(pk__in=[])
        keys = [rows.order_by().values_list("content_object_id", flat=True)[: FEW_SHARES + 1] for rows in kinds]
        found = frozenset(keys[0].union(*keys[1:], all=True))
        if len(found) <= FEW_SHARES:
            return found, Q(pk__any=array_of(sorted(found)))
        many = Q(pk__in=[])
        for rows in kinds:
            many |= Q(Exists(rows.filter(content_object=OuterRef("pk"))))
        return None, many

    def hidden_fields(self, entity: str) -> frozenset[str]:
        """Fields of the entity that none of the user's roles shows."""
        return frozenset() if self.superuser else self._hidden.get(entity, frozenset())


def _below(team: int, children: Mapping[int, tuple[int, ...]]) -> frozenset[int]:
    """The team and all teams under it."""
    found, waiting = set(), [team]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(children.get(current, ()))
    return frozenset(found)


_scopes: ContextVar[dict[int, Scope] | None] = ContextVar("scopes", default=None)


class one_request:
    """Within this block each user's rights are read once. Opened per request by the middleware; tasks and tests read afresh."""

    def __enter__(self) -> None:
        self._token = _scopes.set({})

    def __exit__(self, *_: object) -> None:
        _scopes.reset(self._token)


def forget_shares() -> None:
    """Drop what this request has read of shares, after one was given or taken."""
    for scope in (_scopes.get() or {}).values():
        scope.forget_shares()


def forget_scopes() -> None:
    """Drop what this request has read of rights, after changing them."""
    known = _scopes.get()
    if known is not None:
        known.clear()


def scope_of(user: Any) -> Scope:
    """The user's rights now. An inactive or anonymous user has none."""
    if user.pk is None or not user.is_active:
        return Scope(_Nobody(), Rights())
    known = _scopes.get()
    if known is not None and user.pk in known:
        return known[user.pk]
    scope = Scope(user, table("LOTSE_RIGHTS")(user))
    if known is not None:
        known[user.pk] = scope
    return scope


class _Nobody:
    pk = 0
    is_active = False
    is_superuser = False


@models.Field.register_lookup
class AnyOf(models.Lookup):  # type: ignore[type-arg]  # generic in the stubs alone
    """`key = ANY(array)`: very many keys as one text that Postgres reads at once and finds by index; `__in` sends each by itself. Keys by the
    thousand are given as that text (`array_of`): Django looks at each element of a list whenever a statement is made of it."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        keys = self.rhs if isinstance(self.rhs, str) else array_of(self.rhs)
        if keys in ("{}", ""):
            raise EmptyResultSet
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s::bigint[])", [*params, keys]


def array_of(keys: Iterable[int]) -> str:
    """Keys as Postgres writes an array."""
    return f"{{{','.join(str(int(key)) for key in keys)}}}"


class Access(Protocol):
    """How the rows of one model are narrowed. Each model names one as its attribute `access`."""

    def entity(self, model: type[models.Model]) -> str: ...

    def filter(self, rows: Rows, scope: Scope, action: str) -> Rows: ...


class OwnedAccess:
    """Rows with owner and team: the user's own, those of reached teams, and those shared with the user or one of the roles.

    `entity` names the row of the matrix that governs the model; without one it has a row of its own.
    """

    def __init__(self, entity: str = "") -> None:
        self._entity = entity

    def entity(self, model: type[models.Model]) -> str:
        return self._entity or str(model._meta.concrete_model._meta.model_name)  # type: ignore[union-attr]

    def filter(self, rows: Rows, scope: Scope, action: str) -> Rows:
        condition = self.condition(rows.model, scope, action)
        if condition is None:
            return rows.none()
        return rows.filter(condition) if condition else rows

    def condition(self, model: type[models.Model], scope: Scope, action: str) -> Q | None:
        """What a row must be: empty where everything is reached, None where the verb is not held."""
        reach = scope.reach(action, self.entity(model))
        if reach is None:
            return None
        return Q() if reach.everything else reach.rows | scope.shared_rows(model, action)


class ThroughAccess:
    """A child is visible exactly when its parents are; writing it needs their `change`."""

    def __init__(self, *parents: str) -> None:
        self.parents = parents

    def entity(self, model: type[models.Model]) -> str:
        return entity_of(model._meta.get_field(self.parents[0]).related_model)  # type: ignore[arg-type]

    def filter(self, rows: Rows, scope: Scope, action: str) -> Rows:
        on_parent = parent_action(action)
        for name in self.parents:
            key: Any = rows.model._meta.get_field(name)
            seen = key.related_model.objects.visible_to(scope.user, on_parent)
            if seen.query.where or not key.db_constraint:  # a ledger may name parents that are gone
                rows = rows.filter(**{f"{name}__in": seen})
            elif key.null:  # all parents are seen: none is looked up
                rows = rows.filter(**{f"{name}__isnull": False})
        return rows

    def hangs_on(self, model: type[models.Model], records: Mapping[type[models.Model], Collection[int]]) -> Q:
        """The rows of `model` one of whose parents is among `records`, given by their keys."""
        found = Q(pk__in=())
        for name in self.parents:
            parent: Any = model._meta.get_field(name).related_model
            found |= Q(**{f"{name}__in": records.get(parent._meta.concrete_model, ())})
        return found


def sees(user: Any, model: type[models.Model], key: str, action: str = "view") -> Any:
    """Expression over a row: may the user do this to what its key to `model` names? Whoever may do it to all of them has none looked up: where
    Postgres expects many rows it would first gather all keys there are."""
    parents = model.objects.visible_to(user, action)  # type: ignore[attr-defined]  # a record, by its manager; a plain model does not promise one
    return Exists(parents.filter(pk=OuterRef(key))) if parents.query.where else Q(**{f"{key}__isnull": False})


def sees_beside(user: Any, model: Any, path: str = "", action: str = "view", among: Collection[int] | None = None) -> Any:
    """What `sees` says, of a record with owner and team that is joined anyway (`path`; the row itself without one), to be shown and not to be
    filtered by: read off its columns. Planning the subquery of a reader with thousands of shares takes longer than a page of rows. What is empty
    counts as no. `among` are the keys of the rows, where they are known."""
    scope = scope_of(user) if among is None else scope_of(user).at(model, among)
    condition: Q | None = model.access.condition(model, scope, action)
    if condition is None:
        return Value(False)
    if any(isinstance(part, Exists) for part in condition.flatten()):  # so many shares that each is asked for
        return sees(user, model, path or "pk", action)
    beside = _behind(condition or Q(pk__isnull=False), f"{path}__" if path else "")
    return ExpressionWrapper(beside, output_field=BooleanField())


def _behind(condition: Q, path: str) -> Q:
    parts: list[Any] = condition.children
    moved = [_behind(part, path) if isinstance(part, Q) else (f"{path}{part[0]}", part[1]) for part in parts]
    return Q(*moved, _connector=condition.connector, _negated=condition.negated)


def parent_action(action: str) -> str:
    """What somebody must be allowed on the parent to do `action` on its child."""
    return "view" if action in {"view", "export"} else "change"


class ReferenceAccess:
    """Reference data: everyone signed in may read it; changing it needs the verb on `entity` (default: set-up)."""

    def __init__(self, entity: str = "setup", *, open_to_read: bool = True) -> None:
        self._entity = entity
        self.open_to_read = open_to_read

    def entity(self, model: type[models.Model]) -> str:
        return self._entity

    def filter(self, rows: Rows, scope: Scope, action: str) -> Rows:
        if action == "view" and self.open_to_read:
            return rows if scope.user_id else rows.none()
        return rows if scope.may(action, self._entity) else rows.none()


class MineAccess:
    """Rows that belong to one user and nobody else: notifications, saved settings, subscriptions. `user_field` names the person."""

    def __init__(self, user_field: str = "user") -> None:
        self.user_field = user_field

    def entity(self, model: type[models.Model]) -> str:
        return ""  # no row of the matrix: nobody grants it, nobody takes it away

    def filter(self, rows: Rows, scope: Scope, action: str) -> Rows:
        return rows.filter(**{self.user_field: scope.user_id})


def entity_of(model: type[models.Model]) -> str:
    """The matrix row that governs a model, for instance "party" for `Person`."""
    access: Access = model.access  # type: ignore[attr-defined]
    return access.entity(model)


def may(user: Any, action: str, model: type[models.Model]) -> bool:
    """Does the user hold the verb for this model at all? False means 403."""
    access: Access = model.access  # type: ignore[attr-defined]
    if isinstance(access, MineAccess):
        return bool(user.is_active)
    scope = scope_of(user)
    if isinstance(access, ReferenceAccess) and action == "view" and access.open_to_read:
        return bool(scope.user_id)
    if isinstance(access, ThroughAccess):
        action = parent_action(action)
    return scope.may(action, access.entity(model))


def seen_row(user: Any, model: Any, key: Any) -> Any:
    """The record with this key, None where the user sees none: to name what another record hangs on."""
    manager = model._default_manager
    rows = manager.visible_to(user) if hasattr(manager, "visible_to") else manager.all()
    return rows.filter(pk=key).first()


def hidden_fields(user: Any, model: type[models.Model]) -> frozenset[str]:
    """Field names of `model` that this user may not see in columns, forms, details, filters, sorting or exports."""
    return scope_of(user).hidden_fields(entity_of(model))


def shares(model: type[models.Model], scope: Scope, action: str) -> Iterable[models.QuerySet[Any]]:
    """guardian's direct-FK rows that open single records of `model` for this user or one of the user's roles."""
    concrete = model._meta.concrete_model
    assert concrete is not None
    codename = f"{action}_{concrete._meta.model_name}"
    for perms, who in (
        (get_user_obj_perms_model(concrete), {"user_id": scope.user_id}),  # type: ignore[arg-type]
        (get_group_obj_perms_model(concrete), {"group_id__in": scope.groups}),  # type: ignore[arg-type]
    ):
        if "object_pk" not in {f.name for f in perms._meta.get_fields()}:  # the generic table never holds our grants
            yield perms._default_manager.filter(permission__codename=codename, **who)
