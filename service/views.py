"""The desk and the verbs of a case: each verb is a form that works without JavaScript; what asks for something is a dialog for htmx."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import User
from contacts.models import Interaction
from crm.core.access import hidden_fields, may
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.history import changes_of
from crm.core.keys import number_from
from crm.core.models import Approval, Undo
from crm.core.undo import offer_undo
from crm.core.views import action, gated
from crm.core.why import explain
from crm.core.work import work
from service import detail, macros, merging, remedies, services, texts
from service.conversation import addresses_for, log_entry
from service.crud import CaseDetail, Cases
from service.filters import OPEN, of_party
from service.forms import AssignForm, DecideForm, EntryForm, GrantForm, OtherCaseForm, SolveForm
from service.models import Case, Macro, TextModule
from service.queue import TABS

NEAR = 12  # cases suggested for merging and linking


@require_GET
@gated(lambda user: may(user, "view", Case))
def desk(request: HttpRequest) -> HttpResponse:
    """The queue, and the case that is due next."""
    return render(request, "service/desk.html", {"title": _("Cases"), "crud": Cases, **detail.desk(request, None)})


def _here(request: HttpRequest, row: Case) -> str:
    """The case on the desk, in the tab the reader came from."""
    view = request.GET.get("view", "")
    return reverse("case-detail", args=[row.pk]) + (f"?view={view}" if view in TABS else "")


def _done(request: HttpRequest, row: Case, undo: Undo | None = None, text: str = "") -> HttpResponse:
    """Back to the case, with what was done and the way back."""
    say(request, text or (undo.label if undo else ""), undo=undo)
    return HttpResponseRedirect(_here(request, row))


def _dialog(request: HttpRequest, row: Case, verb: str, form: Any, **words: Any) -> HttpResponse:
    """A small form: in a dialog for htmx, on a page of its own otherwise."""
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    post_url = reverse(f"case-{verb}", args=[row.pk]) + query
    context = {"id": "step", "form": form, "crud": Cases, "post_url": post_url, "form_action": post_url, "cancel_url": _here(request, row), **words}
    return render(request, "components/_dialog.html" if is_fragment(request) else "service/step.html", context, status=422 if form.is_bound else 200)


# --- steps that ask nothing -----------------------------------------------------------------------------------------------------------


@action(Cases, "change")
def take(request: HttpRequest, row: Case) -> HttpResponse:
    """Work on it oneself."""
    return _done(request, row, services.take_case(row, by=request.user, seen=number_from(request, "seen")))


@action(Cases, "change")
def acknowledge(request: HttpRequest, row: Case) -> HttpResponse:
    """The customer knows that we know."""
    return _done(request, row, services.acknowledge_case(row, by=request.user))


@action(Cases, "change")
def wait(request: HttpRequest, row: Case) -> HttpResponse:
    """Wait for the customer."""
    return _done(request, row, services.wait_case(row, by=request.user))


@action(Cases, "change")
def resume(request: HttpRequest, row: Case) -> HttpResponse:
    """Go on."""
    return _done(request, row, services.resume_case(row, by=request.user))


@action(Cases, "change")
def close(request: HttpRequest, row: Case) -> HttpResponse:
    """Nothing is left to do."""
    return _done(request, row, services.close_case(row, by=request.user))


@action(Cases, "change")
def reopen(request: HttpRequest, row: Case) -> HttpResponse:
    """Not solved after all."""
    return _done(request, row, services.reopen_case(row, by=request.user))


# --- writing --------------------------------------------------------------------------------------------------------------------------


@action(Cases, "view")
def log(request: HttpRequest, row: Case) -> HttpResponse:
    """Write an entry. With `module` nothing is written yet: the text module is put into what was typed, and the page comes again."""
    if not may(request.user, "add", Interaction):
        raise PermissionDenied(_("You do not have the right to write entries."))
    addresses = addresses_for(row, request.user)
    module = number_from(request, "module")
    if module:
        text = texts.filled(get_object_or_404(TextModule.objects.visible_to(request.user), pk=module), row, request.user)
        typed = request.POST.get("body", "").rstrip()
        initial = {"way": request.POST.get("way", "answer"), "body": f"{typed}\n\n{text}" if typed else text}
        form = EntryForm(initial=initial, addresses=addresses, auto_id="entry_%s")
        return _page(request, row, status=200, entry_form=form)
    form = EntryForm(request.POST, addresses=addresses, auto_id="entry_%s")
    if not form.is_valid():
        return _page(request, row, entry_form=form)
    with work(by=request.user):
        log_entry(row, by=request.user, **form.cleaned_data)
        text = _("The answer is on its way to %(to)s.") % {"to": form.cleaned_data["to"]} if _leaves(form) else _("Entry saved.")
        return _done(request, row, offer_undo(request.user, text) if form.cleaned_data["way"] == "note" else None, text)


@action(Cases, "change")
def macro(request: HttpRequest, row: Case) -> HttpResponse:
    """Several steps at once; what was typed goes along."""
    chosen = Macro.objects.visible_to(request.user).filter(pk=number_from(request, "macro") or 0, active=True).first()
    if chosen is None:
        raise RuleBroken(_("This macro does not exist any more."))
    addresses = addresses_for(row, request.user)
    typed: dict[str, str] = {"to": next((address for address in addresses if address == request.POST.get("to")), "")}
    if request.POST.get("body", "").strip():
        form = EntryForm(request.POST, addresses=addresses, auto_id="entry_%s")
        if not form.is_valid():
            return _page(request, row, entry_form=form)
        typed |= {"typed": form.cleaned_data["body"], "way": form.cleaned_data["way"]}
    macros.run_macro(row, chosen, by=request.user, seen=number_from(request, "seen"), **typed)
    return _done(request, row, text=_("Done: %(what)s") % {"what": chosen.label})


def _leaves(form: EntryForm) -> bool:
    """Does this entry leave the house as a mail?"""
    return bool(form.cleaned_data["to"]) and form.cleaned_data["way"] == "answer"


def _page(request: HttpRequest, row: Case, *, status: int = 422, **forms: Any) -> HttpResponse:
    """The desk again, with what was typed."""
    whole = CaseDetail(crud=Cases, request=request, kwargs={"pk": row.pk})
    whole.object = whole.get_queryset().get(pk=row.pk)
    return render(request, "service/desk.html", {**whole.get_context_data(), **detail.desk(request, whole.object, **forms)}, status=status)


# --- steps that ask -------------------------------------------------------------------------------------------------------------------


@action(Cases, "change", methods=("GET", "POST"))
def solve(request: HttpRequest, row: Case) -> HttpResponse:
    """Solved: of a complaint the cause and what was granted are asked; with `close` it is closed at once."""
    asked = request.POST if request.method == "POST" else None
    form = SolveForm(asked, case=row, user=request.user, hidden=hidden_fields(request.user, Case))
    if not row.is_complaint and asked is None and not is_fragment(request):
        form.fields.clear()
    if form.is_valid():
        try:
            undo = services.solve_case(row, by=request.user, close="close" in request.POST, **form.cleaned_data)
        except RuleBroken as broken:
            if broken.field not in form.fields and not is_fragment(request):
                raise
            lacking = services.lacking(row, **form.cleaned_data)  # all of it at once
            for field, said in (lacking if broken.field in lacking else {broken.field: broken.message}).items():
                form.add_error(field if field in form.fields else None, said)
        else:
            return _done(request, row, undo)
    words = {"title": _("Solve %(name)s?") % {"name": row.number}, "text": row.heading, "submit_label": _("Solved"), "also_name": "close", "also_label": _("Solved and closed")}
    return _dialog(request, row, "solve", form, **words)


@action(Cases, "assign", methods=("GET", "POST"))
def assign(request: HttpRequest, row: Case) -> HttpResponse:
    """Hand it to a person or into a queue."""
    form = AssignForm(request.POST if request.method == "POST" else None, case=row, user=request.user)
    if form.is_valid():
        try:
            return _done(request, row, services.assign_case(row, by=request.user, **form.cleaned_data))
        except RuleBroken as broken:
            form.add_error(broken.field if broken.field in form.fields else None, broken.message)
    return _dialog(request, row, "assign", form, title=_("Assign %(name)s") % {"name": row.number}, text=row.heading, submit_label=_("Assign"))


@action(Cases, "change")
def grant(request: HttpRequest, row: Case) -> HttpResponse:
    """Cause, remedy and cost; goodwill above the limit is asked for."""
    form = GrantForm(request.POST, case=row, user=request.user, hidden=hidden_fields(request.user, Case))
    if form.is_valid():
        try:
            done = remedies.grant_remedy(row, by=request.user, **form.facts())
        except RuleBroken as broken:
            form.add_error(broken.field if broken.field in form.fields else None, broken.message)
        else:
            if isinstance(done, Approval):
                return _done(request, row, text=_("This is above the limit: somebody who assigns cases is asked to approve it."))
            return _done(request, row, done)
    return _page(request, row, grant_form=form)


@action(Cases, "assign")
def decide(request: HttpRequest, row: Case) -> HttpResponse:
    """Yes or no to goodwill above the limit."""
    form = DecideForm(request.POST)
    if not form.is_valid():
        raise RuleBroken(_("Please approve or refuse, with a note of at most 300 characters."))
    decided = remedies.decide_goodwill(row, by=request.user, **form.cleaned_data)
    return _done(request, row, text=_("Approved.") if decided.granted else _("Refused."))


@action(Cases, "change", methods=("GET", "POST"))
def merge(request: HttpRequest, row: Case) -> HttpResponse:
    """The same thing reported twice: this one goes into the other."""
    rows = Case.objects.visible_to(request.user, "change").exclude(pk=row.pk)
    form = OtherCaseForm(request.POST if request.method == "POST" else None, rows=rows, near=_near(row, rows.filter(OPEN)))
    if form.is_valid():
        try:
            undo = merging.merge_case(row, form.cleaned_data["other"], by=request.user)
        except RuleBroken as broken:
            form.add_error("other" if broken.field == "into" else None, broken.message)
        else:
            return _done(request, form.cleaned_data["other"], undo)
    text = _("%(name)s is closed; what was said about it is read in the other case from now on.") % {"name": row.number}
    return _dialog(request, row, "merge", form, title=_("Merge into another case"), text=text, submit_label=_("Merge"))


@action(Cases, "change", methods=("GET", "POST"))
def link(request: HttpRequest, row: Case) -> HttpResponse:
    """Two cases that have to do with each other."""
    rows = Case.objects.visible_to(request.user).exclude(pk=row.pk)
    form = OtherCaseForm(request.POST if request.method == "POST" else None, rows=rows, near=_near(row, rows))
    if form.is_valid():
        try:
            with work(by=request.user):
                merging.link_cases(row, form.cleaned_data["other"], by=request.user)
                text = _("Linked with %(name)s.") % {"name": form.cleaned_data["other"].number}
                return _done(request, row, offer_undo(request.user, text), text)
        except RuleBroken as broken:
            form.add_error("other", broken.message)
    return _dialog(request, row, "link", form, title=_("Link with another case"), text=_("Both go on by themselves and name each other."), submit_label=_("Link"))


@action(Cases, "change")
def unlink(request: HttpRequest, row: Case) -> HttpResponse:
    """End the link with the case named in `other`."""
    other = Case.objects.visible_to(request.user).filter(pk=number_from(request, "other") or 0).first()
    if other is None:
        raise RuleBroken(_("This link does not exist any more."))
    with work(by=request.user):
        merging.unlink_cases(row, other, by=request.user)
        text = _("The link with %(name)s is gone.") % {"name": other.number}
        return _done(request, row, offer_undo(request.user, text), text)


def _near(row: Case, rows: Any) -> list[Case]:
    """Which case may be meant: those of the same customer, otherwise the newest."""
    if row.party is not None:
        rows = rows.filter(of_party(row.organisation or row.party))
    return list(rows.order_by("-opened_at")[:NEAR])


# --- who did what, and why one sees it ------------------------------------------------------------------------------------------------


@action(Cases, "view", methods=("GET",))
def changes(request: HttpRequest, row: Case) -> HttpResponse:
    """Who changed what, field by field."""
    return render(request, "crud/changes.html", {"title": _("Change history"), "object": row, "crud": Cases, "entries": changes_of(row, request.user)})


@action(Cases, "view", methods=("GET",))
def why(request: HttpRequest, row: Case) -> HttpResponse:
    """Why the reader can see it; who may change it may ask about a colleague, too."""
    people = list(User.objects.visible_to(request.user).filter(is_active=True)) if Case.objects.visible_to(request.user, "change").filter(pk=row.pk).exists() else []
    asked = number_from(request, "who")
    who = next((person for person in people if person.pk == asked), request.user)
    context = {"title": _("Who may see this, and why"), "object": row, "crud": Cases, "who": who, "people": people, "verdicts": explain(row, who)}
    return render(request, "crud/why.html", context)
