"""Users, the team tree, roles, the matrix and the guardian rows it becomes (D3)."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from crm.core.access import Entity, ReferenceAccess
from crm.core.records import Labelled, RecordQuerySet
from crm.core.wiring import table

VERB_LABELS = {
    "view": _("See"),
    "add": _("Create"),
    "change": _("Change"),
    "delete": _("Delete"),
    "export": _("Export"),
    "assign": _("Assign"),
    "merge": _("Merge"),
}


def entities() -> list[Entity]:
    """The rows of the matrix, from the roof."""
    found: list[Entity] = table("LOTSE_ENTITIES")
    return found


def entity_labels() -> list[tuple[str, str]]:
    """What they are called, by key."""
    return [(entity.key, entity.label) for entity in entities()]


class Team(models.Model):
    """A node of the team tree. There is one root: the firm itself."""

    name = models.CharField(_("name"), max_length=80)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("belongs to"))

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["parent", "name"], name="team_name_once", violation_error_message=_("A team of this name exists here already.")),
            models.UniqueConstraint(Q(parent__isnull=True), name="team_one_root", condition=Q(parent__isnull=True), violation_error_message=_("There is one root team; choose what this team belongs to.")),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="team_not_own_parent", violation_error_message=_("A team cannot belong to itself.")),
        ]

    named_by = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """The tree has no ring: a team cannot hang below itself."""
        seen, above = {self.pk}, self.parent
        while above is not None:
            if above.pk in seen:
                raise ValidationError({"parent": _("“%(above)s” is part of “%(team)s”; a team cannot belong to its own part.") % {"above": self.parent, "team": self}})
            seen.add(above.pk)
            above = above.parent


class Users(UserManager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    """Django's manager of users with the gate."""

    use_in_migrations = False


class User(AbstractUser):
    """A person who works here. Signs in with the e-mail address; an imported agent without one stays inactive."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("like the device")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    email = models.EmailField(_("e-mail"), blank=True)
    language = models.CharField(_("language"), max_length=2, choices=[("de", _("German")), ("en", _("English"))], default="de")
    theme = models.CharField(_("appearance"), max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="home_users", verbose_name=_("home team"), help_text=_("New records of this person belong to this team."))
    sign_ins = models.PositiveIntegerField(default=0, editable=False)  # rises to end every session of this person (`services.end_sessions`)

    objects = Users()
    access = ReferenceAccess()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["last_name", "first_name"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(models.functions.Lower("email"), name="user_email_once", condition=~Q(email=""), violation_error_message=_("Another user has this e-mail address."))]

    named_by = ("first_name", "last_name", "username")

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must carry to count: it ends with the password, and with `sign_ins`."""
        return salted_hmac("accounts.User.session", f"{self.password}{self.sign_ins}", secret=secret, algorithm="sha256").hexdigest()


class Role(Labelled):
    """What somebody does here. Its Django Group carries the shares made with the role; the matrix says what it may do."""

    group = models.OneToOneField(Group, models.PROTECT, editable=False, related_name="role")
    start_page = models.CharField(
        _("start page"), max_length=40, blank=True, default="", help_text=_("Where people with this role begin. Of several roles the first that names a page decides.")
    )

    objects = RecordQuerySet.as_manager()
    access = ReferenceAccess()

    class Meta(Labelled.Meta):
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        default_permissions = ()


class RoleRight(models.Model):
    """One cell of the matrix: how far a verb on an entity goes for a role. No row means none."""

    class Reach(models.TextChoices):
        OWN = "own", _("own")
        TEAM = "team", _("team")
        ALL = "all", _("all")

    role = models.ForeignKey(Role, models.CASCADE, related_name="rights", verbose_name=_("role"))
    entity = models.CharField(_("record"), max_length=40, choices=entity_labels)
    verb = models.CharField(_("what one may do"), max_length=10, choices=list(VERB_LABELS.items()))
    reach = models.CharField(_("how far"), max_length=4, choices=Reach.choices)

    class Meta:
        verbose_name = _("right")
        verbose_name_plural = _("rights")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["role", "entity", "verb"], name="right_once")]

    def __str__(self) -> str:
        return f"{self.role}, {self.get_entity_display()}: {self.get_verb_display()}"


class FieldRule(models.Model):
    """A field hidden from a role. A user sees it if any of their roles that may view the entity shows it."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="field_rules", verbose_name=_("role"))
    entity = models.CharField(_("record"), max_length=40, choices=entity_labels)
    field = models.CharField(_("hidden field"), max_length=60)

    class Meta:
        verbose_name = _("hidden field")
        verbose_name_plural = _("hidden fields")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["role", "entity", "field"], name="field_rule_once")]

    def __str__(self) -> str:
        return f"{self.role}, {self.get_entity_display()}: {self.field}"


class Membership(models.Model):
    """A user holds a role in a team."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("user"))
    team = models.ForeignKey(Team, models.PROTECT, related_name="memberships", verbose_name=_("team"))
    role = models.ForeignKey(Role, models.PROTECT, related_name="memberships", verbose_name=_("role"))

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "team", "role"], name="membership_once", violation_error_message=_("This person has this role in this team already."))]

    def __str__(self) -> str:
        return f"{self.user}, {self.role}, {self.team}"


class Deputy(models.Model):
    """Somebody stands in for somebody else until a day. The rights it gives are rows of `TeamUserPerm` (see `accounts.grants`)."""

    absent = models.ForeignKey(User, models.CASCADE, related_name="deputies", verbose_name=_("absent"))
    deputy = models.ForeignKey(User, models.CASCADE, related_name="stands_in", verbose_name=_("deputy"))
    until = models.DateField(_("until and including"))

    class Meta:
        verbose_name = _("deputy")
        verbose_name_plural = _("deputies")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["absent", "deputy"], name="deputy_once", violation_error_message=_("This person is a deputy already; change the day instead.")),
            models.CheckConstraint(condition=~Q(absent=F("deputy")), name="deputy_somebody_else", violation_error_message=_("Nobody can be their own deputy.")),
        ]

    def __str__(self) -> str:
        return f"{self.deputy} ({self.absent})"


class TeamUserPerm(UserObjectPermissionBase):
    """guardian's direct-FK row: this user holds this codename on this team and everything below it.

    `source` says who wrote it: the matrix (rewritten by `sync_grants`) or a deputy arrangement (named by `deputy`, survives a
    sync, ends at `until`). `own_only` narrows the verb to the user's own records.
    """

    class Source(models.TextChoices):
        MATRIX = "matrix", _("role")
        DEPUTY = "deputy", _("deputy")

    content_object = models.ForeignKey(Team, models.CASCADE, related_name="grants")
    source = models.CharField(max_length=6, choices=Source.choices, default=Source.MATRIX)
    until = models.DateTimeField(null=True, blank=True)
    own_only = models.BooleanField(default=False)
    deputy = models.ForeignKey(Deputy, models.CASCADE, null=True, blank=True, related_name="grants")

    class Meta(UserObjectPermissionBase.Meta):
        unique_together = ()
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "permission", "content_object", "source", "deputy"], name="grant_once", nulls_distinct=False),
            models.CheckConstraint(condition=~Q(source="matrix") | Q(deputy__isnull=True, until__isnull=True), name="grant_of_matrix_is_plain"),
        ]
