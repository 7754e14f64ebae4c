"""A mail that came in, as its case shows it: its HTML in a frame that can do nothing, its attachments, its bytes, and its writer as a contact."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import content_disposition_header
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from contacts.addresses import KINDS, add_address
from contacts.forms import PersonForm
from contacts.labels import Label
from contacts.models import Party, Person
from contacts.parts import twin
from contacts.services import save_party
from crm.core.access import hidden_fields, may
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.mail.inbox.markup import page_of
from crm.core.mail.inbox.reading import TooComplex, file_of, read
from crm.core.models import IncomingMail
from crm.core.subjects import of_subject
from crm.core.views import action
from crm.core.work import work
from service.crud import Cases
from service.forms import WriterForm
from service.mailin import writers_of
from service.models import Case
from service.services import name_customer


@action(Cases, "view", methods=("GET",))
def mail(request: HttpRequest, row: Case, mail: int) -> HttpResponse:
    """The HTML as a page for a frame: made harmless, and in a sandbox of its own besides."""
    found = _mail(row, mail)
    nonce = secrets.token_urlsafe(16)
    response = HttpResponse(page_of(_read(found).html, found.heading, get_language() or "de", nonce))
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    return response


@action(Cases, "view", methods=("GET",))
def file(request: HttpRequest, row: Case, mail: int, number: int) -> HttpResponse:
    """An attachment, to be saved: nothing of it is ever shown in the browser."""
    try:
        found = file_of(bytes(_mail(row, mail).raw.data), number)
    except TooComplex:
        found = None
    if found is None:
        raise Http404
    note, data = found
    return _saved(data, note.name)


@action(Cases, "view", methods=("GET",))
def raw(request: HttpRequest, row: Case, mail: int) -> HttpResponse:
    """The mail as it came, byte for byte."""
    return _saved(bytes(_mail(row, mail).raw.data), f"{row.number}-{mail}.eml")


def _mail(case: Case, pk: int) -> IncomingMail:
    found = IncomingMail.objects.filter(of_subject(case), pk=pk).first()
    if found is None:
        raise Http404
    return found


def _read(found: IncomingMail) -> Any:
    try:
        return read(bytes(found.raw.data))
    except TooComplex:
        raise Http404 from None


def _saved(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


# --- who wrote it -----------------------------------------------------------------------------------------------------------------------


@action(Cases, "change", methods=("GET", "POST"))
def contact(request: HttpRequest, row: Case) -> HttpResponse:
    """Whoever wrote becomes the customer: a contact that is there already gets the address, otherwise one is made."""
    writers = writers_of(row) if "email" not in hidden_fields(request.user, Party) else []
    if row.party_id is not None or not writers:
        if request.method == "GET":
            return HttpResponseRedirect(reverse("case-detail", args=[row.pk]))
        raise RuleBroken(_("The customer of this case is known already, or nobody wrote in it."))
    address, name = writers[0]
    first, _space, last = name.rpartition(" ")
    form = WriterForm(request.POST if request.method == "POST" else None, user=request.user, initial={"first_name": first, "last_name": last or name})
    if form.is_valid():
        try:
            with work(by=request.user):
                party = _named(request, form, address)
                name_customer(row, party, by=request.user)
                say(request, _("%(name)s is the customer of this case now.") % {"name": party})
                return HttpResponseRedirect(reverse("case-detail", args=[row.pk]))
        except RuleBroken as broken:
            form.add_error(broken.field if broken.field in form.fields else None, broken.message)
    url = reverse("case-contact", args=[row.pk])
    words = {"title": _("Who wrote this?"), "text": f"{name} <{address}>" if name else address, "submit_label": _("This is the customer")}
    context = {"id": "step", "form": form, "crud": Cases, "post_url": url, "form_action": url, "cancel_url": reverse("case-detail", args=[row.pk]), **words}
    return render(request, "components/_dialog.html" if is_fragment(request) else "service/step.html", context, status=422 if form.is_bound else 200)


def _named(request: HttpRequest, form: WriterForm, address: str) -> Party:
    """The chosen contact with this address, or a new person."""
    party: Party | None = form.cleaned_data["party"]
    if party is not None:
        if twin(party.emails.all(), {"address": address}) is None and Party.objects.visible_to(request.user, "change").filter(pk=party.pk).exists():
            add_address(party, KINDS["email"], {"address": address, "label": Label.OFFICE}, by=request.user)
        return party
    if not may(request.user, "add", Party):
        raise RuleBroken(_("You may not create contacts. Choose one that is there already."), field="party")
    facts = {**{name: form.cleaned_data[name] for name in ("first_name", "last_name")}, "email": address, "state": Party.State.PROSPECT, "version": 0}
    person = PersonForm(facts, instance=Person(), user=request.user)
    if not person.is_valid():
        raise RuleBroken(" ".join(str(message) for messages in person.errors.values() for message in messages))
    return Party.objects.unrestricted().get(pk=save_party(person, by=request.user).pk)
