"""The gate against people: exact sets, both sides, through every arm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.grants import sync_grants
from accounts.models import FieldRule, Membership, Role, RoleRight, Team, TeamUserPerm, User
from accounts.services import add_deputy
from contacts.models import EmailAddress, Party, Task
from crm.core.access import hidden_fields, may, one_request, scope_of, sees, sees_beside
from crm.core.subjects import name_subject
from sales.models import Opportunity
from tests.factories import EmailFactory, InteractionFactory, OpportunityFactory, PersonFactory, TaskFactory, grant_share

pytestmark = pytest.mark.django_db


def names(rows: Any) -> set[str]:
    return set(rows.values_list("last_name", flat=True))


@pytest.fixture
def people(cast: Any) -> Any:
    """One contact per owner: anna and ben in Nord, david in Süd, and a vacant one of the firm."""
    PersonFactory(last_name="A", owner=cast.anna)
    PersonFactory(last_name="B", owner=cast.ben)
    PersonFactory(last_name="D", owner=cast.david)
    PersonFactory(last_name="0", owner=None, team=cast.firm.root)
    return cast


def test_each_sees_exactly_what_the_matrix_says(people: Any) -> None:
    seen = {name: names(Party.objects.visible_to(getattr(people, name))) for name in ("anna", "ben", "clara", "david", "mia", "greta", "emil", "frieda")}
    assert seen == {
        "anna": {"A", "B"},
        "ben": {"A", "B"},
        "clara": {"A", "B"},
        "david": {"D"},
        "mia": {"A", "B", "D", "0"},
        "greta": {"A", "B", "D", "0"},
        "emil": {"A", "B", "D", "0"},
        "frieda": set(),
    }


def test_own_is_narrower_than_team(people: Any) -> None:
    assert names(Party.objects.visible_to(people.anna, "delete")) == {"A"}
    assert names(Party.objects.visible_to(people.clara, "delete")) == {"A", "B"}
    assert names(Party.objects.visible_to(people.greta, "change")) == set()


def test_the_own_arm_needs_the_verb_too(people: Any) -> None:
    """Frieda owns a contact but holds no verb: it stays closed to her."""
    PersonFactory(last_name="F", owner=people.frieda)
    assert names(Party.objects.visible_to(people.frieda)) == set()
    assert not may(people.frieda, "view", Party)


def test_a_team_right_reaches_the_teams_below(people: Any) -> None:
    below = Team.objects.create(name="Nord-West", parent=people.firm.north)
    PersonFactory(last_name="W", team=below)
    assert names(Party.objects.visible_to(people.anna)) == {"A", "B", "W"}
    assert names(Party.objects.visible_to(people.david)) == {"D"}


def test_a_share_opens_one_record_for_one_person(people: Any) -> None:
    d = Party.objects.get(last_name="D")
    grant_share(d, people.anna)
    assert names(Party.objects.visible_to(people.anna)) == {"A", "B", "D"}
    assert names(Party.objects.visible_to(people.anna, "change")) == {"A", "B"}
    assert names(Party.objects.visible_to(people.ben)) == {"A", "B"}


def test_a_share_does_not_give_the_verb(people: Any) -> None:
    grant_share(Party.objects.get(last_name="A"), people.frieda)
    assert names(Party.objects.visible_to(people.frieda)) == set()


def test_a_share_with_a_role_ends_with_the_role(people: Any) -> None:
    from contacts.models import PartyGroupPerm

    d = Party.objects.get(last_name="D")
    role = Role.objects.get(key="rep")
    permission = Permission.objects.get(content_type=ContentType.objects.get_for_model(Party), codename="view_party")
    PartyGroupPerm.objects.create(group=role.group, permission=permission, content_object_id=d.pk)
    assert "D" in names(Party.objects.visible_to(people.anna))
    Membership.objects.filter(user=people.anna).delete()
    Membership.objects.create(user=people.anna, team=people.firm.north, role=Role.objects.get(key="lead"))
    sync_grants([people.anna])
    assert names(Party.objects.visible_to(people.anna)) == {"A", "B"}


def test_a_deputy_survives_a_sync_and_ends_in_time(people: Any) -> None:
    permission = Permission.objects.get(content_type=ContentType.objects.get_for_model(Team), codename="view_party")
    row = TeamUserPerm.objects.create(user=people.anna, permission=permission, content_object=people.firm.south, source="deputy", until=timezone.now() + timedelta(hours=1))
    sync_grants()
    assert names(Party.objects.visible_to(people.anna)) == {"A", "B", "D"}
    TeamUserPerm.objects.filter(pk=row.pk).update(until=timezone.now() - timedelta(seconds=1))
    assert names(Party.objects.visible_to(people.anna)) == {"A", "B"}


def test_the_inactive_see_nothing_at_once(people: Any) -> None:
    User.objects.filter(pk=people.anna.pk).update(is_active=False)
    assert names(Party.objects.visible_to(User.objects.get(pk=people.anna.pk))) == set()


def test_a_superuser_sees_all(people: Any) -> None:
    people.frieda.is_superuser = True
    assert names(Party.objects.visible_to(people.frieda)) == {"A", "B", "D", "0"}


def test_a_group_with_a_model_permission_opens_nothing(people: Any) -> None:
    """Roles hold no model permission; if somebody adds one by hand, the gate does not read it (D3)."""
    from django.contrib.auth.models import Group

    group = Group.objects.create(name="by hand")
    group.permissions.set(Permission.objects.filter(codename="view_party"))
    people.frieda.groups.add(group)
    assert names(Party.objects.visible_to(people.frieda)) == set()
    assert not people.frieda.has_perm("contacts.view_party", Party.objects.first())


def test_children_follow_their_parent(people: Any) -> None:
    for name in "AD":
        EmailFactory(party=Party.objects.get(last_name=name))
    seen = EmailAddress.objects.visible_to(people.anna)
    assert {email.party.last_name for email in seen} == {"A"}


def test_history_needs_party_and_source(people: Any) -> None:
    """Sven may see every contact and every opportunity; mia sees contacts, but no opportunity: its line stays hidden from her."""
    from contacts.models import Interaction

    party = Party.objects.get(last_name="A")
    opportunity = OpportunityFactory(party=party, owner=people.anna)
    plain = InteractionFactory(party=party)
    sourced = InteractionFactory(party=party, **name_subject(opportunity))
    assert set(Interaction.objects.visible_to(people.mia)) == {plain}
    assert set(Interaction.objects.visible_to(people.sven)) == {plain, sourced}
    assert set(Interaction.objects.visible_to(people.david)) == set()


def test_a_task_is_always_seen_by_who_has_to_do_it(people: Any) -> None:
    task = TaskFactory(party=Party.objects.get(last_name="A"), owner=people.david)
    assert set(Task.objects.visible_to(people.david)) == {task}
    assert set(Task.objects.visible_to(people.greta)) == {task}
    assert set(Task.objects.visible_to(people.frieda)) == set()


def test_a_field_is_hidden_only_if_every_role_hides_it(people: Any) -> None:
    rep, lead = Role.objects.get(key="rep"), Role.objects.get(key="lead")
    FieldRule.objects.create(role=rep, entity="opportunity", field="amount")
    assert hidden_fields(people.anna, Opportunity) == {"amount"}
    Membership.objects.create(user=people.anna, team=people.firm.north, role=lead)
    assert hidden_fields(people.anna, Opportunity) == frozenset()


def test_a_role_that_never_sees_a_record_shows_none_of_its_fields(people: Any) -> None:
    rep, marketing = Role.objects.get(key="rep"), Role.objects.get(key="marketing")
    FieldRule.objects.create(role=rep, entity="opportunity", field="amount")
    Membership.objects.create(user=people.anna, team=people.firm.north, role=marketing)
    assert hidden_fields(people.anna, Opportunity) == {"amount"}


def test_a_deputy_does_the_work_of_the_absent_and_sees_no_more(people: Any) -> None:
    """Frieda stands in for anna: anna's own opportunities can be changed, ben's cannot, and what anna does not see stays hidden."""
    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="opportunity", field="amount")
    hers, his = OpportunityFactory(owner=people.anna), OpportunityFactory(owner=people.ben)
    add_deputy(people.anna, people.frieda, timezone.localdate(), by=people.emil)
    assert hers in Opportunity.objects.visible_to(people.frieda, "change") and his not in Opportunity.objects.visible_to(people.frieda, "change")
    assert his in Opportunity.objects.visible_to(people.frieda)
    assert hidden_fields(people.frieda, Opportunity) == {"amount"}


def test_has_perm_and_the_gate_never_disagree(people: Any) -> None:
    for user in User.objects.all():
        for action in ("view", "change", "delete"):
            seen = set(Party.objects.visible_to(user, action))
            assert {party for party in Party.objects.unrestricted() if user.has_perm(f"contacts.{action}_party", party)} == seen


def test_rights_are_read_once_per_request(people: Any, django_assert_max_num_queries: Any) -> None:
    with one_request():
        list(Party.objects.visible_to(people.anna))
        with django_assert_max_num_queries(1):
            list(Party.objects.visible_to(people.anna))


def test_the_widest_reach_wins_where_roles_meet(people: Any) -> None:
    Membership.objects.create(user=people.anna, team=people.firm.south, role=Role.objects.get(key="lead"))
    sync_grants([people.anna])
    assert names(Party.objects.visible_to(people.anna, "delete")) == {"A", "D"}


def test_removing_a_right_removes_its_grants(people: Any) -> None:
    RoleRight.objects.filter(role__key="rep", entity="party", verb="view").delete()
    sync_grants()
    assert names(Party.objects.visible_to(people.anna)) == set()
    assert sync_grants() == 0


def test_many_shares_open_what_few_shares_open(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond FEW_SHARES they are asked for row by row: another plan, the same rows."""
    shared = [PersonFactory(owner=cast.david, team=cast.david.team) for _ in range(3)]
    PersonFactory(owner=cast.david, team=cast.david.team)
    for record in shared:
        grant_share(record, cast.anna)
    few = set(Party.objects.visible_to(cast.anna).values_list("pk", flat=True))
    assert "ANY" in str(Party.objects.visible_to(cast.anna).query)
    monkeypatch.setattr("crm.core.access.FEW_SHARES", 2)
    many = Party.objects.visible_to(cast.anna)
    assert "ANY" not in str(many.query) and set(many.values_list("pk", flat=True)) == few >= {record.pk for record in shared}


def test_whoever_sees_all_parents_has_none_looked_up(people: Any) -> None:
    """The mark beside a child says what the gate says, for everybody; without a reach over everything it asks row by row."""
    grant_share(Party.objects.get(last_name="D"), people.anna)
    grant_share(Party.objects.get(last_name="0"), people.ben)
    rows = [OpportunityFactory(party=party, owner=party.owner, team=party.team) for party in Party.objects.all()]
    rows.append(OpportunityFactory(party=None, owner=people.anna, team=people.anna.team))
    for who in (people.anna, people.ben, people.david, people.mia, people.greta, people.frieda):
        visible = set(Party.objects.visible_to(who).values_list("pk", flat=True))
        marked = Opportunity.objects.annotate(seen=sees(who, Party, "party"))
        assert {row.pk: row.seen for row in marked} == {row.pk: row.party_id in visible for row in rows}
        assert set(marked.filter(seen=True)) == {row for row in rows if row.party_id in visible}
        assert ("EXISTS" in str(marked.query)) == (0 < len(visible) < len(rows) - 1)


@pytest.mark.parametrize("few", [10_000, 0])
@pytest.mark.parametrize("action", ["view", "change"])
def test_beside_a_row_stands_what_the_gate_says(people: Any, monkeypatch: pytest.MonkeyPatch, action: str, few: int) -> None:
    """Read off the columns of a joined contact, or of the contact itself, and of very many shares asked for each: the same, for everybody."""
    monkeypatch.setattr("crm.core.access.FEW_SHARES", few)
    for verb in ("view", "change"):
        grant_share(Party.objects.get(last_name="D"), people.anna, verb)
    grant_share(Party.objects.get(last_name="0"), people.ben)
    rows = [OpportunityFactory(party=party, owner=party.owner, team=party.team) for party in Party.objects.all()]
    rows.append(OpportunityFactory(party=None, owner=people.anna, team=people.anna.team))
    for who in (people.anna, people.ben, people.david, people.mia, people.greta, people.frieda):
        reachable = set(Party.objects.visible_to(who, action).values_list("pk", flat=True))
        beside = Opportunity.objects.annotate(seen=sees_beside(who, Party, "party", action)).values_list("party_id", "seen")
        assert {key: bool(seen) for key, seen in beside} == {row.party_id: row.party_id in reachable for row in rows}
        itself = Party.objects.annotate(seen=sees_beside(who, Party, action=action)).values_list("pk", "seen")
        assert {key for key, seen in itself if seen} == reachable


@pytest.mark.parametrize("few", [10_000, 0])
@pytest.mark.parametrize("action", ["view", "change"])
def test_asked_about_known_rows_the_gate_says_the_same(people: Any, monkeypatch: pytest.MonkeyPatch, action: str, few: int) -> None:
    """Among these keys, those the gate lets through and no other; of the shares only what is among them is named in the statement."""
    monkeypatch.setattr("crm.core.access.FEW_SHARES", few)
    shared = [PersonFactory(last_name=f"S{number}", owner=people.david, team=people.david.team) for number in range(30)]
    for record in shared:
        for verb in ("view", "change"):
            grant_share(record, people.anna, verb)
    every = list(Party.objects.values_list("pk", flat=True))
    some = [shared[0].pk, *Party.objects.filter(last_name__in=["A", "D", "0"]).values_list("pk", flat=True)]
    with one_request():
        for who in (people.anna, people.ben, people.david, people.mia, people.greta, people.frieda):
            reachable = set(Party.objects.visible_to(who, action).values_list("pk", flat=True))
            for keys in (some, every, []):
                narrowed = Party.objects.visible_to(who, action, among=keys)
                assert set(narrowed.values_list("pk", flat=True)) == reachable & set(keys)
                beside = Party.objects.filter(pk__in=keys).annotate(seen=sees_beside(who, Party, action=action, among=keys))
                assert {row.pk for row in beside if row.seen} == reachable & set(keys)
            assert set(Party.objects.visible_to(who, action).values_list("pk", flat=True)) == reachable, "and the next question is about all again"
        if few:
            assert str(shared[1].pk) not in str(Party.objects.visible_to(people.anna, action, among=some).query)


def test_known_rows_of_one_kind_narrow_no_shares_of_another(people: Any) -> None:
    """The contacts of a page name opportunities that were shared: those are asked for with their own keys."""
    chance = OpportunityFactory(owner=people.david, team=people.david.team)
    grant_share(chance, people.anna)
    with one_request():
        near = scope_of(people.anna).at(Party, [chance.pk + 1])
        assert Opportunity.objects.filter(near.shared_rows(Opportunity, "view")).get() == chance
