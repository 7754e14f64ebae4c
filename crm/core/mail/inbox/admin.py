"""Set-up of incoming mail: the mailbox with a test, and what came in, with what waits for a person."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.core import formats
from crm.core.admin_site import LookOnly, SingleAdmin
from crm.core.mail.addresses import domain_of
from crm.core.mail.inbox.forms import MailboxSetupForm
from crm.core.mail.inbox.server import Refused, Unreachable, open_mailbox, place_of
from crm.core.mail.inbox.taking import take_by_hand, try_again
from crm.core.models import IncomingMail, MailboxSetup
from crm.core.tasks import ring

State = IncomingMail.State
SHOWN = (State.PARKED, State.ASIDE)
PLACE = ("host", "username", "folder")  # another of these is another mailbox


def coming_in() -> dict[str, Any]:
    """What the pages say about incoming mail as a whole: trouble, when it was looked at, what asks for a person."""
    counts = dict(IncomingMail.objects.filter(state__in=[State.WAITING, *SHOWN]).values_list("state").annotate(n=Count("pk")).order_by())
    return {"setup": MailboxSetup.current(), "waiting": counts.get(State.WAITING, 0), "shown": [(state, state.label, counts[state]) for state in SHOWN if counts.get(state)]}


@admin.register(MailboxSetup)
class MailboxSetupAdmin(SingleAdmin):
    """The one row about the mailbox, with a test."""

    about = _("The mailbox from which customers' mail becomes cases, with a test.")
    form = MailboxSetupForm
    change_form_template = "admin/core/mailboxsetup/change_form.html"
    list_display = ["__str__", "host", "address", "condition"]
    fieldsets = [
        (_("Mailbox"), {"fields": ["host", "port", "security", "username", "new_password", "folder"]}),
        (_("What for"), {"fields": ["address", "active"]}),
    ]

    @admin.display(description=_("state"))
    def condition(self, setup: MailboxSetup) -> str:
        return gettext("switched off") if not setup.active else gettext("server not reachable") if setup.trouble else gettext("is being read")

    def save_model(self, request: HttpRequest, obj: MailboxSetup, form: Any, change: bool) -> None:
        """Only what stands in the form. Another mailbox is read from today on; so is one that is switched on for the first time."""
        was = MailboxSetup.objects.get(pk=obj.pk)
        fields = [*MailboxSetupForm.Meta.fields, "trouble", "trouble_at"]
        password = form.password()
        if password is not None:
            obj.password = password
            fields.append("password")
        obj.trouble, obj.trouble_at = "", None
        if any(getattr(was, name) != getattr(obj, name) for name in PLACE):
            obj.uidvalidity, obj.cursor, obj.since = None, 0, timezone.localdate()
            fields += ["uidvalidity", "cursor", "since"]
            IncomingMail.objects.filter(marked=False).update(marked=True)  # it lies elsewhere now
        elif obj.active and was.since is None:
            obj.since = timezone.localdate()
            fields.append("since")
        obj.save(update_fields=fields)
        if obj.active:
            ring("crm.core.tasks.fetch_mails")

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        return super().changeform_view(request, object_id, form_url, {**coming_in(), **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        return [path("test/", self.admin_site.admin_view(self.test), name="core_mailboxsetup_test"), *super().get_urls()]

    def test(self, request: HttpRequest) -> HttpResponse:
        """Sign in and say in words what was found. Nothing is fetched, nothing is marked."""
        if not self._may(request, "change"):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        setup = MailboxSetup.current()
        if not setup.host:
            self.message_user(request, gettext("Name the mail server first."), messages.WARNING)
        else:
            try:
                with open_mailbox(place_of(setup), read_only=True) as box:
                    new = len(box.behind(setup.cursor if setup.uidvalidity == box.uidvalidity else 0, setup.since or timezone.localdate()))
                    count = box.count
                words = gettext("Signed in. The folder “%(folder)s” holds %(count)s mails, %(new)s of them would be fetched.")
                self.message_user(request, words % {"folder": setup.folder, "count": formats.number(count), "new": formats.number(new)}, messages.SUCCESS)
            except (Unreachable, Refused) as reason:
                self.message_user(request, gettext("That did not work. What was said: %(words)s") % {"words": str(reason)[:500]}, messages.ERROR)
        return redirect(reverse("admin:core_mailboxsetup_change", args=[1]))


@admin.register(IncomingMail)
class IncomingMailAdmin(LookOnly):
    """Mail that came in. Neither words nor whole addresses: who may set up the mailbox need not read what customers write. Read is it at the desk."""

    about = _("Mails that came in, and those that wait for a person.")
    change_list_template = "admin/core/incomingmail/change_list.html"
    list_display = ["whence", "state", "why", "bytes", "arrived_at"]
    list_filter = ["state"]
    ordering = ["-id"]
    fields = ["whence", "state", "why", "bytes", "arrived_at", "fetched_at", "tries"]
    readonly_fields = ["whence", "why", "bytes"]
    actions = ["again", "make_cases"]

    @admin.display(description=_("from"))
    def whence(self, mail: IncomingMail) -> str:
        return f"…@{domain_of(mail.sender)}" if mail.sender else formats.DASH

    @admin.display(description=_("why"))
    def why(self, mail: IncomingMail) -> str:
        return mail.reason or formats.DASH

    @admin.display(description=_("size"))
    def bytes(self, mail: IncomingMail) -> str:
        return filesizeformat(mail.size)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**coming_in(), **(extra_context or {})})

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "change")

    @admin.action(description=_("Try again"), permissions=["retry"])
    def again(self, request: HttpRequest, mails: QuerySet[IncomingMail]) -> None:
        count = try_again(mails, by=request.user)
        self.message_user(request, ngettext("%(count)s mail is tried again.", "%(count)s mails are tried again.", count) % {"count": count}, messages.SUCCESS)

    @admin.action(description=_("Make a case of it"), permissions=["retry"])
    def make_cases(self, request: HttpRequest, mails: QuerySet[IncomingMail]) -> None:
        count = sum(take_by_hand(mail, by=request.user) for mail in mails.filter(state__in=SHOWN)[:100])
        self.message_user(request, ngettext("%(count)s mail lies at the desk now.", "%(count)s mails lie at the desk now.", count) % {"count": count}, messages.SUCCESS)
