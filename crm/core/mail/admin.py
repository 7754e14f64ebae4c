"""Set-up of sending: the mail server with a test, limits, and every mail with its state."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.core import formats
from crm.core.admin_site import GatedAdmin, LookOnly, SingleAdmin
from crm.core.mail import plan_mail, records
from crm.core.mail.addresses import domain_of
from crm.core.mail.forms import MailLimitForm, MailSetupForm, MailTextForm
from crm.core.mail.kinds import kind_of, kinds
from crm.core.mail.lock import check_lock, lock_sending, unlock_sending
from crm.core.mail.sending import send_again
from crm.core.mail.server import sender_of, server_of
from crm.core.mail.texts import text_kind, text_kinds
from crm.core.models import MailLimit, MailSetup, MailText, OutgoingMail

State = OutgoingMail.State
SHOWN = (State.UNCLEAR, State.REFUSED, State.WITHDRAWN)


def sending_now() -> dict[str, Any]:
    """What the pages say about sending as a whole: locked, in trouble, how much waits, what asks for a person."""
    check_lock()
    setup = MailSetup.current()
    counts = dict(OutgoingMail.objects.filter(state__in=[*OutgoingMail.WAITING, *OutgoingMail.HELD, *SHOWN]).values_list("state").annotate(n=Count("pk")).order_by())
    waiting = sum(counts.get(state, 0) for state in (*OutgoingMail.WAITING, *OutgoingMail.HELD))
    return {"setup": setup, "waiting": waiting, "shown": [(state, state.label, counts[state]) for state in SHOWN if counts.get(state)]}


class KindFilter(admin.SimpleListFilter):
    """By what a mail is for, in words."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.key, kind.label) for kind in kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> QuerySet[OutgoingMail]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(OutgoingMail)
class OutgoingMailAdmin(LookOnly):
    """Mail that left the house, or did not. The text is not shown: it is the recipient's, and may hold a link to sign in. Of mail to customers
    only the domain: who may set up sending need not see whom the house writes to."""

    about = _("Mails that were handed over, and those that were not.")
    change_list_template = "admin/core/outgoingmail/change_list.html"
    list_display = ["whom", "about_what", "what_for", "state", "planned_at"]
    list_filter = ["state", KindFilter]
    search_fields = ["user__email", "domain"]
    ordering = ["-id"]
    fields = ["whom", "about_what", "what_for", "state", "attempts", "planned_at", "handed_at", "next_try", "code", "answer", "queue_id", "message_id"]
    readonly_fields = ["next_try", "what_for", "whom", "about_what"]
    actions = ["send_again"]

    @admin.display(description=_("to"))
    def whom(self, mail: OutgoingMail) -> str:
        return mail.to if mail.user_id else f"…@{mail.domain}"

    @admin.display(description=_("subject"))
    def about_what(self, mail: OutgoingMail) -> str:
        return mail.heading if mail.user_id else formats.DASH

    @admin.display(description=_("kind"))
    def what_for(self, mail: OutgoingMail) -> str:
        return str(kind_of(mail.kind).label)

    @admin.display(description=_("next try"))
    def next_try(self, mail: OutgoingMail) -> Any:
        return mail.due_at if mail.state in OutgoingMail.WAITING else None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**sending_now(), **(extra_context or {})})

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "change")

    @admin.action(description=_("Send again …"), permissions=["retry"])
    def send_again(self, request: HttpRequest, mails: QuerySet[OutgoingMail]) -> TemplateResponse | None:
        """Ask first, in words: what is unclear may have arrived."""
        chosen = mails.filter(state__in=SHOWN)
        if request.POST.get("confirmed"):
            count = send_again(chosen, by=request.user)
            self.message_user(request, ngettext("%(count)s mail is sent again.", "%(count)s mails are sent again.", count) % {"count": count}, messages.SUCCESS)
            return None
        counts = dict(chosen.values_list("state").annotate(n=Count("pk")).order_by())
        if not counts:
            self.message_user(request, gettext("None of these mails is unclear, refused or withdrawn."), messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Send again?"),
            "unclear": counts.get(State.UNCLEAR, 0),
            "others": sum(n for state, n in counts.items() if state != State.UNCLEAR),
            "chosen": request.POST.getlist("_selected_action"),
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/core/outgoingmail/send_again.html", context)


@admin.register(MailLimit)
class MailLimitAdmin(GatedAdmin):
    """How fast single domains are served."""

    about = _("How many mails an hour go to one recipient domain.")
    form = MailLimitForm
    list_display = ["domain", "per_hour"]
    fields = ["domain", "per_hour"]


@admin.register(MailText)
class MailTextAdmin(GatedAdmin):
    """What mails say. There is one row per mail (`texts.ensure_texts`)."""

    about = _("The words of the mails Lotse writes, with placeholders that fill themselves in.")
    form = MailTextForm
    list_display = ["what_for", "own"]
    fields = ["heading_de", "body_de", "heading_en", "body_en"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailText]:
        return super().get_queryset(request).filter(key__in=[kind.key for kind in text_kinds()])

    @admin.display(description=_("mail"))
    def what_for(self, text: MailText) -> str:
        return str(text_kind(text.key).label)

    @admin.display(description=_("words of our own"), boolean=True)
    def own(self, text: MailText) -> bool:
        return any((text.heading_de, text.body_de, text.heading_en, text.body_en))


@admin.register(MailSetup)
class MailSetupAdmin(SingleAdmin):
    """The one row about sending, with a test and a lock."""

    about = _("Mail server, sender, a test, and the lock after a restore.")
    form = MailSetupForm
    change_form_template = "admin/core/mailsetup/change_form.html"
    list_display = ["__str__", "server", "from_whom", "condition"]
    readonly_fields = ["server"]
    fieldsets = [
        (_("Mail server"), {"fields": ["host", "port", "security", "username", "new_password"]}),
        (_("Sender"), {"fields": ["sender", "reply_to", "dkim_selector"]}),
        (_("Limits"), {"fields": ["connections", "per_hour"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Where somebody may do everything here, only their like names the server: it reads the link with which they would choose a new password."""
        head, *rest = super().get_fieldsets(request, obj)
        people = get_user_model().objects.filter(is_active=True, is_superuser=True)
        if request.user.is_superuser or not people.exists():
            return [head, *rest]
        words = _("Only somebody who may do everything here names the mail server: whoever runs it could read the links with which people choose a new password.")
        return [(head[0], {"fields": ["server"], "description": words}), *rest]

    @admin.display(description=_("mail server"))
    def server(self, setup: MailSetup) -> str:
        return described(setup) or gettext("none: mails become files")

    @admin.display(description=_("sender"))
    def from_whom(self, setup: MailSetup) -> str:
        name, address = sender_of(setup)
        return f"{name} <{address}>" if name else address

    @admin.display(description=_("sending"))
    def condition(self, setup: MailSetup) -> str:
        return setup.get_lock_display() if setup.lock else gettext("server not reachable") if setup.trouble else gettext("open")

    def save_model(self, request: HttpRequest, obj: MailSetup, form: Any, change: bool) -> None:
        """Only what stands in the form: the lock and the turn belong to the house."""
        fields = [name for name in MailSetupForm.Meta.fields if name in form.fields]
        password = form.password()
        if password is not None:
            obj.password = password
            fields.append("password")
        obj.trouble, obj.trouble_at = "", None  # the new settings are tried at once
        obj.save(update_fields=[*fields, "trouble", "trouble_at"])

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        now = sending_now()
        return super().changeform_view(request, object_id, form_url, {**now, "described": described(now["setup"]), "folder": server_of(now["setup"]).folder, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        return [
            path("test/", self.admin_site.admin_view(self.test), name="core_mailsetup_test"),
            path("lock/", self.admin_site.admin_view(self.lock), name="core_mailsetup_lock"),
            path("unlock/", self.admin_site.admin_view(self.unlock), name="core_mailsetup_unlock"),
            *super().get_urls(),
        ]

    def test(self, request: HttpRequest) -> HttpResponse:
        """POST writes a mail to the reader and leads to what became of it; GET shows that, and what DNS says of the sender's domain."""
        if not self._may(request, "change"):
            raise PermissionDenied
        if request.method == "POST":
            test = plan_mail(
                request.user,
                kind="test",
                once=f"test:{uuid.uuid4()}",
                heading=gettext("Test of sending"),
                body=gettext("This mail was sent by Lotse to test the settings. If you can read it, sending works."),
            )
            return redirect(f"{reverse('admin:core_mailsetup_test')}?mail={test.pk}")
        now = sending_now()
        setup: MailSetup = now["setup"]
        number = request.GET.get("mail", "")
        mail = OutgoingMail.objects.filter(pk=int(number), kind="test", user=request.user).first() if number.isdecimal() and len(number) < 18 else None
        is_open = mail is not None and mail.state in (*OutgoingMail.WAITING, *OutgoingMail.HELD)
        is_slow = mail is not None and (timezone.now() - mail.planned_at).total_seconds() > 30
        domain = domain_of(sender_of(setup)[1])
        context = {
            **self.admin_site.each_context(request),
            **now,
            "opts": self.opts,
            "title": gettext("Test of sending"),
            "mail": mail,
            "is_open": is_open,
            "is_slow": is_slow,
            "described": described(setup),
            "folder": server_of(setup).folder,
            "domain": domain,
            "findings": [] if mail is None or (is_open and not is_slow) else records.look_up(domain, setup.dkim_selector),
        }
        return TemplateResponse(request, "admin/core/mailsetup/test.html", context)

    def lock(self, request: HttpRequest) -> HttpResponse:
        return self._switch(request, lock_sending, gettext("Nothing is sent any more until you let it go on."))

    def unlock(self, request: HttpRequest) -> HttpResponse:
        return self._switch(request, unlock_sending, gettext("Sending goes on."))

    def _switch(self, request: HttpRequest, act: Any, done: str) -> HttpResponse:
        if not self._may(request, "change"):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        act(by=request.user)
        self.message_user(request, done, messages.SUCCESS)
        return redirect("admin:core_outgoingmail_changelist" if request.POST.get("from") == "list" else reverse("admin:core_mailsetup_change", args=[1]))


def described(setup: MailSetup) -> str:
    """The server that is used at this moment, in words; "" without one."""
    server = server_of(setup)
    if not server.host:
        return ""
    words = f"{server.host}:{server.port} ({MailSetup.Security(server.security).label})"
    return gettext("%(server)s, from the environment") % {"server": words} if server.from_environment else words
