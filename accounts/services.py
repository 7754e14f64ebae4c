"""What can happen to users, teams, roles and rights. Every change goes through here, runs under `work(by=…)` and ends in `sync_grants` (D3, D19).

Rights apply with the next click: each request reads them afresh. Sessions end, beyond that, when a person's password, address or
memberships change and when they are switched off; a change of the matrix ends nobody's session.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import F, Max
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.grants import sync_grants
from accounts.models import Deputy, FieldRule, Membership, Role, RoleRight, Team, TeamUserPerm, User
from crm.core import formats
from crm.core.access import forget_scopes
from crm.core.errors import RuleBroken
from crm.core.keys import free_key, taken_keys
from crm.core.mail import Recipient, plan_mail
from crm.core.mail.texts import written
from crm.core.models import Installation
from crm.core.work import work


def create_user(*, by: Any, email: str, first_name: str, last_name: str, team: Team | None, memberships: Iterable[tuple[Team, Role]] = (), language: str = "") -> User:
    """A user with a confirmed address, without a password yet. Raises RuleBroken if somebody has the address."""
    email = email.strip().lower()
    with work(by=by):
        if User.objects.filter(email__iexact=email).exists():
            raise RuleBroken(_("Another user has this e-mail address."), field="email")
        taken = len(email) > 150 or User.objects.filter(username=email).exists()
        user = User(
            username=uuid.uuid4().hex if taken else email,
            email=email,
            first_name=first_name.strip(),
            last_name=last_name.strip(),
            team=team,
            language=language or settings.LANGUAGE_CODE,
        )
        user.set_unusable_password()
        user.save()
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        Membership.objects.bulk_create([Membership(user=user, team=where, role=role) for where, role in memberships])
        sync_grants([user])
        return user


def invite_user(*, by: Any, email: str, first_name: str, last_name: str, team: Team, role: Role, language: str = "") -> User:
    """Create a user in a team with a role, and send the link to choose a password."""
    with work(by=by):
        user = create_user(by=by, email=email, first_name=first_name, last_name=last_name, team=team, memberships=[(team, role)], language=language)
        send_invitation(user, by=by)
        return user


def send_invitation(user: User, *, by: Any) -> None:
    """Mail a link to choose a password, in the user's language. The link works once and for three days; the newest password ends it."""
    _within_reach(user, by)
    if not user.is_active or not user.email:
        raise RuleBroken(_("%(name)s is switched off or has no e-mail address.") % {"name": user})
    with work(by=by), translation.override(user.language):
        heading, body = written("invitation", name=str(user), url=password_link(user), company=Installation.current().name)
        plan_mail(user, kind="account", once=f"invitation:{uuid.uuid4()}", heading=heading, body=body)


def password_link(user: User) -> str:
    """The address where this user may choose a password once (allauth's reset key: void with a new password, address or sign-in)."""
    return password_address(user_pk_to_url_str(user), default_token_generator.make_token(user))


def password_address(uid: str, token: str) -> str:
    """Where a reset key is used, as a link for mails."""
    return settings.BASE_URL + reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})


def change_email(user: User, email: str, *, by: Any) -> None:
    """Give a user another address to sign in with. Ends the sessions, and tells the address that was if it was not the user's own doing."""
    email = email.strip().lower()
    _within_reach(user, by)
    with work(by=by):
        former: str = User.objects.values_list("email", flat=True).get(pk=user.pk)  # the form has written the new one into `user`
        if User.objects.exclude(pk=user.pk).filter(email__iexact=email).exists():
            raise RuleBroken(_("Another user has this e-mail address."), field="email")
        EmailAddress.objects.filter(user=user).delete()
        user.email = email
        user.save(update_fields=["email"])
        if email:
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        end_sessions(user, by=by)
        if former and former.lower() != email and (by is None or by.pk != user.pk):
            _tell_former(Recipient(former, user.language, str(user)), by=by)


def _tell_former(to: Recipient, *, by: Any) -> None:
    """A mail to the address that no longer counts: the one way to notice that somebody takes an access over.

    Not to the user but to the bare address: it leaves although the user has another one now, or is switched off. Its words are not among those the
    set-up changes, for it may tell of whoever changes them.
    """
    with translation.override(to.language), suppress(RuleBroken):  # an address nobody can write to is left without a word
        heading = _("The e-mail address of your access to Lotse was changed")
        body = _(
            "Hello %(name)s,\n\nyour access to Lotse has another e-mail address now.\n\nChanged by: %(by)s\nChanged at: %(at)s\n\n"
            "From now on the new address is used to sign in, and mails from Lotse go there.\n\n"
            "If this was not wanted, please tell whoever runs Lotse in your house at once, in person or by telephone: "
            "whoever reads the new address can choose a new password and work in your name.\n"
        ) % {"name": to.name, "by": by or _("Lotse itself"), "at": formats.moment(timezone.now())}
        plan_mail(to, kind="account", once=f"address:{uuid.uuid4()}", heading=heading, body=body)


def set_memberships(user: User, memberships: Iterable[tuple[Team, Role]], *, by: Any) -> None:
    """Exactly these roles in these teams. Ends the sessions if anything changed."""
    wanted = {(team.pk, role.pk) for team, role in memberships}
    _within_reach(user, by)
    with work(by=by):
        held = {(row.team_id, row.role_id): row.pk for row in Membership.objects.select_for_update().filter(user=user)}
        if wanted == set(held):
            return
        Membership.objects.filter(pk__in=[pk for key, pk in held.items() if key not in wanted]).delete()
        Membership.objects.bulk_create([Membership(user=user, team_id=team, role_id=role) for team, role in wanted - set(held)])
        sync_grants([user])
        end_sessions(user, by=by)
        _somebody_may_set_up()


def deactivate_user(user: User, *, by: Any) -> None:
    """Switch a person off: sessions end at once, rights and deputyships vanish; their records and history stay."""
    if by is not None and by.pk == user.pk:
        raise RuleBroken(_("You cannot switch yourself off."), field="is_active")
    _within_reach(user, by)
    with work(by=by):
        user.is_active = False
        user.save(update_fields=["is_active"])
        Deputy.objects.filter(deputy=user).delete()
        TeamUserPerm.objects.filter(user=user).delete()
        sync_grants([user])
        end_sessions(user, by=by)
        _somebody_may_set_up()


def activate_user(user: User, *, by: Any) -> None:
    """Switch a person on again, with the roles they had."""
    _within_reach(user, by)
    with work(by=by):
        user.is_active = True
        user.save(update_fields=["is_active"])
        sync_grants([user])


def end_sessions(user: User, *, by: Any) -> None:
    """Sign the person out everywhere: every session carries a hash that this makes worthless."""
    with work(by=by):
        User.objects.filter(pk=user.pk).update(sign_ins=F("sign_ins") + 1)
        user.refresh_from_db(fields=["sign_ins"])
        forget_scopes()


def add_deputy(absent: User, deputy: User, until: date, *, by: Any) -> Deputy:
    """`deputy` stands in for `absent` up to and including `until`; an arrangement of the two is prolonged or shortened."""
    if absent.pk == deputy.pk:
        raise RuleBroken(_("Nobody can be their own deputy."), field="deputy")
    if until < timezone.localdate():
        raise RuleBroken(_("This day is over."), field="until")
    if not deputy.is_active:
        raise RuleBroken(_("%(name)s is switched off and cannot stand in.") % {"name": deputy}, field="deputy")
    with work(by=by):
        arrangement, _fresh = Deputy.objects.update_or_create(absent=absent, deputy=deputy, defaults={"until": until})
        sync_grants([absent])
        return arrangement


def end_deputy(arrangement: Deputy, *, by: Any) -> None:
    """End it now; the rights it gave go with it."""
    with work(by=by):
        arrangement.delete()
        forget_scopes()


def create_role(*, by: Any, label_de: str, label_en: str, like: Role | None = None) -> Role:
    """A role with the rights and hidden fields of `like`, or with none."""
    with work(by=by):
        key = free_key(label_en or label_de, taken_keys(Role.objects))
        group, _fresh = Group.objects.get_or_create(name=f"role {key}")
        position = (Role.objects.aggregate(last=Max("position"))["last"] or 0) + 1
        role = Role.objects.create(key=key, label_de=label_de, label_en=label_en, position=position, group=group, start_page=like.start_page if like else "")
        if like is not None:
            RoleRight.objects.bulk_create([RoleRight(role=role, entity=c.entity, verb=c.verb, reach=c.reach) for c in like.rights.all()])
            FieldRule.objects.bulk_create([FieldRule(role=role, entity=r.entity, field=r.field) for r in like.field_rules.all()])
        return role


def set_rights(role: Role, rights: Mapping[tuple[str, str], str], hidden: Iterable[tuple[str, str]], *, by: Any) -> None:
    """The whole matrix of a role: (entity, verb) → reach, "" or missing for none; and the fields it hides as (entity, field)."""
    wanted = {cell: reach for cell, reach in rights.items() if reach}
    with work(by=by):
        held = {(cell.entity, cell.verb): cell for cell in RoleRight.objects.select_for_update().filter(role=role)}
        RoleRight.objects.filter(pk__in=[cell.pk for key, cell in held.items() if key not in wanted]).delete()
        for key, reach in wanted.items():
            if key not in held:
                RoleRight.objects.create(role=role, entity=key[0], verb=key[1], reach=reach)
            elif held[key].reach != reach:
                RoleRight.objects.filter(pk=held[key].pk).update(reach=reach)
        rules = {(rule.entity, rule.field): rule.pk for rule in FieldRule.objects.filter(role=role)}
        chosen = set(hidden)
        FieldRule.objects.filter(pk__in=[pk for key, pk in rules.items() if key not in chosen]).delete()
        FieldRule.objects.bulk_create([FieldRule(role=role, entity=entity, field=field) for entity, field in chosen - set(rules)])
        sync_grants()
        _somebody_may_set_up()


def out_of_reach(user: User, by: Any) -> bool:
    """Who may do everything is changed by their like, or by the house itself: a new address would be the way to become one of them."""
    return user.is_superuser and by is not None and not by.is_superuser


def _within_reach(user: User, by: Any) -> None:
    if out_of_reach(user, by):
        raise RuleBroken(_("%(name)s may do everything here: address, activity, roles and password are changed only by somebody who may do everything, too.") % {"name": user})


def _somebody_may_set_up() -> None:
    """Nobody saws off the branch the house sits on."""
    holders = TeamUserPerm.objects.filter(permission__codename="change_setup", source=TeamUserPerm.Source.MATRIX, user__is_active=True)
    if not holders.exists() and not User.objects.filter(is_active=True, is_superuser=True).exists():
        raise RuleBroken(_("Nobody could change the set-up any more. Give that right to somebody else first."))
