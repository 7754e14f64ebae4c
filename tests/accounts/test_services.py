"""Users and their sessions: invited, switched off and on, moved; every write is labelled."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils import timezone, translation

from accounts import services
from accounts.models import Deputy, FieldRule, Role, TeamUserPerm, User
from contacts.models import Party
from crm.core import formats
from crm.core.access import hidden_fields, scope_of
from crm.core.errors import RuleBroken
from crm.core.mail.kinds import kind_of
from crm.core.models import Change, OutgoingMail

pytestmark = pytest.mark.django_db


def invite(cast: Any, email: str = "Nora.Neu@Lotse.test", **facts: Any) -> User:
    return services.invite_user(by=cast.emil, email=email, first_name="Nora", last_name="Neu", team=cast.firm.north, role=Role.objects.get(key="rep"), **facts)


@pytest.mark.parametrize(("language", "heading"), [("de", ""), ("en", "Your access to Lotse")])
def test_an_invited_person_chooses_a_password_and_is_in(cast: Any, client: Any, language: str, heading: str) -> None:
    nora = invite(cast, language=language)
    mail = OutgoingMail.objects.get(user=nora)
    assert not heading or mail.heading == heading
    link = re.search(r"https?://\S+", mail.body).group().removeprefix("http://localhost:8000")  # type: ignore[union-attr]
    page = client.get(link, follow=True)
    form = page.redirect_chain[-1][0]
    client.post(form, {"password1": "ein langer Satz 7", "password2": "ein langer Satz 7"})
    assert client.post(reverse("account_login"), {"login": "nora.neu@lotse.test", "password": "ein langer Satz 7"}).status_code == 302
    assert client.get(reverse("notifications")).status_code == 200
    client.logout()
    assert "form" not in client.get(link, follow=True).context or client.get(link, follow=True).context["token_fail"], "the link works once"
    assert EmailAddress.objects.get(user=nora).verified and scope_of(nora).may("view", "opportunity")


def test_an_address_belongs_to_one_person(cast: Any) -> None:
    with pytest.raises(RuleBroken):
        invite(cast, email="ANNA@lotse.test")
    services.change_email(cast.anna, "anna.neu@lotse.test", by=cast.emil)
    assert invite(cast, email="anna@lotse.test").email == "anna@lotse.test"


def test_switching_off_ends_everything_at_once_and_on_restores_the_roles(cast: Any, sign_in: Any) -> None:
    anna = sign_in(cast.anna)
    services.add_deputy(cast.ben, cast.anna, timezone.localdate(), by=cast.emil)
    services.deactivate_user(cast.anna, by=cast.emil)
    assert anna.get(reverse("notifications")).status_code == 302
    assert not scope_of(User.objects.get(pk=cast.anna.pk)).reaches
    assert not TeamUserPerm.objects.filter(user=cast.anna).exists() and not Deputy.objects.exists()
    assert not cast.anna.groups.exists()
    services.activate_user(cast.anna, by=cast.emil)
    assert scope_of(cast.anna).may("view", "opportunity")
    assert anna.get(reverse("notifications")).status_code == 302, "the old session stays ended"


def test_nobody_switches_themselves_off_nor_takes_the_last_key_away(cast: Any) -> None:
    with pytest.raises(RuleBroken):
        services.deactivate_user(cast.emil, by=cast.emil)
    with pytest.raises(RuleBroken):
        services.deactivate_user(cast.emil, by=cast.greta)
    with pytest.raises(RuleBroken):
        services.set_memberships(cast.emil, [], by=cast.emil)
    assert scope_of(User.objects.get(pk=cast.emil.pk)).may("change", "setup")


def test_sessions_end_with_roles_address_and_password(cast: Any, sign_in: Any) -> None:
    notes = reverse("notifications")
    rep, lead = Role.objects.get(key="rep"), Role.objects.get(key="lead")
    browser = sign_in(cast.anna)
    services.set_memberships(cast.anna, [(cast.firm.north, rep)], by=cast.emil)
    assert browser.get(notes).status_code == 200, "nothing changed"
    services.set_memberships(cast.anna, [(cast.firm.north, lead)], by=cast.emil)
    assert browser.get(notes).status_code == 302
    browser = sign_in(User.objects.get(pk=cast.anna.pk))
    services.change_email(cast.anna, "a@lotse.test", by=cast.emil)
    assert browser.get(notes).status_code == 302
    browser = sign_in(User.objects.get(pk=cast.anna.pk))
    cast.anna.set_password("ein langer Satz 7")
    cast.anna.save()
    assert browser.get(notes).status_code == 302


def test_a_field_is_hidden_only_if_every_role_hides_it(cast: Any) -> None:
    rep, lead = Role.objects.get(key="rep"), Role.objects.get(key="lead")
    rights = {(cell.entity, cell.verb): cell.reach for cell in rep.rights.all()}
    services.set_rights(rep, rights, [("party", "revenue")], by=cast.emil)
    assert hidden_fields(cast.anna, Party) == {"revenue"} and hidden_fields(cast.clara, Party) == frozenset()
    services.set_memberships(cast.anna, [(cast.firm.north, rep), (cast.firm.north, lead)], by=cast.emil)
    assert hidden_fields(cast.anna, Party) == frozenset()
    services.set_rights(rep, rights, [], by=cast.emil)
    assert not FieldRule.objects.exists()


def test_every_change_is_labelled(cast: Any) -> None:
    before = set(Change.objects.values_list("pk", flat=True))
    nora = invite(cast)
    services.set_memberships(nora, [(cast.firm.south, Role.objects.get(key="lead"))], by=cast.emil)
    services.add_deputy(nora, cast.ben, timezone.localdate(), by=cast.emil)
    services.change_email(nora, "n@lotse.test", by=cast.emil)
    services.deactivate_user(nora, by=cast.emil)
    services.activate_user(nora, by=cast.emil)
    role = services.create_role(by=cast.emil, label_de="Neu", label_en="New", like=Role.objects.get(key="rep"))
    services.set_rights(role, {("party", "view"): "all"}, [], by=cast.emil)
    fresh = Change.objects.exclude(pk__in=before)
    assert fresh.count() > 20
    assert set(fresh.values_list("origin", "actor_id")) == {("user", cast.emil.pk)}
    assert not fresh.filter(after__has_key="password").exists()


# --- a new address is no way into somebody else's access ---------------------------------------------------------------
def reach_for(person: User, cast: Any, by: Any) -> list[Any]:
    """What lets somebody in, as steps somebody else might take."""
    return [
        lambda: services.change_email(person, "mine@lotse.test", by=by),
        lambda: services.set_memberships(person, [(cast.firm.north, Role.objects.get(key="rep"))], by=by),
        lambda: services.send_invitation(person, by=by),
        lambda: services.deactivate_user(person, by=by),
        lambda: services.activate_user(person, by=by),
    ]


def test_who_may_do_everything_is_changed_only_by_their_like(cast: Any) -> None:
    User.objects.filter(pk__in=[cast.greta.pk, cast.frieda.pk]).update(is_superuser=True)
    greta, frieda = User.objects.get(pk=cast.greta.pk), User.objects.get(pk=cast.frieda.pk)
    before = User.objects.filter(pk=greta.pk).values().get()
    for step in reach_for(greta, cast, cast.emil):
        with pytest.raises(RuleBroken, match="Greta Probe darf hier alles"):
            step()
    assert User.objects.filter(pk=greta.pk).values().get() == before
    assert greta.memberships.get().role.key == "management" and not OutgoingMail.objects.exists()
    for by in (frieda, None):  # one of their like, and the house itself
        for step in reach_for(greta, cast, by):
            step()


@pytest.mark.parametrize(("language", "words"), [("de", ("Geändert von: Emil Probe", "Guten Tag Anna Probe", "persönlich oder am Telefon")), ("en", ("Changed by: Emil Probe", "Hello Anna Probe", "in person or by telephone"))])
def test_the_former_address_is_told_who_changed_it(cast: Any, language: str, words: tuple[str, ...]) -> None:
    User.objects.filter(pk=cast.anna.pk).update(language=language)
    anna = User.objects.get(pk=cast.anna.pk)
    services.change_email(anna, "mine@lotse.test", by=cast.emil)
    services.deactivate_user(anna, by=cast.emil)  # does not keep the mail back
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.user_id, mail.kind, mail.language, mail.priority) == ("anna@lotse.test", None, "account", language, 0)
    assert all(word in mail.body for word in words) and "mine@" not in mail.body
    with translation.override(language):
        assert formats.day(timezone.now()) in mail.body
    assert OutgoingMail.objects.filter(kind_of("account").still(), pk=mail.pk).exists()


def test_nobody_is_told_what_they_did_themselves(cast: Any) -> None:
    services.change_email(cast.emil, "emil.neu@lotse.test", by=cast.emil)
    User.objects.filter(pk=cast.anna.pk).update(email="Anna@Lotse.test")
    services.change_email(cast.anna, "anna@lotse.test", by=cast.emil)  # the same address
    User.objects.filter(pk=cast.ben.pk).update(email="")
    services.change_email(cast.ben, "ben@lotse.test", by=cast.emil)  # there was none
    User.objects.filter(pk=cast.clara.pk).update(email="clara")
    services.change_email(cast.clara, "clara@lotse.test", by=cast.emil)  # nobody can write to it
    assert not OutgoingMail.objects.exists()
