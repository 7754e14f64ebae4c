"""Consents of a contact as pages: what stands, writing down what was said, the evidence sheet."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import evidence
from contacts.addresses import KINDS
from contacts.consent_forms import RecordForm
from contacts.consent_panel import places, steps
from contacts.consent_steps import object_to, record_consent, withdraw_consent
from contacts.crud import Parties, crud_of
from contacts.models import ConsentEvent, Party
from crm.core import paper, pdf
from crm.core.errors import RuleBroken
from crm.core.feedback import say
from crm.core.models import Installation
from crm.core.views import action

Kind = ConsentEvent.Kind


@action(Parties, "view", methods=("GET",))
def party_consents(request: HttpRequest, party: Party) -> HttpResponse:
    """What stands for each address, and every step with its exact words."""
    page = {
        "title": _("Consents"),
        "party": party,
        "crud": crud_of(party),
        "places": places(party, request.user),
        "steps": steps(party, request.user),
        "may_change": Party.objects.visible_to(request.user, "change").filter(pk=party.pk).exists(),
        "pdf_url": reverse("party-consents-pdf", args=[party.pk]) if pdf.available() and Party.objects.visible_to(request.user, "export").filter(pk=party.pk).exists() else "",
    }
    return render(request, "contacts/consents.html", page)


@action(Parties, "change", methods=("GET", "POST"))
def party_consent_record(request: HttpRequest, party: Party, kind: str, row: int) -> HttpResponse:
    """Write down what somebody said about one address: a consent in its words, a withdrawal, an objection."""
    one = KINDS.get(kind)
    url = reverse("party-consent-record", args=[party.pk, kind, row])
    place = next((place for place in places(party, request.user) if place.url == url), None)
    if one is None or place is None:
        raise BadRequest(_("There is no such field."))
    form = RecordForm(place.reach, party.language or Installation.current().language, request.POST if request.method == "POST" else None, auto_id="consent-%s")
    back = reverse("party-consents", args=[party.pk])
    page = {"title": _("Write down what was said"), "party": party, "crud": crud_of(party), "place": place, "form": form, "cancel_url": back}
    if request.method == "GET" or not form.is_valid():
        return render(request, "contacts/consent_record.html", page, status=200 if request.method == "GET" else 422)
    try:
        _write_down(form, place.reach, party, request.user)
    except RuleBroken as broken:
        form.add_error(broken.field if broken.field in form.fields else None, broken.message)
        return render(request, "contacts/consent_record.html", page, status=422)
    say(request, _("Written down. It holds at once."))
    return HttpResponseRedirect(back)


def _write_down(form: RecordForm, to: Any, party: Party, by: Any) -> None:
    typed: dict[str, Any] = form.cleaned_data
    facts: dict[str, Any] = {"how": typed["how"], "at": typed["at"], "note": typed["note"], "party": party, "by": by}
    purposes = form.chosen()
    if typed["kind"] == Kind.GIVEN:
        record_consent(to, [form.words[purpose.key] for purpose in purposes or []], **facts)
    elif typed["kind"] == Kind.WITHDRAWN:
        withdraw_consent(to, purposes, **facts)
    else:
        object_to(to, purposes, **facts)


@action(Parties, "export", methods=("GET",))
def party_consents_pdf(request: HttpRequest, party: Party) -> HttpResponse:
    """The evidence sheet: a file leaves the house, so it asks for the right to export."""
    name = f"{_('consents')}-{party.number}-{timezone.localdate():%Y-%m-%d}.pdf"
    return paper.download(request, lambda: evidence.as_html(party, request.user), name.lower())
