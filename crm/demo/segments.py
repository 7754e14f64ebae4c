"""Three segments marketing of the demo works with, and the rights it needs for their words."""

from __future__ import annotations

from accounts.models import Role, RoleRight, User
from accounts.services import set_rights
from campaigns.segments.services import create_segment
from contacts.models import Industry
from crm.core.conditions import Tree

SEES = ("opportunity", "case")  # who bought and who complained is what a segment asks; out of the box marketing does not see it


def let_marketing_see(by: User) -> None:
    """The CRM manager of this house lets marketing see opportunities and cases."""
    role = Role.objects.get(key="marketing")
    held = {(right.entity, right.verb): right.reach for right in RoleRight.objects.filter(role=role)}
    set_rights(role, {**held, **{(entity, "view"): "all" for entity in SEES}}, set(), by=by)


def write_segments(by: User) -> int:
    """The segments; answers how many."""
    machines = [str(pk) for pk in Industry.objects.filter(key__in=["mechanical", "furniture"]).values_list("pk", flat=True)]
    told: list[tuple[str, str, Tree]] = [
        (
            "Ansprechpartner im Maschinen- und Möbelbau, ohne Beschwerde", "Einladung zur Hausmesse",
            {"all": [
                {"all": [{"field": "kind", "op": "in", "value": ["person"]}, {"field": "industry", "op": "in", "value": machines}]},
                {"not": {"any": [{"related": "case", "measure": "count", "op": "at_least", "value": 1, "where": {"all": [
                    {"field": "type", "op": "in", "value": ["complaint"]}, {"field": "opened_at", "op": "within", "value": 90},
                ]}}]}},
            ]},
        ),
        (
            "Gute Kunden, lange nicht gesprochen", "Anruf oder Brief der Betreuung",
            {"all": [{"all": [
                {"field": "kind", "op": "in", "value": ["organisation"]}, {"related": "purchase", "measure": "amount", "op": "at_least", "value": "50000"},
                {"field": "last_contact", "op": "ago", "value": 90},
            ]}]},
        ),
        (
            "Interessenten mit offener Chance", "Referenzen und Einladung zur Vorführung",
            {"all": [{"all": [
                {"field": "state", "op": "in", "value": ["prospect"]}, {"related": "opportunity", "measure": "count", "op": "at_least", "value": 1, "where": {"all": [{"field": "state", "op": "in", "value": ["open"]}]}},
            ]}]},
        ),
    ]  # fmt: skip
    for name, note, tree in told:
        create_segment(by=by, name=name, note=note, tree=tree)
    return len(told)
