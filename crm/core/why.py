"""Why somebody can or cannot see a record: the arms of the gate, said in words (D3). Explains, never decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from crm.core.access import OwnedAccess, scope_of, shares

VERBS = ("view", "change", "delete")


@dataclass(frozen=True)
class Verdict:
    """One verb: does it hold for this record, and the reasons in words."""

    action: str
    label: str
    holds: bool
    reasons: list[str]


def explain(record: models.Model, user: Any) -> list[Verdict]:
    """For each verb on an owned record: yes or no, and why. `holds` is the gate's own answer; the reasons come from its arms."""
    labels = {"view": _("see"), "change": _("change"), "delete": _("delete")}
    manager: Any = type(record)._default_manager
    return [Verdict(verb, labels[verb], manager.visible_to(user, verb).filter(pk=record.pk).exists(), _reasons(record, user, verb)) for verb in VERBS]


def _reasons(record: Any, user: Any, verb: str) -> list[str]:
    access = record.access
    assert isinstance(access, OwnedAccess)
    if not user.is_active:
        return [_("The account is not active.")]
    scope = scope_of(user)
    if scope.superuser:
        return [_("Superusers may do everything; it is logged.")]
    reach = scope.reach(verb, access.entity(type(record)))
    if reach is None:
        return [_("No role allows this at all. A share would not help either.")]
    found = []
    if reach.everything:
        found.append(_("A role allows it for all records."))
    elif record.team_id in reach.teams:
        found.append(_("A role allows it for the records of team “%(team)s”.") % {"team": record.team})
    if record.owner_id == user.pk:
        found.append(_("The record is theirs: they are its owner."))
    elif record.owner_id in reach.owners:
        found.append(_("They stand in for %(owner)s, who owns the record.") % {"owner": record.owner})
    for rows in shares(type(record), scope, verb):
        for share in rows.filter(content_object=record.pk):
            group = getattr(share, "group", None)
            found.append(_("It is shared with everyone in the role “%(role)s”.") % {"role": getattr(group, "role", group)} if group else _("It is shared with this person."))
    if found:
        return found
    teams = _("nobody's records but their own") if not reach.teams else _("other teams")
    return [
        _("A role allows it for %(reach)s, but this record belongs to team “%(team)s” and to %(owner)s, and it is not shared.")
        % {"reach": teams, "team": record.team, "owner": record.owner or _("nobody")}
    ]
