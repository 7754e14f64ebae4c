"""Set-up of people and rights: users, teams, roles with their matrix. The pages call `accounts.services`; they write nothing themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import services
from accounts.forms import InviteForm, NewRoleForm, RoleForm, TeamForm, UserForm
from accounts.grants import sync_grants
from accounts.models import Deputy, Membership, Role, Team, User
from crm.core.access import forget_scopes
from crm.core.admin_site import GatedAdmin, GatedInline
from crm.core.errors import RuleBroken


class MembershipInline(GatedInline):
    model = Membership
    fields = ["team", "role"]


class DeputyInline(GatedInline):
    model = Deputy
    fk_name = "absent"
    fields = ["deputy", "until"]
    verbose_name_plural = _("deputies (they get this person's rights until the day named)")


@admin.register(User)
class UserAdmin(GatedAdmin):
    """The people who work here. They are invited and switched off, never deleted: records name them."""

    about = _("Invite people, switch them off, give them teams, roles and deputies.")
    list_display = ["full_name", "email", "team", "roles", "is_active", "last_login"]
    list_filter = ["is_active", "team", "memberships__role"]
    list_select_related = ["team"]
    search_fields = ["first_name", "last_name", "email"]
    inlines = [MembershipInline, DeputyInline]
    actions = ["send_link"]

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = UserForm if obj else InviteForm
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user
        return form

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        if obj is None:
            return ["email", "first_name", "last_name", "language", "team", "role"]
        return ["email", "first_name", "last_name", "language", "team", "is_active"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return ["email", "is_active", "roles"] if obj and services.out_of_reach(obj, request.user) else []

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Of somebody who may do everything, what lets them in is shown here and changed by their like."""
        if obj and services.out_of_reach(obj, request.user):
            why = _("This person may do everything here: address, activity and roles are changed only by somebody who may do everything, too.")
            return [(None, {"fields": [*self.get_fields(request, obj), "roles"], "description": why})]
        return super().get_fieldsets(request, obj)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        if obj and services.out_of_reach(obj, request.user):
            return [DeputyInline]
        return self.inlines if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__role")

    @admin.display(description=_("name"), ordering="last_name")
    def full_name(self, user: User) -> str:
        return str(user)

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(sorted({str(row.role) for row in user.memberships.all()})) or "–"

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        facts = form.cleaned_data
        if not change:
            made = services.invite_user(by=request.user, **{name: facts[name] for name in ("email", "first_name", "last_name", "language", "team", "role")})
            obj.__dict__.update(made.__dict__)
            self.message_user(request, _("%(name)s gets a mail with a link to choose a password.") % {"name": made}, messages.SUCCESS)
            return
        before = User.objects.get(pk=obj.pk)
        obj.save(update_fields=["first_name", "last_name", "language", "team"])
        if before.email != obj.email:
            services.change_email(obj, obj.email, by=request.user)
        if before.is_active and not obj.is_active:
            services.deactivate_user(obj, by=request.user)
        elif obj.is_active and not before.is_active:
            services.activate_user(obj, by=request.user)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Rows of the tables go through the services, like everything else."""
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        rows = [row.cleaned_data for row in formset.forms if row.cleaned_data and not row.cleaned_data.get("DELETE")]
        if formset.model is Membership:
            services.set_memberships(form.instance, [(row["team"], row["role"]) for row in rows], by=request.user)
        else:
            kept = {(row["deputy"].pk, row["until"]) for row in rows}
            for arrangement in form.instance.deputies.all():
                if (arrangement.deputy_id, arrangement.until) not in kept:
                    services.end_deputy(arrangement, by=request.user)
            held = set(form.instance.deputies.values_list("deputy_id", "until"))
            for row in rows:
                if (row["deputy"].pk, row["until"]) not in held:
                    services.add_deputy(form.instance, row["deputy"], row["until"], by=request.user)
        if form.instance.pk == request.user.pk:  # the person at this desk stays signed in here
            form.instance.refresh_from_db()
            update_session_auth_hash(request, form.instance)

    def has_invite_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "change")

    @admin.action(description=_("Send a link to choose a password"), permissions=["invite"])
    def send_link(self, request: HttpRequest, users: QuerySet[User]) -> None:
        sent = 0
        for user in users:
            try:
                services.send_invitation(user, by=request.user)
                sent += 1
            except RuleBroken as broken:
                self.message_user(request, str(broken.message), messages.WARNING)
        self.message_user(request, ngettext("%(count)s mail is on its way.", "%(count)s mails are on their way.", sent) % {"count": sent}, messages.SUCCESS)


@admin.register(Team)
class TeamAdmin(GatedAdmin):
    """The tree of teams. What a role may do in a team it may do in the teams below."""

    about = _("The tree of teams: rights in a team reach the teams below it.")
    form = TeamForm
    list_display = ["path", "members"]
    search_fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        self._parents = {team.pk: team for team in Team.objects.unrestricted()}
        return super().get_queryset(request).annotate(people=Count("memberships__user", distinct=True))

    @admin.display(description=_("team"), ordering="name")
    def path(self, team: Team) -> str:
        return path_of(team, self._parents)

    @admin.display(description=_("people"))
    def members(self, team: Team) -> int:
        return team.people  # type: ignore[attr-defined,no-any-return]

    def has_delete_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        return super().has_delete_permission(request) and (obj is None or obj.parent_id is not None)

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """Nothing anybody holds is spread over the tree, so a team moves with its row alone; only the firm itself is named by grants ("all")."""
        super().save_model(request, obj, form, change)
        if obj.parent_id is None:
            sync_grants()
        else:
            forget_scopes()


def path_of(team: Team, teams: dict[int, Team]) -> str:
    """The team with all it belongs to: "Lotse › Vertrieb › Nord"."""
    names, step = [team.name], teams.get(team.parent_id or 0)
    while step is not None:
        names.insert(0, step.name)
        step = teams.get(step.parent_id or 0)
    return " › ".join(names)


@admin.register(Role)
class RoleAdmin(GatedAdmin):
    """What people do here, and the matrix of what they may."""

    about = _("What each role may see and do, field by field and right by right.")
    change_form_template = "admin/accounts/role/change_form.html"
    list_display = ["label_de", "label_en", "holders", "position", "active"]
    list_editable = ["position", "active"]
    ordering = ["position", "key"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        return super().get_queryset(request).annotate(people=Count("memberships__user", distinct=True))

    @admin.display(description=_("people"))
    def holders(self, role: Role) -> int:
        return role.people  # type: ignore[attr-defined,no-any-return]

    def get_form(self, request: HttpRequest, obj: Role | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = RoleForm if obj else NewRoleForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Role | None = None) -> list[str]:
        return ["label_de", "label_en", "active", "start_page"] if obj else ["label_de", "label_en", "like"]

    def response_add(self, request: HttpRequest, obj: Role, post_url_continue: str | None = None) -> HttpResponse:
        """A new role goes on to its matrix."""
        self.message_user(request, _("The role “%(role)s” exists. Now choose what it may do.") % {"role": obj}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_role_change", args=[obj.pk]))

    def save_model(self, request: HttpRequest, obj: Role, form: Any, change: bool) -> None:
        if not change:
            made = services.create_role(by=request.user, label_de=obj.label_de, label_en=obj.label_en, like=form.cleaned_data.get("like"))
            obj.__dict__.update(made.__dict__)
            return
        super().save_model(request, obj, form, change)
        if isinstance(form, RoleForm):  # the list's own small form has no matrix
            services.set_rights(obj, form.rights(), form.hidden(), by=request.user)
